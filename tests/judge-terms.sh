#!/usr/bin/env bash
# A request as counsel sends one: 50 terms with distances, patterns, phrases and three ranges of dates, for twelve
# people and all rooms. The report of it is counted again by tests/terms.py, which shares no code with pchat.
#
#   tests/judge-terms.sh PCHAT WORK-FOLDER
set -euo pipefail
pchat=$1
work=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cat >"$work/request.txt" <<'TERMS'
# Schedule A
rebat*
settlement NEAR(5) date
limit NEAR(3) usd
gbp ONEAR(2) usd
usd ONEAR(2) gbp
"gbp usd"
"settlement da*"
usd NOT gbp
usd AND gbp
gbp OR eur
(usd OR gbp) NEAR(4) (limit OR order)
(settlement OR trade) NOT from:priya.nair@litwareinc.com
*ing
se*ent
us?
wo?k
cnh
お客様
客
中间价
東京
café
naïve
GBP/USD
anna.weiler@litwareinc.com
1.6655
50%
C++
2014
q1
the ONEAR(0) client
client NEAR(10) "on the book"
good NEAR(1) morning
thanks OR thank*
please AND (check OR send)
from:kazuto@litwareinc.com sent:2014-03-10..2014-03-11
usd sent:2014-03-01..2014-03-31
settlement sent:2015-03-01..2015-03-31
trade sent:2016-01-01..2016-12-31
present:sofia.rossi@litwareinc.com
present:kazuto@litwareinc.com usd
NOT (usd OR gbp OR eur)
kind:message NOT the
hasattachment:true
zebra
the
USD
rebate* OR settle* OR limit*
(mail OR call) NEAR(6) (me OR you)
"this message"
TERMS
terms=$(grep -vc '^#' "$work/request.txt")
[ "$terms" = 50 ] || { echo "judge-terms.sh: $terms terms" >&2; exit 1; }
people=(kazuto@litwareinc.com sofia.rossi@litwareinc.com david.campbell@litwareinc.com priya.nair@litwareinc.com
    jonas.keller@litwareinc.com omar.haddad@litwareinc.com fang.wang@litwareinc.com yuki.sato@litwareinc.com
    mei.zhang@litwareinc.com anna.weiler@litwareinc.com)
# Two more, whoever writes least.
"$pchat" import fixtures/sample --store "$work/request.db" --quiet >/dev/null
while read -r person; do
    [ "${#people[@]}" -lt 12 ] || break
    case " ${people[*]} " in *" $person "*) ;; *) people+=("$person") ;; esac
done < <("$pchat" stats --by person --output csv --no-remarks --store "$work/request.db" | sed 1d | cut -d , -f 1 | tac)
[ "${#people[@]}" = 12 ]
options=()
for person in "${people[@]}"; do options+=(--user "$person"); done
"$pchat" export --format jsonl --out "$work/request.jsonl" --store "$work/request.db" --quiet >/dev/null
for each in term person room; do
    code=0
    "$pchat" search report --terms "$work/request.txt" --each "$each" --output json --store "$work/request.db" \
        "${options[@]}" >"$work/request.json" 2>/dev/null || code=$?
    [ "$code" = 0 ] || { echo "judge-terms.sh: the report ended with $code" >&2; exit 1; }
    python3 tests/terms.py "$work/request.jsonl" "$work/request.txt" 43200 "$(IFS=,; echo "${people[*]}")" \
        <"$work/request.json"
done
# The same for everybody.
"$pchat" search report --terms "$work/request.txt" --output json --store "$work/request.db" >"$work/request.json" 2>/dev/null
python3 tests/terms.py "$work/request.jsonl" "$work/request.txt" <"$work/request.json"
