#!/usr/bin/env bash
# Measures small commands, each as a whole process, on a store with many principals: changing a room, posting a message,
# and a script of posts. Prints a Markdown table of the medians.
#
#   tests/bench/commands.sh [PRINCIPALS] [WORK-FOLDER]
#
# RUNS (9), POSTS (1000) and PCHAT (path of another build of the program than the one in this tree) come from the
# environment. A folder that this script made is removed; one that was named is kept, and its commands.db is made anew.
# Ends with 1 when a target is missed.
set -euo pipefail

people=${1:-100000}
work=${2:-}
runs=${RUNS:-9}
posts=${POSTS:-1000}

for tool in cargo python3; do
    command -v "$tool" >/dev/null || { echo "commands.sh: $tool is needed" >&2; exit 2; }
done
if [ -n "$work" ]; then
    mkdir -p "$work"
    work=$(cd "$work" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ -z "${PCHAT:-}" ]; then
    cargo build --release --quiet --bins
    target=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    PCHAT=$target/release/pchat
fi
store=$work/commands.db
results=$work/commands.jsonl
rm -f "$store"* "$results"

pchat() { "$PCHAT" "$@" --store "$store" --quiet --no-remarks >/dev/null; }
measure() {
    local label=$1
    shift
    python3 tests/bench/measure.py --label "$label" --append "$results" -- "$PCHAT" "$@" --store "$store" --quiet --no-remarks
}

# Everybody is in one of 100 groups, and those are in one group of all.
python3 - "$people" >"$work/people.ldif" <<'PY'
import sys
base = "OU=Staff,DC=bench,DC=example"
groups = 100
print(f"dn: CN=All,{base}\nobjectClass: group\n")
for n in range(groups):
    print(f"dn: CN=Group {n},{base}\nobjectClass: group\nmemberOf: CN=All,{base}\n")
for n in range(int(sys.argv[1]) - groups - 1):
    print(f"dn: CN=Person {n},{base}\nobjectClass: top\nobjectClass: user\ncn: Person {n}\ndisplayName: Person {n}\n"
          f"sAMAccountName: p{n}\nuserPrincipalName: p{n}@bench.example\nmsRTCSIP-PrimaryUserAddress: sip:p{n}@bench.example\n"
          f"memberOf: CN=Group {n % groups},{base}\n")
PY
pchat store new
measure "import of the principals" principal import "$work/people.ldif"
pchat policy set global --enable
pchat category new --name Bench --pool bench.example
pchat category set Bench --allowed-members "CN=All,OU=Staff,DC=bench,DC=example"
pchat room new --name Bench --category Bench
pchat message post Bench --user p7@bench.example --text first

for ((run = 1; run <= runs; run++)); do
    measure "room set --description" room set Bench --description "run $run"
    measure "room set --members" room set Bench --members "+sip:p$((run * 11))@bench.example" --members "+sip:p7@bench.example"
    measure "message post" message post Bench --user p7@bench.example --text "message $run"
done
for ((n = 1; n <= posts; n++)); do
    echo "pchat message post Bench --user p7@bench.example --text 'message $n of a script'"
done >"$work/posts.txt"
measure "script of $posts posts" script "$work/posts.txt"
pchat store check --read-data

python3 - "$results" "$posts" <<'PY'
import json, statistics, sys
found = {}
for line in open(sys.argv[1]):
    one = json.loads(line)
    found.setdefault(one["label"], []).append(one)
posts = int(sys.argv[2])
targets = {"room set --description": 0.05, "room set --members": 0.05, "message post": 0.01, f"script of {posts} posts": 0.003 * posts}
missed = 0
print("| command | time | processor time | target | met |\n| --- | ---: | ---: | ---: | --- |")
for label, runs in found.items():
    wall = statistics.median(one["wall"] for one in runs)
    work = statistics.median(one["user"] + one["sys"] for one in runs)
    target = targets.get(label)
    met = "" if target is None else "yes" if wall <= target else "no"
    missed |= met == "no"
    shown = "" if target is None else f"{target * 1000:.0f} ms"
    print(f"| {label} | {wall * 1000:.1f} ms | {work * 1000:.1f} ms | {shown} | {met} |")
sys.exit(missed)
PY
