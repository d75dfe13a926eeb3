#!/usr/bin/env python3
"""Judges what `pchat search` finds by a plain scan that shares no code with it.

    tests/judge-search.py PCHAT WORK-FOLDER

Makes a history of odd texts, part of which arrives late, and compares: CSV as Python reads it, hits of regular
expressions, sizes and words in their case, windows of context, the order by relevance (BM25), what happened while
somebody was in the room, and statistics. Prints what differs and ends with 1.
"""
import csv
import io
import json
import math
import os
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone

pchat, work = sys.argv[1], sys.argv[2]
os.makedirs(work, exist_ok=True)
wrong = []
dice = random.Random(7)
ODD = ['plain, with comma', 'say "hi"', 'line\nbreak', 'cr\r\nlf', 'tab\there', '=1+1', '@sum(a1)', '+1', '-1', "'quoted'",
       'nul\x00x', '\u2028 line', '\u202e turned', 'a,"b",\n,c', ' leading', 'trailing ', '""', ',', '한국어 文字', '👍🏽',
       'e\u0301tude', 'INV-123456', 'inv-12345', 'The the THE', 'x' * 300]
START = datetime(2014, 5, 1, tzinfo=timezone.utc)
PEOPLE = ["ann@x", "bob@x", "cyd@x"]


