#!/usr/bin/env python3
"""Compares what several formats of one export say, by reading each with nothing of pchat: the bags of csv, dat, edrm,
actiance and html, the lines of jsonl, and an archive. Rooms, messages, events, people, attachments with their hashes.

    judge-loads.py ARCHIVE-BAG LOADS-BAG [columns: three characters of the DAT]
"""
import collections, csv, email, email.policy, hashlib, io, json, os, pathlib, re, sys, zipfile
import xml.etree.ElementTree as ET

archive, loads = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
COLUMN, QUOTE, NEWLINE = sys.argv[3] if len(sys.argv) > 3 else "\x14\xfe\xae"
data = loads / "data"
bare = lambda element: element.tag.rsplit("}", 1)[-1]
sha = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()


def dat_rows(path):
    """A DAT reader: whatever the encoding says, one line a document, every value between qualifiers."""
    raw = path.read_bytes()
    text = raw.decode("utf-16") if raw[:2] == b"\xff\xfe" else raw.decode("utf-8-sig")
    assert text.endswith("\r\n"), "the last line has no end"
    lines = text[:-2].split("\r\n")
    assert not any("\n" in line or "\r" in line for line in lines), "a value goes over a line"
    def values(line):
        found, at = [], 0
        while True:
            assert line[at] == QUOTE, f"no qualifier at {at}"
            value, at = "", at + 1
            while True:
                end = line.index(QUOTE, at)
                value, at = value + line[at:end], end + 1
                if line[at:at + 1] != QUOTE:
                    break
                value, at = value + QUOTE, at + 1
            found.append(value.replace(NEWLINE, "\n"))
            if at == len(line):
                return found
            assert line[at] == COLUMN, f"no separator at {at}"
            at += 1
    header, *rows = map(values, lines)
    assert all(len(row) == len(header) for row in rows), "a line has another number of values than the first"
    return [dict(zip(header, row)) for row in rows]


def tally():
    return {"messages": collections.Counter(), "events": collections.Counter(), "files": collections.Counter(), "people": set()}


def of_archive():
    found = tally()
    rooms = ET.parse(archive / "data/rooms/index.xml").getroot()
    for room in rooms:
        folder = room.get("folder")
        for page in sorted((archive / "data/rooms" / folder).glob("*.xml")):
            people, events = ET.parse(page).getroot()
            uris = [next(part.text or "" for part in person if bare(part) == "uri") for person in people]
            for event in events:
                found["events"][folder] += 1
                found["messages"][folder] += bare(event) == "message"
                found["people"].add(uris[int(event.get("by"))])
                for file in event:
                    if bare(file) == "file":
                        found["files"][file.get("sha256")] += 1
    return found


