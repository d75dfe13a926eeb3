//! What is read as history and what is not: attachments, litter of systems, files packed or written in other ways. A
//! folder and a zip of the same files give the same.

use crate::harness::{Desk, Run, message, sum};
use std::io::Write;

type Files<'a> = Vec<(&'a str, Vec<u8>)>;

fn zip(desk: &Desk, name: &str, files: &[(&str, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(desk.path(name)).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Imports the files as a folder, as a zip, and as a zip in the opposite order; all must end alike.
#[track_caller]
fn imported(files: &Files<'_>, code: u8) -> (Desk, Run) {
    let desk = Desk::new();
    for (name, bytes) in files {
        desk.write(&format!("in/{name}"), bytes);
    }
    zip(&desk, "in.zip", files);
    let back: Vec<_> = files.iter().rev().cloned().collect();
    zip(&desk, "back.zip", &back);
    let run = desk.run("import @in --store @folder.db --output json").code(code);
    for (from, store) in [("in.zip", "zip.db"), ("back.zip", "back.db")] {
        let other = desk.run(&format!("import @{from} --store @{store} --output json")).code(code);
        if code == 0 {
            assert_eq!(sum(&other, "Events"), sum(&run, "Events"), "{from}");
            assert_eq!(other.json()["notes"], run.json()["notes"], "{from}");
            assert_eq!(desk.history(store), desk.history("folder.db"), "{from}");
        }
    }
    (desk, run)
}

fn line(id: i64, attachments: serde_json::Value) -> Vec<u8> {
    let mut event = message("r", id, &format!("2020-01-01T00:00:{id:02}Z"), "sip:a@x", "text");
    event["attachments"] = attachments;
    format!("{event}\n").into_bytes()
}

fn path(path: &str) -> serde_json::Value {
    serde_json::json!({ "name": "f", "path": path })
}

#[test]
fn what_events_name_as_attachments_is_no_history_in_folders_and_zips() {
    let inner = line(40, serde_json::json!([]));
    let xml = b"<Conversations></Conversations>".to_vec();
    let not_a_zip = b"PK\x03\x04 and no zip".to_vec();
    let names = ["z/a.json", "z/b.jsonl", "c.xml", "d.zip", "./e.ndjson", "z//f.gz"];
    let files: Files<'_> = vec![
        ("a/history.jsonl", line(1, names.map(path).to_vec().into())),
        ("a/z/a.json", inner.clone()),
        ("a/z/b.jsonl", b"no history {".to_vec()),
        ("a/c.xml", xml),
        ("a/d.zip", not_a_zip),
        ("a/e.ndjson", inner.clone()),
        ("a/z/f.gz", b"\x1F\x8B".to_vec()),
        ("more.jsonl", line(2, serde_json::json!([]))),
    ];
    let (desk, run) = imported(&files, 0);
    assert_eq!(sum(&run, "Events"), 2);
    assert!(run.json()["notes"].to_string().contains("6 × files not read as history"), "{}", run.out);
    let all = desk.history("zip.db");
    assert_eq!(all[0]["attachments"][0]["size"], inner.len());
}

#[test]
fn many_attachments_before_the_history_hide_nothing() {
    let names: Vec<String> = (0..250).map(|at| format!("a/{at:03}.json")).collect();
    let mut files: Files<'_> = names.iter().map(|name| (name.as_str(), b"{".to_vec())).collect();
    let paths: Vec<_> = names.iter().map(|name| path(name)).collect();
    files.push(("history.jsonl", line(1, paths.into())));
    let (_, run) = imported(&files, 0);
    assert_eq!(sum(&run, "Events"), 1);
}

#[test]
fn files_that_only_attachments_name_are_history() {
    let files: Files<'_> = vec![
        ("a.jsonl", line(1, vec![path("b.jsonl")].into())),
        ("b.jsonl", line(2, vec![path("c.jsonl")].into())),
        ("c.jsonl", line(3, serde_json::json!([]))),
    ];
    let (_, run) = imported(&files, 0);
    assert_eq!(sum(&run, "Events"), 2);
    let circle: Files<'_> =
        vec![("a.jsonl", line(1, vec![path("b.jsonl")].into())), ("b.jsonl", line(2, vec![path("a.jsonl")].into()))];
    let (_, run) = imported(&circle, 15);
    run.says("name each other").says("alone, by its name");
}

#[test]
fn an_attachment_that_a_zip_lacks_is_named() {
    let desk = Desk::new();
    zip(&desk, "x.zip", &[("h.jsonl", line(1, vec![path("a.txt")].into())), ("b.txt", Vec::new())]);
    desk.run("import @x.zip --store @s.db").code(13).says("x.zip!h.jsonl").says("there is no such file");
    zip(&desk, "y.zip", &[("h.jsonl", line(1, vec![path("a.txt")].into())), ("a.txt", b"abc".to_vec())]);
    desk.run("import @y.zip --store @s.db").code(0);
    assert_eq!(desk.history("s.db")[0]["attachments"][0]["size"], 3);
    desk.run("verify --read-data --store @s.db").code(0);
}

#[test]
fn litter_of_systems_is_passed_over() {
    let files: Files<'_> = vec![
        ("chat/history.jsonl", line(1, serde_json::json!([]))),
        ("__MACOSX/chat/._history.jsonl", b"\0\x05\x16\x07".to_vec()),
        ("chat/._history.jsonl", b"\0\x05\x16\x07".to_vec()),
        ("chat/.DS_Store", b"\0\0\0\x01Bud1".to_vec()),
        ("chat/desktop.ini", b"[x]".to_vec()),
        ("Thumbs.db", b"\xD0\xCF\x11\xE0".to_vec()),
    ];
    let desk = Desk::new();
    zip(&desk, "x.zip", &files);
    let run = desk.run("import @x.zip --store @zip.db --output json").code(0);
    assert_eq!(sum(&run, "Events"), 1);
    for (name, bytes) in &files {
        desk.write(&format!("in/{name}"), bytes);
    }
    let run = desk.run("import @in --store @folder.db --output json").code(0);
    assert_eq!(sum(&run, "Events"), 1);
}

