//! Bags that others made, in every version and shape; and archives whose lists are right and which lie all the same.

use crate::harness::{Desk, chat, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::containers::bagit::Algorithm;
use std::collections::BTreeMap;
use std::io::Write;

type Files = BTreeMap<String, Vec<u8>>;

fn sum(algorithm: &str, bytes: &[u8]) -> String {
    let mut sum = Algorithm::named(algorithm).unwrap().start();
    sum.update(bytes);
    sum.end().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A bag of this version with a list in each of these algorithms.
fn bag(version: &str, algorithms: &[&str], payload: &[(&str, &str)]) -> Files {
    let mut files: Files =
        payload.iter().map(|(name, text)| (format!("data/{name}"), text.as_bytes().to_vec())).collect();
    let size: usize = files.values().map(Vec::len).sum();
    let lists: Vec<(String, String)> = algorithms
        .iter()
        .map(|algorithm| {
            let line = |(name, bytes): (&String, &Vec<u8>)| {
                let name = match version {
                    "1.0" => name.replace('%', "%25").replace('\n', "%0A"),
                    _ => name.replace('\n', "%0A"),
                };
                format!("{}  {name}\n", sum(algorithm, bytes))
            };
            (format!("manifest-{algorithm}.txt"), files.iter().map(line).collect())
        })
        .collect();
    let info = if version < "0.96" { "package-info.txt" } else { "bag-info.txt" };
    files.insert(info.into(), format!("Source: a\n  b\nSource: c\nPayload-Oxum: {size}.{}\n", payload.len()).into());
    let head = format!("BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n");
    files.insert("bagit.txt".into(), head.into());
    files.extend(lists.into_iter().map(|(name, text)| (name, text.into_bytes())));
    tagged(files, algorithms[0])
}

/// Makes the list of the tag files right.
fn tagged(mut files: Files, algorithm: &str) -> Files {
    files.retain(|name, _| !name.starts_with("tagmanifest-"));
    let tags = files.iter().filter(|(name, _)| !name.starts_with("data/"));
    let list: String = tags.map(|(name, bytes)| format!("{}  {name}\n", sum(algorithm, bytes))).collect();
    files.insert(format!("tagmanifest-{algorithm}.txt"), list.into());
    files
}

fn lay(desk: &Desk, name: &str, files: &Files) {
    drop(std::fs::remove_dir_all(desk.path(name)));
    for (file, bytes) in files {
        let path = desk.path(name).join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn sound_bags_of_every_version_are_sound() {
    let desk = Desk::new();
    let payload = [("a.txt", "hello"), ("b c/d.txt", ""), ("100%25.txt", "x"), ("é", "y"), ("two\nlines", "z")];
    for version in ["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"] {
        for algorithms in [&["md5"][..], &["sha1"], &["sha256"], &["sha512", "md5"], &["sha224", "sha384"]] {
            lay(&desk, "b", &bag(version, algorithms, &payload));
            let run = desk.run("verify --bag @b").code(0);
            assert!(run.out.contains("sound: every file is what every list says"), "{}", run.out);
            assert!(run.err.is_empty(), "{version} {algorithms:?}: {}", run.err);
            assert!(run.out.contains(&format!("a BagIt bag {version}, ")), "{}", run.out);
        }
    }
    // As programs of Python name them, too.
    for algorithm in ["sha3_256", "SHA-512", "blake2b", "blake2s", "sha3512"] {
        lay(&desk, "o", &bag("1.0", &[algorithm], &payload));
        desk.run("verify --bag @o").code(0);
    }
    lay(&desk, "n", &bag("1.0", &["md5"], &[]));
    let told = desk.run("verify --bag @n").code(13).err.clone();
    assert!(told.contains("the folder of the payload is missing"), "{told}");
    let mut deep = desk.path("deep");
    (0..70).for_each(|_| deep.push("d"));
    std::fs::create_dir_all(&deep).unwrap();
    let told = desk.run("import @deep --store @s.db").code(15).err.clone();
    assert!(told.contains("more than 64 folders deep") && told.len() < 400, "{told}");
    // What it is not is said of it too, and it is never called damaged.
    for command in ["verify @b", "verify @b --read-data"] {
        desk.run(command)
            .code(15)
            .says("a BagIt bag 1.0, sha224 and sha384, not a pchat archive; as a bag it is sound");
    }
    lay(&desk, "b", &bag("1.0", &["sha224", "sha384"], &payload[..4]));
    desk.run("import @b --store @s.db").code(15).says("is a BagIt bag, not a pchat archive");
    desk.run("verify --bag @nothing").code(10);
    desk.run("verify --bag").code(2);
    desk.run("verify --bag @b --read-data").code(2);
}

#[test]
fn bags_that_are_wrong_are_wrong_and_odd_ones_are_warned_of() {
    let desk = Desk::new();
    let payload = [("a.txt", "hello"), ("b.txt", "world")];
    let good = |version| bag(version, &["sha256"], &payload);
    let edit = |version: &str, name: &str, old: &str, new: &str| {
        let mut files = bag(version, &["sha256"], &payload);
        let text = String::from_utf8(files[name].clone()).unwrap();
        assert!(text.contains(old), "{text}");
        files.insert(name.to_owned(), text.replacen(old, new, 1).into_bytes());
        tagged(files, "sha256")
    };
    let with = |version: &str, name: &str, text: &str| {
        let mut files = bag(version, &["sha256"], &payload);
        files.insert(name.to_owned(), text.as_bytes().to_vec());
        tagged(files, "sha256")
    };
    let list = "manifest-sha256.txt";
    let (hello, other) = (sum("sha256", b"hello"), "0".repeat(64));
    let line = |sum: &str, name: &str| format!("{sum}  {name}\n{hello}  data/a.txt");
    let twice = format!("{hello}  data/a.txt");
    let wide = {
        let mut files = good("0.97");
        let text = "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-16BE\n";
        files.insert("bagit.txt".into(), text.into());
        for name in [list, "bag-info.txt"] {
            let text = String::from_utf8(files[name].clone()).unwrap();
            files.insert(name.into(), text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        files.remove("tagmanifest-sha256.txt");
        files
    };
    let mut half = bag("0.97", &["sha256", "md5"], &payload);
    let less = String::from_utf8(half["manifest-md5.txt"].clone()).unwrap();
    half.insert("manifest-md5.txt".into(), less.lines().next().unwrap().as_bytes().to_vec());
    let mut less_now = half.clone();
    less_now.insert("bagit.txt".into(), b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_vec());
    let cases: Vec<(&str, Files, u8, &str)> = vec![
        ("encoding", wide, 0, ""),
        ("fetched already", with("0.97", "fetch.txt", "http://x/ 5 data/a.txt\n"), 0, ""),
        ("one of two lists, before 1.0", tagged(half, "sha256"), 0, ""),
        ("one of two lists", tagged(less_now, "sha256"), 13, "not listed in manifest-md5.txt"),
        ("md5sum", edit("0.97", list, "  data/a", " *data/a"), 0, "`*` of md5sum"),
        ("dot", edit("1.0", list, "  data/a", "  ./data/a"), 0, "begin with `./`"),
        ("twice", edit("0.97", list, &twice, &format!("{twice}\n{twice}")), 0, "listed twice with the same"),
        ("litter", bag("1.0", &["sha512"], &[("a", "x"), ("c/.DS_Store", "y")]), 0, "systems leave behind"),
        ("case", bag("1.0", &["sha512"], &[("a", "x"), ("A", "y")]), 0, "upper and lower case"),
        ("accents", bag("1.0", &["sha512"], &[("e\u{301}", "x"), ("\u{e9}", "y")]), 0, "accents"),
        ("accents of one", edit("0.97", list, &twice, &twice), 0, ""),
        ("unknown list", with("1.0", "manifest-whirl.txt", "x"), 0, "does not know"),
        ("other sum", edit("1.0", list, &hello, &other), 13, "does not match its sha256"),
        ("sum of another kind", edit("1.0", list, &hello, "00"), 13, "not one of the algorithm"),
        (
            "twice otherwise",
            edit("1.0", list, &twice, &format!("{twice}\n{other}  data/a.txt")),
            13,
            "different checksums",
        ),
        ("missing", edit("1.0", list, &twice, &line(&other, "data/c.txt")), 13, "listed but missing"),
        ("not listed", with("0.97", "data/c.txt", "x"), 13, "there but not listed"),
        ("out by dots", edit("1.0", list, &twice, &line(&other, "data/../../c")), 13, "leads out of the bag"),
        ("out by root", edit("1.0", list, &twice, &line(&other, "/c")), 13, "leads out of the bag"),
        ("out by home", edit("1.0", list, &twice, &line(&other, "~/c")), 13, "leads out of the bag"),
        ("tag in the payload", edit("1.0", list, &twice, &line(&other, "bagit.txt")), 13, "outside of data/"),
        ("to be fetched", with("1.0", "fetch.txt", "http://x/ 5 data/c.txt\n"), 13, "still to be fetched"),
        ("fetch outside", with("1.0", "fetch.txt", "http://x/ 5 ../c.txt\n"), 13, "leads out of the bag"),
        ("blank in the declaration", edit("1.0", "bagit.txt", "Version:", "Version :"), 13, "not a declaration"),
        ("mark before it", edit("1.0", "bagit.txt", "BagIt", "\u{FEFF}BagIt"), 13, "byte order mark"),
        ("version", edit("1.0", "bagit.txt", "1.0", "2.0"), 13, "0.93 to 1.0"),
        ("oxum", edit("1.0", "bag-info.txt", "Payload-Oxum: 10", "Payload-Oxum: 11"), 13, "the payload is 10.2"),
        ("facts", edit("1.0", "bag-info.txt", "Source: c", "Source"), 13, "not a label and a value"),
        (
            "changed tag",
            {
                let mut files = good("1.0");
                files.get_mut("bag-info.txt").unwrap().push(b'\n');
                files
            },
            13,
            "does not match its sha256",
        ),
        (
            "no list",
            {
                let mut files = good("1.0");
                files.remove(list);
                tagged(files, "sha256")
            },
            13,
            "no list of the payload",
        ),
        (
            "not a declaration",
            {
                let mut files = good("1.0");
                files.remove("bagit.txt");
                files
            },
            13,
            "is missing",
        ),
    ];
    for (case, files, code, says) in cases {
        lay(&desk, "b", &files);
        let run = desk.run("verify --bag @b");
        assert_eq!(run.code, code, "{case}: {}", run.err);
        assert!(run.err.contains(says), "{case}: {}", run.err);
        assert_eq!(run.err.is_empty(), code == 0 && says.is_empty(), "{case}: {}", run.err);
    }
}

/// Makes the lists of an archive right again.
fn relisted(mut files: Files) -> Files {
    let list = |files: &Files, data: bool| -> String {
        let wanted = files.iter().filter(|(name, _)| name.starts_with("data/") == data);
        wanted.map(|(name, bytes)| format!("{}  {name}\n", sum("sha256", bytes))).collect()
    };
    files.retain(|name, _| !name.starts_with("tagmanifest-"));
    let manifest = list(&files, true);
    let mut custody: serde_json::Value = serde_json::from_slice(&files["custody.json"]).unwrap();
    custody["content"] = sum("sha256", manifest.as_bytes()).into();
    files.insert("custody.json".into(), custody.to_string().into_bytes());
    files.insert("manifest-sha256.txt".into(), manifest.into_bytes());
    let payload = files.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, bytes)| bytes.len());
    let (count, size) = (payload.clone().count(), payload.sum::<usize>());
    let info = String::from_utf8(files["bag-info.txt"].clone()).unwrap();
    let others = info.lines().filter(|line| !line.starts_with("Payload-Oxum")).map(|line| format!("{line}\n"));
    let info = format!("{}Payload-Oxum: {size}.{count}\n", others.collect::<String>());
    files.insert("bag-info.txt".into(), info.into_bytes());
    let tags = list(&files, false);
    files.insert("tagmanifest-sha256.txt".into(), tags.into_bytes());
    files
}

#[test]
fn archives_with_right_lists_cannot_lie() {
    let desk = Desk::new();
    let mut events = chat(2, 3);
    events[1]["attachments"] = serde_json::json!([{ "name": "a.txt", "data": STANDARD.encode("file") }]);
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @x.zip").code(0);
    desk.run("export --store @a.db --out @u.zip --level User").code(0);
    let plain = |name: &str| {
        let mut files = unzip(&desk.path(name));
        files.remove("seal.txt");
        files
    };
    let (all, user) = (plain("x.zip"), plain("u.zip"));
    type Change = fn(&mut Files);
    let kept: Change = |files| {
        let file = files.keys().find(|name| name.starts_with("data/files/")).unwrap().clone();
        files.remove(&file);
    };
    let cases: Vec<(&str, Files, Change, &str)> = vec![
        ("kept and not there", all.clone(), kept, "its content is not in the archive"),
        (
            "there and nobody's",
            all.clone(),
            |files| {
                let name = format!("data/files/{}/x", sum("sha256", b"loose"));
                files.insert(name, b"loose".to_vec());
            },
            "no event has 1 attachment",
        ),
        (
            "no holds",
            all.clone(),
            |files| drop(files.remove("data/catalog/holds.xml")),
            "holds holds, and this one has none",
        ),
        (
            "a level with history",
            user,
            |files| {
                let mut custody: serde_json::Value = serde_json::from_slice(&files["custody.json"]).unwrap();
                custody["level"] = "Category".into();
                files.insert("custody.json".into(), custody.to_string().into_bytes());
            },
            "an archive of this level",
        ),
        (
            "no such level",
            all.clone(),
            |files| {
                let text = String::from_utf8(files["custody.json"].clone()).unwrap();
                files.insert("custody.json".into(), text.replace("\"All\"", "\"Most\"").into_bytes());
            },
            "no level that is known",
        ),
        (
            "history at level User",
            all.clone(),
            |files| {
                let text = String::from_utf8(files["custody.json"].clone()).unwrap();
                files.insert("custody.json".into(), text.replace("\"All\"", "\"User\"").into_bytes());
            },
            "an archive of this level",
        ),
        (
            "no checkpoint",
            all.clone(),
            |files| drop(files.insert("checkpoint.txt".into(), b"x\n".to_vec())),
            "checkpoint.txt",
        ),
        (
            "another list",
            all.clone(),
            |files| {
                files.insert("manifest-md5.txt".into(), b"x\n".to_vec());
            },
            "has no such list",
        ),
    ];
    for (case, files, change, says) in &cases {
        let mut files = files.clone();
        change(&mut files);
        zip(&desk, "bad.zip", &relisted(files));
        let run = desk.run("verify @bad.zip --read-data");
        assert_eq!(run.code, 13, "{case}: {} {}", run.err, run.out);
        assert!(run.err.contains(says), "{case}: {}", run.err);
        desk.run("import @bad.zip --store @b.db").code(13);
    }
    // The same without a lie.
    zip(&desk, "good.zip", &relisted(all.clone()));
    desk.run("verify @good.zip --read-data").code(0);
    // What the lists say of tag files nobody knows, and what they say of the size.
    let mut other = all.clone();
    other.insert("readme.txt".into(), b"x".to_vec());
    let mut other = relisted(other);
    zip(&desk, "good.zip", &other);
    desk.run("verify @good.zip --read-data").code(0);
    other.insert("readme.txt".into(), b"y".to_vec());
    zip(&desk, "bad.zip", &other);
    desk.run("verify @bad.zip").code(13).says("readme.txt: the file does not match its SHA-256");
    let mut sizes = relisted(all);
    let info = String::from_utf8(sizes["bag-info.txt"].clone()).unwrap().replace("Payload-Oxum: ", "Payload-Oxum: 1");
    sizes.insert("bag-info.txt".into(), info.into_bytes());
    zip(&desk, "bad.zip", &tagged(sizes, "sha256"));
    desk.run("verify @bad.zip").code(13).says("Payload-Oxum is 1");
    // One byte before a zip.
    desk.write("bad.zip", [b"x", &desk.read("x.zip")[..]].concat());
    desk.run("verify @bad.zip").code(13);
}

fn zip(desk: &Desk, name: &str, files: &Files) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(desk.path(name)).unwrap());
    for (name, bytes) in files {
        zip.start_file(format!("x/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let desk = Desk::new();
    lay(&desk, "b", &bag("1.0", &["sha256"], &[("a", "x")]));
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(desk.path(name)).status().unwrap();
        assert!(made.success());
    };
    pipe("b/data/pipe");
    pipe("pipe.jsonl");
    desk.run("verify @b").code(13).says("a pipe");
    desk.run("verify --bag @b").code(13).says("a pipe");
    for command in [
        "verify @pipe.jsonl",
        "verify --bag @pipe.jsonl",
        "import @pipe.jsonl --store @s.db",
        "import /dev/zero --store @s.db",
        "principal import @pipe.jsonl --store @s.db",
    ] {
        let run = desk.run(command);
        assert!(matches!(run.code, 10 | 15), "{command}: {} {}", run.code, run.err);
    }
    desk.run("import @pipe.jsonl --store @s.db").code(15).says("is a pipe, and only files are read");
}