def of_jsonl(keys):
    found = tally()
    with open(data / "history.jsonl", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            event = json.loads(line)
            folder = keys[(event["pool"] + "\\" + event["room"])]
            found["events"][folder] += 1
            found["messages"][folder] += event["kind"] == "message"
            found["people"].add(event["user"])
            for file in event.get("attachments", []):
                found["files"][file.get("sha256")] += 1
    return found


def of_csv():
    found, keys = tally(), {}
    raw = (data / "csv/history.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    csv.field_size_limit(1 << 30)
    with open(data / "csv/history.csv", encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows)
        for row in rows:
            assert len(row) == len(header), "a row has another number of cells"
            cell = dict(zip(header, row))
            keys[cell["Room Id"]] = cell["Room Name"]
            if cell["Post Type"] == "attachment":
                found["files"][cell["File SHA-256"] or None] += 1
                if cell["File Path"]:
                    assert sha(data / "csv" / cell["File Path"]) == cell["File SHA-256"], cell["File Path"]
            else:
                found["events"][cell["Room Id"]] += 1
                found["messages"][cell["Room Id"]] += cell["Post Type"] == "message"
                found["people"].add(cell["User Id"])
    said = json.loads((data / "csv/metadata.json").read_bytes())
    assert {room["id"]: room["events"] for room in said["rooms"]} == dict(found["events"])
    assert said["totals"]["attachments"] == sum(found["files"].values())
    return found, {name: key for key, name in keys.items()}


def of_dat(top="dat", name="VOL001/DATA/VOL001.dat"):
    found = tally()
    rows, parents, lines = dat_rows(data / top / name), {}, 0
    numbers = [int(re.fullmatch(r"PC(\d{9})", row["BEGDOC"])[1]) for row in rows]
    assert numbers == list(range(1, len(rows) + 1)), "numbers are not without a gap"
    for row in rows:
        assert row["ENDDOC"] == row["BEGDOC"] and row["GROUPID"] == row["BEGATTACH"]
        link = row["NATIVELINK"] or row["TEXTLINK"]
        path = data / top / link.removeprefix(".\\").replace("\\", "/")
        assert path.is_file(), link
        if row["RECORDTYPE"] == "attachment":
            assert row["PARENTID"] == row["BEGATTACH"] and row["ENDATTACH"] == parents[row["PARENTID"]]
            found["files"][row["SHA256HASH"] or None] += 1
            if row["NATIVELINK"]:
                assert sha(path) == row["SHA256HASH"] and path.stat().st_size == int(row["FILESIZE"]), link
            continue
        assert row["BEGATTACH"] == row["BEGDOC"] and not row["PARENTID"]
        assert int(row["ENDATTACH"][2:]) - int(row["BEGATTACH"][2:]) == int(row["ATTACHCOUNT"])
        assert sha(path) == row["SHA256HASH"] and path.stat().st_size == int(row["FILESIZE"]), link
        parents[row["BEGDOC"]] = row["ENDATTACH"]
        said = sum(1 for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("["))
        assert said == int(row["EVENTCOUNT"]), f"{link}: {said} events"
        found["events"][row["CONVERSATIONID"]] += int(row["EVENTCOUNT"])
        found["messages"][row["CONVERSATIONID"]] += int(row["MESSAGECOUNT"])
        found["people"].update(uri for uri in row["ALLCUSTODIANS"].split(";") if uri)
        lines += 1
    below = [path for kind in ("TEXT", "NATIVES") for path in (data / top / "VOL001").rglob(f"{kind}/*/*")]
    assert len(below) == len(rows), "files and documents are not as many"
    return found


def of_edrm():
    found, seen = tally(), {}
    root = ET.parse(data / "edrm/edrm.xml").getroot()
    keys = {field.get("Key") for field in root.find("Fields")}
    for batch in root.iter("Batch"):
        for document in batch.iter("Document"):
            values = {bare(value): value.text or "" for value in document.find("FieldValues")}
            assert set(values) <= keys, "a value has no field"
            seen[document.get("DocID")] = document.get("DocType")
            (file,) = document.iter("ExternalFile")
            path = data / "edrm" / file.get("FilePath") / file.get("FileName")
            assert path.stat().st_size == int(file.get("FileSize")) and sha(path).upper() == file.get("Hash"), path
            if values["RECORDTYPE"] == "attachment":
                absent = document.find("Files/File").get("FileType") == "Text"
                found["files"][None if absent else file.get("Hash").lower()] += 1
            else:
                found["events"][values["CONVERSATIONID"]] += int(values["EVENTCOUNT"])
                found["messages"][values["CONVERSATIONID"]] += int(values["MESSAGECOUNT"])
                found["people"].update(uri for uri in values["ALLCUSTODIANS"].split(";") if uri)
        for relation in batch.iter("Relationship"):
            assert seen[relation.get("ParentDocId")] == "Message" and seen.pop(relation.get("ChildDocId")) == "File"
    assert "File" not in seen.values(), "an attachment is related to nothing"
    return found


def of_actiance():
    found = tally()
    for page in sorted((data / "actiance").glob("*/[0-9]*.xml")):
        for talk in ET.parse(page).getroot():
            start, end = int(talk.findtext("StartTimeUTC")), int(talk.findtext("EndTimeUTC"))
            order = [bare(part) for part in talk]
            there, gone = collections.Counter(), collections.Counter()
            for kind, count in (("ParticipantEntered", there), ("ParticipantLeft", gone)):
                moves = [(int(part.findtext("DateTimeUTC")), part.findtext("LoginName")) for part in talk.findall(kind)]
                assert moves == sorted(moves), f"{page}: {kind} is not in order"
                assert all(at <= end and (at >= start or kind != "ParticipantLeft") for at, _ in moves), page
                count.update(who.lower().removeprefix("sip:") for _, who in moves)
            assert there == gone, f"{page}: who came did not go"
            times = [int(part.findtext("DateTimeUTC")) for part in talk.findall("Message")]
            assert times == sorted(times) and all(start <= at <= end for at in times), page
            for message in talk.findall("Message"):
                assert message.findtext("LoginName").lower().removeprefix("sip:") in there, "somebody speaks who is not there"
                found["events"][page.parent.name] += 1
            for file in talk.findall("FileTransferEnded"):
                whole = file.findtext("Status") == "Completed"
                found["files"][sha(data / "actiance" / file.findtext("FileName")) if whole else None] += 1
            assert order[-1] == "EndTimeUTC"
    return found


def of_html():
    found = tally()
    for page in (data / "html").glob("*/[0-9]*.html"):
        found["events"][page.parent.name] += page.read_text(encoding="utf-8").count('<div id="e')
    return found


def of_rsmf():
    """Events by room: those of files, and those of days on which nobody said anything."""
    found, rooms = tally(), {}
    for path in (data / "rsmf").rglob("*.rsmf"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        (packed,) = (part for part in mail.walk() if part.get_filename() == "rsmf.zip")
        with zipfile.ZipFile(io.BytesIO(packed.get_payload(decode=True))) as files:
            manifest = json.loads(files.read("rsmf_manifest.json"))
        room = manifest["conversations"][0]["id"]
        assert len(manifest["events"]) == int(mail["X-RSMF-EventCount"]), path
        found["events"][room] += len(manifest["events"])
        found["people"].update(person["account_id"] for person in manifest["participants"])
    loose = data / "rsmf/events-without-messages.csv"
    if loose.is_file():
        with open(loose, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                found["events"][keys[row["room"]]] += 1
    return found


def of_eml():
    """Headers of mails hold no control characters, and fold white space."""
    plain = lambda text: " ".join("".join(c if c.isprintable() else " " for c in text).split())
    rooms = {plain(address): key for address, key in keys.items()}
    found = tally()
    for path in (data / "eml").rglob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
        said = sum(1 for line in text.split("\nEvents\n", 1)[1].split("\n") if line[:1].isdigit())
        assert said == int(mail["X-Pchat-Events"]), path
        found["events"][rooms[plain(str(mail["X-Pchat-ChannelID"]))]] += said
        found["files"]["all"] += sum(1 for _ in mail.iter_attachments())
    return found


whole = of_archive()
rows, keys = of_csv()
others = {"csv": rows, "jsonl": of_jsonl(keys), "dat": of_dat(), "edrm": of_edrm()}
assert sum(whole["events"].values()) > 0 and whole["people"]
for name, found in others.items():
    for what in ("events", "messages"):
        assert found[what] == whole[what], f"{name}: {what} differ: {found[what] - whole[what]} {whole[what] - found[what]}"
    address = lambda people: {uri.strip().replace(";", ",").lower().removeprefix("sip:") for uri in people} - {""}
    assert address(found["people"]) == address(whole["people"]), f"{name}: people differ"
    known = collections.Counter(key for key in whole["files"].elements())
    if name == "edrm":
        kept = {path.parent.name for path in (archive / "data/files").glob("*/*")}
        known = collections.Counter(key if key in kept else None for key in known.elements())
    assert found["files"] == known, f"{name}: attachments differ"
html = of_html()
assert html["events"] == whole["events"], "html: events differ"
for name, mails in (("rsmf", of_rsmf()), ("eml", of_eml())):
    assert mails["events"] == whole["events"], f"{name}: events differ: {mails['events'] - whole['events']} {whole['events'] - mails['events']}"
talk = of_actiance()
joins = collections.Counter()
for room in ET.parse(archive / "data/rooms/index.xml").getroot():
    joins[room.get("folder")] = sum(int(part.text) for part in room if part.get("kind") in ("join", "part"))
assert talk["events"] == +(whole["events"] - joins), "actiance: events differ"
assert sum(talk["files"].values()) <= sum(whole["files"].values())
print(sum(whole["events"].values()), "events,", sum(whole["messages"].values()), "messages,", sum(whole["files"].values()), "attachments in every format")
