#!/usr/bin/env python3
"""Turns the measurements of run.sh into a Markdown table and says which targets are met.

    table.py RESULTS.jsonl BARE.jsonl SIZES.json

Prints medians. Ends with 1 when a target is missed, so that a job can watch it.
"""
import collections
import json
import statistics
import sys

MEMORY_KIB = 256 * 1024


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> int:
    runs = collections.defaultdict(list)
    for run in lines(sys.argv[1]):
        runs[run["label"]].append(run)
    bare = lines(sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as file:
        sizes = json.load(file)

    def wall(label):
        return statistics.median(run["wall"] for run in runs[label])

    rows, missed = [], []

    def row(what, ours, theirs, ratio, target, met):
        rows.append((what, ours, theirs, ratio, target, "yes" if met else "**no**" if met is False else ""))
        if met is False:
            missed.append(what)

    def faster(what, ours, theirs, target, counts=True):
        a, b = wall(ours), wall(theirs)
        met = (b / a >= target) if counts else None
        row(what, f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.2f}x", f">= {target}x" if counts else "", met)

    def slower(what, a, b, target):
        row(what, f"{a:.2f} s", f"{b:.2f} s", f"{a / b:.2f}x", f"<= {target}x", a / b <= target)

    def size(what, dump, target, counts=True):
        a, b = sizes["archive"], sizes[dump]
        met = (a / b <= target) if counts else None
        row(what, f"{a / 1e6:.1f} MB", f"{b / 1e6:.1f} MB", f"{(a / b - 1) * 100:+.1f} %", f"<= +{(target - 1) * 100:.0f} %" if counts else "", met)

    faster("export / rows-only `.dump \\| gzip -6`", "export", "dump-rows", 6.0)
    faster("export / whole `.dump \\| gzip -6`", "export", "dump-whole", 6.0)
    size("archive / rows-only dump, packed", "dump_rows", 1.10)
    size("archive / whole dump, packed", "dump_whole", 1.10)
    faster("import of the archive / `sqlite3 < dump.sql`", "import", "restore", 1.3)
    slower("`verify --read-data` / `unzip -tq`", wall("verify"), wall("unzip"), 1.1)
    bare_wall = statistics.median(run["seconds"] for run in bare)
    slower("export / bare read and deflate", wall("export"), bare_wall, 1.4)
    for label in ("import-jsonl", "import", "export", "verify"):
        peak = max(run["rss_kib"] for run in runs[label])
        row(f"memory of {label}, largest", f"{peak / 1024:.0f} MiB", "", "", "< 256 MiB", peak < MEMORY_KIB)

    messages = sizes["messages"]
    print(f"\n{messages:,} messages, shape `{sizes['shape']}`, {sizes['threads']} threads, {len(runs['export'])} runs each, medians. ", end="")
    print(f"Import of JSON Lines: {wall('import-jsonl'):.1f} s, {messages / wall('import-jsonl'):,.0f} messages/s.\n")
    print("| what | pchat | other | ratio | target | met |")
    print("| --- | ---: | ---: | ---: | --- | --- |")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")

    # The comparison with the bare cost is fair only when both deflate alike.
    packed = statistics.median(run["deflated_bytes"] for run in bare)
    drift = bare[0]["archive_deflated_bytes"] / packed - 1
    read, deflate = (statistics.median(run[key] for run in bare) for key in ("read_seconds", "deflate_seconds"))
    print(f"\nBare: {bare[0]['rows']:,} rows read in {read:.2f} s while {bare[0]['pages']:,} pages "
          f"({bare[0]['page_bytes'] / 1e6:.1f} MB) were deflated in {deflate:.2f} s.")
    if abs(drift) > 0.02:
        missed.append("bare")
        print(f"The archive's pages are {drift * 100:+.1f} % against level {bare[0]['level']} here: give run.sh the level of the export (LEVEL=N).")
    print("\nAll targets met." if not missed else f"\nMissed: {'; '.join(missed)}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
