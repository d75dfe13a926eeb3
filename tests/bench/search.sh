#!/usr/bin/env bash
# Measures searches beside a scan of the same text: rg where it is installed, grep where it is not.
#
#   tests/bench/search.sh [MESSAGES] [WORK-FOLDER]
#
# Prints real and processor seconds of whole processes. RUNS (3), SEED (1), SHAPE (few) and PCHAT (path of another
# build) come from the environment. A folder that this script made is removed; one that was named is kept. Ends with 1
# when pchat does not count the same messages as the scan.
set -euo pipefail

messages=${1:-2000000}
work=${2:-}
runs=${RUNS:-3}
if [ -n "$work" ]; then
    mkdir -p "$work"
    work=$(cd "$work" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cargo build --release --quiet --bins --examples
target=$(cargo metadata --no-deps --format-version 1 | python3 -c \
    'import json, sys; print(json.load(sys.stdin)["target_directory"])')
pchat=${PCHAT:-$target/release/pchat}

"$target/release/examples/generate" --messages "$messages" --shape "${SHAPE:-few}" --seed "${SEED:-1}" \
    >"$work/history.jsonl"
rm -f "$work"/search.db*
"$pchat" import "$work/history.jsonl" --store "$work/search.db" --quiet >/dev/null
# One line of text for each event, a common word, two rare ones, and 200 words of every frequency.
python3 - "$work" <<'PY'
import collections, json, re, sys
work, count = sys.argv[1], collections.Counter()
with open(f"{work}/history.jsonl") as events, open(f"{work}/text.txt", "w") as text:
    for number, line in enumerate(events):
        said = json.loads(line).get("text") or ""
        text.write(" ".join(said.split()) + "\n")
        if number < 60000:
            count.update(set(re.findall("[a-z0-9]+", said.lower())))
words = [word for word, _ in count.most_common(3000)]
terms = words[5::15][:200]
open(f"{work}/terms.txt", "w").write("\n".join(terms) + "\n")
open(f"{work}/words.txt", "w").write(f"{terms[0]}\n{terms[-2]} {terms[-1]}\n")
PY
common=$(sed -n 1p "$work/words.txt")
rare=$(sed -n 2p "$work/words.txt")
scan=(grep -ciw)
command -v rg >/dev/null && scan=(rg -ciw)

found=$("$pchat" search "$common" --count --output csv --store "$work/search.db" | sed -n 2p | cut -d , -f 1)
scanned=$("${scan[@]}" "$common" "$work/text.txt")
[ "$found" = "$scanned" ] || { echo "search.sh: pchat found $found, ${scan[0]} $scanned" >&2; exit 1; }

measure() {
    local label=$1
    shift
    for ((run = 1; run <= runs; run++)); do
        local TIMEFORMAT="$label  %R s, processor %U s"
        # Nothing found (4) is an answer, too.
        time "$@" >/dev/null || true
    done
}
measure "common word, counted       " "$pchat" search "$common" --count --store "$work/search.db"
measure "common word, each person   " "$pchat" search "$common" --by person --store "$work/search.db"
measure "two rare words             " "$pchat" search "$rare" --limit 50 --output jsonl --store "$work/search.db"
measure "200 terms, index only      " \
    "$pchat" search report --terms "$work/terms.txt" --index-only --store "$work/search.db"
measure "200 terms, with occurrences" "$pchat" search report --terms "$work/terms.txt" --store "$work/search.db"
measure "common word, ${scan[0]}          " "${scan[@]}" "$common" "$work/text.txt"
measure "200 words, ${scan[0]}            " "${scan[@]}" -F -f "$work/terms.txt" "$work/text.txt"
