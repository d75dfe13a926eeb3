#!/usr/bin/env python3
"""Reads the tables that `pchat export --format mgc` writes, by their XML format files and by rules of its own, and
compares them with JSON Lines of the same store; and hands the scripts of PowerShell to a parser.

  tests/judge-mgc.py FOLDER HISTORY.jsonl [SCRIPT.ps1...]

It shares no code with pchat. Ends with 1 at the first difference."""
import datetime
import json
import struct
import sys
import uuid
import xml.etree.ElementTree as tree
from pathlib import Path

BULK = "{http://schemas.microsoft.com/sqlserver/2004/bulkload/format}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
WHOLE = {"SQLINT": "<i", "SQLBIGINT": "<q", "SQLSMALLINT": "<h", "SQLBIT": "<?"}


def value(kind, data):
    if kind in WHOLE:
        return struct.unpack(WHOLE[kind], data)[0]
    if kind == "SQLNVARCHAR":
        return data.decode("utf-16-le")
    if kind == "SQLUNIQUEID":
        return str(uuid.UUID(bytes_le=data))
    return data


def rows(folder, name):
    root = tree.parse(folder / f"{name}.xml").getroot()
    prefixes = [int(field.get("PREFIX_LENGTH")) for field in root.iter(BULK + "FIELD")]
    columns = [(column.get("NAME"), column.get(TYPE)) for column in root.iter(BULK + "COLUMN")]
    data = (folder / f"{name}.bcp").read_bytes()
    at, found = 0, []
    while at < len(data):
        row = {}
        for (column, kind), prefix in zip(columns, prefixes, strict=True):
            length = int.from_bytes(data[at : at + prefix], "little")
            at += prefix
            if length == (1 << (8 * prefix)) - 1:
                row[column] = None
                continue
            assert at + length <= len(data), f"{name}: a value leaves the file"
            row[column] = value(kind, data[at : at + length])
            at += length
        found.append(row)
    return found


def instant(ticks):
    at = datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=ticks // 10**7)
    part = f"{ticks % 10**7:07}".rstrip("0")
    return at.isoformat() + (f".{part}" if part else "") + "Z"


def history(folder):
    nodes = {row["nodeID"]: row for row in rows(folder, "tblNode")}
    people = {row["prinID"]: row["prinUri"] for row in rows(folder, "tblPrincipal")}
    found = set()
    for row in rows(folder, "tblChat"):
        room = nodes[row["channelId"]]
        found.add((room["nodeGuid"], row["chatId"], instant(row["chatDate"]), people[row["userId"]], row["content"]))
    for row in rows(folder, "tblLastChatId"):
        room = nodes[row["nodeID"]]["nodeGuid"]
        assert max(line[1] for line in found if line[0] == room) == row["lastChatID"], "tblLastChatId"
    return found


def lines(path):
    found = set()
    for line in Path(path).read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "message" and "id" in event:
            room = event["room"].rsplit("/", 1)[1]
            found.add((room, event["id"], event["time"], event["user"], event["text"]))
    return found


def parse(script):
    import tree_sitter
    import tree_sitter_powershell

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    root = parser.parse(Path(script).read_bytes()).root_node
    assert not root.has_error, f"{script}: a parser of PowerShell does not understand it"


def main():
    folder, jsonl, *scripts = sys.argv[1:]
    folder = Path(folder)
    mine, theirs = history(folder), lines(jsonl)
    assert mine and mine == theirs, f"{len(mine - theirs)} and {len(theirs - mine)} messages differ"
    for name in sorted(folder.glob("*.bcp")):
        rows(folder, name.stem)
    for script in [folder / "load.ps1", *scripts]:
        parse(script)
    print(f"{len(mine)} messages, {1 + len(scripts)} scripts")


main()
