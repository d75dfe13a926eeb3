#!/usr/bin/env python3
"""Compares the verdicts of pchat with those of programs that know nothing of it.

    tests/judge-verdicts.py PCHAT BAGIT ARCHIVE [MUTATIONS [SEED]]

Archives of every level, with settings, holds and collections, are changed and their lists made right again: what
sha256sum, bagit or xmllint refuse, pchat must refuse, and what is unchanged it must accept; what it calls intact, an
import must be able to read. XML is changed: what both expat and libxml2 refuse, import must refuse. Bags of every version
are changed: what bagit refuses, `verify --bag` must refuse.
"""

import hashlib
import json
import logging
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import xml.parsers.expat
import zipfile

from lists import lay, relist, sha256

PCHAT, BAGIT, ARCHIVE = (str(pathlib.Path(arg).resolve()) for arg in sys.argv[1:4])
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 240
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
FORMATS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "formats"
WORK = pathlib.Path(tempfile.mkdtemp())
sys.path += map(str, pathlib.Path(BAGIT).parent.parent.glob("lib/python3*/site-packages"))
try:
    import bagit
    logging.disable(logging.CRITICAL)
except ImportError:
    bagit = None
chance = random.Random(SEED)
wrong = []


def run(*words, cwd=None):
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def bagit_refuses(where):
    """Why bagit refuses a bag, if it does. In this process where that is possible: a program of its own takes as long as all else."""
    if bagit is None:
        code, said = run(BAGIT, "--validate", str(where))
        return said[-300:] if code else None
    try:
        bagit.Bag(str(where)).validate()
        return None
    except Exception as error:  # pylint: disable=broad-except
        return f"{error}"[-300:]


PIECES = [b"\0", b"\x0b", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"]]>", b"<!-- a -- b -->", b"<? x?>", b"<?XML x?>", b"<?x?>",
          b"&#0;", b"&#xFFFE;", b"&nbsp;", b"&#000000000000000000065;", b"<a", b"</a>", b"<![CDATA[x]]>", b"&", b"<", b">",
          b"\"", b"'", b" x=\"y\"", b" xmlns=\"urn:x\"", b"\xff", b"\xc0\x80", b"<!DOCTYPE a>", b"<?xml version=\"1.0\"?>",
          b" ", b"\t", b"\r\n", b"0", b"-", b"/", b"=", "\u00d7".encode(), "\u2028".encode(), b"<x:y/>", b"\xed\xa0\x80"]


