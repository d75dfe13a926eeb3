#!/usr/bin/env python3
"""Zips whose structure was changed: what pchat reads, every other program must read alike.

    tests/judge-zips.py PCHAT ARCHIVE [MUTATIONS [SEED]]

The archive is written again by a writer that can lie: about names, sizes, sums, flags, places and ends. If pchat calls
the result intact, unzip, 7z and Python must each give the same files. Zips that are only unusual must be read.
"""

import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

PCHAT, ARCHIVE = (str(pathlib.Path(arg).resolve()) for arg in sys.argv[1:3])
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 150
chance = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
SEVEN = next(filter(None, map(shutil.which, ["7z", "7zz", "7za"])))
WORK = pathlib.Path(tempfile.mkdtemp())
wrong, refused, others = [], 0, 0

with zipfile.ZipFile(ARCHIVE) as archive:
    WHOLE = [(name, archive.read(name)) for name in archive.namelist()]
TREE = dict(WHOLE)


class Entry:
    """One file, and all that its two headers say."""

    def __init__(self, name, data, method=8):
        self.raw = name.encode()
        self.data = data
        self.method = method
        pack = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.packed = pack.compress(data) + pack.flush() if method == 8 else data
        # Of the local header, the directory, and the descriptor.
        self.local = dict(name=self.raw, flags=0x800, method=method, crc=zlib.crc32(data), packed=len(self.packed), size=len(data), extra=b"",
                          version=20)
        self.central = dict(self.local, comment=b"", mode=0o100600 << 16, made=0x031E, disk=0, internal=0)
        self.descriptor = None
        self.gap = b""
        self.behind = b""
        self.offset = None


def descriptor(entry, signed=True, wide=False, **said):
    """Sizes behind the content, as programs write that do not know them before."""
    what = {"crc": zlib.crc32(entry.data), "packed": len(entry.packed), "size": len(entry.data), **said}
    entry.descriptor = (b"PK\x07\x08" if signed else b"") + struct.pack("<IQQ" if wide else "<III", what["crc"], what["packed"], what["size"])
    entry.local.update(flags=entry.local["flags"] | 8, crc=0, packed=0, size=0)
    entry.central.update(flags=entry.central["flags"] | 8)


def zip64(entry, central=True, local=False):
    """Sizes in a field of their own, as for large files."""
    for header, there in [(entry.local, local), (entry.central, central)]:
        if there:
            header["extra"] += struct.pack("<HHQQ", 1, 16, header["size"], header["packed"])
            header.update(size=0xFFFFFFFF, packed=0xFFFFFFFF, version=45)


def write(entries, directory=None, end=None, comment=b"", before=b"", behind=b"", gap=b"", wide=False, wide_lie=None, wide_gap=b""):
    """The bytes; `directory` is the order of the directory, `end` changes what the end says."""
    out = bytearray(before)
    for entry in entries:
        out += entry.gap
        entry.at = len(out)
        head = entry.local
        out += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", head["version"], head["flags"], head["method"], 0, 33, head["crc"], head["packed"],
                           head["size"], len(head["name"]), len(head["extra"])) + head["name"] + head["extra"]
        out += entry.packed + entry.behind + (entry.descriptor or b"")
    out += gap
    start = len(out)
    listed = entries if directory is None else directory
    for entry in listed:
        head = entry.central
        at = entry.at if entry.offset is None else entry.offset
        out += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", head["made"], head["version"], head["flags"], head["method"], 0, 33, head["crc"],
                           head["packed"], head["size"], len(head["name"]), len(head["extra"]), len(head["comment"]), head["disk"], head["internal"],
                           head["mode"], at) + head["name"] + head["extra"] + head["comment"]
    said = dict(disk=0, start_disk=0, here=len(listed), all=len(listed), size=len(out) - start, at=start, comment=len(comment))
    said.update(end or {})
    if wide:
        there = dict(here=len(listed), all=len(listed), size=len(out) - start, at=start, locator=len(out), length=44, disks=1)
        there.update(wide_lie or {})
        out += struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", there["length"], 45, 45, 0, 0, there["here"], there["all"], there["size"], there["at"]) + wide_gap
        out += struct.pack("<4sIQI", b"PK\x06\x07", 0, there["locator"], there["disks"])
    out += struct.pack("<4sHHHHIIH", b"PK\x05\x06", said["disk"], said["start_disk"], said["here"], said["all"], said["size"], said["at"],
                       said["comment"]) + comment
    return bytes(out + behind)


