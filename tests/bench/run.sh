#!/usr/bin/env bash
# Measures pchat against what a shell offers for the same work, side by side on the same data, and prints a Markdown
# table.
#
#   tests/bench/run.sh [MESSAGES] [WORK-FOLDER]
#
# Everything is measured for two shapes of history (SHAPES, "few many"): 200 rooms of which one has 44 % of all
# messages, and 15,000 rooms most of which hold fewer than 100 events. RUNS (3), THREADS (all cores), SEED (1), LEVEL
# (3, the level of libdeflate in exports) and PCHAT (path of another build of the program than the one in this tree)
# come from the environment. The work folder needs about 2 KB a message. A folder that this script made is removed; one
# that was named is kept, and a history.jsonl or source.db found there is made again. Ends with 1 when a target is
# missed.
set -euo pipefail

messages=${1:-2000000}
work=${2:-}
runs=${RUNS:-3}
threads=${THREADS:-$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)}
shapes=${SHAPES:-few many}
seed=${SEED:-1}
level=${LEVEL:-3}

for tool in cargo python3 sqlite3 gzip unzip; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is needed" >&2; exit 2; }
done
if [ -n "$work" ]; then
    mkdir -p "$work"
    work=$(cd "$work" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=tests/bench
say() { printf '%s\n' "$*" >&2; }

say "building"
cargo build --release --quiet --bins --examples
target=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
pchat=${PCHAT:-$target/release/pchat}
generate=$target/release/examples/generate
bare=$target/release/examples/bare

# measure LABEL [OPTION...] -- COMMAND...: one measured run; what it leaves to be written to disk is written first.
measure() {
    local label=$1
    shift
    sync
    python3 "$here/measure.py" --label "$label" --append "$results" "$@"
}

missed=0
# Measures one shape of history and prints its table.
measure_shape() {
    local shape=$1
    results=$work/results.jsonl
    history=$work/history.jsonl
    store=$work/source.db
    archive=$work/history.zip
    rm -f "$results" "$work/bare.jsonl" "$work"/source.db* "$work"/imported.db* "$work"/restored.db* "$archive"

    say "generating $messages messages, shape $shape"
    "$generate" --messages "$messages" --shape "$shape" --seed "$seed" >"$history"
    say "importing them"
    measure import-jsonl -- "$pchat" import "$history" --store "$store" --threads "$threads"
    rm -f "$history"

    # Everything but the full-text index and what SQLite keeps for itself. Which tables a store has depends on the
    # build.
    index="'word', 'segment', 'block'"
    tables=$(sqlite3 "$store" "select name from sqlite_master where type = 'table' and name not in ($index) and name not like 'sqlite~_%' escape '~' order by name" | tr '\n' ' ')
    case " $tables" in
    *" event "*) ;;
    *) say "run.sh: the store has no table called event"; exit 1 ;;
    esac
    # shellcheck disable=SC2016 # the inner shell expands these
    pack='set -o pipefail; sqlite3 "$1" "$2" | gzip -6 >"$3"'
    dump_rows() { measure dump-rows -- bash -c "$pack" dump "$store" ".dump $tables" "$work/rows.sql.gz"; }
    dump_whole() { measure dump-whole -- bash -c "$pack" dump "$store" ".dump" "$work/whole.sql.gz"; }
    whole_and_sound() {
        # sqlite3 ends a dump that failed with ROLLBACK, and with exit code 0.
        gzip -dc "$1" | tail -n 1 | grep -q '^COMMIT;$' || { say "run.sh: $1 is not a complete dump"; exit 1; }
    }

    say "exporting and dumping"
    for ((run = 1; run <= runs; run++)); do
        rm -f "$archive"
        measure export -- "$pchat" export --store "$store" --out "$archive" --threads "$threads"
        dump_rows
        sync
        "$bare" "$store" "$archive" --threads "$threads" --level "$level" >>"$work/bare.jsonl"
        dump_whole
    done
    whole_and_sound "$work/rows.sql.gz"
    whole_and_sound "$work/whole.sql.gz"

    say "importing the archive and restoring the dump"
    gzip -dc "$work/rows.sql.gz" >"$work/rows.sql"
    for ((run = 1; run <= runs; run++)); do
        rm -f "$work"/imported.db* "$work"/restored.db*
        measure import -- "$pchat" import "$archive" --store "$work/imported.db" --threads "$threads"
        measure restore --stdin "$work/rows.sql" -- sqlite3 -bail "$work/restored.db"
    done
    # A fast import that lost something would be no import.
    count() { sqlite3 "$1" 'select count(*), sum(length(body)) from event'; }
    for copy in imported restored; do
        [ "$(count "$store")" = "$(count "$work/$copy.db")" ] || { say "run.sh: $copy.db does not hold what the source holds"; exit 1; }
    done

    say "verifying"
    for ((run = 1; run <= runs; run++)); do
        measure verify -- "$pchat" verify "$archive" --read-data
        measure unzip -- unzip -tq "$archive"
    done

    bytes() { wc -c <"$1" | tr -d ' '; }
    printf '{"archive":%s,"dump_rows":%s,"dump_whole":%s,"messages":%s,"threads":%s,"shape":"%s"}\n' \
        "$(bytes "$archive")" "$(bytes "$work/rows.sql.gz")" "$(bytes "$work/whole.sql.gz")" "$messages" "$threads" "$shape" >"$work/sizes.json"
    python3 "$here/table.py" "$results" "$work/bare.jsonl" "$work/sizes.json" || missed=1
}

for shape in $shapes; do
    measure_shape "$shape"
done
exit "$missed"
