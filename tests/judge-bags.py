#!/usr/bin/env python3
"""Bags of every kind that RFC 8493 and the drafts before it speak of: sound, odd, and wrong.

    tests/judge-bags.py PCHAT BAGIT

Each is laid out as a folder and checked by `pchat verify --bag`, beside bagit. A bag that is sound must be called so, one
that is odd must be called sound with a remark, and one that is wrong must be refused. Where bagit judges otherwise than
the specification, the table says so.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PCHAT, BAGIT = (str(pathlib.Path(arg).resolve()) for arg in sys.argv[1:3])
WORK = pathlib.Path(tempfile.mkdtemp())
ALGORITHMS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"]
VERSIONS = ["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"]
SOUND, ODD, WRONG = "sound", "odd", "wrong"
wrong, count = [], 0


def digest(kind, data):
    return hashlib.new(kind, data).hexdigest()


def manifest(kind, files, name=lambda name: name, end="\n", gap="  "):
    return "".join(f"{digest(kind, data)}{gap}{name(path)}{end}" for path, data in sorted(files.items())).encode()


def bag(version="1.0", kinds=("sha256",), payload=None, tags=True, encoding="UTF-8"):
    """A bag, and what is in it."""
    payload = {"data/a.txt": b"hello", "data/b/c.txt": b""} if payload is None else payload
    files = dict(payload)
    files["bagit.txt"] = f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n".encode()
    for kind in kinds:
        files[f"manifest-{kind}.txt"] = manifest(kind, payload)
    if tags:
        files[f"tagmanifest-{kinds[0]}.txt"] = manifest(kinds[0], {n: d for n, d in files.items() if not n.startswith("data/")})
    return files


def relisted(files, kind="sha256"):
    """The list of the tag files is right again."""
    files.pop(f"tagmanifest-{kind}.txt", None)
    files[f"tagmanifest-{kind}.txt"] = manifest(kind, {n: d for n, d in files.items() if "/" not in n and not n.startswith("tagmanifest")})
    return files


def judge(name, files, expected, other=None):
    """`other` is what bagit says where that is not the same."""
    global count
    count += 1
    where = WORK / "bag"
    shutil.rmtree(where, ignore_errors=True)
    for path, data in files.items():
        full = os.path.join(os.fsencode(where), path if isinstance(path, bytes) else path.encode())
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(data)
    done = subprocess.run([PCHAT, "verify", "--bag", str(where)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    said = done.stderr.decode("utf-8", "replace").strip()
    out = done.stdout.decode("utf-8", "replace")
    got = WRONG if done.returncode == 13 else f"code {done.returncode}" if done.returncode else ODD if said else SOUND
    if got != expected:
        wrong.append(f"{name}: {expected} by the specification, {got} by pchat: {(out + said)[-300:]}")
    theirs = subprocess.run([BAGIT, "--validate", "--quiet", str(where)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    wants = expected != WRONG if other is None else other
    if theirs != wants:
        wrong.append(f"{name}: bagit says {'sound' if theirs else 'wrong'}, which the table does not")


def changed(name, expected, other=None, version="1.0", kinds=("sha256",), **files):
    """A bag with these files otherwise; none takes one away. The list of tag files is made again."""
    made = bag(version, kinds)
    for path, data in files.get("files", {}).items():
        if data is None:
            made.pop(path, None)
        else:
            made[path] = data
    judge(name, relisted(made, kinds[0]) if files.get("relist", True) else made, expected, other)


# Sound, of every version and with every algorithm.
for version in VERSIONS:
    judge(f"version {version}", bag(version), SOUND)
    judge(f"version {version}, no list of tag files", bag(version, tags=False), SOUND)
    judge(f"version {version}, two lists", bag(version, ("md5", "sha512")), SOUND)
for kind in ALGORITHMS:
    judge(f"algorithm {kind}", bag(kinds=(kind,)), SOUND)
judge("all algorithms", bag(kinds=ALGORITHMS), SOUND)
judge("an empty payload", bag(payload={"data/.keep": b""}), SOUND)
judge("names with blanks, quotes and letters of the world", bag(payload={"data/a b": b"1", "data/'\"": b"2", "data/\u00fc\u738b": b"3", "data/#&;": b"4"}), SOUND)
judge("deep folders", bag(payload={"data/" + "d/" * 20 + "x": b"1"}), SOUND)
big = {"data/a.txt": b"hello", "data/b/c.txt": b""}

# The declaration
for text, expected, other in [
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8", SOUND, None), (b"BagIt-Version: 1.0\r\nTag-File-Character-Encoding: UTF-8\r\n", SOUND, None),
        (b"", WRONG, None), (b"BagIt-Version: 1.0\n", WRONG, None), (b"Tag-File-Character-Encoding: UTF-8\n", WRONG, None),
        (b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", WRONG, None), (b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n", WRONG, None),
        (b"BagIt-Version: x\nTag-File-Character-Encoding: UTF-8\n", WRONG, None), (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: nonesuch\n", WRONG, None),
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\nMore: x\n", WRONG, True), (b"bagit-version: 1.0\nTag-File-Character-Encoding: UTF-8\n", WRONG, None)]:
    changed(f"declaration {text[:30]!r}", expected, other, files={"bagit.txt": text})
changed("no declaration", WRONG, files={"bagit.txt": None})

# What the payload and its lists say of each other
changed("a file is missing", WRONG, files={"data/a.txt": None})
changed("a file is more than is listed", WRONG, files={"data/x": b"x"})
changed("a file is another", WRONG, files={"data/a.txt": b"other"})
changed("an empty file is not empty", WRONG, files={"data/b/c.txt": b"x"})
changed("no list of the payload", WRONG, files={"manifest-sha256.txt": None})
changed("an empty list", WRONG, files={"manifest-sha256.txt": b""})
right = manifest("sha256", big)
for name, text, expected, other in [
        ("a line without a name", right + b"0" * 64 + b"\n", WRONG, True), ("a sum that is too short", right[1:], WRONG, None), ("a sum that is no number", b"g" + right[1:], WRONG, None),
        ("capital digits", manifest("sha256", big).upper().replace(b"DATA/A.TXT", b"data/a.txt").replace(b"DATA/B/C.TXT", b"data/b/c.txt"), SOUND, None),
        ("CR LF", manifest("sha256", big, end="\r\n"), SOUND, None), ("CR", manifest("sha256", big, end="\r"), SOUND, None), ("no last line end", right[:-1], SOUND, None),
        ("tabs", manifest("sha256", big, gap="\t"), SOUND, None), ("one blank", manifest("sha256", big, gap=" "), SOUND, None), ("many blanks", manifest("sha256", big, gap="     "), SOUND, None),
        ("the mark of binary files", manifest("sha256", big, gap=" *"), ODD, None), ("names that begin with ./", manifest("sha256", big, lambda name: "./" + name), ODD, None),
        ("a file twice, alike", right + right.splitlines()[0] + b"\n", ODD, False), ("a file twice, otherwise", right + b"0" * 64 + b"  data/a.txt\n", WRONG, None),
        ("a name that climbs out", right + b"0" * 64 + b"  ../x\n", WRONG, None), ("a name from the root", right + b"0" * 64 + b"  /etc/passwd\n", WRONG, None),
        ("a name of a tag file", right + hashlib.sha256(b"x").hexdigest().encode() + b"  x.txt\n", WRONG, None), ("a folder of home", right + b"0" * 64 + b"  ~/x\n", WRONG, None),
        ("a climb inside of the payload", right + b"0" * 64 + b"  data/../../x\n", WRONG, None), ("bytes that are no UTF-8", right + b"0" * 64 + b"  data/\xff\n", WRONG, None)]:
    changed(f"list of the payload: {name}", expected, other, files={"manifest-sha256.txt": text})
changed("one of two lists lacks a file, 1.0", WRONG, True, kinds=("sha256", "md5"), files={"manifest-md5.txt": manifest("md5", {"data/a.txt": b"hello"})})
changed("one of two lists lacks a file, 0.97", SOUND, version="0.97", kinds=("sha256", "md5"), files={"manifest-md5.txt": manifest("md5", {"data/a.txt": b"hello"})})
changed("two lists, one wrong", WRONG, kinds=("sha256", "md5"), files={"manifest-md5.txt": b"0" * 32 + b"  data/a.txt\n" + b"0" * 32 + b"  data/b/c.txt\n"})
changed("a list in an unknown algorithm beside one", ODD, files={"manifest-sha999.txt": b"00  data/a.txt\n"})

# Lists of tag files
for name, text, expected in [("lacks a file", manifest("sha256", {"bagit.txt": bag()["bagit.txt"]}), SOUND), ("is empty", b"", SOUND),
                             ("has a file that is missing", b"0" * 64 + b"  x.txt\n", WRONG), ("has another sum", b"0" * 64 + b"  bagit.txt\n", WRONG),
                             ("has a file of the payload", digest("sha256", b"hello").encode() + b"  data/a.txt\n", WRONG)]:
    changed(f"list of tag files {name}", expected, files={"tagmanifest-sha256.txt": text}, relist=False)
changed("tag files in folders", SOUND, files={"meta/x.xml": b"<x/>", "more/y": b""})

# Facts about the bag
size = sum(map(len, big.values()))
for name, text, expected, other in [
        ("right", f"Payload-Oxum: {size}.2\n", SOUND, None), ("too many bytes", f"Payload-Oxum: {size + 1}.2\n", WRONG, None), ("too few files", f"Payload-Oxum: {size}.1\n", WRONG, None),
        ("no numbers", "Payload-Oxum: x.y\n", WRONG, None), ("no dot", "Payload-Oxum: 5\n", WRONG, None), ("a sign", f"Payload-Oxum: +{size}.2\n", WRONG, None),
        ("a line end of some programs", "Contact-Name: a\u2028b\n", WRONG, None), ("a form feed", "Contact-Name: a\x0cb\n", WRONG, None), ("folded lines", "Source-Organization: a\n  b\n\tc\n", SOUND, None),
        ("a field twice", "Contact-Name: a\nContact-Name: b\n", SOUND, None), ("no colon", "hello\n", WRONG, None), ("an empty value", "Contact-Name: \n", SOUND, None),
        ("a colon in a value", "External-Identifier: a:b\n", SOUND, None), ("empty", "", SOUND, None)]:
    changed(f"facts: {name}", expected, other, files={"bag-info.txt": text.encode()})
changed("facts by their old name", SOUND, version="0.95", files={"package-info.txt": f"Payload-Oxum: {size}.2\n".encode()})
changed("facts by their old name, wrong", WRONG, version="0.95", files={"package-info.txt": f"Payload-Oxum: {size + 1}.2\n".encode()})

# Files to be fetched
for name, text, gone, expected, other in [
        ("there already", "http://h.example/a - data/a.txt\n", False, SOUND, None), ("not there", "http://h.example/a 5 data/a.txt\n", True, WRONG, None),
        ("not listed", "http://h.example/x - data/x\n", False, WRONG, True), ("a climb", "http://h.example/x - ../x\n", False, WRONG, None), ("empty", "", False, SOUND, None),
        ("no size", "http://h.example/a data/a.txt\n", False, WRONG, None), ("a size that is none", "http://h.example/a x data/a.txt\n", False, WRONG, True)]:
    changed(f"fetch: {name}", expected, other, files={"fetch.txt": text.encode(), **({"data/a.txt": None} if gone else {})})

# Names with line ends and percent signs
for version, data, written, expected, other in [
        ("1.0", "data/a\nb", "data/a%0Ab", SOUND, None), ("1.0", "data/a\rb", "data/a%0Db", SOUND, None), ("1.0", "data/a\r\nb", "data/a%0d%0ab", SOUND, False),
        ("1.0", "data/a%b", "data/a%25b", SOUND, False), ("1.0", "data/a%b", "data/a%b", ODD, None), ("0.97", "data/a%b", "data/a%b", SOUND, None),
        ("1.0", "data/a%0Ab", "data/a%250Ab", SOUND, False), ("0.97", "data/a\nb", "data/a%0Ab", SOUND, None)]:
    files = {data: b"x", "bagit.txt": bag(version)["bagit.txt"], "manifest-sha256.txt": f"{digest('sha256', b'x')}  {written}\n".encode()}
    judge(f"{version}: {data!r} written {written}", files, expected, other)

# Encodings of tag files
for encoding, codec in [("UTF-16", "utf-16"), ("ISO-8859-1", "latin-1")]:
    files = bag(payload={"data/\u00fc": b"x"}, tags=False, encoding=encoding)
    files["manifest-sha256.txt"] = files["manifest-sha256.txt"].decode().encode(codec)
    judge(f"tag files in {encoding}", files, SOUND)
files = bag(tags=False)
files["manifest-sha256.txt"] = b"\xef\xbb\xbf" + files["manifest-sha256.txt"]
judge("a list with a byte order mark", files, SOUND)
judge("names composed and listed decomposed", {**bag(payload={"data/\u00e9": b"x"}, tags=False),
                                               "manifest-sha256.txt": f"{digest('sha256', b'x')}  data/e\u0301\n".encode()}, ODD, False)
judge("names that differ in case", bag(payload={"data/A": b"1", "data/a": b"2"}), ODD)
judge("what systems leave behind", bag(payload={"data/.DS_Store": b"1", "data/a": b"2"}), ODD)

print(f"{count} bags")
for line in wrong[:60]:
    print(line)
print(f"{len(wrong)} verdicts are wrong")
shutil.rmtree(WORK, ignore_errors=True)
sys.exit(1 if wrong else 0)
