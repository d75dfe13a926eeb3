#!/usr/bin/env python3
"""Time and memory of pchat over inputs that double: files, and stores that were made of them.

    tests/judge-growth.py PCHAT

Each input is made in a size and in twice that; the processor time may grow to three times, whatever a computer is
worth. Each command may have 320 MiB in memory at its height.
"""

import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import sys
import tempfile
import zipfile

from lists import relist

PCHAT = str(pathlib.Path(sys.argv[1]).resolve())
MOST = 320 << 20
LEAST = 0.25
ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = pathlib.Path(tempfile.mkdtemp())
os.chdir(WORK)


def run(*words):
    """Code, seconds of the processor, bytes at the height; of several commands, in a new store, those of all."""
    for old in WORK.glob("n.db*"):
        old.unlink()
    commands = [words] if isinstance(words[0], str) else words
    done = [one(command) for command in commands]
    return next((code for code, *_ in done if code), 0), sum(seconds for _, seconds, _ in done), max(height for *_, height in done)


def one(words):
    pid = os.fork()
    if pid == 0:
        # Beyond this no page is given: a command that wants more is ended.
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
        out = os.open(WORK / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execv(PCHAT, [PCHAT, *words])
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def event(number, **more):
    return json.dumps({"room": "ma-chan://h.example/1", "user": "sip:a@h.example", "time": "2015-03-01T08:00:00Z", "id": number,
                       "text": "hello", **more})


def lines(name, made):
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in made)
    return ["import", name, "--store", "n.db"]


def text(name, what):
    pathlib.Path(name).write_text(what, encoding="utf-8")
    return name


def same(n):
    return lines("a.jsonl", (json.dumps({**json.loads(event(0, kind="join")), "id": None}) for _ in range(n)))


def files(n):
    return lines("a.jsonl", (event(at, attachments=[{}] * 1000) for at in range(n)))


def packed(n):
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.jsonl", "".join(event(at, attachments=[{}] * 1000) + "\n" for at in range(n)))
    return ["import", "a.zip", "--store", "n.db", "--max-ratio", "2000"]


def keys(n):
    return lines("a.jsonl", [event(1, **{f"k{at}": at for at in range(n)})])


def addresses(n):
    return lines("a.jsonl", (event(at, room="ma-chan://h.example/" + "x" * n + str(at)) for at in range(100)))


