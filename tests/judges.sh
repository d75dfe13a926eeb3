#!/usr/bin/env bash
# Lets programs that know nothing of pchat judge what it writes: unzip, 7z, Python, sha256sum, bagit, xmllint, cmp,
# for pages html-validate, the Nu checker and axe-core in Chromium, and for RSMF and mails those of judge-mails.sh.
#
#   tests/judges.sh
#
# Prints "ok NAME" for every judge and stops at the first that objects, with its reason. PCHAT names another build of
# the program than the one in this tree; BAGIT names bagit.py where it is neither in target/judges nor on the path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

fail() {
    echo "judges: $*" >&2
    exit 1
}
for tool in cargo unzip python3 sha256sum xmllint cmp node; do
    command -v "$tool" >/dev/null || fail "$tool is not installed (.ci/run installs what is missing)"
done
seven=$(command -v 7z || command -v 7zz || command -v 7za) || fail "7z is not installed (.ci/run installs what is missing)"
bagit=${BAGIT:-$root/target/judges/bin/bagit.py}
[ -x "$bagit" ] || bagit=$(command -v bagit.py) || fail "bagit is not installed (.ci/run installs what is missing)"

work=$(mktemp -d)
said=$work/said
trap 'kill %% 2>/dev/null || true; rm -rf "$work"' EXIT

# judge NAME COMMAND...: quiet when content; everything the command said, when not.
judge() {
    local name=$1
    shift
    if "$@" >"$said" 2>&1; then
        echo "ok $name"
    else
        local code=$?
        tail -n 40 "$said" >&2
        fail "$name: ${1##*/} ended with $code"
    fi
}
# run COMMAND...: a step without which nothing can be judged.
run() {
    "$@" >"$said" 2>&1 || {
        local code=$?
        tail -n 40 "$said" >&2
        fail "$* ended with $code"
    }
}

pchat=${PCHAT:-}
if [ -z "$pchat" ]; then
    cargo build --release --quiet --bins
    target=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    pchat=$target/release/pchat
fi

run "$pchat" import fixtures/sample --store "$work/s.db"
mkdir "$work/zip" "$work/folder" "$work/stream"
run "$pchat" export --store "$work/s.db" --out "$work/zip/sample.zip"
run "$pchat" export --store "$work/s.db" --out "$work/folder/sample"
"$pchat" export --store "$work/s.db" --out - >"$work/stream/x.zip" 2>"$said" || {
    tail -n 40 "$said" >&2
    fail "pchat export --out - ended with an error"
}

# What a purge leaves of the store's file, byte by byte, by a program that reads the file itself.
cp "$work/s.db" "$work/purged.db"
cp "$work/s.db.key" "$work/purged.db.key"
for part in "--room Settlements" "--user sip:*" "--everything"; do
    # shellcheck disable=SC2086 # Two words each.
    "$pchat" purge --store "$work/purged.db" $part --yes >"$said" 2>&1 || [ $? = 4 ] || {
        tail -n 40 "$said" >&2
        fail "pchat purge $part ended with an error"
    }
    judge "loose bytes after purge $part" python3 tests/loose.py "$work/purged.db"
done

# top DIR: the one folder below DIR that is a bag.
top() {
    local bags
    bags=$(find "$1" -maxdepth 2 -name bagit.txt)
    [ "$(printf '%s\n' "$bags" | grep -c .)" = 1 ] || fail "$1 does not hold exactly one bag"
    dirname "$bags"
}

for zip in zip/sample stream/x; do
    judge "unzip $zip" unzip -tq "$work/$zip.zip"
    judge "7z $zip" "$seven" t "$work/$zip.zip"
    judge "python zipfile $zip" python3 -m zipfile -t "$work/$zip.zip"
    run unzip -q "$work/$zip.zip" -d "$work/$zip.out"
done
[ "$(ls "$work/zip/sample.out")" = sample ] || fail "sample.zip should hold one folder called sample"
echo "ok top folder"

