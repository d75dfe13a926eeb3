#!/usr/bin/env bash
# Measures an export in each format, and in three of them at once, beside the archive of the same history. Prints a
# Markdown table of processor seconds (user and system), their ratio to the archive, the most memory, and sizes.
#
#   tests/bench/formats.sh [MESSAGES] [WORK-FOLDER]
#
# RUNS (3), SEED (1), SHAPE (few, or many rooms), STORE (a store that is there already), FORMATS (those that are
# measured), PCHAT and GENERATE (paths of other builds of the programs, which are then not built) and BASE come from the
# environment. BASE is a build to compare with: it makes each export as well, in turn with the other, and both must be
# the same byte for byte. Formats are run in turn, so that a machine that becomes slower does so for all. A folder that
# this script made is removed; one that was named is kept, with what was measured in formats.txt.
set -euo pipefail

messages=${1:-2000000}
work=${2:-}
runs=${RUNS:-3}
formats=${FORMATS:-archive html rsmf eml csv dat edrm actiance csv,dat,html}
if [ -n "$work" ]; then
    mkdir -p "$work"
    work=$(cd "$work" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
store=${STORE:-$work/formats.db}
if [ -z "${PCHAT:-}" ] || [ ! -f "$store" ] && [ -z "${GENERATE:-}" ]; then
    cargo build --release --quiet --bins --examples
    target=$(cargo metadata --no-deps --format-version 1 | python3 -c \
        'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    PCHAT=${PCHAT:-$target/release/pchat}
    GENERATE=${GENERATE:-$target/release/examples/generate}
fi
if [ ! -f "$store" ]; then
    "$GENERATE" --messages "$messages" --shape "${SHAPE:-few}" --seed "${SEED:-1}" |
        "$PCHAT" import - --store "$store" --quiet >/dev/null
fi

# Exports, and notes what that cost.
measure() { # build program format
    # The name of the file is in the file, so all builds use the same.
    local out=$work/out.zip
    /usr/bin/time -a -o "$work/formats.txt" -f "$1 $3 %U %S %M %e" \
        "$2" export --store "$store" --format "$3" --out "$out" --overwrite --no-checkpoint --quiet >/dev/null
    echo "$1 $3 size $(stat -c %s "$out")" >>"$work/formats.txt"
    sha256sum <"$out" >"$work/$1.sum"
    rm -f "$out"
}

rm -f "$work/formats.txt"
for ((run = 1; run <= runs; run++)); do
    for format in $formats; do
        [ -z "${BASE:-}" ] || measure base "$BASE" "$format"
        measure now "$PCHAT" "$format"
        [ -z "${BASE:-}" ] || cmp "$work/base.sum" "$work/now.sum" || echo "$format is not what it was" >&2
    done
done
python3 - "$work/formats.txt" <<'PY'
import collections, statistics, sys
runs, sizes = collections.defaultdict(list), {}
for line in open(sys.argv[1]):
    build, format, *rest = line.split()
    if rest[0] == "size":
        sizes[format] = int(rest[1])
    else:
        runs[build, format].append((float(rest[0]) + float(rest[1]), int(rest[2]) / 1024))
cost = {key: statistics.median(run[0] for run in all) for key, all in runs.items()}
memory = {key: max(run[1] for run in all) for key, all in runs.items()}
archive = cost.get(("now", "archive"))
compared = any(build == "base" for build, _ in cost)
print("| format |" + (" before |" if compared else "") + " processor s | / archive |"
      + (" memory before |" if compared else "") + " memory | size |")
print("| --- |" + " ---: |" * (6 if compared else 4))
for build, format in cost:
    if build == "now":
        before = f" {cost['base', format]:.2f} |" if compared else ""
        memory_before = f" {memory['base', format]:.0f} MiB |" if compared else ""
        ratio = f"{cost[build, format] / archive:.2f}" if archive else ""
        print(f"| {format} |{before} {cost[build, format]:.2f} | {ratio} |{memory_before}"
              f" {memory[build, format]:.0f} MiB | {sizes[format] / 1e6:.1f} MB |")
for build, format in cost:
    parts = format.split(",")
    if len(parts) > 1 and all((build, one) in cost for one in parts):
        print(f"\n{format} at once ({build}): {cost[build, format] / sum(cost[build, one] for one in parts):.2f} of the sum")
PY