def entries(method=8):
    return [Entry(name, data, method) for name, data in WHOLE]


def each(change):
    def made():
        all_ = entries()
        for entry in all_:
            change(entry)
        return write(all_)
    return made


def one(change):
    """The change of one entry. Its name is plain: unzip reads others as those of a code page when DOS has made them."""
    def made():
        all_ = entries()
        change(chance.choice([entry for entry in all_ if entry.raw.isascii()]))
        return write(all_)
    return made


def said(header, **what):
    def change(entry):
        getattr(entry, header).update(what)
    return change


def both(**what):
    def change(entry):
        entry.local.update(what)
        entry.central.update(what)
    return change


def shuffled():
    all_ = entries()
    chance.shuffle(all_)
    return write(all_)


def tool(*words, folder=False):
    """The archive as another program packs it."""
    def made():
        where, path = WORK / "tool", WORK / "tool.zip"
        shutil.rmtree(where, ignore_errors=True)
        path.unlink(missing_ok=True)
        for name, data in WHOLE:
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(data)
        subprocess.run([*words, str(path), *sorted(p.name for p in where.iterdir())], cwd=where, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return path.read_bytes()
    return made


def streamed():
    """As Python writes to what cannot be sought in: sizes stand behind each file."""
    class Pipe:
        def __init__(self):
            self.bytes = bytearray()

        def write(self, data):
            self.bytes += data
            return len(data)

        def flush(self):
            pass
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in WHOLE:
            zipped.writestr(name, data)
    return bytes(pipe.bytes)


# Unusual and sound: these are read.
SOUND = {
    "the same": lambda: write(entries()), "stored": lambda: write(entries(0)), "signed descriptors": each(descriptor),
    "sizes in zip64 fields": each(lambda entry: zip64(entry, True, True)), "an end of zip64": lambda: write(entries(), wide=True),
    "Python, streamed": streamed, "7z": tool(SEVEN, "a", "-tzip"),
}
if shutil.which("zip"):
    SOUND["zip"] = tool("zip", "-r")
    SOUND["zip -D -X"] = tool("zip", "-rDX")


def twin(change=lambda entry: None, first=False, data=b"x"):
    def made():
        all_ = entries()
        old = chance.choice(all_)
        new = Entry(old.raw.decode(), data)
        change(new)
        all_.insert(0 if first else len(all_), new)
        return write(all_)
    return made


def more(name, data=b"x", **what):
    def made():
        all_ = entries()
        new = Entry("x", data)
        new.local["name"] = new.central["name"] = name if isinstance(name, bytes) else name.encode()
        new.central.update(what)
        all_.insert(chance.randrange(len(all_) + 1), new)
        return write(all_)
    return made


def hidden():
    """A directory that leaves one entry out."""
    all_ = entries()
    return write(all_, directory=[entry for entry in all_ if entry is not all_[3]])


def crossed():
    """Two entries that stand for each other's content."""
    all_ = entries()
    a, b = chance.sample(all_, 2)
    done = write(all_)
    a.offset, b.offset = b.at, a.at
    return write(all_) if done else b""


def overlapping():
    all_ = entries()
    write(all_)
    all_[2].offset = all_[1].at
    return write(all_)


def nested():
    """A whole zip inside of the comment of another."""
    inner = write([Entry("sample/x", b"x")])
    return write(entries(), comment=inner[:60000])


def second_end():
    return write(entries()) + write([Entry("sample/x", b"x")])


def behind_stream(entry):
    entry.behind = b"hello"
    entry.local["packed"] += 5
    entry.central["packed"] += 5


def split_stream(entry):
    entry.packed = entry.packed[:-1]
    entry.local["packed"] -= 1
    entry.central["packed"] -= 1


def field(id_, data, header="both"):
    """An extra field."""
    def change(entry):
        for name in ("local", "central") if header == "both" else (header,):
            getattr(entry, name)["extra"] += struct.pack("<HH", id_, len(data)) + data
    return change


def other_unicode_name(entry):
    name = b"sample/other.txt"
    entry.central["flags"] &= ~0x800
    entry.local["flags"] &= ~0x800
    field(0x7075, struct.pack("<BI", 1, zlib.crc32(entry.raw)) + name)(entry)


NAMES = ["sample/../x", "/x", "../x", "sample//x", "sample/./x", "sample\\x", "C:x", "sample/x\0y", "", "sample/", "SAMPLE/data/x", "sample/CON", "sample/x.",
         "sample/x ", "x", "other/x", "sample/bagit.txt/x", "sample/data", "sample/BAGIT.TXT", "sample/e\u0301", "sample/\u00e9", "sample/stra\u00dfe", "sample/STRASSE", "sample/\u202e", b"sample/\xff", b"sample/\xc3\x28",
         "sample/data/rooms/x/", "a" * 2000, "sample/" + "d/" * 100 + "x", "sample/x:y", "sample/x\ny"]
LIES = [
    one(said("local", name=b"sample/other")), one(said("local", crc=1)), one(said("central", crc=1)), one(both(crc=1)), one(said("local", size=1)),
    one(said("central", size=1)), one(both(size=1)), one(said("local", packed=1)), one(said("central", packed=1)), one(both(packed=1)),
    one(said("local", method=0)), one(said("central", method=0)), one(both(method=0)), one(both(method=12)), one(said("local", flags=0)),
    one(both(flags=1)), one(both(flags=0x801)), one(both(flags=0x2800)), one(both(flags=0x840)), one(both(flags=0x820)), one(said("central", flags=0x808)),
    one(said("local", flags=0x808)), one(said("central", mode=0o120777 << 16)), one(said("central", mode=0o040755 << 16)), one(said("central", mode=0x10)), one(said("central", mode=0x08)),
    one(said("central", mode=0o010644 << 16)), one(said("central", mode=0)), one(said("central", made=0)), one(said("central", disk=1)),
    one(said("central", comment=b"hello")), one(said("central", internal=1)), one(both(version=90)), one(both(version=47)), one(said("central", version=52)), one(said("local", version=52)), one(behind_stream), one(split_stream),
    one(lambda entry: setattr(entry, "gap", b"hello")), one(lambda entry: setattr(entry, "gap", write([Entry("sample/x", b"x")])[:40])),
    one(lambda entry: descriptor(entry, signed=False)), one(lambda entry: descriptor(entry, wide=True)), one(lambda entry: descriptor(entry, crc=1)),
    one(lambda entry: descriptor(entry, size=1)), one(lambda entry: descriptor(entry, packed=1)), one(lambda entry: zip64(entry, True, False)),
    one(lambda entry: zip64(entry, False, True)), one(field(1, b"")), one(field(1, b"\0" * 8)), one(field(1, b"\1" * 28, "central")), one(field(0xCAFE, b"")),
    one(field(0x5455, b"\3" + b"\0" * 8)), one(field(0x7875, b"\1\4\0\0\0\0\4\0\0\0\0")), one(field(0x9901, b"\2\0AE\3\0\0")), one(other_unicode_name),
    one(field(0x7075, b"")), one(lambda entry: entry.central.update(extra=b"\1")), one(lambda entry: entry.local.update(extra=b"\1\0\xff")),
    one(field(0x6375, b"x")), one(field(0x000A, b"\0" * 32)), twin(), twin(first=True), twin(data=b""), hidden, crossed, overlapping, nested, second_end, shuffled,
    lambda: write(list(reversed(entries()))), lambda: write(entries(), directory=[]), lambda: write([]), lambda: write(entries(), before=b"x"),
    lambda: write(entries(), before=b"MZ" + b"\0" * 100), lambda: write(entries(), behind=b"x"), lambda: write(entries(), behind=b"\0" * 100),
    lambda: write(entries(), comment=b"hello"), lambda: write(entries(), comment=b"PK\x05\x06" + b"\0" * 18), lambda: write(entries(), gap=b"x"),
    lambda: write(entries(), gap=b"PK\x01\x02" + b"\0" * 42), lambda: write(entries(), wide=True, wide_gap=b"x" * 4),
]
for key, values in {"disk": [1, 0xFFFF], "start_disk": [1], "here": [0, 1, 35, 37, 0xFFFF], "all": [0, 1, 35, 37, 0xFFFF], "size": [0, 1, 0xFFFFFFFF],
                    "at": [0, 1, 0xFFFFFFFF], "comment": [1, 5, 0xFFFF]}.items():
    for value in values:
        LIES.append(lambda key=key, value=value: write(entries(), end={key: value}))
        if key in ("here", "all", "size", "at"):
            LIES.append(lambda key=key, value=value: write(entries(), wide=True, wide_lie={key: value}))
            LIES.append(lambda key=key, value=value: write(entries(), wide=True, wide_lie={key: value}, end={
                "here": 0xFFFF, "all": 0xFFFF, "size": 0xFFFFFFFF, "at": 0xFFFFFFFF}))
for value in (0, 4, 43, 45, 1 << 40):
    LIES.append(lambda value=value: write(entries(), wide=True, wide_lie={"length": value}))
    LIES.append(lambda value=value: write(entries(), wide=True, wide_lie={"locator": value}))
for disks in (0, 2):
    LIES.append(lambda disks=disks: write(entries(), wide=True, wide_lie={"disks": disks}))
for name in NAMES:
    LIES.append(more(name))
    LIES.append(more(name, b""))
    LIES.append(more(name, mode=0o040755 << 16))


def bent():
    """Bytes that are changed near the headers."""
    data = bytearray(write(entries(), wide=chance.randrange(2) == 1))
    marks = [at for mark in (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07") for at in
             [n for n in range(len(data) - 4) if data[n:n + 4] == mark]]
    for _ in range(chance.choice([1, 1, 2])):
        at = min(len(data) - 1, chance.choice(marks) + chance.randrange(50))
        what = chance.randrange(4)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            data[at] ^= 1 << chance.randrange(8)
        elif what == 2:
            del data[at:at + chance.randrange(1, 5)]
        else:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 5)))
    return bytes(data)


