"""Reads what cargo metadata prints; writes what goes into the program, as CycloneDX 1.5: packages with their versions,
licenses, sources, checksums and what each depends on. The same sources give the same bytes."""

import json
import re
import sys
from pathlib import Path

found = json.load(sys.stdin)
packages = {package["id"]: package for package in found["packages"]}
nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
root = found["resolve"]["root"]

lock = Path(found["workspace_root"], "Cargo.lock").read_text(encoding="utf-8")
sums = {}
for block in lock.split("[[package]]")[1:]:
    value = {key: text for key, text in re.findall(r'^(\w+) = "(.*)"$', block, re.M)}
    sums[value["name"], value["version"]] = value.get("checksum")

# What only tests and the build itself need is not in the program.
inside, todo = set(), [root]
while todo:
    one = todo.pop()
    if one not in inside:
        inside.add(one)
        kinds = {dep["pkg"]: [kind["kind"] for kind in dep["dep_kinds"]] for dep in nodes[one]["deps"]}
        todo.extend(name for name, kind in kinds.items() if None in kind)


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package):
    made = {"type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"],
            "purl": purl(package)}
    if package.get("description"):
        made["description"] = " ".join(package["description"].split())
    if package.get("license"):
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package.get("repository"):
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


others = sorted((packages[one] for one in inside if one != root), key=lambda p: (p["name"], p["version"]))
bill = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {"component": {**component(packages[root]), "type": "application"}},
    "components": [component(package) for package in others],
    "dependencies": [
        {"ref": purl(packages[one]),
         "dependsOn": sorted(purl(packages[dep["pkg"]]) for dep in nodes[one]["deps"] if dep["pkg"] in inside)}
        for one in sorted(inside, key=lambda one: purl(packages[one]))
    ],
}
assert len(others) > 50 and all("licenses" in one for one in bill["components"]), "the metadata is not what it was"
json.dump(bill, sys.stdout, indent=1, ensure_ascii=False)
print()
