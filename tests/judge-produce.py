#!/usr/bin/env python3
"""Judges productions with nothing of pchat but what it wrote.

  judge-produce.py PCHAT WORK

Makes a history with words that must not leave, produces it with everything withheld and redacted that can be, and
looks at every byte: Bates numbers go on without a hole, ranges are the same in the index, DAT, EDRM, RSMF, EML, CSV and
HTML, the numbers of events close, and no planted word is there, also inside of zips, mails and base64.
"""
import base64, csv, email, email.policy, glob, html, io, json, os, re, shutil, subprocess, sys, zipfile
import xml.etree.ElementTree as xml

pchat, work = os.path.abspath(sys.argv[1]), sys.argv[2]
os.makedirs(work, exist_ok=True)
os.chdir(work)
SECRET = ["zanzibar", "qwertzuiop", "privilegedword", "falconcode", "tagsecret", "oldversion", "attachsecret", "richsecret",
          "keysecret", "filesecret", "casesecretname", "holdsecretname", "tagsecretname", "searchsecretname", "9988776655"]


def run(*args, ok=(0,)):
    done = subprocess.run([pchat, *args, "--store", "judge.db"], capture_output=True, text=True)
    if done.returncode not in ok:
        sys.exit(f"{args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def fail(what):
    sys.exit(f"judge-produce: {what}")


def history():
    b64 = lambda text: base64.b64encode(text.encode()).decode()
    rooms = ["ma-chan://x.example/alpha", "ma-chan://x.example/beta"]
    lines, number = [], {room: 0 for room in rooms}

    def say(room, day, hour, text, **more):
        number[rooms[room]] += 1
        lines.append({"room": rooms[room], "room_title": ["Alpha & Co", "Beta <b>"][room], "category": "Desk",
                      "user": f"user{hour % 3}@x.example", "user_name": ["Ann", "Bö", "Chloé"][hour % 3],
                      "time": f"2020-03-{day:02}T{hour:02}:10:00Z", "text": text, "id": number[rooms[room]], **more})

    for day in range(1, 6):
        for hour in range(8, 14):
            say(day % 2, day, hour, f"deal number {day}{hour} common words of the desk")
    say(0, 2, 15, "deal about zanzibar and Zanzibar, common; account 9988776655 common")
    say(0, 2, 16, "deal common", rtf=r"{\rtf1\ansi deal richsecret common zanzibar}")
    say(0, 2, 17, "deal common", deskkey="keysecret zanzibar")
    say(0, 3, 9, "deal privilegedword common", attachments=[{"name": "privilegedword.txt", "data": b64("attachsecret")}])
    say(1, 3, 10, "deal common file", attachments=[{"name": "zanzibar-list.txt", "data": b64("filesecret zanzibar")},
                                                    {"name": "plain.txt", "data": b64("plain content common")}])
    say(1, 4, 11, "deal common kept", attachments=[{"name": "kept.pdf", "data": b64("%PDF kept common")}])
    say(1, 4, 12, "deal tagsecret common")
    replaced = number[rooms[1]]
    say(1, 4, 13, "deal privileged oldversion common falconcode")
    old = number[rooms[1]]
    for id, text in [(replaced, "deal tagsecret again common"), (old, "deal oldversion again common falconcode")]:
        lines.append({"room": rooms[1], "user": "admin@x.example", "time": "2020-03-04T18:00:00Z", "kind": "replace",
                      "text": text, "id": id})
    for hour, kind in [(7, "join"), (19, "part")]:
        lines.append({"room": rooms[0], "user": "user0@x.example", "time": f"2020-03-02T{hour:02}:00:00Z", "kind": kind,
                      "text": ""})
    # A day on which nobody said anything.
    lines.append({"room": rooms[0], "user": "user1@x.example", "time": "2020-03-20T08:00:00Z", "kind": "join", "text": ""})
    with open("judge.jsonl", "w") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def opened(folder):
    """Every file as (name, bytes), unpacked and decoded as far as it goes."""

    def inside(name, data, depth=0):
        yield name, data
        if depth > 4:
            return
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as zip:
                for one in zip.namelist():
                    yield from inside(f"{name}!{one}", zip.read(one), depth + 1)
        if name.endswith((".eml", ".rsmf")):
            mail = email.message_from_bytes(data, policy=email.policy.default)
            yield name + "!headers", "\n".join(f"{key}: {value}" for key, value in mail.items()).encode()
            for at, part in enumerate(mail.walk()):
                if not part.is_multipart():
                    yield from inside(f"{name}!{at}", part.get_payload(decode=True) or b"", depth + 1)
        for found in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", data):
            try:
                yield f"{name}!base64", base64.b64decode(found[: len(found) // 4 * 4])
            except ValueError:
                pass

    for name in sorted(glob.glob(f"{folder}/**", recursive=True)):
        if os.path.isfile(name):
            with open(name, "rb") as file:
                yield from inside(os.path.relpath(name, folder), file.read())


def clean(folder, secrets):
    forms = [(word, [word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")]) for word in secrets]
    for name, data in opened(folder):
        low = data.lower()
        for word, all in forms:
            if any(form in low for form in all) or word in name.lower():
                fail(f"{folder}: {name} shows {word}")
        if name.lower().endswith((".html", ".js", ".json", ".xml")):
            text = html.unescape(data.decode("utf-8", "replace")).lower()
            for word in secrets:
                if word in text:
                    fail(f"{folder}: {name} shows {word}")


def judge(folder, withheld=None):
    read = lambda name: open(f"{folder}/data/{name}", "rb").read()
    facts = json.loads(read("production.json"))
    sums = facts["sums"]
    left = sums["found"] - sums["before"] - sums["duplicates"] + sums["family"] + sums["context"] - sums["withheld"]
    if left - sums["exceptions"] != sums["produced"]:
        fail(f"{folder}: the numbers do not close: {sums}")
    show = lambda number: f"{facts['prefix']}{number:0{facts['digits']}}"
    wanted = [show(number) for number in range(facts["first"], facts["next"])]
    index = list(csv.DictReader(io.StringIO(read("index.csv").decode())))
    by_format = {}
    for row in index:
        if not os.path.isfile(f"{folder}/data/../{row['File']}"):
            fail(f"{folder}: {row['File']} is not there")
        by_format.setdefault(row["Format"], []).append(row)
    counts = {}
    for format, rows in by_format.items():
        counts[format] = sum(int(row["Events"]) for row in rows)
        numbers = set()
        for row in rows:
            first, last = (int(row[key][len(facts["prefix"]):]) for key in ("Begin", "End"))
            numbers |= set(map(show, range(first, last + 1)))
        if sorted(numbers) != wanted:
            fail(f"{folder}: {format} has other numbers than {wanted[0]} to {wanted[-1]}")
    ranges = {row["File"]: (row["Begin"], row["End"], int(row["Events"])) for row in index}

    # DAT.
    data = read("dat/VOL001/DATA/VOL001.dat")
    text = data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig")
    dat = [[cell.strip("þ") for cell in line.split("\x14")] for line in text.split("\r\n") if line]
    dat = [dict(zip(dat[0], line)) for line in dat[1:]]
    if [line["BEGDOC"] for line in dat] != wanted:
        fail(f"{folder}: the numbers of DAT have a hole")
    for line in dat:
        first, last = line["BEGATTACH"], line["ENDATTACH"]
        if not first <= line["BEGDOC"] <= last or line["GROUPID"] != first:
            fail(f"{folder}: {line['BEGDOC']} is outside of its family")
        link = (line["NATIVELINK"] or line["TEXTLINK"]).replace("\\", "/").replace("./", "data/dat/")
        if ranges[link][0] != line["BEGDOC"]:
            fail(f"{folder}: the index has another number for {link}")
    counts["DAT"] = sum(int(line["EVENTCOUNT"] or 0) for line in dat)
    # EDRM.
    documents = [one.get("DocID") for one in xml.fromstring(read("edrm/edrm.xml")).iter("Document") if one.get("DocID")]
    if sorted(documents) != wanted:
        fail(f"{folder}: the numbers of EDRM are others")
    # CSV: every event and every attachment.
    rows = list(csv.DictReader(io.StringIO(read("csv/history.csv").decode("utf-8-sig"))))
    if sorted({row["Bates Number"] for row in rows}) != wanted:
        fail(f"{folder}: the numbers of CSV are others")
    counts["CSV"] = sum(row["Post Type"] != "attachment" for row in rows)
    of = {row["Post Id"]: row["Bates Number"] for row in rows if row["Post Type"] != "attachment"}
    # RSMF and EML.
    counts["RSMF"] = counts["EML"] = 0
    for name, (first, last, events) in ranges.items():
        if not name.endswith((".rsmf", ".eml")):
            continue
        mail = email.message_from_bytes(open(f"{folder}/{name}", "rb").read(), policy=email.policy.default)
        if (mail["X-Bates-Begin"], mail["X-Bates-End"]) != (first, last):
            fail(f"{folder}: {name} and the index have other numbers")
        if name.endswith(".eml"):
            counts["EML"] += int(mail["X-Pchat-Events"])
            continue
        zipped = next(part for part in mail.walk() if part.get_filename() == "rsmf.zip")
        with zipfile.ZipFile(io.BytesIO(zipped.get_payload(decode=True))) as packed:
            manifest = json.loads(packed.read("rsmf_manifest.json"))
        room = next(one["value"] for one in manifest["conversations"][0]["custom"] if one["name"] == "room address")
        for event in manifest["events"]:
            number = next(one["value"] for one in event["custom"] if one["name"] == "Bates number")
            address = next(key for key in of if key.endswith(f"{room}#{event['id']}"))
            if of[address] != number or not first <= number <= last:
                fail(f"{folder}: event {event['id']} of {name} is {number} here and {of[address]} in CSV")
        counts["RSMF"] += len(manifest["events"])
    loose = f"{folder}/data/rsmf/events-without-messages.csv"
    if os.path.isfile(loose):
        with open(loose, newline="") as file:
            counts["RSMF"] += sum(1 for row in csv.DictReader(file) if row["Bates number"] in wanted)
    # HTML.
    counts["HTML"] = 0
    for name in glob.glob(f"{folder}/data/html/*/[0-9]*.html"):
        page = open(name, encoding="utf-8").read()
        counts["HTML"] += page.count('<div id="e')
        first, last, _ = ranges[os.path.relpath(name, folder)]
        shown = set(re.findall(re.escape(facts["prefix"]) + r"\d{%d}" % facts["digits"], page))
        if min(shown) != first or max(shown) != last:
            fail(f"{folder}: {name} shows other numbers than the index says")
    for what, count in counts.items():
        if count != sums["produced"]:
            fail(f"{folder}: {what} has {count} events, and {sums['produced']} are produced")
    log = list(csv.DictReader(io.StringIO(read("privilege-log.csv").decode())))
    if len(log) != sums["withheld"] or withheld is not None and len(log) != withheld:
        fail(f"{folder}: the privilege log has {len(log)} entries")
    for paper in ["README", "custody", "index", "exceptions", "privilege-log", "certificate-902-14"]:
        text = read(f"papers/{paper}.txt").decode()
        page = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", read(f"papers/{paper}.html").decode(), flags=re.S)))
        words = lambda text: re.sub(r"[\s=_:]+", "", text)
        if paper == "custody" and (words(f"Produced {sums['produced']}") not in words(text) or show(facts["first"]) not in text):
            fail(f"{folder}: the custody sheet has other numbers")
        for number in re.findall(r"\d+", text):
            if number not in page:
                fail(f"{folder}: {number} is in {paper}.txt and not on its page")
    subprocess.run(["sha256sum", "--check", "--quiet", "manifest-sha256.txt"], cwd=folder, check=True)
    return facts, of


history()
for name in ["judge.db", "judge.db-wal", "judge.db-shm"]:
    if os.path.exists(name):
        os.remove(name)
for name in ["one", "two", "again", "message", "bent"]:
    shutil.rmtree(name, ignore_errors=True)
run("import", "judge.jsonl", "--pool", "x.example")
case = "casesecretname"
run("case", "new", case)
run("hold", "new", "holdsecretname", "--case", case, "--room", "*", "--user", "user0@x.example", "--reason", "holdsecretname")
run("case", "search", "new", "searchsecretname", "--case", case, "--query", "deal AND common AND NOT again")
run("case", "search", "new", "more", "--case", case, "--query", "file OR kept")
run("case", "tag", "add", "--case", case, "--tag", "privileged", "--query", "privilegedword OR falconcode")
run("case", "tag", "add", "--case", case, "--tag", "tagsecretname", "--query", "tagsecret", "--room", "*")
everything = "rsmf,dat,html,eml,csv,edrm"
how = ["--case", case, "--search", "searchsecretname", "--also", "more", "--format", everything, "--redact", "zanzibar",
       "--redact", "9988776655", "--redact-tag", "tagsecretname"]
run("produce", *how, "--bates", "SMITH", "--digits", "7", "--out", "one", "--threads", "1", ok=(0, 3))
facts, first = judge("one", withheld=3)
clean("one", SECRET)
if facts["redacted"] < 6 or facts["sums"]["duplicates"] < 2 or facts["sums"]["family"] != 2 or facts["attachments"] != 3:
    fail(f"other things were redacted, found twice or attached: {facts}")
if "[REDACTED]" not in open("one/data/csv/history.csv", encoding="utf-8").read():
    fail("there is no mark")
if "sound" not in run("produce", "verify", "one", "--case", case):
    fail("the production is not sound")

# The next production goes on, with what was not produced before, and a message is a document.
out = run("produce", "--case", case, "--room", "*", "--format", everything, "--redact", "zanzibar OR 9988776655",
          "--redact-tag", "tagsecretname", "--supplements", "one", "--out", "two", "--document", "message", "--encoding",
          "utf-16", "--threads", "3", ok=(0, 3))
second, rest = judge("two")
clean("two", SECRET)
if second["first"] != facts["next"] or second["supplements"] != facts["production"] or set(rest) & set(first):
    fail("the second production does not go on where the first ended")
if second["sums"]["before"] != len(first):
    fail("it counts other events as produced before")
if "sound" not in run("produce", "verify", "two", "--case", case):
    fail("the second production is not sound")
run("produce", *how, "--bates", "SMITH", "--out", "again", ok=(15,))

# A judge that never objects is none.
for name, old, new in [("data/index.csv", '"dat"', '"dta"'), ("data/csv/history.csv", "deal", "dael"),
                       ("data/privilege-log.csv", '"1"', '"7"')]:
    shutil.rmtree("bent", ignore_errors=True)
    shutil.copytree("one", "bent")
    with open(f"bent/{name}", encoding="utf-8", newline="") as file:
        text = file.read()
    with open(f"bent/{name}", "w", encoding="utf-8", newline="") as file:
        file.write(text.replace(old, new, 1))
    run("produce", "verify", "bent", "--case", case, ok=(13,))
try:
    clean("one", ["deal"])
except SystemExit:
    print("ok productions")
else:
    fail("nobody objects to a word that is there")
