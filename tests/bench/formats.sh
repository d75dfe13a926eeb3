#!/usr/bin/env bash
# Measures an export in each format, and in three of them at once, beside the archive of the same history. Prints a
# Markdown table of processor seconds (user and system), their ratio to the archive, the most memory, and sizes.
#
#   tests/bench/formats.sh [MESSAGES] [WORK-FOLDER]
#
# RUNS (3), SEED (1), SHAPE (few), STORE (a store that is there already) and PCHAT (path of another build of the
# program, which is then not built) come from the environment. Formats are run in turn, so that a machine
# that becomes slower does so for all. A folder that this script made is removed; one that was named is kept.
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
if [ -z "${PCHAT:-}" ]; then
    cargo build --release --quiet --bins --examples
    target=$(cargo metadata --no-deps --format-version 1 | python3 -c \
        'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    PCHAT=$target/release/pchat
    GENERATE=$target/release/examples/generate
fi
store=${STORE:-$work/formats.db}
if [ ! -f "$store" ]; then
    "${GENERATE:?is needed to make a history}" --messages "$messages" --shape "${SHAPE:-few}" --seed "${SEED:-1}" |
        "$PCHAT" import - --store "$store" --quiet >/dev/null
fi

rm -f "$work/formats.txt"
for ((run = 1; run <= runs; run++)); do
    for format in archive html rsmf eml csv dat edrm actiance rsmf,dat,html; do
        out=$work/${format//,/-}.zip
        /usr/bin/time -a -o "$work/formats.txt" -f "$format %U %S %M %e" \
            "$PCHAT" export --store "$store" --format "$format" --out "$out" --overwrite --quiet >/dev/null
        echo "$format size $(stat -c %s "$out")" >>"$work/formats.txt"
        rm -f "$out"
    done
done
python3 - "$work/formats.txt" <<'PY'
import collections, statistics, sys
runs, sizes = collections.defaultdict(list), {}
for line in open(sys.argv[1]):
    format, *rest = line.split()
    if rest[0] == "size":
        sizes[format] = int(rest[1])
    else:
        runs[format].append((float(rest[0]) + float(rest[1]), int(rest[2]) / 1024))
cost = {format: statistics.median(run[0] for run in all) for format, all in runs.items()}
print("| format | processor s | / archive | memory | size |\n| --- | ---: | ---: | ---: | ---: |")
for format, all in runs.items():
    print(f"| {format} | {cost[format]:.2f} | {cost[format] / cost['archive']:.2f} "
          f"| {max(run[1] for run in all):.0f} MiB | {sizes[format] / 1e6:.1f} MB |")
together = [format for format in cost if "," in format]
for format in together:
    print(f"\n{format} at once: {cost[format] / sum(cost[one] for one in format.split(',')):.2f} of the sum")
PY
