#!/usr/bin/env python3
"""Memory of pchat on input that wants a lot of it.

    tests/judge-memory.py PCHAT [--full] [CASE...]

Each input is imported under a hard limit of 320 MiB: beyond it the system gives no memory (RLIMIT_DATA counts what a
process can write to, and no files). Then the store is exported, verified, checked, searched, compared, inspected and
purged under the same limit. Every command must end with success, or with one line that says what there is too much
of. What takes long is made smaller, unless --full is given; that also makes what is beyond the bounds, and has to be
refused.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

from lists import relist

words = [word for word in sys.argv[1:] if not word.startswith("--")]
PCHAT, ONLY, FULL = str(pathlib.Path(words[0]).resolve()), words[1:], "--full" in sys.argv
MOST = 320 << 20
# Codes that are success, with gaps, nothing found, and refusals.
GOOD, REFUSED = (0, 3, 4), (2, 10, 13, 15)
WORK = pathlib.Path(tempfile.mkdtemp())
ROOT = pathlib.Path(__file__).resolve().parent.parent
os.chdir(WORK)
wrong = []


def run(*words):
    """Code, what was said, bytes at the height."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_DATA, (MOST, MOST))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        out = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(out, 2)
        os.execv(PCHAT, [PCHAT, *words])
    _, status, used = os.wait4(pid, 0)
    said = pathlib.Path("said").read_text(errors="replace")
    return os.waitstatus_to_exitcode(status), said, used.ru_maxrss * 1024


def event(number, **more):
    return json.dumps({"room": "ma-chan://h.example/1", "user": "sip:a@h.example", "time": "2015-03-01T08:00:00Z", "id": number,
                       "text": "hello", **more})


def lines(made, name="a.jsonl"):
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in made)
    return name


