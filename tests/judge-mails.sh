#!/usr/bin/env bash
# RSMF and EML before judges that know nothing of pchat: Python's email and jsonschema, mail-parser, postal-mime,
# mailparser, ajv, ripmime and MIME::Parser.
#
#   tests/judge-mails.sh PCHAT FOLDER      PCHAT: the program; FOLDER: an empty one, to work in
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pchat=$1
work=$2
python=$here/target/judges/bin/python
npm=$here/target/judges/npm
# What a format cannot carry ends an export with 3.
export_() { "$pchat" export --store "$work/$1" --format rsmf,eml,jsonl "${@:2}" >/dev/null || [ $? = 3 ]; }

"$python" "$here/tests/judge-mails.py" input "$work/hard.jsonl"
"$pchat" import "$work/hard.jsonl" --store "$work/hard.db" --quiet >/dev/null
"$pchat" import "$here/fixtures/sample" --store "$work/sample.db" --quiet >/dev/null
export_ hard.db --out "$work/hard"
export_ sample.db --out "$work/sample" --timezone Asia/Kathmandu
export_ sample.db --out "$work/thread" --slice thread
export_ sample.db --out "$work/seven" --slice 7
export_ sample.db --out "$work/hours" --slice 24h
for folder in hard sample thread seven hours; do
    "$python" "$here/tests/judge-mails.py" judge "$work/$folder" "$npm"
done