def tree(folder):
    """The files of a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def by_unzip(path, where):
    return subprocess.run(["unzip", "-qq", "-o", str(path), "-d", str(where)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def by_seven(path, where):
    return subprocess.run([SEVEN, "x", "-y", f"-o{where}", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def named(info):
    """The name with the field that some programs put beside it, which Python reads only since 3.12."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == 0x7075 and length >= 5 and not info.flag_bits & 0x800:
            return extra[9:4 + length].decode()
        extra = extra[4 + length:]
    if not info.flag_bits & 0x800:
        # Without a locale, zip writes UTF-8 and does not say so; unzip, 7z and pchat read it as such where it is.
        try:
            return info.filename.encode("cp437").decode()
        except UnicodeError:
            pass
    return info.filename


def by_python(path, where):
    try:
        with zipfile.ZipFile(path) as zipped:
            infos = [info for info in zipped.infolist() if not info.filename.endswith("/")]
            names = [named(info) for info in infos]
            if len(names) != len(set(names)):
                return False
            for name, info in zip(names, infos):
                (where / name).parent.mkdir(parents=True, exist_ok=True)
                (where / name).write_bytes(zipped.read(info))
        return True
    except Exception:  # pylint: disable=broad-except
        return False


def judge(name, data, sound):
    global refused, others
    path = WORK / "sample.zip"
    path.write_bytes(data)
    done = subprocess.run([PCHAT, "verify", str(path), "--read-data"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    code, text = done.returncode, done.stdout.decode("utf-8", "replace")
    if code not in (0, 10, 12, 13, 15) or sound and code:
        wrong.append(f"{name}: pchat ends with {code}: {text[-200:]}")
        shutil.copy(path, pathlib.Path(tempfile.gettempdir()) / f"kept-{len(wrong)}.zip")
    refused += code != 0
    if code:
        return
    for reader in (by_unzip, by_seven, by_python):
        where = WORK / "out"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        good = reader(path, where)
        if not good or tree(where) != TREE:
            others += 1
            wrong.append(f"{name}: pchat calls it intact, and {reader.__name__[3:]} {'reads it otherwise' if good else 'refuses it'}")
            shutil.copy(path, pathlib.Path(tempfile.gettempdir()) / f"kept-{len(wrong)}.zip")


for name, make in SOUND.items():
    judge(name, make(), True)
for number, make in enumerate(LIES):
    judge(f"lie {number}", make(), False)
for number in range(COUNT):
    judge(f"bent {number}", bent(), False)
shutil.rmtree(WORK, ignore_errors=True)
print(f"{len(SOUND)} unusual zips, {len(LIES)} lies, {COUNT} bent: {refused} refused by pchat")
for line in wrong[:40]:
    print(line)
print(f"{len(wrong)} verdicts are wrong")
sys.exit(1 if wrong else 0)