#[test]
fn what_is_packed_in_another_way_is_refused_with_the_command() {
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (name, bytes, command) in [
        ("h.7z", b"7z\xBC\xAF\x27\x1C__".to_vec(), "7z x "),
        ("h.rar", b"Rar!\x1A\x07\x01\0".to_vec(), "unrar x "),
        ("h.tar", tar, "tar -xf "),
        ("h.tar.gz", b"\x1F\x8B\x08\0".to_vec(), "tar -xzf "),
        ("h.xml.gz", b"\x1F\x8B\x08\0".to_vec(), "gunzip -k "),
        ("h.jsonl.bz2", b"BZh91AY".to_vec(), "bunzip2 -k "),
        ("h.xml.xz", b"\xFD7zXZ\0\0".to_vec(), "unxz -k "),
        ("h.zip", b"\x1F\x8B\x08\0".to_vec(), "gunzip -k "),
    ] {
        let desk = Desk::new();
        desk.write(&format!("in/{name}"), &bytes);
        desk.write("in/good.jsonl", line(1, serde_json::json!([])));
        zip(&desk, "x.zip", &[("good.jsonl", line(1, serde_json::json!([]))), (name, bytes)]);
        for from in [format!("in/{name}"), "in".to_owned(), "x.zip".to_owned()] {
            desk.run(&format!("import @{from} --store @s.db")).code(15).says(command).says(name);
        }
        let run = desk.run("import @in --store @s.db --keep-going --output json").code(3);
        assert_eq!(sum(&run, "Events"), 1);
    }
    let desk = Desk::new();
    desk.write("h.jsonl", line(1, serde_json::json!([])));
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("import @s.db --store @t.db").code(15).says("this is a database").says("pchat export");
}