def members(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for at in range(n):
            zipped.writestr(f"f{at % 100}/a{at}.jsonl", event(at) + "\n")
    return ["import", "a.zip", "--store", "n.db"]


def deep(n):
    with zipfile.ZipFile("a.zip", "w") as zipped:
        zipped.writestr("/".join("a" * min(n, 500)) + "/x.jsonl", event(1))
    return ["import", "a.zip", "--store", "n.db"]


def attributes(n):
    text("a.ldif", "dn: CN=a,DC=x\nobjectClass: user\n" + "".join(f"a{at}: x\n" for at in range(n)))
    return ["principal", "import", "a.ldif", "--store", "n.db"]


def entries(n):
    one = "dn: CN=a{0},DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:a{0}@x\ncn: a{0}\n\n"
    text("a.ldif", "".join(one.format(at) for at in range(n)))
    return ["principal", "import", "a.ldif", "--store", "s.db", "--what-if"]


def xml(n):
    odd = " ".join(f"a{at}='x'" for at in range(n))
    return ["import", text("a.xml", f"<Conversations><Conversation {odd}/></Conversations>"), "--store", "n.db"]


def talks(n):
    one = ("<Conversation><Channel uri='ma-chan://h.example/1'/><Messages><Message type='CHAT' content='a&#0000065;' id='{0}'>"
           "<Sender uri='sip:a@h'/><DateTimeUTC long='633409486005222640'/></Message></Messages></Conversation>")
    text("a.xml", "<Conversations>" + "".join(one.format(at) for at in range(n)) + "</Conversations>")
    return ["import", "a.xml", "--store", "n.db"]


def comments(n):
    return ["import", text("a.xml", "<Conversations>" + "<!-- - -->" * n + "</Conversations>"), "--store", "n.db"]


def condition(n):
    return ["room", "get", "--store", "s.db", "--where", " -or ".join(["Disabled"] * n)]


def pattern(n):
    return ["room", "get", "--store", "s.db", "--where", f"Name -match '{'[' * n}'"]


def text_of(n):
    return lines("a.jsonl", [event(1, text="x" * n)])


FIELD = re.compile(rb'<field name="(Identity|Name|Uri|Guid|Target)">([^<]*)</field>')


def catalog(page, then, n, noun=None):
    """An archive whose settings of one kind are many, and what is done with the store it was imported to."""
    files = dict(BASE)
    name = f"data/catalog/{page}.xml"
    record = next(re.finditer(rb"<record>\n.*?</record>\n", files[name], re.DOTALL)).group()
    made = [FIELD.sub(lambda field: b'<field name="%s">%s</field>' % (field[1], renamed(field[1], field[2], at)), record) for at in range(n)]
    files[name] = files[name].replace(record, b"".join(made))
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for name, data in relist(files).items():
            zipped.writestr("a/" + name, data)
    return [["import", "a.zip", "--store", "n.db", "--accept-retention"], *([*words, "--store", "n.db"] for words in then)]


def renamed(field, text, at):
    # The first keeps its names: others refer to it.
    if at == 0:
        return text
    number = b"%06x" % at
    return text[:-6] + number if field == b"Guid" else text + number


def holds(n):
    return catalog("holds", [["hold", "get"], ["purge", "--room", "FX*", "--what-if"], ["category", "set", "Cat", "--file-upload", "true"]], n)


def cases(n):
    return catalog("cases", [["case", "get"]], n)


def categories(n):
    return catalog("categories", [["category", "get"], ["room", "get"]], n)


def rooms(n):
    return catalog("rooms", [["room", "get"], ["export", "--out", "o.zip", "--overwrite"], ["room", "set", "R000001", "--description", "x"]], n)


def collections(n):
    return catalog("collections", [["case", "search", "get", "--case", "M"]], n)


def retentions(n):
    return catalog("retentions", [["retention", "get"]], n)


def allowed(n):
    files = dict(BASE)
    name = "data/catalog/categories.xml"
    items = b"".join(b"<item>sip:p%d@h.example</item>" % at for at in range(n))
    files[name] = files[name].replace(b"</record>", b'<list name="AllowedMembers">' + items + b"</list></record>", 1)
    with zipfile.ZipFile("a.zip", "w") as zipped:
        for name, data in relist(files).items():
            zipped.writestr("a/" + name, data)
    return [["import", "a.zip", "--store", "n.db"], ["category", "get", "--store", "n.db"],
            ["category", "set", "Cat", "--allowed-members", "+sip:new@h.example", "--store", "n.db"]]


def titles(n):
    made = (event(at, room_title=f"Title {at}", time=f"2015-03-01T08:{at // 60 % 60:02}:{at % 60:02}Z") for at in range(n))
    return [lines("a.jsonl", made), ["room", "get", "--store", "n.db"]]


def script(n):
    text("a.ps1", "".join(f"$a{at} = 'x'\n" for at in range(n)))
    return ["script", "a.ps1", "--store", "s.db"]


def script_members(n):
    list_ = ",".join(f"'sip:p{at}@h.example'" for at in range(n))
    text("a.ps1", f"Set-CsPersistentChatCategory -Identity 'litwareinc.com\\Cat' -AllowedMembers @{{Add={list_}}} -WhatIf\n")
    return ["script", "a.ps1", "--store", "b.db"]


def script_brackets(n):
    text("a.ps1", "(" * n + "1" + ")" * n + "\n")
    return ["script", "a.ps1", "--store", "s.db"]


def script_pipes(n):
    text("a.ps1", "Get-CsPersistentChatRoom" + " | Where-Object {$_.Disabled -eq $False}" * n + "\n")
    return ["script", "a.ps1", "--store", "s.db"]


def cells(n):
    return [lines("a.jsonl", [event(at, text="x\u0301\t" * n) for at in range(3)]), ["search", "--user", "a@h.example", "--store", "n.db"]]


def query(n):
    return ["search", " OR ".join(f"w{at}" for at in range(n)), "--store", "b.db"]


def query_file(n):
    return ["search", "--query-file", text("a.txt", "".join(f"w{at} AND usd\n" for at in range(n))), "--store", "b.db"]


def keywords(n):
    return ["search", "--filter", " ".join(f"w{at}" for at in range(n)), "--match", "or", "--store", "b.db"]


def near(n):
    return ["search", " AND ".join(f"(a{at} NEAR b{at})" for at in range(n)), "--store", "b.db"]


def near_each_other(n):
    return [lines("a.jsonl", [event(1, text="aa bb " * n)]), ["search", "aa NEAR(5) bb", "--store", "n.db"]]


def terms(n):
    return ["search", "report", "--terms", text("a.txt", "".join(f"w{at}\n" for at in range(n))), "--store", "b.db"]


def stars(n):
    return ["room", "get", "--store", "b.db", "--where", f"Name -like '{'*a' * n}*b'"]


def ldap(n):
    return ["principal", "get", "--store", "b.db", "--ldap-filter", "(|" + "(cn=a)" * n + ")"]


def names(n):
    return ["search", "usd", "--store", "b.db", *(word for at in range(n) for word in ("--room", f"FX{at}*"))]


def groups(n):
    one = "dn: CN=g{0},DC=x\nobjectClass: group\ncn: g{0}\nmember: CN=g{1},DC=x\n\n"
    text("a.ldif", "".join(one.format(at, at + 1) for at in range(n)))
    return [["principal", "import", "a.ldif", "--store", "b2.db"], ["principal", "eligible", "--category", "Cat", "--store", "b2.db"]]


def group_members(n):
    text("a.ldif", "dn: CN=g,DC=x\nobjectClass: group\n" + "".join(f"member: CN=a{at},DC=x\n" for at in range(n)) + "\n")
    return ["principal", "import", "a.ldif", "--store", "s.db", "--what-if"]


def rtf(n):
    return lines("a.jsonl", [event(1, rtf="{\\rtf1 " + "{\\b x}" * n + "}")])


def deliveries(n):
    return [["import", many_rooms(n), "--store", "n.db"], *([["export", "--out", "o.zip", "--overwrite", "--store", "n.db"]] * 2)]


def many_rooms(n):
    lines("a.jsonl", (event(at, room=f"ma-chan://h.example/{at}") for at in range(n)))
    return "a.jsonl"


def completed(n):
    """What another source knows of every event is added to it."""
    lines("a.jsonl", (event(at) for at in range(n)))
    lines("b.jsonl", (event(at, user_name="A", rtf="{\\rtf1 w%d}" % at) for at in range(n)))
    return [["import", "a.jsonl", "--store", "n.db"], ["import", "b.jsonl", "--store", "n.db"], ["store", "check", "--read-data", "--store", "n.db"]]


def domains(n):
    lines("a.jsonl", (event(at, room=f"ma-chan://h{at}.example/1", user=f"sip:a@d{at}", pool=f"p{at}") for at in range(n)))
    return ["import", "a.jsonl", "--store", "n.db", *(word for at in range(n) for word in ("--map-domain", f"d{at}=e{at}", "--map-pool", f"p{at}=q{at}"))]


def rooms_by_name(n):
    words = [word for at in range(n) for word in ("--room", f"ma-chan://h.example/{at}")]
    return [["import", many_rooms(n), "--store", "n.db"], ["search", "hello", "--count", "--store", "n.db", *words], ["case", "new", "M", "--store", "n.db"],
            ["hold", "new", "H", "--case", "M", "--reason", "x", "--store", "n.db", *words], ["hold", "get", "--store", "n.db"]]


def people_by_name(n):
    lines("a.jsonl", (event(at, user=f"sip:a{at}@x") for at in range(n)))
    return [["import", "a.jsonl", "--store", "n.db"], ["search", "hello", "--count", "--store", "n.db", *(word for at in range(n) for word in ("--user", f"sip:a{at}@x"))]]


def members_behind(n):
    text("a.ps1", "$a = 'x'\n$b = $a" + ".Length" * n + "\n")
    return ["script", "a.ps1", "--store", "s.db"]


def indexes_behind(n):
    text("a.ps1", "$a = @(1, 2)\n$b = $a" + "[0]" * n + "\n")
    return ["script", "a.ps1", "--store", "s.db"]


def script_changes(n):
    text("a.ps1", "".join(f"Set-CsPersistentChatCategory -Identity 'litwareinc.com\\Cat' -Description 'x{at}'\n" for at in range(n)))
    return [["script", "a.ps1", "--store", "b2.db"], ["audit", "verify", "--store", "b2.db"]]


def folded(n):
    text("a.ldif", "dn: CN=a,DC=x\nobjectClass: user\ncn: a\nmsRTCSIP-PrimaryUserAddress: sip:a@x\ndescription: " + "\n x" * n + "\n" + "# x\n" * n)
    return ["principal", "import", "a.ldif", "--store", "s.db", "--what-if"]


def quoted(n):
    text("a.csv", 'DN,objectClass,displayName\n"CN=a,DC=x",user,"' + '""' * n + '"\n')
    return ["principal", "import", "a.csv", "--store", "s.db", "--what-if"]


def parts_of_a_name(n):
    text("a.ldif", "dn: " + "CN=a+OU=b," * n + "DC=x\nobjectClass: user\ncn: a\nmsRTCSIP-PrimaryUserAddress: sip:a@x\n")
    return ["principal", "import", "a.ldif", "--store", "s.db", "--what-if"]


def deep_json(n):
    text("a.jsonl", event(1)[:-1] + ',"x":' + '[{"a":' * n + "1" + "}]" * n + "}\n")
    return ["import", "a.jsonl", "--store", "n.db"]


def elements(n):
    return ["import", text("a.xml", "<Conversations>" + "<a x='y'>" * n + "</a>" * n + "</Conversations>"), "--store", "n.db"]


def references(n):
    one = (f"<Conversations><Conversation><Channel uri='ma-chan://h.example/1'/><Messages><Message type='CHAT' content='{'&amp;&#65;' * n}' id='1'>"
           f"<Sender uri='sip:a@h'/><DateTimeUTC long='633409486005222640'/><Odd>{'<![CDATA[x]]><?a b?>' * n}</Odd></Message></Messages></Conversation></Conversations>")
    return ["import", text("a.xml", one), "--store", "n.db"]


def people_in_a_room(n):
    lines("a.jsonl", (event(at, user=f"sip:a{at}@x", time=f"2015-03-{1 + at % 28:02}T08:00:00Z",
                            attachments=[{"name": f"a{at}.txt", "data": "eA=="}]) for at in range(n)))
    return [["import", "a.jsonl", "--store", "n.db"],
            *(["export", "--format", form, "--out", "as", "--overwrite", "--store", "n.db"] for form in ("html", "rsmf", "eml", "csv", "dat", "edrm", "mgc"))]


def duplicates(n):
    lines("a.jsonl", (event(at, room=f"ma-chan://h.example/{at % 50}", text="the same text again and again and again") for at in range(n)))
    return [["import", "a.jsonl", "--store", "n.db"], ["stats", "--duplicates", "--store", "n.db"]]


def conflicts(n):
    lines("a.jsonl", (event(at) for at in range(n)))
    lines("b.jsonl", (event(at, text="other") for at in range(n)))
    for old in WORK.glob("o.db*"):
        old.unlink()
    return [["import", "a.jsonl", "--store", "n.db"], ["import", "b.jsonl", "--store", "n.db"], ["import", "b.jsonl", "--store", "o.db"], ["diff", "n.db", "o.db"]]


def purged_rooms(n):
    return [["import", many_rooms(n), "--store", "n.db"], ["purge", "--everything", "--yes", "--store", "n.db"], ["store", "check", "--store", "n.db"]]


def production(n):
    """A production, and an archive of the store that knows it, read again."""
    lines("a.jsonl", (event(at, user=f"sip:a{at}@x", text=f"secret{at % 50} text {at}") for at in range(n)))
    people = [word for at in range(n // 4) for word in ("--user", f"sip:a{at}@x")]
    shutil.rmtree("pr", ignore_errors=True)
    return [["import", "a.jsonl", "--store", "n.db"], ["case", "new", "M", "--store", "n.db"],
            ["produce", "--case", "M", "--query", "text", *people, "--redact", " OR ".join(f"secret{at}" for at in range(n // 8)),
             "--bates", "A", "--format", "dat,html", "--out", "pr", "--store", "n.db"],
            ["produce", "verify", "pr", "--case", "M", "--store", "n.db"], ["export", "--out", "o.zip", "--overwrite", "--store", "n.db"],
            ["verify", "o.zip"]]


def overlaps(n):
    """Holds that protect the same: a hold alone is reported whatever the number of the others."""
    return [*catalog("holds", [["hold", "report", "H"], ["hold", "release", "H", "--reason", "x", "--yes"]], n)]


def eligible(n):
    one = "dn: CN=P{0},DC=x\nobjectClass: user\ncn: P{0}\nmsRTCSIP-PrimaryUserAddress: sip:p{0}@x\nmemberOf: CN=G{1},DC=x\n\n"
    group = "dn: CN=G{0},DC=x\nobjectClass: group\ncn: G{0}\n\n"
    text("a.ldif", "".join(one.format(at, at // 2) for at in range(n)) + "".join(group.format(at) for at in range(n // 2)))
    return [*allowed(n)[:1], ["principal", "import", "a.ldif", "--store", "n.db"], ["principal", "eligible", "--category", "Cat", "--store", "n.db"],
            ["category", "set", "Cat", "--allowed-members", "+CN=G1,DC=x", "--store", "n.db"],
            ["principal", "eligible", "--category", "Cat", "--store", "n.db"]]


def records(n):
    """Records of the audit log, listed and verified."""
    text("a.ps1", "New-CsPersistentChatCategory -Name Cat -PersistentChatPoolFqdn h.example\n"
         + "".join(f'Set-CsPersistentChatCategory -Identity "h.example\\Cat" -Description "{at}"\n' for at in range(n)))
    return [["store", "new", "--store", "n.db"], ["script", "a.ps1", "--store", "n.db"], ["audit", "get", "--store", "n.db"], ["audit", "verify", "--store", "n.db"]]


def small_files(n):
    """A folder of files, a message in each."""
    shutil.rmtree("many", ignore_errors=True)
    pathlib.Path("many").mkdir()
    for at in range(n):
        pathlib.Path(f"many/a{at}.jsonl").write_text(event(at) + "\n")
    return ["import", "many", "--store", "n.db"]


def merges(n):
    """People who change places, addresses and names."""
    one = "dn: CN=P{0},OU={1},DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:p{2}@x\ncn: P{0}\nuserPrincipalName: u{0}@x\n\n"
    for name, unit, of in (("a", "A", lambda at: at), ("b", "B", lambda at: at + 1), ("c", "B", lambda at: n - at)):
        text(f"{name}.ldif", "".join(one.format(at, unit, of(at)) for at in range(n)))
    return [["store", "new", "--store", "n.db"], *(["principal", "import", name, "--store", "n.db", *more] for name, more in
            (("a.ldif", []), ("b.ldif", []), ("c.ldif", ["--missing-deleted", "--base", "DC=x", "--yes"])))]


def model(n):
    """A package of a data tier: beyond 20,000 tables it is refused."""
    with zipfile.ZipFile("a.bacpac", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("Origin.xml", "<DacOrigin/>")
        table = "<Element Type='SqlTable' Name='[dbo].[t{0}]'><Relationship Name='Columns'><Entry><Element Type='SqlSimpleColumn' Name='[a]'/></Entry></Relationship></Element>"
        zipped.writestr("model.xml", "<DataSchemaModel><Model>" + "".join(table.format(at) for at in range(n)) + "</Model></DataSchemaModel>")
        zipped.writestr("Data/dbo.tblChat/TableData-000-00000.BCP", "x")
    return ["import", "a.bacpac", "--store", "n.db"]


def bag(n):
    shutil.rmtree("bag", ignore_errors=True)
    pathlib.Path("bag/data").mkdir(parents=True)
    one = hashlib.sha256(b"x").hexdigest()
    pathlib.Path("bag/data/0").write_bytes(b"x")
    pathlib.Path("bag/bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    pathlib.Path("bag/manifest-sha256.txt").write_text("".join(f"{one}  data/{at}\n" for at in range(n)))
    pathlib.Path("bag/bag-info.txt").write_text("".join(f"K{at}: x\n" for at in range(n)) + "Long: a\n" + "  b\n" * n)
    pathlib.Path("bag/fetch.txt").write_text("http://x - data/0\n" * n)
    return ["verify", "--bag", "bag"]


def inserts(n):
    rows = "".join("INSERT [dbo].[tblChat] ([channelId],[chatId],[userId],[chatDate],[content]) VALUES " f"(1,{at},1,635000000000000000,N'x')\n" for at in range(n))
    values = ",".join(f"(2,{at},1,635000000000000000,N'x')" for at in range(n))
    return ["inspect", text("a.sql", rows + "INSERT [dbo].[tblChat] ([channelId],[chatId],[userId],[chatDate],[content]) VALUES " + values + "\n" + "/* x */" * n)]


# Each with its smaller size, and the codes it may end with.
TABLE = [(same, 4000, (0,)), (files, 60, (0,)), (packed, 400, (0,)), (keys, 200_000, (0, 13)), (addresses, 100_000, (13, 15)),
         (members, 3000, (0,)), (deep, 250, (13,)), (attributes, 60_000, (15,)), (entries, 4000, (0,)), (xml, 60_000, (13,)),
         (talks, 4000, (0,)), (comments, 200_000, (0, 13)), (condition, 5000, (0, 4)), (pattern, 50_000, (2,)),
         (text_of, 2_000_000, (0,)), (holds, 400, (0, 14)), (cases, 2000, (0,)), (categories, 2000, (0,)), (rooms, 2000, (0,)),
         (collections, 1000, (0,)), (retentions, 1000, (0, 15)), (allowed, 20_000, (0,)), (titles, 4000, (0, 3)), (script, 10_000, (0, 2)),
         (script_members, 5000, (0, 2)), (script_brackets, 20_000, (0, 2)), (script_pipes, 2000, (0, 2, 4)), (cells, 300_000, (0,)),
         (query, 2000, (0, 2, 4)), (query_file, 2000, (0, 2, 4)), (keywords, 2000, (0, 2, 4)), (near, 1000, (0, 2, 4)), (terms, 1000, (0, 2, 4)),
         (stars, 1000, (0, 2, 4)), (ldap, 5000, (0, 2, 4)), (names, 2000, (0, 2, 4, 10)), (groups, 2000, (0, 4)), (group_members, 60_000, (0,)),
         (rtf, 400_000, (0,)), (deliveries, 1500, (0,)), (completed, 4000, (0,)), (domains, 1000, (0,)), (rooms_by_name, 600, (0,)),
         (people_by_name, 1000, (0,)), (members_behind, 20_000, (2,)), (indexes_behind, 20_000, (2,)), (script_changes, 100, (0,)), (folded, 200_000, (0,)),
         (quoted, 200_000, (0, 15)), (parts_of_a_name, 20_000, (15,)), (deep_json, 30_000, (13,)), (elements, 100_000, (13,)), (references, 200_000, (0,)),
         (people_in_a_room, 600, (0, 3)), (duplicates, 4000, (0,)), (conflicts, 4000, (3,)), (purged_rooms, 1000, (0,)), (bag, 20_000, (13,)), (production, 400, (0, 3)), (overlaps, 2000, (0,)), (eligible, 2500, (0,)), (records, 200, (0,)), (small_files, 2000, (0,)), (near_each_other, 30_000, (0,)), (merges, 2000, (0, 3)),
         (model, 9_000, (13, 15)), (model, 60_000, (13, 15)), (inserts, 10_000, (0, 3))]
ONLY = sys.argv[2:]

assert run("store", "new", "--store", "s.db")[0] == 0
for words in [["import", str(ROOT / "fixtures/sample"), "--store", "b.db"], ["case", "new", "M", "--store", "b.db"],
              ["hold", "new", "H", "--case", "M", "--reason", "x", "--room", "FX*", "--store", "b.db"],
              ["category", "new", "--name", "Cat", "--pool", "litwareinc.com", "--store", "b.db"],
              ["room", "new", "--name", "R", "--pool", "litwareinc.com", "--category", "Cat", "--store", "b.db"],
              ["retention", "set", "--room", "R", "--keep", "7 years", "--store", "b.db"],
              ["case", "search", "new", "Q", "--case", "M", "--query", "usd", "--store", "b.db"], ["export", "--out", "base", "--store", "b.db"]]:
    assert run(*words)[0] == 0, (words, pathlib.Path("said").read_text())
BASE = {str(path.relative_to("base")): path.read_bytes() for path in pathlib.Path("base").rglob("*") if path.is_file()}
for old, new in [("b.db", "b2.db"), ("b.db.key", "b2.db.key")]:
    shutil.copy(old, new)
wrong = 0
for make, size, codes in TABLE:
    if ONLY and make.__name__ not in ONLY:
        continue
    (code, first, _), (again, second, height) = run(*make(size)), run(*make(2 * size))
    grown = second / max(first, LEAST)
    good = code in codes and again in codes and grown < 3 and height < MOST
    wrong += not good
    print(f"{'ok' if good else 'NOT'} {make.__name__}: {size:,}, twice that {grown:.1f} times the time ({second:.2f} s), "
          f"{height >> 20} MiB, code {again}", "" if good else pathlib.Path("said").read_text(errors="replace")[-200:])
sys.exit(1 if wrong else 0)
