#!/usr/bin/env python3
"""Runs one command and prints what it cost as one line of JSON.

    measure.py [--label TEXT] [--stdin FILE] [--stdout FILE] [--append FILE] -- COMMAND [ARGUMENT...]

wall, user and sys are seconds; rss_kib is the largest resident set of the command or of a process it waited for, as the
kernel counted it (wait4). The child starts as a copy of this small interpreter, so figures below about 10 MiB say
nothing. The command's standard output is thrown away unless --stdout names a file. Ends with the command's own exit
code.
"""
import argparse
import json
import os
import subprocess
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description="cost of one command as JSON")
    parser.add_argument("--label", default="")
    parser.add_argument("--stdin", default=os.devnull)
    parser.add_argument("--stdout", default=os.devnull)
    parser.add_argument("--append", help="file that the line is added to, instead of being printed")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    with open(options.stdin, "rb") as stdin, open(options.stdout, "wb") as stdout:
        start = time.monotonic()
        child = subprocess.Popen(options.command, stdin=stdin, stdout=stdout)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
    # Popen must not wait for the process a second time.
    child.returncode = os.waitstatus_to_exitcode(status)

    # macOS counts bytes where Linux counts KiB.
    scale = 1024 if sys.platform == "darwin" else 1
    line = json.dumps(
        {
            "label": options.label,
            "wall": round(wall, 4),
            "user": round(usage.ru_utime, 4),
            "sys": round(usage.ru_stime, 4),
            "rss_kib": usage.ru_maxrss // scale,
            "code": child.returncode,
        }
    )
    if options.append:
        with open(options.append, "a", encoding="utf-8") as out:
            out.write(line + "\n")
    else:
        print(line)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main())