def many(path, start, one, n, end):
    """A file of n parts, each filled with its number."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(start)
        for first in range(0, n, 5000):
            file.write("".join(one.replace("%", str(at)) for at in range(first, min(n, first + 5000))))
        file.write(end)
    return path


def packed(n):
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        with zipped.open("a.jsonl", "w") as file:
            for at in range(n):
                file.write((event(at, attachments=[{}] * 999) + "\n").encode())
    return ["import", "a.zip", "--max-ratio", "5000"]


def packed_in_one(n):
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.jsonl", event(1, attachments=[{}] * n) + "\n")
    return ["import", "a.zip", "--max-ratio", "5000"]


def long_address(n):
    return ["import", lines(event(at, room=f"ma-chan://h.example/{at}" + "x" * n) for at in range(100))]


def long_title(n):
    return ["import", lines(event(at, room=f"ma-chan://h.example/{at}", title=str(at) + "x" * n) for at in range(100))]


def long_user(n):
    return ["import", lines(event(at, user=f"sip:{at}" + "x" * n + "@h") for at in range(100))]


def rooms(n):
    return ["import", many("a.jsonl", "", event(1, room="ma-chan://h.example/%", title="Room number %") + "\n", n, "")]


def people(n):
    return ["import", many("a.jsonl", "", event(1, user="sip:person%@h.example", name="Person Number %").replace(
        '"id": 1,', '"id": %,') + "\n", n, "")]


def crowd(n):
    """People who are all in one room at once; formats that list them in each file refuse more than 50,000."""
    one = event(1, kind="join", user="sip:person%@h.example", name="Person Number %").replace(', "id": 1, "text": "hello"', "")
    return ["import", many("a.jsonl", "", one + "\n", n, event(1, time="2015-03-02T08:00:00Z") + "\n")]


def wordy(n):
    texts = (event(at, text=" ".join(f"w{at}x{k}" for k in range(400))) for at in range(n // 400))
    return ["import", lines(texts)]


def keys(n):
    return ["import", many("a.jsonl", '{"room": "ma-chan://h.example/1", "user": "sip:a@h", "time": "2015-03-01T08:00:00Z", "id": 1, '
                           '"text": "x"', ', "k%": 1', n, "}\n")]


def keys_in_values(n):
    return ["import", many("a.jsonl", '{"room": "ma-chan://h.example/1", "user": "sip:a@h", "time": "2015-03-01T08:00:00Z", "id": 1, '
                           '"text": "x", "more": {"a": 0', ', "k%": [1]', n, "}}\n")]


def texts(n, name="a.jsonl", times=6):
    return ["import", lines((event(at + 1, text=f"{at} " + "word " * (n // 5)) for at in range(times)), name)]


def talks(n):
    one = ("<Conversation><Channel uri='ma-chan://h.example/%' name='Room %'/><Messages><Message type='CHAT' content='a' id='%'>"
           "<Sender uri='sip:a%@h' name='A %'/><DateTimeUTC long='633409486005222640'/></Message></Messages></Conversation>\n")
    return ["import", many("a.xml", "<Conversations>", one, n, "</Conversations>")]


def ldif(n):
    one = ("dn: CN=Person Number %,OU=Department,DC=corp,DC=example,DC=com\nobjectClass: user\n"
           "msRTCSIP-PrimaryUserAddress: sip:person%@corp.example.com\ncn: Person Number %\ndisplayName: Person Number %\n"
           "mail: person%@corp.example.com\nuserPrincipalName: person%@corp.example.com\nsAMAccountName: p%\n"
           "memberOf: CN=Group,DC=corp,DC=example,DC=com\ncompany: Example\n\n")
    return ["principal", "import", many("a.ldif", "", one, n, "")]


def sheet(n):
    one = ('"CN=Person Number %,OU=Department,DC=corp,DC=example,DC=com",user,sip:person%@corp.example.com,Person Number %,'
           "Person Number %,person%@corp.example.com,person%@corp.example.com,p%\n")
    return ["principal", "import", many("a.csv", "DN,objectClass,msRTCSIP-PrimaryUserAddress,cn,displayName,mail,userPrincipalName,"
                                        "sAMAccountName\n", one, n, "")]


def long_field(n):
    text = "dn: CN=a,DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:a@x\ndescription: "
    pathlib.Path("a.ldif").write_text(text + "x" * n + "\n")
    return ["principal", "import", "a.ldif"]


def long_cell(n):
    pathlib.Path("a.csv").write_text('DN,objectClass,displayName\n"CN=a,DC=x",user,"' + "x" * n + '"\n')
    return ["principal", "import", "a.csv"]


def long_members(n):
    one = "member: CN=Person Number %,OU=Department,DC=corp,DC=example,DC=com\n"
    return ["principal", "import", many("a.ldif", "dn: CN=g,DC=x\nobjectClass: group\ncn: g\n", one, n, "\n")]


def files(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for at in range(n):
            zipped.writestr(f"f{at % 100}/a{at}.jsonl", event(at) + "\n")
    return ["import", "a.zip"]


def names(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for at in range(n):
            zipped.writestr("d/" * 100 + f"{at}" + "x" * 200 + ".txt", "")
    return ["import", "a.zip"]


def attached(n):
    content = {"name": "a.bin", "data": "QUJD" * 8}
    made = (event(at, attachments=[{**content, "name": f"a{k}.bin"} for k in range(500)]) for at in range(n // 500))
    return ["import", lines(made)]


def xml_text(n):
    one = ("<Conversations><Conversation><Channel uri='ma-chan://h.example/1'/><Messages><Message type='CHAT' content='%' id='1'>"
           "<Sender uri='sip:a@h'/><DateTimeUTC long='633409486005222640'/></Message></Messages></Conversation></Conversations>")
    pathlib.Path("a.xml").write_text(one.replace("%", "word " * (n // 5)))
    return ["import", "a.xml"]


FIELD = re.compile(rb'<field name="(Identity|Name|Uri|Guid|Target)">([^<]*)</field>')


def archive(page, n, lists=b""):
    """An archive whose settings of one kind are many; each has these lists."""
    for words in [["import", str(ROOT / "fixtures/sample")], ["case", "new", "M"],
                  ["hold", "new", "H", "--case", "M", "--reason", "x", "--room", "FX*"],
                  ["case", "tag", "add", "--case", "M", "--tag", "T", "--query", "usd"],
                  ["category", "new", "--name", "Cat", "--pool", "litwareinc.com"],
                  ["room", "new", "--name", "R", "--pool", "litwareinc.com", "--category", "Cat"], ["export", "--out", "base"]]:
        run(*words, "--store", "b.db")
    files = {str(path.relative_to("base")): path.read_bytes() for path in pathlib.Path("base").rglob("*") if path.is_file()}
    name = f"data/catalog/{page}.xml"
    record = next(re.finditer(rb"<record>\n.*?</record>\n", files[name], re.DOTALL)).group()
    named = record.replace(b"</record>", lists + b"</record>")

    def renamed(at):
        # The first keeps its names: others refer to it.
        number = b"%06x" % at
        text = lambda field: field[2][:-6] + number if field[1] == b"Guid" else field[2] + number
        return FIELD.sub(lambda field: b'<field name="%s">%s</field>' % (field[1], text(field)), named) if at else named
    files[name] = files[name].replace(record, b"".join(renamed(at) for at in range(n)))
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in relist(files).items():
            zipped.writestr("a/" + name, data)
    return ["import", "a.zip", "--max-ratio", "5000"]


def holdings(n):
    """Holds that all protect the same."""
    return archive("holds", n)


def tags(n):
    return archive("collections", n)


def cases(n):
    return archive("cases", n)


def folder(n):
    """A folder of files of history, a message in each."""
    for at in range(n):
        if at % 1000 == 0:
            os.makedirs(f"many/{at // 1000}", exist_ok=True)
        pathlib.Path(f"many/{at // 1000}/a{at}.jsonl").write_text(event(at) + "\n")
    return ["import", "many"]


def records(n):
    """Records of the audit log: a change in each line of a script."""
    start = "New-CsPersistentChatCategory -Name Cat -PersistentChatPoolFqdn h.example\n"
    many("a.ps1", start, 'Set-CsPersistentChatCategory -Identity "h.example\\Cat" -Description "%"\n', n, "")
    run("store", "new", "--store", "s.db")
    return ["script", "a.ps1"]


def people_in_list(n):
    return b'<list name="Members">' + b"".join(b"<item>sip:p%d@h.example</item>" % at for at in range(n)) + b"</list>"


def memberships(n):
    """Rooms with a hundred members each."""
    return archive("rooms", n // 100, people_in_list(100))


def members(n):
    return archive("rooms", 1, people_in_list(n))


def model(n):
    with zipfile.ZipFile("a.bacpac", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("Origin.xml", "<DacOrigin/>")
        with zipped.open("model.xml", "w") as file:
            file.write(b"<DataSchemaModel><Model>")
            for at in range(n):
                file.write(b"<Element Type='SqlTable' Name='[dbo].[t%d]'/>" % at)
            file.write(b"</Model></DataSchemaModel>")
        zipped.writestr("Data/dbo.tblChat/TableData-000-00000.BCP", "x")
    return ["import", "a.bacpac", "--max-ratio", "5000"]


RATIO = ["--max-ratio", "5000"]

# What is done with a store that something came into.
AFTER = [
    ["export", "--out", "out.zip"], ["verify", "out.zip", "--read-data", *RATIO], ["inspect", "out.zip", *RATIO],
    ["diff", "s.db", "out.zip", *RATIO],
    ["store", "check"], ["store", "check", "--read-data"], ["search", "hello"], ["search", "w1*"], ["store", "info"], ["room", "get"],
    ["search", "--user", "person7@corp.example.com", "--query", "hello"], ["stats"], ["import", "out.zip", "--store", "t.db", *RATIO],
    ["purge", "--everything", "--yes"],
]
FORMATS = ["jsonl", "csv", "html", "rsmf", "eml", "actiance", "mgc"]
PRODUCED = [
    ["case", "new", "N"], ["produce", "--case", "N", "--query", "hello", "--bates", "A", "--format", "dat", "--out", "produced"],
    ["produce", "verify", "produced", "--case", "N"], ["export", "--query", "hello", "--with-settings", "--out", "with.zip"],
    ["verify", "with.zip", *RATIO],
]
LISTED = [["principal", "get", "--output", "json"], ["principal", "get", "Person*"], ["export", "--format", "mgc", "--out", "tables"],
          ["export", "--query", "from:person7@corp.example.com", "--with-settings", "--out", "with.zip"],
          ["search", 'from:"Person*"'], ["search", 'from:"Person Number 1*"'], ["search", "--user", "Person*"], ["category", "new", "--name", "C", "--pool", "p.example"],
          ["category", "set", "C", "--allowed-members", "OU=Department,DC=corp,DC=example,DC=com"], ["principal", "eligible", "--category", "C"],
          ["category", "get", "--as-object"], ["room", "get", "--member", "person7@corp.example.com"]]
LOGGED = [["audit", "get"], ["audit", "get", "--output", "json"], ["audit", "verify"]]
# What is done beside that, before the store is purged.
BESIDE = {
    "tags": [["case", "tag", "get", "--case", "M"], ["search", "tag:T"], ["case", "get", "M"]], "records": LOGGED,
    "cases": [["case", "get"], ["case", "get", "--output", "json"]],
    "people": PRODUCED, "rooms": PRODUCED, "memberships": [*PRODUCED, ["import", "a.zip", *RATIO], ["room", "get", "--output", "json"]], "ldif": LISTED, "sheet": LISTED,
    "holdings": [["hold", "report"], ["hold", "report", "H"], ["hold", "get"], ["hold", "get", "--output", "json"], ["hold", "release", "H", "--reason", "x", "--yes"]],
    "members": [["room", "set", "R", "--description", "x"], ["room", "get", "--output", "json"]],
}

# How each is made, its full size, and its size in the check, where that is smaller.
TABLE = [
    (packed, 5_000, 200), (packed_in_one, 1_000_000, None), (long_address, 200_000, None), (long_title, 200_000, None),
    (long_user, 200_000, None), (rooms, 60_000, 5_000), (people, 300_000, 20_000), (crowd, 300_000, 51_000), (wordy, 8_000_000, 200_000),
    (keys, 400_000, None), (keys_in_values, 1_000_000, 200_000), (texts, 16_000_000, 2_000_000), (talks, 60_000, 4_000),
    (ldif, 60_000, 4_000), (sheet, 60_000, 4_000), (long_field, 5_000_000, None), (long_cell, 5_000_000, None),
    (long_members, 400_000, 40_000), (files, 200_000, 2_000), (names, 4_000, None), (attached, 200_000, 4_000),
    (xml_text, 16_000_000, 2_000_000), (holdings, 10_000, 600), (memberships, 1_500_000, 40_000), (members, 400_000, 20_000),
    (tags, 60_000, 2_000), (cases, 80_000, 2_000), (folder, 250_000, 1_000), (records, 20_000, 200),
    (model, 20_000, None),
]
# A directory is imported, and again; the store is used, and an archive of it is made and read.
LARGE = [(ldif, 420_000), (sheet, 420_000)]
# What is beyond a bound is refused, at any size: only with --full, for it takes time to make.
BEYOND = [(rooms, 300_000), (talks, 150_000), (texts, 60_000_000), (xml_text, 60_000_000), (keys, 4_800_000), (packed_in_one, 4_000_000),
          (long_address, 2_000_000), (long_field, 50_000_000), (long_cell, 50_000_000), (long_members, 3_000_000), (names, 100_000),
          (members, 600_000), (folder, 250_001), (memberships, 3_000_000), (model, 300_000)]


def fresh():
    for path in WORK.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def case(make, size, after=AFTER):
    """What each command took at the height."""
    fresh()
    command = make(size)
    heights = {}
    if command[0] == "principal":
        run("store", "new", "--store", "s.db")

    def step(words):
        if "--store" not in words and words[0] not in ("verify", "inspect", "diff"):
            words = [*words, "--store", "s.db"]
        name, start = " ".join(words[:4]), time.monotonic()
        code, said, height = run(*words)
        heights[name] = height
        # One refusal is a line that begins with the name of the program, and perhaps hints behind it.
        refusal = [line for line in said.splitlines() if line.startswith("pchat: ")]
        clear = code in GOOD or code in REFUSED and len(refusal) == 1 and len(said) < 2000
        if FULL or not clear:
            last = said.strip().replace("\n", " ")[-160:] if code not in GOOD else ""
            print(f"  {make.__name__} {size:,}: {name}: {code}, {height >> 20} MiB, {time.monotonic() - start:.1f} s {last}", flush=True)
        if not clear:
            wrong.append(f"{make.__name__} {size:,}: {name} ends with {code}: {said[-300:]}")
        return code

    if step(command) in GOOD:
        for words in [*after[:-1], *BESIDE.get(make.__name__, []), after[-1]]:
            step(words)
            if words[0] == "export" and make in (texts, xml_text, rooms, people, crowd):
                for form in FORMATS:
                    step(["export", "--format", form, "--out", f"as-{form}"])
                    shutil.rmtree(f"as-{form}", ignore_errors=True)
    return heights


def show(make, size, heights, start):
    worst = max(heights, key=heights.get)
    print(f"{make.__name__}: {size:,}: {heights[worst] >> 20} MiB at most, in {worst}; {time.monotonic() - start:.1f} s", flush=True)


for make, full, small in TABLE:
    if ONLY and make.__name__ not in ONLY:
        continue
    start, size = time.monotonic(), full if FULL or small is None else small
    show(make, size, case(make, size), start)
for make, size in LARGE if FULL else []:
    if ONLY and make.__name__ not in ONLY:
        continue
    start = time.monotonic()
    again = [["principal", "import", "a.ldif" if make is ldif else "a.csv"]]
    show(make, size, case(make, size, [*again, *AFTER]), start)
for make, size in BEYOND if FULL else []:
    if ONLY and make.__name__ not in ONLY:
        continue
    heights = case(make, size)
    print(f"{make.__name__}: {size:,}, beyond: {max(heights.values()) >> 20} MiB", flush=True)
shutil.rmtree(WORK, ignore_errors=True)
for line in wrong:
    print("NOT", line)
sys.exit(1 if wrong else 0)
