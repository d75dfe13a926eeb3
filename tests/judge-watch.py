"""A script posts messages while the compliance service watches, is killed and started again. In the end the folder is
complete, and what is imported from it into an empty store are the same messages.

    python3 tests/judge-watch.py PCHAT WORK [ROUNDS]
"""

import json, pathlib, random, signal, subprocess, sys, threading, time

pchat, work = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
work.mkdir(parents=True)
random.seed(7)
POOL, ROOM, USER = "pool01.example.com", "Watched", "sip:ann@example.com"


def run(*words, code=(0,), store="s.db"):
    done = subprocess.run([pchat, *words, "--store", store], cwd=work, capture_output=True, text=True)
    assert done.returncode in code, (words, done.returncode, done.stdout + done.stderr)
    return done.stdout


run("store", "new")
run("category", "new", "--name", "All", "--pool", POOL)
run("category", "set", "All", "--allowed-members", USER)
run("room", "new", "--name", ROOM, "--category", "All")
run("room", "set", ROOM, "--members", USER)
run("policy", "set", "global", "--enable", "true")
run("compliance", "set", "--adapter-output-directory", "out", "--run-interval", "00:01:00")
posted, stop = [], threading.Event()


def script():
    while not stop.is_set():
        text = f"message {len(posted)} <&\"'> \u738b"
        # A store that is being written to is busy for a moment.
        run("message", "post", ROOM, "--user", USER, "--text", text)
        posted.append(text)
        if len(posted) % 5 == 0:
            run("message", "join", ROOM, "--user", USER)


def failures():
    try:
        script()
    except BaseException as error:
        failed.append(error)


failed = []
poster = threading.Thread(target=failures)
poster.start()


def watch():
    return subprocess.Popen([pchat, "compliance", "run", "--watch", "--quiet", "--store", "s.db"], cwd=work,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


for _ in range(rounds):
    service = watch()
    time.sleep(0.3 + random.random())
    service.kill()
    service.wait()
service = watch()
time.sleep(1.5)
service.send_signal(signal.SIGTERM)
assert service.wait(20) == 0, service.stderr.read()
stop.set()
poster.join()
assert not failed, failed
# What came after the last run is delivered by one more start.
run("compliance", "run", code=(0, 4))
said = run("compliance", "verify", "out")
run("compliance", "status")
run("import", "out", "--pool", POOL, store="two.db")


def messages(store):
    run("export", "--format", "jsonl", "--out", f"{store}.jsonl", store=store)
    keep = ["room", "kind", "id", "time", "user", "text"]
    events = [json.loads(line) for line in (work / f"{store}.jsonl").read_text().splitlines()]
    return [tuple(event.get(key) or None for key in keep) for event in events]


one, two = messages("s.db"), messages("two.db")
assert one == two and sum(1 for event in one if event[2]) == len(posted), (len(one), len(two), len(posted))
runs = len(list((work / "out").glob("0*")))
print(f"ok {len(posted)} messages posted while the service watched, killed {rounds} times: complete in {runs} runs, "
      "and imported again the same")
