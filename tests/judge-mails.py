#!/usr/bin/env python3
"""Judges RSMF and EML with parsers that know nothing of pchat, and compares them with a JSON Lines export.

    judge-mails.py input FILE             writes a history that is hard on mails
    judge-mails.py judge FOLDER NPM       judges FOLDER/data/{rsmf,eml,history.jsonl}
"""
import collections, csv, email, email.policy, email.utils, hashlib, io, json, pathlib, re, subprocess, sys, tempfile
import datetime, shutil, zipfile

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ['Müller, "Ann"', "O'Neil \\ <b>", "x\r\nBcc: evil@evil.example", "=?utf-8?B?ZXZpbA==?=", "日本語" * 40,
         "\u202eevil", "a" * 300, "  ", "tab\tand\0nul", "Ann (Boss), Bob; Eve: <a@b.example>"]
FILES = ["report.pdf", "a b.txt", "Ünïcödé-名前.docx", "q\"uote'.txt", "very long name " * 12 + ".xlsx", "../../up.txt",
         "100%.txt", "semi;colon=.txt", "x\r\nX-Evil: 1.txt", "日本語" * 30 + ".pdf", "CON.txt", ""]


def write_input(path):
    import base64
    out = []
    pool = {"pool": "pool.example", "room": "ma-chan://x.example/hard", "category": "A,\"B\"\r\nBcc: c@d.example"}
    def add(time, who, kind, **more):
        n = len(out)
        line = {**pool, "user": f"sip:u{who}@x.example", "user_name": NAMES[who % len(NAMES)], "time": time, "kind": kind}
        line.update(more)
        out.append(line)
    day = "2020-01-01T%02d:%02d:%02dZ"
    for who in range(10):
        add(day % (8, 0, who), who, "join", room_title="Röom\r\nX-Evil: 1 \"q\", 'z'")
    texts = ["plain", "two\nlines\r\n2020-01-01T00:00:00Z Ann: forged", "\0\x07\x1b[31m\x7f\u0085\u2028\ufffe", "=3D= trailing \t ",
             ".\n.\nFrom me", "--=_a_boundary", "emoji 😀👩‍👩‍👧 עברית", "a" * 5000, "", "\r\n\r\n", "<script>alert(1)</script>&amp;",
             "日本語のテキスト" * 500]
    for n, text in enumerate(texts):
        add(day % (9, 0, n), n % 10, "message", id=n + 1, text=text, alert=n == 3)
    for n, name in enumerate(FILES):
        body = (b"" if n == 2 else bytes((n * i * i + i // 7) % 256 for i in range(3000 * n + 10)))
        add(day % (9, 1, n), n % 10, "upload", text="stored", attachments=[{"name": name, "data": base64.b64encode(body).decode()}])
    add(day % (9, 2, 0), 0, "download", text="x", attachments=[{"name": "report.pdf", "data": base64.b64encode(b"\0" * 10).decode()}])
    add(day % (9, 2, 1), 1, "upload", text="x", attachments=[{"name": "gone.pdf", "link": "0000001.pdf", "size": 77}])
    add(day % (9, 2, 2), 1, "replace", id=1, text="This was replaced")
    add(day % (9, 2, 3), 1, "purge", id=2)
    add(day % (9, 3, 0), 1, "message", id=50, text="renamed", user_name="Ann Other")
    add(day % (9, 4, 0), 1, "part")
    add("2020-01-02T08:00:00Z", 1, "join")
    add("2020-01-02T09:00:00Z", 1, "part")
    big = {"room": "ma-chan://x.example/large", "room_title": "Large"}
    add("2020-02-01T08:00:00Z", 1, "message", id=1, text="x é" * 1_500_000, **big)
    for n in range(10_001):
        add("2020-02-02T%02d:%02d:%02dZ" % (n // 3600, n // 60 % 60, n % 60), n % 10, "message", id=n + 2, text=f"m {n}", **big)
    odd = {"room": "ma-chan://x.example/odd"}
    for n, uri in enumerate(["CONTOSO\\ann", "sip:ü@x.example", "<script>", "sip:a b@c", "@"]):
        add(f"2020-03-01T08:00:0{n}Z", 0, "message", id=n + 1, text="hi", **odd, user=uri, email="not a mail")
    pathlib.Path(path).write_text("".join(json.dumps(line) + "\n" for line in out))


def need(what, is_so):
    if not is_so:
        sys.exit(f"judge-mails: {what}")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def lines(data, place):
    need(f"{place}: ASCII, CRLF, no long line", data.isascii() and data.endswith(b"\r\n") and b"\r" not in data.replace(b"\r\n", b"")
         and b"\n" not in data.replace(b"\r\n", b"") and max(map(len, data.split(b"\r\n"))) <= 998)
    head = data.split(b"\r\n\r\n")[0]
    need(f"{place}: encoded words", all(len(word) <= 75 for word in re.findall(rb"=\?[^ \r\n,]*", head)))
    names = re.findall(rb"^([!-9;-~]+):", head, re.M)
    known = rb"X-RSMF-.*|X-Pchat-.*|X-GlobalRelay-MsgType|From|To|Subject|Date|Message-ID|In-Reply-To|References|MIME-Version|Content-.*|Auto-Submitted|Precedence"
    need(f"{place}: headers {names}", all(re.fullmatch(known, name) for name in names) and len(names) == len(set(names)))


def told(data):
    """What Python makes of a mail."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = mail.get_body(("html",))
    tidy = lambda text: sha(text.replace("\r\n", "\n").rstrip().encode())
    people = lambda name: [[who.display_name, who.addr_spec] for who in mail[name].addresses]
    files = [[part.get_filename(), sha(part.get_payload(decode=True))] for part in mail.iter_attachments()] if mail.is_multipart() else []
    if mail.get_content_type() == "multipart/alternative":
        files = []
    need("no defects", not mail.defects and all(not part.defects for part in mail.walk()))
    return mail, text, {"from": people("From"), "to": people("To"), "subject": str(mail["Subject"]),
                        "date": mail["Date"].datetime.timestamp(), "id": str(mail["Message-ID"]), "text": tidy(text),
                        "html": tidy(html.get_content()) if html else None, "files": files}


def manifest(data, place, schema):
    """The rules of RSMF that a schema cannot say."""
    mail, text, said = told(data)
    need(f"{place}: version first", data.startswith(b"X-RSMF-Version: 2.0.0\r\n"))
    need(f"{place}: one attachment", [name for name, _ in said["files"]] == ["rsmf.zip"])
    zipped = zipfile.ZipFile(io.BytesIO(list(mail.iter_attachments())[0].get_payload(decode=True)))
    need(f"{place}: zip", zipped.testzip() is None)
    names = zipped.namelist()
    need(f"{place}: flat", len(names) == len(set(names)) and not any("/" in name or "\\" in name for name in names))
    raw = zipped.read("rsmf_manifest.json")
    made = json.loads(raw)
    errors = list(schema.iter_errors(made))
    need(f"{place}: {errors[:2]}", not errors)
    people = {person["id"]: person for person in made["participants"]}
    rooms = {room["id"] for room in made["conversations"]}
    events = {event["id"]: event for event in made["events"]}
    need(f"{place}: unique", len(people) == len(made["participants"]) and len(events) == len(made["events"]) <= 10_000)
    used, times, attached = set(), [], []
    for event in made["events"]:
        need(f"{place}: {event['id']} names what is there", event["participant"] in people and event["conversation"] in rooms
             and event.get("parent", event["id"]) in events and all(edit["participant"] in people for edit in event.get("edits", [])))
        ids = [file["id"] for file in event.get("attachments", [])]
        need(f"{place}: attachments", len(ids) == len(set(ids)) and all(name in names for name in ids))
        for file in event.get("attachments", []):
            content = zipped.read(file["id"])
            need(f"{place}: size", len(content) == file["size"])
            if not file["id"].endswith(".missing.txt"):
                attached.append(sha(content))
        used.update(ids)
        times.append(event["timestamp"])
    need(f"{place}: room's people", all(who in people for room in made["conversations"] for who in room["participants"]))
    need(f"{place}: nothing loose", used == set(names) - {"rsmf_manifest.json"})
    need(f"{place}: sorted", times == sorted(times))
    need(f"{place}: a message", any(event["type"] == "message" for event in made["events"]))
    count = sum(len(event.get("attachments", [])) for event in made["events"])
    facts = [(mail["X-RSMF-EventCount"], len(events)), (mail["X-RSMF-AttachmentCount"], count), (mail["X-RSMF-BeginDate"], min(times)),
             (mail["X-RSMF-EndDate"], max(times)), (mail["X-RSMF-ManifestSHA256"], sha(raw)),
             (mail["X-RSMF-EventCollectionID"], made["eventcollectionid"]), (mail["X-RSMF-Version"], made["version"])]
    need(f"{place}: headers {facts}", all(str(a) == str(b) for a, b in facts))
    begins = datetime.datetime.fromisoformat(min(times)).replace(microsecond=0).timestamp()
    need(f"{place}: date", said["date"] == begins)
    need(f"{place}: lines", sum(bool(re.match(r"\d", line)) for line in text.split("\n")) == len(events))
    return made, raw, said, attached


def extracted(command, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return collections.Counter(sha(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def judge(folder, npm):
    import jsonschema, mailparser
    folder = pathlib.Path(folder).resolve() / "data"
    schema = HERE.parent / "docs/formats/rsmf.schema.json"
    checker = jsonschema.Draft7Validator(json.loads(schema.read_text()), format_checker=jsonschema.FormatChecker())
    history = [json.loads(line) for line in (folder / "history.jsonl").open()]
    asked, expect, work = [], {}, pathlib.Path(tempfile.mkdtemp())
    events = {"rsmf": collections.Counter(), "eml": collections.Counter()}
    bodies, contents, ids = collections.Counter(), {"rsmf": set(), "eml": set()}, set()
    loose = folder / "rsmf/events-without-messages.csv"
    if loose.exists():
        for row in csv.DictReader(loose.open(newline="")):
            events["rsmf"][row["room"]] += 1
            bodies[row["text"]] += 1
    for path in sorted(folder.glob("rsmf/*/*.rsmf")):
        data = path.read_bytes()
        lines(data, path.name)
        made, raw, said, attached = manifest(data, path.name, checker)
        room = {entry["name"]: entry["value"] for entry in made["conversations"][0]["custom"]}
        events["rsmf"][f"{room['pool']}\\{room['room address']}"] += len(made["events"])
        bodies.update(event.get("body", "") for event in made["events"] if event["type"] == "message")
        contents["rsmf"].update(attached)
        need("a new identity", said["id"] not in ids)
        ids.add(said["id"])
        inner = work / f"{len(asked)}.json"
        inner.write_bytes(raw)
        asked += [inner, path]
        expect[str(inner)], expect[str(path)] = [], said
    mails = sorted(folder.glob("eml/*/*.eml"))
    seen = {}
    for path in mails:
        data = path.read_bytes()
        lines(data, path.name)
        mail, text, said = told(data)
        room = mail["X-Pchat-ChannelID"]
        body = text.split("\nEvents\n", 1)[1]
        count = sum(bool(re.match(r"\d", line)) for line in body.split("\n"))
        need(f"{path.name}: {count} events", str(count) == mail["X-Pchat-Events"])
        events["eml"][room] += count
        contents["eml"].update(content for _, content in said["files"])
        need("a new identity", said["id"] not in ids)
        ids.add(said["id"])
        if mail["In-Reply-To"]:
            need(f"{path.name}: continues a mail", str(mail["In-Reply-To"]) in ids and mail["References"] == mail["In-Reply-To"])
        need("one author", len(said["from"]) == 1)
        seen[said["id"]] = path
        asked.append(path)
        expect[str(path)] = said
        if said["files"]:
            wanted = collections.Counter(content for _, content in said["files"])
            other = mailparser.parse_from_bytes(data)
            import base64
            got = collections.Counter(sha(base64.b64decode(file["payload"])) for file in other.attachments)
            need(f"{path.name}: mail-parser", got == wanted and len(other.to) == len(said["to"]))
            for name, command in [("ripmime", ["ripmime", "-i", str(path), "-d", "."]),
                                  ("MIME::Parser", ["perl", "-MMIME::Parser", "-e", "my $p = MIME::Parser->new; $p->output_dir('.');"
                                                    " my $e = $p->parse_open($ARGV[0]); $p->results->errors and die", str(path)])]:
                got = extracted(command, work / "x")
                # An empty content makes no file there.
                missing = wanted - got - collections.Counter({sha(b""): 99})
                need(f"{path.name}: {name} {missing}", not missing)
    listing = work / "list"
    listing.write_text("".join(f"{path}\n" for path in asked))
    found = json.loads(subprocess.run(["node", HERE / "judge-mails.mjs", npm, schema, listing], check=True, capture_output=True).stdout)
    for path, said in expect.items():
        if path.endswith(".json"):
            need(f"{path}: ajv {found[path]}", found[path] == said)
            continue
        for parser, other in found[path].items():
            for key, value in said.items():
                if key == "html" and value is None:
                    continue
                # Python puts a blank between two encoded words of a name, and no other parser does.
                tight = lambda it: re.sub(r"\s", "", json.dumps(it, ensure_ascii=False)) if key in ("from", "to") else it
                need(f"{path}: {parser} and Python differ in {key}: {value} {other[key]}", tight(other[key]) == tight(value))
    known = collections.Counter(f"{line['pool']}\\{line['room']}" for line in history)
    for name in events:
        need(f"{name}: events of rooms {events[name] - known} {known - events[name]}", events[name] == known)
    texts = collections.Counter(line.get("text", "") for line in history if line["kind"] == "message")
    need("every message, letter by letter", not texts - bodies)
    kept = {file["sha256"] for line in history for file in line.get("attachments", []) if "data" in file or "path" in file}
    need(f"attachments {contents['rsmf'] ^ kept} {contents['eml'] ^ kept}", contents["rsmf"] == kept == contents["eml"])
    shutil.rmtree(work)
    print(f"{len(history)} events, {len(mails)} mails, {len(asked)} files, {len(kept)} contents: all agree")


if __name__ == "__main__":
    write_input(sys.argv[2]) if sys.argv[1] == "input" else judge(*sys.argv[2:])
