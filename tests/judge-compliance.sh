#!/usr/bin/env bash
# Lets programs that know nothing of pchat judge the deliveries of the compliance service: xmllint with the schema,
# systemd-analyze on the units, csvclean and four parsers of mails on what the adapters write, aiosmtpd on mails that are
# handed over, and kills.
#
#   tests/judge-compliance.sh PCHAT WORK
#
# Delivers fixtures/sample with every adapter below WORK. Prints "ok NAME" for every judge.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pchat=$1 work=$2/compliance
mkdir -p "$work"
csvkit=${CSVKIT:-$PWD/target/judges/bin}

# Exceptions that are listed, and nothing new, are no failures.
deliver() {
    local code=0
    "$pchat" compliance run "$@" --quiet || code=$?
    [ "$code" = 0 ] || [ "$code" = 3 ] || [ "$code" = 4 ]
}

if command -v systemd-analyze >/dev/null; then
    # The program need not be installed where the units are judged.
    mkdir -p "$work/units"
    for unit in docs/systemd/pchat-compliance*; do
        sed -e "s|/usr/bin/pchat|$(realpath "$pchat")|" -e 's|^User=.*||' "$unit" >"$work/units/${unit##*/}"
    done
    systemd-analyze verify --man=no "$work"/units/*.service "$work"/units/*.timer
    echo "ok units of the compliance service"
fi

for adapter in XML EML Actiance CSV; do
    store=$work/$adapter.db out=$work/$adapter
    "$pchat" import fixtures/sample --store "$store" >/dev/null
    "$pchat" compliance set --adapter-type "$adapter" --adapter-output-directory "$out" --store "$store" >/dev/null
    # Killed at several moments, the same run is finished by the next.
    for wait in 0.02 0.05 0.1 0.2; do
        timeout --signal=KILL "$wait" "$pchat" compliance run --store "$store" --quiet || true
    done 2>/dev/null
    deliver --store "$store"
    "$pchat" compliance verify "$out" --store "$store" >/dev/null 2>&1
    echo "ok deliveries of $adapter after kills"
done
python3 tests/judge-kills.py "$pchat" "$work/kills" "${KILLS:-25}"
python3 tests/judge-watch.py "$pchat" "$work/watch"
"${PYTHON:-$csvkit/python}" tests/judge-relay.py "$pchat" "$work/relay"
find "$work/XML" -name 'compliance-*.xml' -print0 |
    xargs -0 xmllint --noout --schema docs/formats/compliance.xsd 2>/dev/null
"$pchat" import "$work/XML" --store "$work/again.db" --pool pool01.litwareinc.com >/dev/null
echo "ok compliance XML by xmllint and import"
find "$work/Actiance" -path '*/files/*' -prune -o -name '*.xml' -print0 |
    xargs -0 xmllint --noout --schema docs/formats/actiance.xsd 2>/dev/null
find "$work/EML" -name '*.eml' >"$work/mails"
node tests/judge-mails.mjs target/judges/npm docs/formats/rsmf.schema.json "$work/mails" >"$work/mails.json"
# Python's email, mail-parser, postal-mime and mailparser find the same in each.
"${PYTHON:-$csvkit/python}" - "$work/mails.json" <<'PYTHON'
import base64, email, email.policy, hashlib, json, sys
import mailparser
found = json.load(open(sys.argv[1]))
ids = set()
for path, others in found.items():
    data = open(path, "rb").read()
    mail = email.message_from_bytes(data, policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip()
    files = sorted(hashlib.sha256(part.get_content()).hexdigest() for part in mail.iter_attachments())
    assert not mail.defects and mail["From"] and mail["Date"], path
    for name, other in others.items():
        assert other["id"] == mail["Message-ID"] and other["subject"] == mail["Subject"], (path, name)
        assert other["text"] == hashlib.sha256(text.encode()).hexdigest(), (path, name)
        assert sorted(sum for _, sum in other["files"]) == files, (path, name)
    again = mailparser.parse_from_bytes(data)
    assert again.message_id == mail["Message-ID"] and again.subject == mail["Subject"], path
    sums = [hashlib.sha256(base64.b64decode(file["payload"])).hexdigest() for file in again.attachments]
    assert sorted(sums) == files, path
    ids.add(mail["Message-ID"])
assert found and len(ids) == len(found)
PYTHON
if [ -x "$csvkit/csvclean" ]; then
    "$csvkit/csvclean" --length-mismatch "$work/CSV/00000001/csv/history.csv" >/dev/null
fi
echo "ok what the other adapters delivered"
if command -v xsltproc >/dev/null; then
    "$pchat" import fixtures/sample --store "$work/sheet.db" >/dev/null
    "$pchat" compliance set --adapter-output-directory "$work/sheet" --store "$work/sheet.db" \
        --custom-configuration "$(cat docs/formats/compliance-filedump.xsl)" >/dev/null
    deliver --store "$work/sheet.db"
    xmllint --noout "$work/sheet/00000001/compliance-000001.transformed"
    grep -q '<LoginName>[^<]' "$work/sheet/00000001/compliance-000001.transformed"
    "$pchat" import "$work/sheet" --store "$work/sheet-again.db" --pool pool01.litwareinc.com >/dev/null
    echo "ok the stylesheet of the manual by xsltproc"
fi
