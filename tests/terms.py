#!/usr/bin/env python3
"""Counts a search-term report anew from exported JSON Lines and compares it with what pchat says.

    tests/terms.py HISTORY.jsonl TERMS.txt [WINDOW SECONDS [PERSON,PERSON,...]] < REPORT.json

HISTORY.jsonl is the whole history, also where the report is of some people only. REPORT.json is `pchat search report --terms TERMS.txt --output json`, with --each term, person or room. Shares no code
with pchat: words are made by the rules of docs/formats/words.md, terms are those of docs/formats/query.md as far as this
understands them: words, patterns with * and ?, "phrases", AND, OR, NOT, NEAR(n) and ONEAR(n) between words, phrases and
several with OR, from:address, present:address, sent: with days, kind:message, hasattachment:true. Prints what differs
and ends with 1.
"""
import json
import re
import sys
import unicodedata
from calendar import timegm
from time import strptime

GONE = [(0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
        (0x591, 0x5C7), (0x64B, 0x65F), (0x670, 0x670), (0xAD, 0xAD), (0x640, 0x640), (0x180B, 0x180F)]
ALONE = [(0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
         (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)]


def within(code, ranges):
    return any(first <= code <= last for first, last in ranges)


def words(text):
    """The words of a text, folded."""
    out, word = [], ""
    # Compatibility forms, case, accents; then Korean syllables and voiced kana are put together again.
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join("i" if c in "Iİıi" else c for c in plain).casefold()
    plain = unicodedata.normalize("NFKD", plain).replace("ς", "σ")
    kept = [c for c in plain if not within(ord(c), GONE)]
    plain = "".join(kept)
    whole = lambda m: unicodedata.normalize("NFC", m.group())
    plain = re.sub("[\u1100-\u11ff\u3040-\u30ff\u3099\u309a]+", whole, plain)
    for c in plain:
        code, kind = ord(c), unicodedata.category(c)
        if within(code, ALONE) and kind[0] in "LM":
            out += [word] if word else []
            out, word = out + [c], ""
        elif kind[0] in "LN" or kind[0] == "M" and word:
            word += c
        elif kind == "So" and code > 127 or kind == "Sk" and 0x1F3FB <= code <= 0x1F3FF:
            out += [word] if word else []
            out, word = out + [c], ""
        else:
            out += [word] if word else []
            word = ""
    out += [word] if word else []
    return [word[:64] for word in out]


def leaf(text):
    """A word, a phrase or a pattern as a list of tests of words."""
    if text.startswith('"'):
        star = text.endswith('*"')
        tests = [("is", word) for word in words(text.strip('"*'))]
        return tests[:-1] + [("begins", tests[-1][1])] if star else tests
    if not re.search("[*?]", text):
        return [("is", word) for word in words(text)]
    tests = []
    for part in re.findall(r"[\w*?]+", text):
        pattern = "".join(c if c in "*?" else "".join(words(c)) for c in part)
        whole = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        tests.append(("like", re.compile(whole, re.S)) if re.search("[*?]", pattern) else ("is", pattern))
    return tests


def meets(test, word):
    if test[0] == "like":
        return bool(test[1].fullmatch(word))
    return word == test[1] if test[0] == "is" else word.startswith(test[1])


def places(tests, text):
    last = len(text) - len(tests) + 1
    return [(at, at + len(tests) - 1) for at in range(max(last, 0))
            if all(meets(test, text[at + n]) for n, test in enumerate(tests))]


def parse(query):
    """A query as a tree. Binding from tight to loose: NOT, NEAR, AND (also implied), OR."""
    tokens = re.findall(r'"[^"]*"|\(|\)|O?NEAR\(\d+\)|[^\s()]+', query)
    at = 0

    def peek():
        return tokens[at] if at < len(tokens) else None

    def either():
        nonlocal at
        nodes = [both()]
        while peek() == "OR":
            at += 1
            nodes.append(both())
        return ("or", nodes) if len(nodes) > 1 else nodes[0]

    def both():
        nonlocal at
        nodes = [near()]
        while peek() not in (None, "OR", ")"):
            if peek() == "AND":
                at += 1
            nodes.append(near())
        return ("and", nodes) if len(nodes) > 1 else nodes[0]

    def near():
        nonlocal at
        left = single()
        if re.match(r"O?NEAR\(", peek() or ""):
            ordered, distance = peek()[0] == "O", int(re.search(r"\d+", peek()).group())
            at += 1
            return ("near", distance, left, single(), ordered)
        return left

    def single():
        nonlocal at
        token = peek()
        at += 1
        if token == "(":
            node = either()
            assert peek() == ")", "a bracket is never closed"
            at += 1
            return node
        if token == "NOT" or token.startswith("-") and len(token) > 1:
            if token != "NOT":
                at -= 1
                tokens[at] = token[1:]
            return ("not", single())
        assert token not in (")", "OR", "AND"), "an operator without a word"
        if token.startswith("from:"):
            return ("from", person(token[5:]))
        if token.startswith("present:"):
            return ("present", person(token[8:]))
        if token.startswith("sent:"):
            first, _, last = token[5:].partition("..")
            return ("sent", day(first), day(last or first) + 86399)
        if token == "kind:message":
            return ("message",)
        if token == "hasattachment:true":
            return ("files",)
        tests = leaf(token)
        assert tests, "no letter"
        return ("run", tests)

    node = either()
    assert at == len(tokens), "something is left"
    return node


def person(address):
    return address.lower().removeprefix("sip:")


def day(text):
    return timegm(strptime(text, "%Y-%m-%d"))


def sides(node, text):
    """Where a side of NEAR stands: a word, a phrase, or several of them with OR."""
    if node[0] == "or":
        return sorted(set().union(*(sides(one, text) for one in node[1])))
    return places(node[1], text)


def near_places(node, text):
    _, distance, left, right, ordered = node
    one, two = sides(left, text), sides(right, text)
    close = lambda a, b: 0 < b[0] - a[1] <= distance + 1 or not ordered and 0 < a[0] - b[1] <= distance + 1
    return [a for a in one if any(close(a, b) for b in two)] + [b for b in two if any(close(a, b) for a in one)]


def meant(node, event):
    kind = node[0]
    if kind == "or":
        return any(meant(one, event) for one in node[1])
    if kind == "and":
        return all(meant(one, event) for one in node[1])
    if kind == "not":
        return not meant(node[1], event)
    if kind == "from":
        return event["person"] == node[1]
    if kind == "present":
        return any(first <= event["time"] <= last for first, last in PRESENT.get((event["room"], node[1]), []))
    if kind == "sent":
        return node[1] <= event["second"] <= node[2]
    if kind in ("message", "files"):
        return bool(event[kind])
    if kind == "near":
        return any(near_places(node, text) for text in event["texts"])
    return any(places(node[1], text) for text in event["texts"])


def occurs(node, event, text):
    """The places of words in a text that make the event be meant; what stands under NOT is none of them."""
    kind = node[0]
    if kind in ("or", "and"):
        return set().union(*(occurs(one, event, text) for one in node[1]))
    if kind in ("not", "from", "present", "sent", "message", "files"):
        return set()
    return set(near_places(node, text) if kind == "near" else places(node[1], text))


def plain_rtf(rtf):
    """The text of simple RTF: what stands outside of tables of fonts, colours and styles."""
    out, stack, skip, after = [], [], False, 0
    for m in re.finditer(r"\\([a-z]+)(-?\d+)? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]", rtf, re.S | re.I):
        word, number, code, sign, brace, text = m.groups()
        if brace == "{":
            stack.append(skip)
        elif brace == "}":
            skip = stack.pop() if stack else False
        elif sign == "*" or word in ("fonttbl", "colortbl", "stylesheet", "info", "pict"):
            skip = True
        elif skip:
            continue
        elif word == "u":
            out.append(chr(int(number) % 65536))
            after = 1
        elif code:
            out.append("" if after else bytes.fromhex(code).decode("cp1252", "replace"))
            after = 0
        elif word in ("par", "line", "tab", "cell", "row"):
            out.append("\n")
        elif sign and sign in "\\{}":
            out.append(sign)
        elif sign == "~":
            out.append("\u00a0")
        elif text:
            out.append(text[1:] if after else text)
            after = 0
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def values(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in values(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in values(inner)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


KNOWN = {"room", "pool", "room_title", "category", "user", "user_name", "email", "internal", "user_number", "time",
         "kind", "id", "alert", "text", "attachments", "rtf", "word"}


# When somebody was in a room, from a join to the next part.
PRESENT = {}


def come_and_go(events):
    for event in sorted(events, key=lambda event: event["time"]):
        spans = PRESENT.setdefault((event["room"], event["person"]), [])
        if event["kind"] == "join" and (not spans or spans[-1][1] != "9"):
            spans.append((event["time"], "9"))
        if event["kind"] == "part" and not spans:
            spans.append(("", event["time"]))
        if event["kind"] == "part" and spans[-1][1] == "9":
            spans[-1] = (spans[-1][0], event["time"])


def read(path):
    events = []
    for line in open(path, encoding="utf-8"):
        one = json.loads(line)
        texts = [one.get("text") or ""]
        texts += [file["name"] for file in one.get("attachments", []) if file.get("name")]
        if one.get("rtf"):
            texts.append(plain_rtf(one["rtf"]))
        texts += [one["word"]] if one.get("word") else []
        texts += [text for key, value in one.items() if key not in KNOWN for text in values(value)]
        events.append({
            "room": one["pool"].lower() + "\\" + one["room"].lower(),
            "person": person(one["user"]),
            "time": one["time"].rstrip("Z").ljust(20, ".").ljust(27, "0"),
            "kind": one.get("kind", "message"),
            "second": timegm(strptime(one["time"][:19], "%Y-%m-%dT%H:%M:%S")),
            "message": one.get("kind", "message") == "message",
            "files": len(one.get("attachments", [])),
            "bytes": len((one.get("text") or "").encode()),
            "texts": [words(text) for text in texts],
        })
    come_and_go(events)
    return events


def tally(hits, events, unique, window, node):
    rooms = {}
    for at in hits:
        rooms.setdefault(events[at]["room"], []).append(events[at]["second"])
    context = set(hits)
    for at, event in enumerate(events):
        if event["message"] and any(abs(event["second"] - hit) <= window for hit in rooms.get(event["room"], [])):
            context.add(at)
    places = sum(len(occurs(node, events[at], text)) for at in hits for text in events[at]["texts"]) if node else None
    return {
        "Hits": len(hits), "Unique": len(hits & unique), "WithContext": len(context),
        "WithFamily": len(hits) + sum(events[at]["files"] for at in hits), "Occurrences": places,
        "Rooms": len(rooms), "People": len({events[at]["person"] for at in hits}),
        "Bytes": sum(events[at]["bytes"] for at in hits),
    }


def main():
    events, report = read(sys.argv[1]), json.load(sys.stdin)
    window = int(sys.argv[3]) if len(sys.argv) > 3 else 12 * 3600
    people = {person(one) for one in sys.argv[4].split(",")} if len(sys.argv) > 4 else None
    searched = {at for at, event in enumerate(events) if people is None or event["person"] in people}
    queries = [line.strip() for line in open(sys.argv[2], encoding="utf-8-sig")]
    queries = [line.split("\t")[-1].strip() for line in queries if line and not line.startswith("#")]
    nodes, hits, seen = [], [], set()
    for query in queries:
        try:
            node = parse(query)
        except AssertionError:
            node = None
        if repr(node) in seen:
            node = None
        seen.add(repr(node))
        nodes.append(node)
        hits.append({at for at in searched if meant(node, events[at])} if node else set())
    several = {at for at in range(len(events)) if sum(at in one for one in hits) > 1}
    wrong = 0

    def compare(what, row, counted):
        nonlocal wrong
        for name, count in counted.items():
            if count is not None and row[name] != count:
                wrong += 1
                print(f"{what}: {name} is {row[name]}, counted {count}")

    checked = 0
    for row in report["terms"]:
        number = row["Term"] - 1
        if nodes[number] is None:
            if row["Hits"] is not None:
                wrong += 1
                print(f"term {row['Term']} was counted, though it is no query or a doubled one")
            continue
        own = hits[number]
        if "Person" in row:
            own = {at for at in own if events[at]["person"] == row["Person"]}
        if "Uri" in row:
            own = {at for at in own if events[at]["room"] == row["Pool"].lower() + "\\" + row["Uri"].lower()}
        compare(f"term {row['Term']} {row.get('Person') or row.get('Uri') or ''}", row,
                tally(own, events, set(range(len(events))) - several, window, nodes[number]))
        checked += row["Hits"]
    if "Person" in report["terms"][0] or "Uri" in report["terms"][0]:
        listed = sum(len(own) for own in hits)
        if checked != listed:
            wrong += 1
            print(f"the rows have {checked} hits, counted {listed}")
    any_hit = set().union(*hits)
    totals = {row["Total"]: row["Events"] for row in report["totals"]}
    counted = tally(any_hit, events, set(), window, None)
    for name, count in [("searched", len(searched)), ("with any hit", len(any_hit)),
                        ("with family", counted["WithFamily"]), ("with context", counted["WithContext"])]:
        if totals[name] != count:
            wrong += 1
            print(f"{name} is {totals[name]}, counted {count}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