def bent(data):
    """The bytes with one to three changes."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(6)
        if what == 0 and data:
            del data[at:at + chance.randrange(1, 12)]
        elif what == 1:
            data[at:at] = chance.choice(PIECES)
        elif what == 2 and at < len(data):
            data[at] = chance.randrange(256)
        elif what == 3 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif what == 4:
            tags = [n for n in range(len(data)) if data[n] in b"<>=\"&"]
            at = chance.choice(tags) + chance.randrange(2) if tags else at
            data[at:at] = chance.choice(PIECES)
        else:
            part = data[at:at + chance.randrange(1, 60)]
            data[at:at] = part
    return bytes(data)


def swapped(data):
    """A value, an attribute or an element that says something else, in XML that stays well-formed."""
    parts = list(re.finditer(rb'(?<==")[^"<]*(?=")|(?<=>)[^<>]+(?=<)', data))
    if not parts:
        return bent(data)
    part = chance.choice(parts)
    number = int(part.group()) if re.fullmatch(rb"-?\d{1,18}", part.group()) else 0
    value = chance.choice([b"", b"0", b"1", b"-1", b"%d" % (number + 1), b"%d" % (number - 1), b"9" * 30, b"true", b"false", b"yes", b"x" * 3000, b" ",
                           b"2015-02-30T00:00:00Z", b"2015-03-01", b"0001-01-01T00:00:00Z", b"../x", b"sip:", chance.choice(parts).group(),
                           part.group().upper(), part.group() + b" ", b" " + part.group(), part.group()[:-1], b"&#x1;", b"&amp;", b"%00",
                           b"+" + part.group(), b"0" + part.group(), part.group().lower(), part.group().replace(b"T", b" ").replace(b"Z", b"+00:00"),
                           part.group().replace(b"Z", b".0Z"), part.group().replace(b".", b",")])
    what = chance.randrange(6)
    if what == 0:
        attributes = list(re.finditer(rb' [a-z-]+="[^"]*"', data))
        if attributes:
            gone = chance.choice(attributes)
            return data[:gone.start()] + data[gone.end():]
    elif what == 1:
        elements = list(re.finditer(rb"<([a-z]+)[^<>]*>[^<]*</\1>|<[a-z]+[^<>]*/>|<record>.*?</record>", data, re.DOTALL))
        if elements:
            one, other = chance.choice(elements), chance.choice(elements)
            return data[:one.start()] + chance.choice([b"", one.group() * 2, other.group()]) + data[one.end():]
    return data[:part.start()] + value + data[part.end():]


def told_otherwise(data):
    """JSON with another value, or lines with another word."""
    try:
        what = json.loads(data)
    except ValueError:
        lines = data.split(b"\n")
        at = chance.randrange(len(lines))
        kind = chance.randrange(4)
        lines[at:at + 1] = [[], [lines[at]] * 2, [lines[at][::-1]], [lines[at] + b"x"]][kind]
        return b"\n".join(lines)
    if isinstance(what, dict) and what:
        key = chance.choice(sorted(what))
        value = chance.choice([None, 0, 1, -1, "", "x", [], {}, True, 1e300, what[key], str(what[key]), [what[key]], "Content", "All"])
        if chance.randrange(4):
            what[key] = value
        elif chance.randrange(2):
            del what[key]
        else:
            what[chance.choice(["x", key.upper(), "level"])] = value
    return json.dumps(what).encode()


def bases():
    """Archives of every level, of a store that has something of everything."""
    store = str(WORK / "all.db")
    assert run(PCHAT, "import", ARCHIVE, "--store", store)[0] == 0
    rooms = json.loads(subprocess.run([PCHAT, "room", "get", "--store", store, "--output", "json"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, check=True).stdout)
    room = rooms[0]["Name"] if isinstance(rooms, list) else next(iter(rooms.values()))[0]["Name"]
    (WORK / "a.ldif").write_text("dn: CN=A,DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:a@h.example\ncn: A\nmail: a@h.example\n\n"
                                 "dn: CN=G,DC=x\nobjectClass: group\nmember: CN=A,DC=x\n")
    for words in [["principal", "import", str(WORK / "a.ldif")], ["case", "new", "M"], ["case", "new", "N"],
                  ["hold", "new", "H", "--case", "M", "--reason", "x", "--room", room], ["hold", "new", "I", "--case", "N", "--reason", "y", "--user", "*"],
                  ["category", "new", "--name", "Cat", "--pool", "litwareinc.com"], ["category", "set", "Cat", "--allowed-members", "sip:a@h.example"],
                  ["room", "new", "--name", "R", "--pool", "litwareinc.com", "--category", "Cat"],
                  ["retention", "set", "--everything", "--keep", "7 years", "--reason", "x"], ["case", "search", "new", "Q", "--case", "M", "--query", "the"],
                  ["case", "tag", "add", "--case", "M", "--tag", "hot", "--room", room]]:
        code, said = run(PCHAT, *words, "--store", store)
        assert code == 0, (words, said)
    found = []
    for level in ["All", "All", "All", "User", "Category", "RoomDirectory", "Content"]:
        out = WORK / f"level-{len(found)}"
        code, said = run(PCHAT, "export", "--store", store, "--out", str(out), "--level", level)
        assert code == 0, (level, said)
        found.append({str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()})
    return found


def archive_verdict(where):
    """The first of the others that refuses, if one does."""
    for name in ["manifest-sha256.txt", "tagmanifest-sha256.txt"]:
        if run("sha256sum", "--check", "--strict", "--quiet", name, cwd=where)[0]:
            return f"sha256sum {name}"
    if why := bagit_refuses(where):
        return f"bagit ({why})"
    schemas = {"rooms.xsd": [where / "data/rooms/index.xml"], "collected.xsd": list(where.glob("data/collected/**/*.xml")), "names.xsd": [where / "data/names.xml"],
               "catalog.xsd": list(where.glob("data/catalog/*.xml")), "page.xsd": list(where.glob("data/rooms/*/*.xml"))}
    for schema, pages in schemas.items():
        pages = [str(page) for page in pages if page.exists()]
        if pages and run("xmllint", "--nonet", "--noout", "--schema", str(FORMATS / schema), *pages)[0]:
            return f"xmllint {schema}"
    return None


def lines_of(files, name, change):
    """The lines of a list, changed; what lists it is made right again when it is the list of the payload."""
    lines = [line for line in files[name].split(b"\n") if line]
    files[name] = change(lines)
    if name == "manifest-sha256.txt":
        old, files[name] = files[name], b""
        relist_tags(files, name, old)


def relist_tags(files, name, data):
    """The list of the tag files, right for this content of one of them."""
    files[name] = data
    tags = {one: data for one, data in files.items() if not one.startswith("data/") and one not in ("tagmanifest-sha256.txt", "seal.txt")}
    files["tagmanifest-sha256.txt"] = "".join(f"{sha256(data)}  {one}\n" for one, data in sorted(tags.items())).encode()


def one_line(change):
    def changed(lines):
        at = chance.randrange(len(lines))
        lines[at:at + 1] = change(lines[at])
        return b"\n".join(lines) + b"\n"
    return changed


# Lists in another form: programs differ in what they read, so what any of them refuses must be refused.
LISTS = [
    lambda lines: b"\r\n".join(lines) + b"\r\n", lambda lines: b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n", lambda lines: b"\n".join(lines),
    lambda lines: b"\n".join(reversed(lines)) + b"\n", lambda lines: b"\n".join(chance.sample(lines, len(lines))) + b"\n",
    lambda lines: b"\n\n".join(lines) + b"\n", lambda lines: b"\n".join([*lines, b"", b""]), lambda lines: b"# hello\n" + b"\n".join(lines) + b"\n",
    lambda lines: b"".join(line[:64].upper() + line[64:] + b"\n" for line in lines), one_line(lambda line: [line, line]),
    one_line(lambda line: [line + b" "]), one_line(lambda line: [line + b" x"]), one_line(lambda line: [line + b"\t"]), one_line(lambda line: [b" " + line]),
    one_line(lambda line: [line.replace(b"  ", b" *", 1)]), one_line(lambda line: [line.replace(b"  ", b" ", 1)]), one_line(lambda line: [line.replace(b"  ", b"\t", 1)]),
    one_line(lambda line: [line.replace(b"  ", b"   ", 1)]), one_line(lambda line: [line.replace(b"data/", b"./data/", 1)]),
    one_line(lambda line: [line.replace(b"data/", b"data//", 1)]), one_line(lambda line: [line.replace(b"data/", b"data/./", 1)]),
    one_line(lambda line: [line.replace(b"data/", b"data/x/../", 1)]), one_line(lambda line: [line.replace(b"/", b"\\", 1)]),
    one_line(lambda line: [line.replace(b"/", b"%2F", 1)]), one_line(lambda line: [line.replace(b"data", b"d%61ta", 1)]),
    one_line(lambda line: [line[:66] + line[66:].upper()]), one_line(lambda line: [line[:66] + line[66:].swapcase(), line]),
    one_line(lambda line: [line + b"\0"]), one_line(lambda line: [b"\\" + line]), one_line(lambda line: [line[1:]]), one_line(lambda line: [b"0" + line]),
    one_line(lambda line: [b"0" * 64 + line[64:], line]), one_line(lambda line: [line, b"0" * 64 + line[64:]]), one_line(lambda line: []),
    one_line(lambda line: [b"SHA256 (" + line[66:] + b") = " + line[:64]]), one_line(lambda line: [b"0" * 64 + b"  data/none", line]),
]
OXUM = ["{0}.{1}", "{2}.{1}", "{0}.{3}", "{0}", "{0}.", ".{1}", "{0}.{1}.0", "+{0}.{1}", " {0}.{1} ", "{0}.0{1}", "0{0}.{1}", "{0}.{1}x", "", "x.y", "-1.{1}",
        "99999999999999999999999.{1}"]


def other_form(files):
    """An archive with right lists of which something is written otherwise: which, and the files."""
    what = chance.randrange(10)
    files = relist(dict(files))
    if what < 4:
        name = chance.choice(["manifest-sha256.txt", "tagmanifest-sha256.txt"])
        at = chance.randrange(len(LISTS))
        lines_of(files, name, LISTS[at])
        return f"form {at} of {name}", files
    if what == 4:
        payload = [data for name, data in files.items() if name.startswith("data/")]
        size, count = sum(map(len, payload)), len(payload)
        text = chance.choice(OXUM).format(size, count, size + chance.choice([1, -1]), count + chance.choice([1, -1]))
        lines = [line for line in files["bag-info.txt"].split(b"\n") if line]
        said = [b"Payload-Oxum: " + text.encode() if line.startswith(b"Payload-Oxum") else line for line in lines]
        said = chance.choice([said, said, [*said, *said], [*lines, b"Payload-Oxum: " + text.encode()], [line.lower() for line in said],
                              [line.replace(b": ", b":") for line in said], [line.replace(b": ", b" : ") for line in said]])
        relist_tags(files, "bag-info.txt", b"\n".join(said) + b"\n")
        return f"Payload-Oxum {text}", files
    if what == 5:
        text = chance.choice([b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n", b"BagIt-Version: 0.96\nTag-File-Character-Encoding: UTF-8\n",
                              b"BagIt-Version: 1.1\nTag-File-Character-Encoding: UTF-8\n", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16\n",
                              b"BagIt-Version: 1.0\r\nTag-File-Character-Encoding: UTF-8\r\n", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: utf-8\n",
                              b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8", b"Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n",
                              b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", b"BagIt-Version: 1.0\n\nTag-File-Character-Encoding: UTF-8\n"])
        relist_tags(files, "bagit.txt", text)
        return f"declaration {text!r}", files
    if what == 6:
        # A file under another name: case, composed, percent, blanks. Its lists follow.
        name = chance.choice(sorted(name for name in files if name.startswith("data/")))
        folder, last = name.rsplit("/", 1)
        other = chance.choice([name.upper(), f"{folder}/{last.upper()}", f"{folder}/{last} ", f"{folder}/ {last}", f"{folder}/{last}.", f"{folder}/%{ord(last[0]):02X}{last[1:]}",
                               f"{folder}/{unicodedata.normalize('NFD', last)}x", f"{folder}/{unicodedata.normalize('NFD', last)}", f"{folder}/e\u0301{last}",
                               f"{folder}/\u200e{last}", f"{folder}/CON", f"{folder}/a:b", f"{folder}/{last}/{last}", f"data/{last}", name.replace("data/", "data/x/", 1)])
        files[other] = files.pop(name)
        return f"{name} called {other}", relist(files)
    if what == 7:
        # An attachment is kept, or is not.
        pages = [name for name, data in files.items() if name.startswith("data/rooms/") and b"kept=" in data]
        if pages:
            name = chance.choice(pages)
            files[name] = chance.choice([lambda d: d.replace(b' kept="true"', b"", 1), lambda d: d.replace(b' kept="true"', b' kept="false"', 1),
                                         lambda d: d.replace(b' kept="true"', b' kept="TRUE"'), lambda d: d.replace(b' kept="true"', b' kept="1"'),
                                         lambda d: re.sub(rb'sha256="(.)', lambda m: b'sha256="' + (b"0" if m[1] != b"0" else b"1"), d, count=1),
                                         lambda d: re.sub(rb'sha256="([^"]*)"', lambda m: b'sha256="' + m[1].upper() + b'"', d, count=1),
                                         lambda d: re.sub(rb' size="(\d+)"', lambda m: b' size="%d"' % (int(m[1]) + 1), d, count=1)])(files[name])
            return f"kept in {name}", relist(files)
    if what == 8:
        # Settings that are not there, or there twice.
        pages = sorted(name for name in files if name.startswith("data/catalog/"))
        if pages:
            name = chance.choice(pages)
            files.pop(name)
            if chance.randrange(3) == 0:
                files[name.replace(".xml", chance.choice([".XML", ".xml.bak", "s.xml"]))] = b"x"
            return f"without {name}", relist(files)
    text = chance.choice([b"", b"http://h.example/x - data/x\n", b"http://h.example/x - data/rooms/index.xml\n", b"x\n"])
    files["fetch.txt"] = text
    return f"fetch.txt {text!r}", relist(files)


def archives():
    with zipfile.ZipFile(ARCHIVE) as archive:
        all_ = [{name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}, *bases()]
    where = WORK / "archive"
    for whole in all_:
        lay(relist(dict(whole)), where)
        code, said = run(PCHAT, "verify", str(where), "--read-data")
        other = archive_verdict(where)
        assert code == 0 and other is None, f"what is unchanged is refused: {other} {said}"
    refused = 0
    for number in range(COUNT):
        whole = chance.choice(all_)
        files = dict(whole)
        kind = chance.randrange(28)
        names = sorted(name for name in files if not name.startswith(("manifest-", "tagmanifest-")) and name != "seal.txt")
        name = chance.choice(names)
        if kind < 9:
            name = chance.choice([name for name in names if name.endswith(".xml")])
            # Settings are short, and there are many pages of them.
            if kind < 7 and (some := [one for one in names if one.startswith("data/catalog/") and files[one].count(b"\n") > 4]):
                name = chance.choice(some)
            files[name] = (bent if kind % 2 else swapped)(files[name])
        elif kind == 10:
            name = chance.choice([one for one in names if not one.startswith("data/")])
            files[name] = told_otherwise(files[name])
        elif kind == 11:
            # A page of another archive.
            other, source = chance.choice(names), chance.choice(all_)
            if other in source:
                name, files[other] = other, source[other]
        elif kind == 12:
            # Two files in each other's place.
            other = chance.choice(names)
            files[name], files[other] = files[other], files[name]
        elif kind == 13:
            other = chance.choice(names)
            files[chance.choice([name.upper(), name + "/x", name + "~", "data/files/" + "0" * 64 + "/x", name.replace("data/", "data/data/"),
                                 "fetch.txt", "tagmanifest-md5.txt", "manifest-sha512.txt", "meta/x", "data/rooms/x/000001.xml"])] = files[other]
        elif kind == 14:
            # An attachment that is kept, and is not there, or is another.
            if some := [one for one in names if one.startswith("data/files/")]:
                name = chance.choice(some)
                files[name] = chance.choice([b"", files[name] + b"x", files[chance.choice(some)]])
        elif kind == 15:
            # Only a level, or the kind of the archive, is said otherwise.
            custody = json.loads(files["custody.json"])
            custody["level"] = chance.choice(["All", "User", "Category", "RoomDirectory", "Content", "all", ""])
            name, files["custody.json"] = "custody.json", json.dumps(custody).encode()
        elif kind == 16:
            files[name] = bent(files[name])
        elif kind == 17 and name not in ("custody.json", "bag-info.txt"):
            del files[name]
        elif kind == 18:
            files[chance.choice(["x.txt", "data/x", "data/files/x", "data/catalog/x.xml", "manifest-md5.txt"])] = b"x\n"
        if kind >= 20:
            name, files = other_form(files)
        else:
            files = relist(files)
        if kind == 19:
            name = chance.choice(sorted(files))
            files[name] = bent(files[name])
        try:
            lay(files, where)
        except OSError:
            continue
        other = archive_verdict(where)
        code, said = run(PCHAT, "verify", str(where), "--read-data")
        refused += code != 0
        if other and code == 0 or code not in (0, 12, 13, 15):
            wrong.append(f"archive {number}: {other} refuses {name}, and pchat ends with {code}: {said[-200:]}")
            shutil.copytree(where, WORK / f"kept-{number}", dirs_exist_ok=True)
        if code == 0:
            # What is intact can be taken in; some of it only with a yes, or beside what is there.
            taken, said = run(PCHAT, "import", str(where), "--what-if", "--accept-retention", "--store", str(WORK / "new.db"))
            if taken not in (0, 3, 4):
                wrong.append(f"archive {number}: {name} is intact, and an import ends with {taken}: {said[-300:]}")
                shutil.copytree(where, WORK / f"kept-{number}", dirs_exist_ok=True)
    print(f"archives: {COUNT} changed, {refused} refused")


def text():
    """XML of the vocabulary of compliance files, changed in a body around it."""
    base = (b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a comment -->\n<?target data?>\n<Conversations>\n"
            b"<Conversation>\n<Channel uri=\"ma-chan://h.example/1\" name=\"T\"/>\n<Messages>\n"
            b"<Message type=\"CHAT\" content=\"hello &amp; &#x41;\" id=\"1\">"
            b"<Sender uri=\"sip:a@h.example\" name='A'/><DateTimeUTC long=\"633409486005222640\"/></Message>\n"
            b"</Messages>\n</Conversation>\n</Conversations>\n")
    path, refused, both = WORK / "x.xml", 0, 0
    for number in range(COUNT):
        data = base if number == 0 else bent(base)
        path.write_bytes(data)
        for store in WORK.glob("s.db*"):
            store.unlink()
        try:
            xml.parsers.expat.ParserCreate().Parse(data, True)
            expat = True
        except (xml.parsers.expat.ExpatError, LookupError, ValueError):
            expat = False
        libxml = run("xmllint", "--noout", "--nonet", str(path))[0] == 0
        code, said = run(PCHAT, "import", str(path), "--store", str(WORK / "s.db"), "--what-if")
        # A reference to a character XML forbids stays, counted; a cut body has nothing left.
        odd = b"&#0;" in data or b"&#xFFFE;" in data
        refused, both = refused + (code != 0), both + (not expat and not libxml)
        if not expat and not libxml and code == 0 and not odd:
            wrong.append(f"xml {number}: expat and libxml2 refuse what pchat reads: {data!r}")
        if number == 0 and code:
            wrong.append(f"xml: what is unchanged is refused: {said}")
    print(f"xml: {COUNT} changed, {both} refused by expat and libxml2, {refused} by pchat")


def bags():
    refused = others = 0
    for number in range(COUNT // 2):
        version = chance.choice(["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"])
        kinds = chance.sample(["md5", "sha1", "sha256", "sha512"], chance.randrange(1, 3))
        payload = {"data/a.txt": b"hello", "data/b c/d": b"", "data/\u00e9": b"x"}
        files = dict(payload)
        for kind in kinds:
            lines = (f"{hashlib.new(kind, data).hexdigest()}  {name}\n" for name, data in sorted(payload.items()))
            files[f"manifest-{kind}.txt"] = "".join(lines).encode()
        info = "bag-info.txt" if version >= "0.96" else "package-info.txt"
        files[info] = f"Source: a\n  b\nPayload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}\n".encode()
        files["bagit.txt"] = f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n".encode()
        before = {name: data for name, data in files.items() if not name.startswith("data/")}
        if number % 4:
            name = chance.choice(sorted(files))
            if chance.randrange(4):
                files[name] = bent(files[name])
            else:
                del files[name]
        tags = {name: files.get(name, b"") if chance.randrange(2) else data for name, data in before.items()}
        lines = (f"{hashlib.new(kinds[0], data).hexdigest()}  {name}\n" for name, data in sorted(tags.items()))
        files[f"tagmanifest-{kinds[0]}.txt"] = "".join(lines).encode()
        where = WORK / "bag"
        lay(files, where)
        code, said = run(PCHAT, "verify", "--bag", str(where))
        other = bagit_refuses(where)
        refused, others = refused + (code != 0), others + (other is not None)
        if other and code == 0:
            wrong.append(f"bag {number}: bagit refuses what pchat calls sound: {other}")
        if number % 4 == 0 and code:
            wrong.append(f"bag {number}: what is unchanged is refused: {said}")
    print(f"bags: {COUNT // 2} made, {others} refused by bagit, {refused} by pchat")


try:
    archives()
    text()
    bags()
    for line in wrong[:20]:
        print(line)
    print(f"{len(wrong)} verdicts are wrong")
    sys.exit(1 if wrong else 0)
finally:
    if not wrong:
        shutil.rmtree(WORK, ignore_errors=True)
    else:
        print(f"kept in {WORK}")
