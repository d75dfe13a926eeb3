#!/usr/bin/env bash
# Makes a report of every kind, and the papers of a production, and lets html-validate, the Nu checker and axe-core in
# Chromium judge the pages at every width, light, dark and printed.
#
#   tests/judge-reports.sh PCHAT WORK PACKAGES
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pchat=$1 work=$2/reports packages=$3
mkdir -p "$work"
cd "$work"
# Names that are long or steer the display, and a conflict of each kind.
cat >in.jsonl <<'JSON'
{"room":"a room with a name that is as long as names are when nobody stops people from typing on and on and on","pool":"pool01.litwareinc.com","user":"sip:somebody.with.a.very.long.address@a-department-with-a-long-name.litwareinc.com","time":"2020-01-01T10:00:00.1234567Z","kind":"CHAT","id":1,"text":"one"}
{"room":"b\u202e","pool":"p","user":"sip:ann@x","time":"2020-01-01T10:00:00Z","kind":"CHAT","id":1,"text":"two <b>two</b> wordwithoutendwordwithoutendwordwithoutendwordwithoutendwordwithoutendwordwithoutendwordwithoutend"}
JSON
sed 's/"text":"one"/"text":"another one"/; s/"id":1,"text":"two/"id":3,"text":"two/' in.jsonl >other.jsonl
printf '{"room": 7}\n' >broken.jsonl
# code CODE COMMAND...: a command that ends so.
code() {
    local wanted=$1 ended=0
    shift
    "$pchat" "$@" >said 2>&1 || ended=$?
    [ "$ended" = "$wanted" ] || { cat said >&2; echo "judges: pchat $* ended with $ended, not $wanted" >&2; exit 1; }
}
sample=$here/../fixtures/sample
code 0 import "$sample" in.jsonl --store s.db --report import.html
code 3 import other.jsonl --store s.db --report conflict.html
code 0 import in.jsonl --store s.db --what-if --report again.html
code 13 import broken.jsonl --store s.db --report failed.html
code 0 export --store s.db --out x.zip --report export.html
code 0 export --store s.db --out several --format html,rsmf,eml,csv,dat,edrm,actiance --report several.html
code 0 verify x.zip --read-data --report verify.html
cp -R several bent
find bent -name '*.dat' -exec sh -c 'printf x >>"$1"' sh {} \;
code 13 verify bent --read-data --report faults.html
code 3 store completeness --store s.db --report completeness.html
"$pchat" search usd --context 12h --report found.html --store s.db >said 2>&1
"$pchat" stats --report stats.html --store s.db >said 2>&1
printf 'usd\nnear(\nsettle*\n' >terms.txt
"$pchat" search report --terms terms.txt --report terms.html --store s.db >said 2>&1 || [ $? = 3 ]
cp s.db p.db
cp s.db.key p.db.key
code 0 purge --store p.db --room Settlements --yes --report purge.html
code 0 room clear "Market Risk" --store p.db --to 2015-01-01 --yes --report clear.html
code 0 case new C --store s.db
code 0 produce --case C --room Settlements --format html,dat,rsmf --bates SMITH --out production --store s.db --report produce.html
mapfile -t papers < <(find production/data -maxdepth 2 -name '*.html' -path '*papers*' -o -name '*.html' -path '*/data/*' -maxdepth 2)
node "$here/reports.mjs" "$packages" ./*.html "${papers[@]}"
