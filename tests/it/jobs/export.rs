//! Export: volumes, folders, standard output, lines, and what is there already.

use crate::harness::{Desk, Run, chat, message, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::containers::volumes::Target;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// A store with text that hardly compresses, and attachments.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = chat(6, 150);
    let mut state = 1u64;
    for (n, event) in events.iter_mut().enumerate() {
        let noise: String = (0..300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'!' + (state >> 58) as u8)
            })
            .collect();
        event["text"] = noise.clone().into();
        if n % 100 == 0 {
            event["attachments"] = json!([{ "name": "noise", "data": STANDARD.encode(noise.repeat(9)) }]);
        }
    }
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

fn volumes(desk: &Desk, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut all: Vec<PathBuf> =
        all.filter(|path| name(path).starts_with("v.") && name(path).ends_with(ending)).collect();
    all.sort();
    all
}

#[test]
fn volumes_stay_below_their_size_and_each_leads_to_all() {
    let desk = desk();
    desk.run("export --store @a.db --out @v.zip --volume-size 80KiB").code(0);
    let all = volumes(&desk, ".zip");
    assert!(all.len() > 3, "{all:?}");
    let mut files = BTreeSet::new();
    for (number, path) in all.iter().enumerate() {
        assert!(path.ends_with(format!("v.{:03}.zip", number + 1)));
        let size = std::fs::metadata(path).unwrap().len();
        assert!(size <= 80 << 10, "{}: {size}", path.display());
        for (name, bytes) in unzip(path) {
            if name.starts_with("data/") {
                assert!(files.insert(name), "a file is in two volumes");
            } else if name == "custody.json" {
                let facts: Value = serde_json::from_slice(&bytes).unwrap();
                assert_eq!(
                    (facts["volume"].as_u64(), facts["lastVolume"].as_bool()),
                    (Some(number as u64 + 1), Some(number + 1 == all.len()))
                );
            }
        }
    }
    desk.run("export --store @a.db --out @whole.zip").code(0);
    let whole = unzip(&desk.path("whole.zip"));
    assert!(whole.keys().filter(|name| name.starts_with("data/")).eq(&files));
    for path in &all {
        desk.args(&["verify", path.to_str().unwrap(), "--read-data"]).code(0);
    }
    for path in [&all[0], all.last().unwrap()] {
        drop(std::fs::remove_file(desk.path("b.db")));
        desk.args(&["import", path.to_str().unwrap(), "--store", "@b.db"]).code(0);
        assert_eq!(desk.history("b.db"), desk.history("a.db"));
    }
    // The whole folder is one archive, not several.
    std::fs::create_dir(desk.path("all")).unwrap();
    for path in &all {
        std::fs::rename(path, desk.path("all").join(path.file_name().unwrap())).unwrap();
    }
    let run = desk.run("import @all --store @c.db --output json").code(0);
    assert_eq!(crate::harness::sum(&run, "Events"), 900);
    assert_eq!(crate::harness::sum(&run, "AlreadyThere"), 0);
    std::fs::remove_file(desk.path("all/v.002.zip")).unwrap();
    for line in ["verify @all/v.001.zip", "import @all --store @d.db"] {
        desk.run(line).code(13).says("volume 2").says("missing");
    }
    std::fs::rename(desk.path("all/v.001.zip"), desk.path("all/other.zip")).unwrap();
    desk.run("verify @all/other.zip").code(13).says("volume 1");
    assert!(!desk.path("d.db").exists());
}

#[test]
fn volumes_of_folders() {
    let desk = desk();
    desk.run("export --store @a.db --out @v --volume-size 150kB").code(0);
    let all: Vec<PathBuf> = volumes(&desk, "");
    assert!(all.len() > 2, "{all:?}");
    fn size(path: &std::path::Path) -> u64 {
        match path.is_dir() {
            true => std::fs::read_dir(path).unwrap().map(|entry| size(&entry.unwrap().path())).sum(),
            false => path.metadata().unwrap().len(),
        }
    }
    for path in &all {
        assert!(size(path) <= 150_000, "{}: {}", path.display(), size(path));
        desk.args(&["verify", path.to_str().unwrap(), "--read-data"]).code(0);
    }
    desk.run("import @v.002 --store @b.db").code(0);
    assert_eq!(desk.history("b.db"), desk.history("a.db"));
}

#[test]
fn what_does_not_fit_a_volume_is_said() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(1, 2000));
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @v.zip --volume-size 8KiB").code(0).says("larger than");
    desk.run("verify @v.001.zip --read-data").code(0);
}

