#!/usr/bin/env python3
"""Time and memory of pchat over inputs that double.

    tests/judge-growth.py PCHAT

Each input is made in a size and in twice that; the processor time may grow to three times, whatever a computer is
worth. Each command may have 320 MiB in memory at its height.
"""

import json
import os
import pathlib
import resource
import sys
import tempfile
import zipfile

PCHAT = str(pathlib.Path(sys.argv[1]).resolve())
MOST = 320 << 20
LEAST = 0.25
WORK = pathlib.Path(tempfile.mkdtemp())
os.chdir(WORK)


def run(*words):
    """Code, seconds of the processor, bytes at the height."""
    for old in WORK.glob("n.db*"):
        old.unlink()
    pid = os.fork()
    if pid == 0:
        # Beyond this no page is given: a command that wants more is ended.
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
        out = os.open(WORK / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execv(PCHAT, [PCHAT, *words])
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def event(number, **more):
    return json.dumps({"room": "ma-chan://h.example/1", "user": "sip:a@h.example", "time": "2015-03-01T08:00:00Z", "id": number,
                       "text": "hello", **more})


def lines(name, made):
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in made)
    return ["import", name, "--store", "n.db"]


def text(name, what):
    pathlib.Path(name).write_text(what, encoding="utf-8")
    return name


def same(n):
    return lines("a.jsonl", (json.dumps({**json.loads(event(0, kind="join")), "id": None}) for _ in range(n)))


def files(n):
    return lines("a.jsonl", (event(at, attachments=[{}] * 1000) for at in range(n)))


def packed(n):
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.jsonl", "".join(event(at, attachments=[{}] * 1000) + "\n" for at in range(n)))
    return ["import", "a.zip", "--store", "n.db", "--max-ratio", "2000"]


def keys(n):
    return lines("a.jsonl", [event(1, **{f"k{at}": at for at in range(n)})])


def addresses(n):
    return lines("a.jsonl", (event(at, room="ma-chan://h.example/" + "x" * n + str(at)) for at in range(100)))


def members(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for at in range(n):
            zipped.writestr(f"f{at % 100}/a{at}.jsonl", event(at) + "\n")
    return ["import", "a.zip", "--store", "n.db"]


def deep(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        zipped.writestr("/".join("a" * min(n, 500)) + "/x.jsonl", event(1))
    return ["import", "a.zip", "--store", "n.db"]


def attributes(n):
    text("a.ldif", "dn: CN=a,DC=x\nobjectClass: user\n" + "".join(f"a{at}: x\n" for at in range(n)))
    return ["principal", "import", "a.ldif", "--store", "n.db"]


def entries(n):
    one = "dn: CN=a{0},DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:a{0}@x\ncn: a{0}\n\n"
    text("a.ldif", "".join(one.format(at) for at in range(n)))
    return ["principal", "import", "a.ldif", "--store", "s.db", "--what-if"]


def xml(n):
    odd = " ".join(f"a{at}='x'" for at in range(n))
    return ["import", text("a.xml", f"<Conversations><Conversation {odd}/></Conversations>"), "--store", "n.db"]


def talks(n):
    one = ("<Conversation><Channel uri='ma-chan://h.example/1'/><Messages><Message type='CHAT' content='a&#0000065;' id='{0}'>"
           "<Sender uri='sip:a@h'/><DateTimeUTC long='633409486005222640'/></Message></Messages></Conversation>")
    text("a.xml", "<Conversations>" + "".join(one.format(at) for at in range(n)) + "</Conversations>")
    return ["import", "a.xml", "--store", "n.db"]


def comments(n):
    return ["import", text("a.xml", "<Conversations>" + "<!-- - -->" * n + "</Conversations>"), "--store", "n.db"]


def condition(n):
    return ["room", "get", "--store", "s.db", "--where", " -or ".join(["Disabled"] * n)]


def pattern(n):
    return ["room", "get", "--store", "s.db", "--where", f"Name -match '{'[' * n}'"]


def text_of(n):
    return lines("a.jsonl", [event(1, text="x" * n)])


# Each with its smaller size, and the codes it may end with.
TABLE = [(same, 4000, (0,)), (files, 60, (0,)), (packed, 400, (0,)), (keys, 200_000, (0, 13)), (addresses, 100_000, (13, 15)),
         (members, 3000, (0,)), (deep, 250, (13,)), (attributes, 60_000, (15,)), (entries, 4000, (0,)), (xml, 60_000, (13,)),
         (talks, 4000, (0,)), (comments, 200_000, (0, 13)), (condition, 5000, (0, 4)), (pattern, 50_000, (2,)),
         (text_of, 2_000_000, (0,))]

assert run("store", "new", "--store", "s.db")[0] == 0
wrong = 0
for make, size, codes in TABLE:
    (code, first, _), (again, second, height) = run(*make(size)), run(*make(2 * size))
    grown = second / max(first, LEAST)
    good = code in codes and again in codes and grown < 3 and height < MOST
    wrong += not good
    print(f"{'ok' if good else 'NOT'} {make.__name__}: {size:,}, twice that {grown:.1f} times the time ({second:.2f} s), "
          f"{height >> 20} MiB, code {again}", "" if good else pathlib.Path("said").read_text(errors="replace")[-200:])
sys.exit(1 if wrong else 0)