def history():
    events, numbers = [], Counter()
    for n in range(240):
        room = dice.randrange(3)
        at = START + timedelta(minutes=37 * n)
        who = dice.choice(PEOPLE)
        event = {"pool": "pool", "room": f"ma-chan://x/{room}", "room_title": f'Desk, "{room}"', "user": f"sip:{who}",
                 "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        kind = dice.choice(["message"] * 6 + ["join", "part"])
        if kind == "message":
            numbers[room] += 1
            words = " ".join(dice.choice(["rebate", "gbp", "usd", "limit", "the", "order"]) for _ in range(dice.randrange(1, 9)))
            event |= {"id": numbers[room], "text": dice.choice(ODD) if dice.random() < 0.5 else words}
            if dice.random() < 0.1:
                event["attachments"] = [{"name": 'a;b, "c".txt'}]
        else:
            event["kind"] = kind
        events.append(event)
    return events


def write(name, events):
    with open(f"{work}/{name}", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def run(*words, codes=(0,)):
    done = subprocess.run([pchat, *words, "--store", f"{work}/s.db"], capture_output=True)
    if done.returncode not in codes:
        wrong.append(f"{words}: code {done.returncode}, {done.stderr.decode()[:300]}")
    return done.stdout.decode()


def rows(*words):
    return [json.loads(line) for line in run("search", *words, "--output", "jsonl", codes=(0, 4)).split("\n") if line]


def same(what, found, counted):
    if found != counted:
        wrong.append(f"{what}: {str(found)[:300]} is not {str(counted)[:300]}")


events = history()
for name in os.listdir(work):
    if name.startswith("s.db"):
        os.remove(f"{work}/{name}")
# The second part lies before the first in time: its events arrive late.
write("late.jsonl", events[:80])
write("in.jsonl", events[80:])
for part in ("in.jsonl", "late.jsonl"):
    run("import", f"{work}/{part}", "--quiet")
time = lambda event: event["time"]
key = lambda event: (event["room"], event["time"])
ordered = sorted(events, key=key)
messages = [event for event in ordered if "id" in event]
found_key = lambda row: (row["Event"].split("\\")[1].rsplit("#")[0], row["Time"])


def hits(query, meant):
    same(query, [found_key(row) for row in rows(query)], [key(event) for event in ordered if meant(event)])


text = lambda event: event.get("text", "")
hits("kind:message", lambda event: "id" in event)
hits(r"text:/inv-\d{6}/", lambda event: re.search(r"inv-\d{6}", text(event), re.I))
hits(r"text=/inv-\d+/", lambda event: re.search(r"inv-\d+", text(event)))
hits(r"text<>/inv/ kind:message", lambda event: "id" in event and not re.search("inv", text(event), re.I))
hits("text:/\u00e9tude/", lambda event: "tude" in text(event))
hits("size:1..4 kind:message", lambda event: "id" in event and 1 <= len(text(event).encode()) <= 4)
hits("size>299", lambda event: len(text(event).encode()) > 299)
hits("NOT size>4 kind:message", lambda event: "id" in event and len(text(event).encode()) <= 4)
hits("text=THE", lambda event: re.search(r"\bTHE\b", text(event)))
hits("text:/x{5}/ OR size:2", lambda event: re.search("x{5}", text(event), re.I) or len(text(event).encode()) == 2)
hits("rebate text:/gbp usd/", lambda event: "rebate" in text(event) and "gbp usd" in text(event))
hits("hasattachment:true", lambda event: "attachments" in event)

# Who was there: from a join to the next part, both included; who parts first was there from the beginning.
for person in PEOPLE:
    spans = {}
    for event in sorted(events, key=time):
        if event["user"] == f"sip:{person}" and event.get("kind") in ("join", "part"):
            mine = spans.setdefault(event["room"], [])
            if event["kind"] == "join" and not (mine and mine[-1][1] is None):
                mine.append([event["time"], None])
            elif event["kind"] == "part" and mine and mine[-1][1] is None:
                mine[-1][1] = event["time"]
            elif event["kind"] == "part" and not mine:
                mine.append(["", event["time"]])
    hits(f"present:{person}", lambda event: any(first <= event["time"] <= (last or "9")
                                                for first, last in spans.get(event["room"], [])))

# CSV: one record for each hit under RFC 4180, control characters as their codes, nothing that a sheet would reckon.
CONTROL = lambda c: ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029\u061c\u200e\u200f" or "\u202a" <= c <= "\u202e"
shown = lambda text: "".join(f"<U+{ord(c):04X}>" if CONTROL(c) else c for c in text)
harmless = lambda text: "'" + text if text[:1] in ("=", "+", "-", "@") else text
read = list(csv.DictReader(io.StringIO(run("search", "kind:message", "--output", "csv"), newline=""), strict=True))
same("rows of CSV", len(read), len(messages))
for row, event in zip(read, messages):
    same("text in CSV", row["Text"], harmless(shown(text(event))))
    same("room in CSV", row["Room"], event["room_title"])
    same("attachments in CSV", row["Attachments"], 'a;b, "c".txt' if "attachments" in event else "")

# Context, merged and marked: so many messages, or so long.
for context, near in [("2", None), ("0", None), ("90m", 90), ("1d", 1440)]:
    listed, windows = [], 0
    for room in sorted({event["room"] for event in ordered}):
        said = [event for event in messages if event["room"] == room]
        is_hit = lambda event: "rebate" in text(event).split()
        stamp = lambda event: datetime.fromisoformat(event["time"])
        meant = set()
        for at, event in enumerate(said):
            if is_hit(event):
                around = range(max(0, at - int(context)), min(len(said), at + int(context) + 1)) if near is None else [
                    n for n, other in enumerate(said) if abs(stamp(other) - stamp(event)) <= timedelta(minutes=near)]
                meant.update(around)
        for at in sorted(meant):
            windows += at - 1 not in meant
            listed.append((key(said[at]), "hit" if is_hit(said[at]) else "context"))
    found = rows("rebate", "--context", context)
    same(f"context {context}", [(found_key(row), row["Is"]) for row in found], listed)
    same(f"windows of {context}", max(row["Window"] for row in found), windows)

# Relevance.
average = max(1, sum(len(text(event).encode()) for event in events) / len(events))
terms = ["rebate", "gbp"]
has = lambda event, term: text(event).split().count(term) if "\n" not in text(event) else 0
score = {}
for term in terms:
    holding = sum(has(event, term) > 0 for event in events)
    worth = math.log(1 + (len(events) - holding + 0.5) / (holding + 0.5))
    for event in events:
        often, long = has(event, term), 1.2 * (0.25 + 0.75 * len(text(event).encode()) / average)
        score[key(event)] = score.get(key(event), 0) + worth * often * 2.2 / (often + long)
found = rows("rebate OR gbp", "--sort", "relevance", "--limit", "40")
best = sorted(score.values(), reverse=True)[:40]
same("scores", [row["Score"] for row in found], [f"{value:.3f}" for value in best if value > 0])
same("whose scores", [row["Score"] for row in found], [f"{score[found_key(row)]:.3f}" for row in found])

# Statistics, from heads.
stats = json.loads(run("stats", "--output", "json"))
for title, column, of in [("people", "Person", lambda event: event["user"][4:]),
                          ("months", "Month", lambda event: event["time"][:7])]:
    table = next((rows for name, rows in stats.items() if rows and column in rows[0] and "Room" not in rows[0]), [])
    same(f"statistics by {column}", {row[column]: (row["Messages"], row["Events"]) for row in table},
         {name: (sum("id" in event for event in events if of(event) == name), count)
          for name, count in Counter(map(of, events)).items()})
pairs = Counter((event["user"][4:], event["room_title"]) for event in messages)
table = json.loads(run("stats", "--by", "pair", "--output", "json"))
same("who talks where", {(row["Person"], row["Room"]): row["Messages"] for row in table if row["Messages"]}, dict(pairs))

# The same text in several rooms.
of = {}
for event in messages:
    if len(text(event)) > 3:
        of.setdefault(text(event), []).append(event["room"])
several = sorted(len(rooms) for rooms in of.values() if len(set(rooms)) > 1)
table = json.loads(run("stats", "--duplicates", "--longer-than", "4", "--output", "json"))
same("duplicates", sorted(len(row["Events"]) for row in table), several)

print("\n".join(wrong[:20]))
sys.exit(1 if wrong else 0)
