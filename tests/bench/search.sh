#!/usr/bin/env bash
# Measures searches beside a scan of the same text: rg where it is installed, grep where it is not.
#
#   tests/bench/search.sh [MESSAGES] [WORK-FOLDER]
#
# Prints real and processor seconds, and the most memory, of whole processes. RUNS (3), SEED (1), SHAPE (few) and PCHAT
# (path of another build of the program, which is then not built) come from the environment. A folder that this script
# made is removed; one that was named is kept, and what was prepared in it is used again. Ends with 1 when pchat does
# not count the same messages as the scan.
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
target=$(cargo metadata --no-deps --format-version 1 | python3 -c \
    'import json, sys; print(json.load(sys.stdin)["target_directory"])')
[ -n "${PCHAT:-}" ] || cargo build --release --quiet --bins
pchat=${PCHAT:-$target/release/pchat}

if [ ! -f "$work/history.jsonl" ]; then
    cargo build --release --quiet --examples
    "$target/release/examples/generate" --messages "$messages" --shape "${SHAPE:-few}" --seed "${SEED:-1}" \
        >"$work/history.part"
    mv "$work/history.part" "$work/history.jsonl"
fi
if [ ! -f "$work/search.ready" ]; then
    rm -f "$work"/search.db*
    "$pchat" import "$work/history.jsonl" --store "$work/search.db" --quiet >/dev/null
    touch "$work/search.ready"
fi
# One line for each event with a text. The most
# common words, two that stand in few of them and in one together, and 200 words of every frequency.
python3 - "$work" <<'PY'
import collections, json, re, sys
work, count = sys.argv[1], collections.Counter()
texts = []
with open(f"{work}/history.jsonl") as events, open(f"{work}/text.txt", "w") as text:
    for number, line in enumerate(events):
        said = json.loads(line).get("text") or ""
        if not said:
            continue
        text.write(" ".join(said.split()) + "\n")
        if number < 100000:
            words = set(re.findall("[a-z]{3,}", said.lower()))
            count.update(words)
            texts.append(words)
words = [word for word, _ in count.most_common(3000)]
terms = words[5::15][:200]
few = {word for word, found in count.items() if 2 <= found <= 20}
pair = next(sorted(words & few)[:2] for words in texts if len(words & few) >= 2)
open(f"{work}/terms.txt", "w").write("\n".join(terms) + "\n")
open(f"{work}/words.txt", "w").write(f"{words[0]}\n{words[1]}\n{' '.join(pair)}\n")
PY
common=$(sed -n 1p "$work/words.txt")
second=$(sed -n 2p "$work/words.txt")
rare=$(sed -n 3p "$work/words.txt")
scan=(grep -ciw)
command -v rg >/dev/null && scan=(rg -ciw)

found=$("$pchat" search "$common" --count --output csv --store "$work/search.db" | sed -n 2p | cut -d , -f 1)
scanned=$("${scan[@]}" "$common" "$work/text.txt")
echo "the common word \"$common\": pchat $found events, ${scan[0]} $scanned lines"
[ "$found" = "$scanned" ] || { echo "search.sh: pchat found $found, ${scan[0]} $scanned" >&2; exit 1; }

measure() {
    local label=$1
    shift
    for ((run = 1; run <= runs; run++)); do
        # Nothing found (4) is an answer, too.
        /usr/bin/time -o "$work/time.txt" -f '%e s, processor %U s, %M KiB' "$@" >/dev/null 2>"$work/said.txt" || true
        printf '%-34s %s\n' "$label" "$(tail -1 "$work/time.txt")"
    done
}
asked() {
    local label=$1
    shift
    measure "$label" "$pchat" search "$@" --store "$work/search.db"
}
asked "nothing" zqxzqxzqx
asked "two rare words, with context" "$rare" --context 12h --limit 50 --output jsonl
asked "common word, counted" "$common" --count
asked "common word, each person" "$common" --by person
asked "common word, first page" "$common" --limit 50 --output jsonl
asked "common word, all hits" "$common" --output jsonl
asked "common word, 50 most relevant" "$common" --sort relevance --output jsonl
asked "phrase of common words" "\"$common $second\"" --count
asked "NEAR of common words" "$common NEAR(3) $second" --count
asked "regular expression, no word" 'text:/[0-9]{6}/' --count
measure "200 terms, index only" \
    "$pchat" search report --terms "$work/terms.txt" --index-only --store "$work/search.db"
measure "200 terms, each person" \
    "$pchat" search report --terms "$work/terms.txt" --index-only --each person --output csv --store "$work/search.db"
measure "200 terms, with occurrences" "$pchat" search report --terms "$work/terms.txt" --store "$work/search.db"
measure "${scan[0]}: common word" "${scan[@]}" "$common" "$work/text.txt"
measure "${scan[0]}: both common words" "${scan[@]}" "$common.*$second|$second.*$common" "$work/text.txt"
measure "${scan[0]}: regular expression" "${scan[0]}" -c '[0-9]{6}' "$work/text.txt"
measure "${scan[0]}: 200 words" "${scan[@]}" -F -f "$work/terms.txt" "$work/text.txt"
