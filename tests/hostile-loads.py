#!/usr/bin/env python3
"""History that is hard to carry in load files, as JSON Lines: delimiters, formulas, names of attachments that are paths
or devices, presence that does not close, days that are long."""
import base64, json, sys

def event(room, at, who, **more):
    return {"room": room, "pool": "pool", "user": f"sip:{who}@x.example", "user_name": more.pop("name", who), "time": at, **more}

ROOM = "þ Acme® \x14 \"q\"; x, y"
TEXTS = [
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "þ", "®", "a\u00ae\u00feb\x14c", "\0nul\0", "one\r\ntwo\rthree\nfour",
    "quote \" and \"\" and ,;|^~\\", "\u202eright\u202c \u200f\u200e", "\ufffe\uffff\x0b\x0c\x1b", "🙂 𝕏 e\u0301", "[2014-01-01] no event", "\n[x\r\n[y", "", " ", "x" * 40000,
]
out, minute = [], 0
def at():
    global minute
    minute += 1
    return f"2014-05-0{1 + minute // 30}T{minute % 24:02}:{minute % 60:02}:00.1234567Z"
times = sorted(f"2014-05-0{1 + n // 30}T{10 + n % 30 // 6:02}:{n % 6 * 10:02}:00.1234567Z" for n in range(240))
clock = iter(times)
for number, text in enumerate(TEXTS):
    who = ["ann", "Þór®", "bob;x", "=eve"][number % 4]
    out.append(event(ROOM, next(clock), f"p{number % 4}", name=who, id=number + 1, text=text, room_title=ROOM, category="=Cat,\"x\"\n2"))
NAMES = ["..\\..\\x", "../../etc/passwd", "CON.txt", "NUL", "مرحبا.pdf", "東京.TXT", "a;b.txt", "x" * 1019 + ".docx", "", "þ®\x14.txt", "a\nb.txt", "=x.csv"]
for name in NAMES:
    data = f"content of {name}".encode()
    out.append(event(ROOM, next(clock), "p1", kind="upload", text="stored", attachments=[{"name": name, "data": base64.b64encode(data).decode()}, {"name": "again.txt", "data": base64.b64encode(b"same").decode()}]))
out.append(event(ROOM, next(clock), "p1", kind="upload", text="none", attachments=[{"name": "absent.txt", "size": 7}, {"name": "known.bin", "sha256": "ab" * 32, "size": 9}, {"name": "empty", "data": ""}]))
out.append(event(ROOM, next(clock), "p2", id=900, text="m", name="n" * 1024, attachments=[{"name": "with message.txt", "data": base64.b64encode(b"m").decode()}]))
for kind in ["join", "join", "part", "part", "part", "join", "backchat", "download", "replace", "purge", "topic", "part", "join"]:
    out.append(event(ROOM, next(clock), "p3", kind=kind, text="" if kind in ("join", "part") else f"about {kind}\x01", alert=kind == "topic"))
for number in range(100):
    out.append(event(ROOM, next(clock), f"p{number % 5}", id=1000 + number, text=f"later {number}", alert=number % 9 == 0))
for line in out:
    sys.stdout.write(json.dumps(line) + "\n")