sums() { (cd "$1" && sha256sum --check --strict --quiet "$2"); }
valid() { # SCHEMA FILE...: at least one file, every one valid
    local schema=$1
    shift
    [ $# -gt 0 ] || { echo "nothing to validate against $schema"; return 1; }
    printf '%s\0' "$@" | xargs -0 xmllint --huge --noout --nonet --schema "$schema"
}
list() { find "$@" -print0 | sort -z; }

for what in zip/sample.out folder stream/x.out; do
    bag=$(top "$work/$what")
    for manifest in manifest-sha256.txt tagmanifest-sha256.txt; do
        judge "sha256sum $manifest ${what%%/*}" sums "$bag" "$manifest"
    done
    judge "bagit ${what%%/*}" "$bagit" --validate "$bag"
done

bag=$(top "$work/zip/sample.out")
for folder in "$bag/data/rooms" "$bag/data/catalog" fixtures/compliance fixtures/sample/compliance; do
    [ -d "$folder" ] || fail "$folder is missing"
done
mapfile -d '' pages < <(list "$bag/data/rooms" -mindepth 2 -maxdepth 2 -name '*.xml')
mapfile -d '' catalog < <(list "$bag/data/catalog" -name '*.xml')
mapfile -d '' compliance < <(list fixtures/compliance fixtures/sample/compliance -name '*.xml' -not -path '*/broken/*')
judge "xmllint ${#pages[@]} pages" valid docs/formats/page.xsd "${pages[@]}"
judge "xmllint ${#catalog[@]} pages of the catalog" valid docs/formats/catalog.xsd "${catalog[@]}"
judge "xmllint list of rooms" valid docs/formats/rooms.xsd "$bag/data/rooms/index.xml"
judge "xmllint ${#compliance[@]} compliance files" valid docs/formats/compliance.xsd "${compliance[@]}"
judge "tables of mgc" tests/judge-mgc.sh "$pchat" "$work/mgc"

# The folder, the stream and the zip say the same.
judge "diff folder" diff -r "$bag/data" "$(top "$work/folder")/data"
judge "diff stream" diff -r "$bag/data" "$(top "$work/stream/x.out")/data"

# The number of threads shows nowhere; neither does a way through another store.
for threads in 1 8; do
    mkdir "$work/threads-$threads"
    run "$pchat" export --store "$work/s.db" --out "$work/threads-$threads/sample.zip" --no-checkpoint --threads "$threads"
done
judge "cmp threads 1 and 8" cmp "$work/threads-1/sample.zip" "$work/threads-8/sample.zip"
mkdir "$work/again"
run "$pchat" import "$work/threads-1/sample.zip" --store "$work/again.db"
run "$pchat" export --store "$work/again.db" --out "$work/again/sample.zip" --no-checkpoint
judge "cmp export, import, export" cmp "$work/threads-1/sample.zip" "$work/again/sample.zip"

run "$pchat" export --store "$work/s.db" --format jsonl --out "$work/history.jsonl"
cat >"$work/count.py" <<'PYTHON'
import collections, json, pathlib, sys
import xml.etree.ElementTree as ET

bag, lines = pathlib.Path(sys.argv[1]), sys.argv[2]
rooms = bag / "data" / "rooms"
bare = lambda element: element.tag.rsplit("}", 1)[-1]
total, seen = 0, {"index.xml"}
for room in ET.parse(rooms / "index.xml").getroot():
    folder, pages = room.get("folder"), int(room.get("pages"))
    said = {part.get("kind"): int(part.text) for part in room if bare(part) == "count"}
    kinds, times = collections.Counter(), []
    for number in range(1, pages + 1):
        name = f"{folder}/{number:06}.xml"
        seen.add(name)
        page = ET.parse(rooms / name).getroot()
        assert page.get("room") == folder and int(page.get("number")) == number, f"{name} calls itself otherwise"
        for events in page:
            if bare(events) == "events":
                kinds.update(bare(event) for event in events)
                times.extend(event.get("at") for event in events)
    assert said == dict(kinds), f"{folder}: the list says {said}, the pages hold {dict(kinds)}"
    assert int(room.get("events")) == sum(kinds.values()), f"{folder}: the list says {room.get('events')} events, the pages hold {sum(kinds.values())}"
    assert [room.get("first"), room.get("last")] == [times[0], times[-1]], f"{folder}: first and last time differ from the pages"
    total += sum(kinds.values())
there = {str(path.relative_to(rooms)) for path in rooms.rglob("*") if path.is_file()}
assert there == seen, f"files that the list does not name: {sorted(there - seen)}"
with open(lines, encoding="utf-8") as file:
    parsed = sum(1 for line in file if json.loads(line))
assert total > 0 and parsed == total, f"{parsed} lines of JSON for {total} events"
PYTHON
judge "python counts" python3 "$work/count.py" "$bag" "$work/history.jsonl"

judge "pchat verify" "$pchat" verify "$work/zip/sample.zip" --read-data
judge "pchat store check" "$pchat" store check --store "$work/s.db"

# What is hostile, beside the rest: neither keeps all processors busy.
hostile() {
    # Verdicts over archives, XML and bags that were changed, beside those of sha256sum, bagit, xmllint and expat.
    judge "verdicts" python3 tests/judge-verdicts.py "$pchat" "$bagit" "$work/zip/sample.zip" 120

    # XML that is not well-formed, for each production of the grammar; zips whose structure lies; bags of every version.
    judge "XML by its grammar" python3 tests/judge-xml.py "$pchat" 100
    judge "zips" python3 tests/judge-zips.py "$pchat" "$work/zip/sample.zip" 60
    judge "bags" python3 tests/judge-bags.py "$pchat" "$bagit"

    # Nothing takes more memory than there may be.
    judge "memory" python3 tests/judge-memory.py "$pchat"
}
(said=$work/said-hostile; hostile) >"$work/hostile" 2>&1 &
hostile=$!

# Transcripts: of the sample, and of history that is hard to show. Nothing is asked of any network, and the search finds
# what is there.
packages=${PACKAGES:-$root/target/judges/npm/node_modules}
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -d "$packages/axe-core" ] || fail "axe-core is not installed (.ci/run installs what is missing)"
[ -n "$chromium" ] || fail "Chromium is not installed (.ci/run installs what is missing)"
export CHROMIUM=$chromium
python3 tests/hard.py >"$work/hard.jsonl"
run "$pchat" import "$work/hard.jsonl" --store "$work/hard.db"
run "$pchat" export --store "$work/s.db" --out "$work/pages" --format html,jsonl --timezone Europe/London
run "$pchat" export --store "$work/hard.db" --out "$work/hard # 100%" --format html
judge "bagit pages" "$bagit" --validate "$work/hard # 100%"
judge "pages of the sample" env WORDS='settlement|rebat*|cafe' node tests/pages.mjs "$work/pages/data/html" "$packages"
judge "pages that are hard" env WORDS='needle=3|rate 777=3|王=1|naive=1|NAÏVE=1|hed*=2,127|fine=1|nowhere' \
    node tests/pages.mjs "$work/hard # 100%/data/html" "$packages"