#[test]
fn what_is_there_is_replaced_only_on_request() {
    let desk = desk();
    let small = "--room ma-chan://example.com/1";
    for (out, more) in [("x.zip", ""), ("x", ""), ("x.jsonl", "--format jsonl")] {
        let export = |rest: &str| -> Run {
            desk.run(&format!("export --store @a.db --out @{out} --no-checkpoint {more} {rest}"))
        };
        export("").code(0);
        let path = desk.path(out);
        let content = || {
            if path.is_dir() {
                std::fs::read(path.join("custody.json")).unwrap()
            } else {
                std::fs::read(&path).unwrap()
            }
        };
        let before = content();
        export(small).code(15).says("already exists").says("--overwrite");
        assert!(content() == before);
        export(&format!("{small} --overwrite")).code(0);
        assert!(content() != before);
        export("--overwrite").code(0);
        assert!(content() == before);
    }
    // A folder that is no export is never replaced.
    desk.write("precious/letter.txt", "dear");
    desk.run("export --store @a.db --out @precious --overwrite").code(15).says("not an earlier export");
    desk.run("export --store @a.db --out @precious --overwrite --format jsonl").code(15);
    assert_eq!(desk.read("precious/letter.txt"), b"dear");
    std::fs::create_dir(desk.path("folder.zip")).unwrap();
    desk.run("export --store @a.db --out @folder.zip --overwrite").code(15);
    desk.run("export --store @a.db --out @none/x.zip").code(10);
    desk.run("export --store @a.db --out @none/x.jsonl --format jsonl").code(10);
    // Volumes that an earlier export had more of go; none is replaced without a word.
    desk.run("export --store @a.db --out @v.zip --volume-size 80KiB").code(0);
    let many = volumes(&desk, ".zip").len();
    desk.run(&format!("export --store @a.db --out @v.zip --volume-size 80KiB --overwrite {small}")).code(0);
    let few = volumes(&desk, ".zip").len();
    assert!(few < many, "{few} of {many}");
    desk.run("verify @v.001.zip --read-data").code(0);
    std::fs::rename(desk.path("v.001.zip"), desk.path("w.zip")).unwrap();
    desk.write("v.002.zip", "of somebody else");
    desk.run("export --store @a.db --out @v.zip --volume-size 80KiB").code(15).says("v.002.zip");
    assert_eq!(desk.read("v.002.zip"), b"of somebody else");
    // Nothing unfinished is left behind.
    let names: Vec<String> =
        std::fs::read_dir(desk.path("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("partial") && !name.contains("resume")), "{names:?}");
}

#[test]
fn a_target_that_appears_after_the_check_leaves_nothing_unfinished() {
    let desk = Desk::new();
    for name in ["x.zip", "x"] {
        let target = Target { path: desk.path(name), volume_size: None, overwrite: false, checkpoint: 1 << 20 };
        target.check(false).unwrap();
        match name {
            "x" => std::fs::create_dir(desk.path(name)).unwrap(),
            _ => drop(desk.write(name, "of another export")),
        }
        let error = target.open(1, "job").err().unwrap();
        assert_eq!(error.kind(), pchat::error::Kind::Refused);
        for suffix in ["partial", "resume"] {
            assert!(!desk.path(&format!("{name}.{suffix}")).exists(), "{name}.{suffix}");
        }
        // Whoever may replace it can still go on.
        assert!(Target { overwrite: true, ..target }.open(1, "job").is_ok());
    }
    assert_eq!(desk.read("x.zip"), b"of another export");
}

#[test]
fn a_folder_holds_the_files_of_the_zip() {
    let desk = desk();
    desk.run("export --store @a.db --out @x.zip --no-checkpoint").code(0);
    desk.run("export --store @a.db --out @x --no-checkpoint").code(0);
    let zipped = unzip(&desk.path("x.zip"));
    for (name, bytes) in &zipped {
        assert!(std::fs::read(desk.path("x").join(name)).unwrap() == *bytes, "{name}");
    }
    desk.run("verify @x --read-data").code(0);
    desk.run("import @x --store @b.db").code(0);
    assert_eq!(desk.history("b.db"), desk.history("a.db"));
}

#[test]
fn odd_names_of_targets_can_be_read_again() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(1, 3));
    desk.run("import @in.jsonl --store @a.db").code(0);
    for name in ["~backup.zip", "..x.zip", "a b:c.zip", ".zip.zip", "ü*?.zip", " .zip"] {
        let path = desk.path(name);
        desk.args(&["export", "--store", "@a.db", "--out", path.to_str().unwrap()]).code(0);
        desk.args(&["verify", path.to_str().unwrap(), "--read-data"]).code(0);
    }
}

/// Standard output is that of the process, so a real one is asked.
fn process(desk: &Desk, words: &[&str]) -> (Option<i32>, Vec<u8>) {
    let out = Command::new(env!("CARGO_BIN_EXE_pchat"))
        .args(words)
        .current_dir(desk.path(""))
        .env_remove("PCHAT_STORE")
        .output()
        .unwrap();
    (out.status.code(), out.stdout)
}

