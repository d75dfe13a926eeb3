"""Kills the compliance service at random moments while history comes in, and counts what it delivered.

    python3 tests/judge-kills.py PCHAT WORK SECONDS

Every message must be in the files exactly once, and the folder complete.
"""

import collections, glob, json, pathlib, random, re, subprocess, sys, time

pchat, work, seconds = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]), float(sys.argv[3])
work.mkdir(parents=True)
random.seed(3)
posted = 0


def run(*words):
    return subprocess.run([pchat, *words, "--store", "s.db"], cwd=work, capture_output=True, text=True)


def feed(count):
    global posted
    with open(work / "new.jsonl", "w") as out:
        for _ in range(count):
            posted += 1
            day, hour, minute = random.randint(1, 28), random.randint(0, 23), random.randint(0, 59)
            event = {
                "room": f"ma-chan://example.com/{posted % 3}", "pool": "pool", "id": posted,
                "time": f"2020-01-{day:02}T{hour:02}:{minute:02}:00Z", "user": "sip:a@example.com",
                "text": f"t{posted}",
            }
            out.write(json.dumps(event) + "\n")
    done = run("import", "new.jsonl")
    assert done.returncode == 0, done.stderr


feed(50)
run("compliance", "set", "--adapter-output-directory", "out")
kills, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    if random.random() < 0.4:
        feed(random.randint(1, 40))
    service = subprocess.Popen([pchat, "compliance", "run", "--quiet", "--store", "s.db"], cwd=work,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.random() * 0.25)
    service.kill()
    service.wait()
    kills += 1
# The first finishes what was interrupted, the second delivers what came since.
for _ in range(2):
    assert run("compliance", "run").returncode in (0, 4)
verified = run("compliance", "verify", "out")
assert verified.returncode == 0, verified.stdout + verified.stderr
found = collections.Counter()
for name in glob.glob(str(work / "out" / "*" / "compliance-*.xml")):
    found.update(re.findall(r'<Message type="CHAT" content="t(\d+)"', open(name).read()))
assert len(found) == posted and set(found.values()) == {1}, (len(found), posted)
print(f"ok {kills} kills, {posted} messages, each delivered once")