sed -i 's/<h1>/<h1 onclick="x()">/; s/id="e1"/id="e0"/' "$work/pages/data/html"/*/000001.html
if node tests/pages.mjs "$work/pages/data/html" "$packages" >/dev/null 2>&1; then fail "nobody objects to a page that was bent"; fi
echo "ok objections to pages"

# Reports: a request of 50 terms counted again by a plain scan, and the pages.
judge "request of 50 terms" tests/judge-terms.sh "$pchat" "$work"
"$pchat" search report --terms "$work/request.txt" --report "$work/terms.html" --store "$work/s.db" >"$said" 2>&1
judge "page of 50 terms" node tests/reports.mjs "$packages" "$work/terms.html"
judge "reports of every kind, and papers" tests/judge-reports.sh "$pchat" "$work" "$packages"
judge "searches, against a plain scan" python3 tests/judge-search.py "$pchat" "$work/search"
tests/judge-loads.sh "$pchat" "$work" || fail "load files"
tests/judge-compliance.sh "$pchat" "$work" || fail "the compliance service"
judge "productions" python3 tests/judge-produce.py "$pchat" "$work/produce"
mkdir "$work/mails"
judge "RSMF and mails" tests/judge-mails.sh "$pchat" "$work/mails"
rsmf=$(find "$work/mails/sample/data/rsmf" -name '*.rsmf' -print -quit)
sed -i 's/^X-RSMF-EventCount: /&1/' "$rsmf"
if target/judges/bin/python tests/judge-mails.py judge "$work/mails/sample" target/judges/npm >/dev/null 2>&1; then
    fail "nobody objects to an RSMF file that was bent"
fi
echo "ok objections to RSMF"

# A judge that never objects is none: one changed byte has to be found.
cp -R "$bag" "$work/bent"
printf '\n' >>"$work/bent/data/rooms/index.xml"
if sums "$work/bent" manifest-sha256.txt >/dev/null 2>&1; then fail "sha256sum does not object to a changed file"; fi
if "$bagit" --validate "$work/bent" >/dev/null 2>&1; then fail "bagit does not object to a changed file"; fi
if "$pchat" verify "$work/bent" --read-data >/dev/null 2>&1; then fail "pchat verify does not object to a changed file"; fi
echo "ok objections"

code=0
wait "$hostile" || code=$?
cat "$work/hostile"
[ "$code" = 0 ] || exit "$code"

# What doubles takes twice the time. Measured while nothing else runs, for time depends on what does.
judge "growth" python3 tests/judge-growth.py "$pchat"
