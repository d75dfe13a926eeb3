"""Kills the compliance service at random moments while history comes in, and counts what it delivered: with every
adapter each event must be in the files exactly once, and the folder complete.

    python3 tests/judge-kills.py PCHAT WORK KILLS [SEED]

KILLS are divided among the adapters. 25 take some ten seconds; 200 are the long way.
"""

import collections, csv, email, email.policy, json, pathlib, random, re, subprocess, sys, time

pchat, work, kills = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]), int(sys.argv[3])
random.seed(int(sys.argv[4]) if len(sys.argv) > 4 else 3)
work.mkdir(parents=True)
ROOT = pathlib.Path(__file__).resolve().parent.parent
SHEET = (ROOT / "docs/formats/compliance-filedump.xsl").read_text()
# What the ledger knows and a kill must not leave behind.
REST = re.compile(r"^\d{8}$|^pchat-delivery\.json$|^\.pchat-delivery\.lock$")


def texts(path, adapter):
    """The texts of all messages in a file, by a reader that knows nothing of pchat."""
    name = path.name
    if adapter == "XSLT" and name.endswith(".transformed"):
        return re.findall(r"\bt(\d+)x", path.read_text())
    if adapter == "XML" and name.startswith("compliance-"):
        return re.findall(r'<Message type="CHAT" content="t(\d+)x"', path.read_text())
    if adapter == "Actiance" and name.endswith(".xml"):
        return re.findall(r"<Content>t(\d+)x</Content>", path.read_text())
    if adapter == "CSV" and name == "history.csv":
        return [cell[1:-1] for row in csv.reader(open(path, newline="")) for cell in row if re.fullmatch(r"t\d+x", cell)]
    if adapter == "EML" and name.endswith(".eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        return re.findall(r"\bt(\d+)x", mail.get_body(("plain",)).get_content())
    return []


class Service:
    def __init__(self, adapter):
        self.adapter, self.work, self.posted, self.kills = adapter, work / adapter, 0, 0
        self.work.mkdir()
        self.feed(50)
        self.run("compliance", "set", "--adapter-output-directory", "out", "--adapter-type",
                 "XML" if adapter == "XSLT" else adapter, *(["--custom-configuration", SHEET] if adapter == "XSLT" else []))

    def run(self, *words):
        return subprocess.run([pchat, *words, "--store", "s.db"], cwd=self.work, capture_output=True, text=True)

    def feed(self, count):
        with open(self.work / "new.jsonl", "w") as out:
            for _ in range(count):
                self.posted += 1
                day, hour, minute = random.randint(1, 28), random.randint(0, 23), random.randint(0, 59)
                event = {
                    "room": f"ma-chan://example.com/{self.posted % 3}", "pool": "pool", "id": self.posted,
                    "time": f"2020-01-{day:02}T{hour:02}:{minute:02}:00Z", "user": "sip:a@example.com",
                    "text": f"t{self.posted}x",
                }
                out.write(json.dumps(event) + "\n")
        done = self.run("import", "new.jsonl")
        assert done.returncode == 0, done.stderr

    def kill(self, longest):
        if random.random() < 0.5:
            self.feed(random.randint(1, 40))
        service = subprocess.Popen([pchat, "compliance", "run", "--quiet", "--store", "s.db"], cwd=self.work,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.random() * longest)
        service.kill()
        service.wait()
        self.kills += 1

    def judge(self):
        # One finishes what was interrupted and delivers what came since.
        done = self.run("compliance", "run")
        assert done.returncode in (0, 3, 4), done.stderr
        verified = self.run("compliance", "verify", "out")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        strange = [path.name for path in (self.work / "out").iterdir() if not REST.match(path.name)]
        assert not strange, strange
        found = collections.Counter()
        for path in (self.work / "out").rglob("*"):
            if path.is_file():
                found.update(texts(path, self.adapter))
        wrong = {text: times for text, times in found.items() if times != 1}
        assert len(found) == self.posted and not wrong, (self.adapter, len(found), self.posted, wrong)


adapters = ["XML", "XSLT", "Actiance", "EML", "CSV"]
services = [Service(adapter) for adapter in adapters]
# As long as a run takes here.
begun = time.monotonic()
services[0].run("compliance", "run")
longest = max(0.1, 1.5 * (time.monotonic() - begun))
for number in range(kills):
    services[number % len(services)].kill(longest)
for service in services:
    service.judge()
posted = sum(service.posted for service in services)
print(f"ok {kills} kills, {len(services)} adapters, {posted} messages, each delivered once")
