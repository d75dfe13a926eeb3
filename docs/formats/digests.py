#!/usr/bin/env python3
"""Climbs from the event in a proof to the root of the log, with nothing but SHA-256. See digests.md.

The last step, the Ed25519 signature of the checkpoint, is left to a program for signed notes.
"""
import base64, hashlib, json, struct, sys

proof = json.load(open(sys.argv[1], encoding="utf-8"))
event, leaf, block, room, content = (proof[part] for part in ("event", "leaf", "block", "room", "content"))
KINDS = {"message": 1, "backchat": 2, "download": 3, "upload": 4, "join": 5, "part": 6, "replace": 10, "purge": 11, "change": 12}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(value):
    return b"\0" if value is None else b"\1" + struct.pack(">q", value)


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return b"\0" if value is None else b"\1" + struct.pack(">Q", len(value)) + value


def unhex(value):
    return None if value is None else bytes.fromhex(value)


def climb(index, size, hash, siblings):
    """The root above a leaf (RFC 9162, section 2.1.3.2)."""
    assert index < size
    last = size - 1
    for sibling in siblings:
        assert last > 0
        if index & 1 or index == last:
            hash = sha256(b"\1", sibling, hash)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hash = sha256(b"\1", hash, sibling)
        index, last = index >> 1, last >> 1
    assert last == 0
    return hash


person = event["person"]
canonical = b"".join(
    [number(KINDS[event["kind"]]), number(event["ticks"]), number(event["chat"]), number(event["alert"])]
    + [number(event["late"]), number(event["source"])]
    + [text(person["uri"]), text(person["name"]), text(person["email"]), number(person["internal"]), number(person["number"])]
    + [text(event["body"]), text(event["rtf"]), text(event["word"]), text(event["extra"])]
    + [number(len(event["attachments"]))]
    + [text(f["name"]) + text(f["link"]) + number(f["size"]) + text(unhex(f["sha256"])) for f in event["attachments"]]
)
hash = sha256(b"\0", unhex(leaf["blind"]), bytes([leaf["place"]]), canonical)
hash = climb(leaf["index"], block["events"], hash, map(unhex, leaf["hashes"]))

hash = sha256(
    b"\0pchat block\n",
    struct.pack(">QQQQqq", *(block[name] for name in ("first", "last", "events", "bytes", "from", "to"))),
    unhex(block["heads"]), unhex(block["salt"]), hash,
)
hash = climb(block["index"], room["blocks"], hash, map(unhex, block["hashes"]))

key = "\1".join(part.replace("\2", "\0022").replace("\1", "\0021") for part in (room["pool"], room["address"])).encode()
facts = struct.pack(">qqQ", room["next"], room["latest"], room["blocks"])
hash = sha256(b"\0pchat room\n", struct.pack(">Q", len(key)), key, facts, hash)
hash = climb(room["index"], content["rooms"], hash, map(unhex, room["hashes"]))

hash = sha256(b"pchat rooms\n", struct.pack(">Q", content["rooms"]), hash)
named = sha256(b"pchat content\n", unhex(content["salt"]), hash).hex()
record = json.loads(proof["record"])
assert record["content"] == named, "the record names another root"

head, note = proof["log"].split("\n\n", 1)
index, siblings = int(head.split("\n")[1].removeprefix("index ")), map(base64.b64decode, head.split("\n")[2:])
origin, size, root = note.split("\n")[:3]
assert climb(index, int(size), sha256(b"\0", proof["record"].encode()), siblings) == base64.b64decode(root)
assert proof["address"] == f"{room['pool']}\\{room['address']}#{block['first'] + leaf['place']}"
print(f"{proof['address']} leads to record {record['number']} of {origin}, and that to the checkpoint of {size} records")