#[test]
fn utf_16_and_old_line_ends_are_read() {
    let text = String::from_utf8([line(1, serde_json::json!([])), line(2, serde_json::json!([]))].concat()).unwrap();
    let text = text.replace("text\"", "t\u{e4}\u{1F600}\"").replace("\"t\u{e4}\u{1F600}\":", "\"text\":");
    let wide = |text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect()
    };
    let expected = {
        let (desk, _) = imported(&vec![("h.jsonl", text.clone().into_bytes())], 0);
        desk.history("zip.db")
    };
    assert_eq!(expected.len(), 2);
    for bytes in [
        wide(&text.replace('\n', "\r\n"), true, u16::to_le_bytes),
        wide(&text, true, u16::to_be_bytes),
        wide(&text, false, u16::to_le_bytes),
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "\r").into_bytes(),
        wide(&text.replace('\n', "\r"), true, u16::to_le_bytes),
    ] {
        let (desk, _) = imported(&vec![("h.jsonl", bytes)], 0);
        assert_eq!(desk.history("zip.db"), expected);
    }
    let mut cut = wide(&text, true, u16::to_le_bytes);
    cut.pop();
    let (_, run) = imported(&vec![("h.jsonl", cut)], 13);
    run.says("h.jsonl:2:").says("middle of a UTF-16 character");
}

#[test]
fn names_with_backslashes_from_windows_are_folders() {
    let desk = Desk::new();
    zip(
        &desk,
        "x.zip",
        &[("chat/h.jsonl", line(1, vec![path("files/a.txt")].into())), ("chat/files/a.txt", b"abc".to_vec())],
    );
    // As older programs on Windows wrote it: the names, and the system that the directory names.
    let mut bytes = desk.read("x.zip");
    for name in ["chat/h.jsonl", "chat/files/a.txt"] {
        let (from, to) = (name.as_bytes().to_vec(), name.replace('/', "\\").into_bytes());
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(&from) {
                bytes[at..at + to.len()].copy_from_slice(&to);
            }
        }
    }
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"PK\x01\x02") {
            bytes[at + 5] = 0;
        }
    }
    assert!(bytes.windows(12).any(|name| name == b"chat\\h.jsonl"));
    std::fs::write(desk.path("x.zip"), &bytes).unwrap();
    desk.run("import @x.zip --store @s.db").code(0);
    assert_eq!(desk.history("s.db")[0]["attachments"][0]["size"], 3);
}

#[test]
fn an_archive_that_was_packed_again_is_told() {
    let desk = Desk::new();
    desk.write("h.jsonl", line(1, serde_json::json!([])));
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("export --store @s.db --out @chat.zip").code(0);
    let files = crate::harness::unzip(&desk.path("chat.zip"));
    let mut again: Vec<(String, Vec<u8>)> =
        files.into_iter().map(|(name, bytes)| (format!("chat/{name}"), bytes)).collect();
    again.push(("__MACOSX/chat/._bagit.txt".to_owned(), b"\0\x05\x16\x07".to_vec()));
    let again: Files<'_> = again.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    zip(&desk, "again.zip", &again);
    desk.run("import @again.zip --store @t.db").code(15).says("packed again").says("unzip");
}

#[test]
fn a_new_name_for_what_is_not_there_imports_nothing() {
    let desk = Desk::new();
    desk.write("h.jsonl", line(1, serde_json::json!([])));
    for (options, says) in [
        ("--map-pool poool=p2", "there are: pool"),
        ("--map-pool pool=p2 --map-domain y=z", "there are: x"),
        ("--rename-prefix Old-", "no imported room or category"),
    ] {
        desk.run(&format!("import @h.jsonl --store @s.db {options}")).code(10).says(says).says("nothing was imported");
        assert!(!desk.path("s.db").exists());
    }
    desk.run("import @h.jsonl --store @s.db --map-pool POOL=p2 --map-domain X=z").code(0);
    desk.run("export --store @s.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @t.db --map-pool pool=p3").code(10).says("there are: p2");
    desk.run("import @a.zip --store @t.db --map-pool p2=p3 --map-domain z=w").code(0);
}

#[test]
fn an_import_that_makes_a_store_says_where_its_key_is() {
    let desk = Desk::new();
    desk.write("h.jsonl", line(1, serde_json::json!([])));
    let told = |run: &Run| run.json().to_string().contains("s.db.key; back it up");
    assert!(!told(&desk.run("import @h.jsonl --store @s.db --output json --what-if").code(0)));
    assert!(told(&desk.run("import @h.jsonl --store @s.db --output json").code(0)));
    assert!(!told(&desk.run("import @h.jsonl --store @s.db --output json").code(0)));
    assert!(desk.path("s.db.key").exists());
}
