#!/usr/bin/env bash
# Lets programs that know nothing of pchat judge its load files: csvkit, xmllint, and readers of its own in Python.
#
#   tests/judge-loads.sh PCHAT WORK
#
# Exports fixtures/sample and history that is hard to carry below WORK. Prints "ok NAME" for every judge.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pchat=$1 work=$2/loads
csvkit=${CSVKIT:-$PWD/target/judges/bin}
[ -x "$csvkit/csvclean" ] || csvkit=$(dirname "$(command -v csvclean || echo /none)") && [ -x "$csvkit/csvclean" ] || {
    echo "judges: csvkit is not installed (.ci/run installs what is missing)" >&2
    exit 1
}
mkdir -p "$work"
python3 tests/hard.py >"$work/hard.jsonl"
python3 tests/hostile-loads.py >"$work/hostile.jsonl"
"$pchat" import fixtures/sample --store "$work/sample.db" >/dev/null
"$pchat" import "$work/hard.jsonl" "$work/hostile.jsonl" --store "$work/hard.db" >/dev/null
# What no format can carry is listed, so the export ends with 3.
made() { "$pchat" export "$@" >/dev/null 2>&1 || [ $? = 3 ]; }

for name in sample hard; do
    for how in "day utf-8 concordance us" "message utf-16 pipe iso"; do
        read -r document encoding marks dates <<<"$how"
        out=$work/$name-$document
        rm -rf "$out" "$out-archive"
        made --store "$work/$name.db" --out "$out" --format csv,dat,edrm,actiance,jsonl,html,rsmf,eml --no-checkpoint \
            --document "$document" --encoding "$encoding" --delimiters "$marks" --dates "$dates"
        made --store "$work/$name.db" --out "$out-archive" --no-checkpoint
        python3 tests/judge-loads.py "$out-archive" "$out" "$([ "$marks" = pipe ] && echo '|^~' || printf '\x14þ®')"
        (cd "$out" && sha256sum --check --quiet manifest-sha256.txt)
        xmllint --noout --huge --schema docs/formats/edrm.xsd "$out/data/edrm/edrm.xml" 2>/dev/null
        find "$out/data/actiance" -path '*/files/*' -prune -o -name '*.xml' -print0 |
            xargs -0 xmllint --noout --huge --schema docs/formats/actiance.xsd 2>/dev/null
        "$csvkit/csvclean" --length-mismatch --maxfieldsize 100000000 "$out/data/csv/history.csv" >/dev/null
        rows=$("$csvkit/csvstat" --count --maxfieldsize 100000000 "$out/data/csv/history.csv")
        [ "${rows//[!0-9]/}" -gt 100 ]
        echo "ok load files of $name, $how"
    done
done

# A judge that never objects is none.
bent=$work/bent
rm -rf "$bent" && cp -R "$work/sample-day" "$bent"
sed -i '0,/<ParticipantLeft>/s//<ParticipantWent>/' "$bent"/data/actiance/*/000001.xml
for file in "$bent"/data/actiance/*/000001.xml; do
    if xmllint --noout --schema docs/formats/actiance.xsd "$file" >/dev/null 2>&1 && grep -q Went "$file"; then
        echo "judges: xmllint does not object to $file" >&2
        exit 1
    fi
done
rm -rf "$bent" && cp -R "$work/sample-day" "$bent"
sed -i '2d' "$bent/data/dat/VOL001/DATA/VOL001.dat"
if python3 tests/judge-loads.py "$work/sample-day-archive" "$bent" >/dev/null 2>&1; then
    echo "judges: nobody objects to a load file without its first line" >&2
    exit 1
fi
echo "ok objections to load files"
