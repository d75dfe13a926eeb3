#!/usr/bin/env python3
"""History that is hard to show, as JSON Lines: names and texts that attack a page, a long room, files, every kind of event."""
import base64, json, struct, sys, zlib

def png():
    rows = b"".join(b"\0" + b"".join(struct.pack("BBB", x * 4, y * 6, 160) for x in range(60)) for y in range(40))
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 2, 0, 0, 0)) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")

def event(room, second, who, **more):
    at = f"2014-03-{10 + second // 86400:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.1234567Z"
    name = more.pop("name", who.title())
    return {"room": room, "pool": "pool", "user": f"sip:{who}@litwareinc.com", "user_name": name, "time": at, **more}

TEXTS = [
    "<script>alert(1)</script>", "</p></div></main><img src=x onerror=alert(1)>", "]]> <!-- --> &amp; &#0; &lt;",
    "\0\u0007\u001b[31m\u007f\u0085\ufffe\U0001ffff", "\u202eevil\u202c and \u2067more", "w" * 5000,
    "السعر هو ١٢٠ USD اليوم", "https://example.com/a?b=1&c=%zz#d#e[f] and mailto:a@b.example, javascript:alert(1)",
    "http://evil\"onmouseover=alert(1)", "line one\r\nline two\rline three\n\tindented", "T(\"x\");</script><script>", "王芳 東京 カタカナ", "naïve Ünïcödé ﬁne",
    "data:text/html,<b>x</b> file:///etc/passwd vbscript:x", "`${alert(1)}` {{ 7*7 }} {% raw %}",
]
NAMES = ["ann", "bob", "\u202eeve\u202d", "<b>mallory</b>", "\"quoted' & co", "n" * 300, "مريم"]
out, at = [], 0
for number, text in enumerate(TEXTS):
    out.append(event("<i>Hard</i> & \u202eroom", at, f"p{number % len(NAMES)}", name=NAMES[number % len(NAMES)], id=number + 1, text=text, alert=number % 5 == 0, room_title="<i>Hard</i> & \u202eroom"))
    at += 40
for name in ["a#b%20c?.png", "\u202egpj.exe", "page.html", "x.svg", "CON", "../../up.txt", "ü" * 200 + ".pdf"]:
    data = png() if name.endswith("png") else f"<script>alert('{name}')</script>".encode()
    out.append(event("<i>Hard</i> & \u202eroom", at, "p1", kind="upload", text="stored", attachments=[{"name": name, "data": base64.b64encode(data).decode()}]))
    at += 30
for kind in ["join", "part", "backchat", "download", "replace", "purge", "topic"]:
    out.append(event("<i>Hard</i> & \u202eroom", at, "p2", kind=kind, text=f"about {kind}", ticket={"<k>": "v\u202e"}))
    at += 30
out.append(event("<i>Hard</i> & \u202eroom", at, "p2", id=99, text="plain", rtf="{\\rtf1 other {\\b rich} words}"))
for number in range(2300):
    kind = {17: "join", 23: "part", 5: "backchat"}.get(number % 40)
    who = ["dana", "erik", "fatima", "george"][number // 3 % 4]
    more = {"kind": kind} if kind else {"id": number + 1, "text": f"number {number} of the long room, rate {number * 7 % 1000} hedge" + (" needle" if number in (3, 1500, 2299) else "")}
    out.append(event("Long room", 100 + number * 137, who, room_title="Long room", category="Trading", **more))
for line in out:
    sys.stdout.write(json.dumps(line) + "\n")