#[test]
fn standard_output_carries_the_export_and_nothing_else() {
    let desk = desk();
    desk.run("export --store @a.db --out @pchat-export.zip --no-checkpoint").code(0);
    desk.run("export --store @a.db --out @x.jsonl --format jsonl").code(0);
    for output in ["table", "json", "jsonl", "csv", "list"] {
        let words = ["export", "--store", "a.db", "--out", "-", "--no-checkpoint", "--output", output];
        let (code, bytes) = process(&desk, &words);
        assert_eq!(code, Some(0));
        assert!(bytes == desk.read("pchat-export.zip"), "{output}: {} bytes", bytes.len());
        let (code, bytes) = process(&desk, &[&words[..], &["--format", "jsonl"]].concat());
        assert_eq!(code, Some(0));
        assert!(bytes == desk.read("x.jsonl"), "{output}: {} bytes", bytes.len());
    }
    desk.run("export --store @a.db --out - --volume-size 1MB").code(2);
}

#[test]
fn a_dash_is_standard_output_and_input() {
    let desk = desk();
    desk.run("export --store @a.db --out @pchat-export.zip --no-checkpoint").code(0);
    desk.run("export --store @a.db --out @x.jsonl --format jsonl").code(0);
    let export = |more: &[&str]| {
        let words = [&["export", "--store", "@a.db", "--out", "-", "--no-checkpoint"], more].concat();
        let (run, bytes) = desk.streamed(&words, b"");
        assert_eq!(run.code(0).out, "");
        bytes
    };
    let (zip, lines) = (export(&[]), export(&["--format", "jsonl"]));
    assert!(zip == desk.read("pchat-export.zip") && lines == desk.read("x.jsonl"));
    for (name, bytes) in [("b.db", &zip), ("c.db", &lines)] {
        desk.streamed(&["import", "-", "--store", &format!("@{name}")], bytes).0.code(0);
        assert_eq!(desk.history(name), desk.history("a.db"));
    }
    let words = ["verify", "-", "--read-data"];
    let run = desk.streamed(&words, &zip).0.code(0);
    assert!(run.out.contains("intact: every file") && run.out.contains("standard input"), "{}", run.out);
    let mut broken = zip.clone();
    let at = zip.len() / 2;
    broken[at] ^= 1;
    for more in [None, Some("--keep-going")] {
        let run = desk.streamed(&[&words[..], more.as_slice()].concat(), &broken).0.code(13);
        assert!(run.err.contains("standard input!") && !run.err.contains("/tmp"), "{}", run.err);
    }
    for words in [&words[..], &["import", "-", "--store", "@d.db"]] {
        let run = desk.streamed(words, b"PK\x03\x04").0.code(13);
        assert!(run.err.contains("standard input") && !run.err.contains("/tmp"), "{}", run.err);
    }
}

#[test]
fn a_reader_of_standard_output_that_goes_away_ends_the_export() {
    use pchat::context::Streams;
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let desk = desk();
    let streams = Streams { stdout: &|| Box::new(Gone), ..Streams::NONE };
    for format in ["archive", "jsonl"] {
        let words = ["export", "--store", "@a.db", "--out", "-", "--format", format];
        desk.piped(&words, None, streams).code(20).says("standard output");
    }
}

#[test]
fn lines_have_no_volumes_and_are_no_zip() {
    let desk = desk();
    desk.run("export --store @a.db --out @x.jsonl --format jsonl --volume-size 1MB").code(2);
    desk.run("export --store @a.db --out @x.zip --format jsonl").code(2);
    assert!(!desk.path("x.zip").exists() && !desk.path("x.jsonl").exists());
}

#[test]
fn attachments_travel_with_the_lines() {
    let desk = Desk::new();
    let content: Vec<u8> = (0..=255u8).cycle().take(3 << 20).collect();
    let mut event = message("r", 1, "2020-01-01T00:00:00Z", "u", "see file");
    event["attachments"] = json!([{ "name": "a.bin", "data": STANDARD.encode(&content) }, { "name": "elsewhere", "link": "l", "size": 7 }]);
    desk.lines("in.jsonl", &[event]);
    desk.run("import @in.jsonl --store @a.db").code(0);
    let out = desk.history("a.db");
    let files = &out[0]["attachments"];
    assert!(STANDARD.decode(files[0]["data"].as_str().unwrap()).unwrap() == content);
    assert_eq!(files[1], json!({ "name": "elsewhere", "link": "l", "size": 7 }));
}

#[test]
fn reports_are_written() {
    let desk = desk();
    desk.run("export --store @a.db --out @x.zip --report @r.json").code(0);
    desk.run("export --store @a.db --out @y.zip --report @r.html").code(0);
    let report: Value = serde_json::from_slice(&desk.read("r.json")).unwrap();
    assert!(report.to_string().contains("ma-chan://example.com/3"));
    let html = String::from_utf8(desk.read("r.html")).unwrap();
    assert!(html.trim_start().to_lowercase().starts_with("<!doctype html") && html.contains("Room 3"));
    desk.run("export --store @a.db --out @z.zip --report @none/r.html").code(10);
    assert!(!desk.path("z.zip").exists(), "a report that cannot be written is known before the work");
    for line in ["import @x.zip --store @b.db", "verify @x.zip"] {
        desk.run(&format!("{line} --report @s.json")).code(0);
        serde_json::from_slice::<Value>(&desk.read("s.json")).unwrap();
    }
}
