#!/usr/bin/env bash
# Programs that know nothing of pchat judge what it writes of the product's tables.
#
#   tests/judge-mgc.sh PCHAT WORK
#
# PCHAT is the program, WORK a folder of its own. Needs xmllint and the packages tree-sitter and tree-sitter-powershell
# in target/judges (.ci/run installs them); PYTHON names another interpreter that has them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pchat=$1 work=$2
python=${PYTHON:-target/judges/bin/python}
mkdir -p "$work"
"$pchat" import fixtures/mgc --store "$work/s.db" >/dev/null 2>&1
"$pchat" export --store "$work/s.db" --format mgc --out "$work/tables" >/dev/null 2>&1
"$pchat" export --store "$work/s.db" --format jsonl --out "$work/history.jsonl" >/dev/null 2>&1
xmllint --noout --nonet "$work"/tables/data/mgc/*.xml
(cd "$work/tables" && sha256sum --check --strict --quiet manifest-sha256.txt)
"$python" tests/judge-mgc.py "$work/tables/data/mgc" "$work/history.jsonl" docs/migrate/export-mgc.ps1
