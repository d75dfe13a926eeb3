"""The lists of archives, made right for whatever an archive holds; used by the judges that change archives."""

import hashlib
import json
import shutil


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def relist(files):
    """Makes every list of an archive right for what it holds now."""
    files.pop("seal.txt", None)
    files.pop("tagmanifest-sha256.txt", None)
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    manifest = "".join(f"{sha256(data)}  {name}\n" for name, data in sorted(payload.items())).encode()
    files["manifest-sha256.txt"] = manifest
    try:
        custody = json.loads(files["custody.json"])
        custody["content"] = sha256(manifest)
        files["custody.json"] = json.dumps(custody).encode()
    except (ValueError, TypeError, KeyError):
        pass
    if "bag-info.txt" in files:
        lines = [line for line in files["bag-info.txt"].splitlines() if not line.startswith(b"Payload-Oxum")]
        oxum = f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}".encode()
        files["bag-info.txt"] = b"\n".join([*lines, oxum, b""])
    tags = {name: data for name, data in files.items() if not name.startswith("data/")}
    files["tagmanifest-sha256.txt"] = "".join(f"{sha256(data)}  {name}\n" for name, data in sorted(tags.items())).encode()
    return files


def lay(files, where):
    """Writes them as a folder."""
    shutil.rmtree(where, ignore_errors=True)
    for name, data in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
