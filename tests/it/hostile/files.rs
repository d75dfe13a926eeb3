//! The corpora: files of history that are broken, alone and among good ones; and the zips kept beside them.

use super::{Desk, HISTORY, fixture};
use std::path::PathBuf;

fn files(name: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(fixture(name)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    assert!(files.len() > 30, "{name} has only {} files", files.len());
    files
}

#[test]
fn broken_files_of_history_are_refused_and_can_be_left_out() {
    let desk = Desk::new();
    for (folder, format) in [("hostile/xml", "compliance"), ("hostile/jsonl", "jsonl")] {
        for (name, path) in files(folder) {
            std::fs::create_dir(desk.path("in")).unwrap();
            std::fs::copy(&path, desk.path("in").join(&name)).unwrap();
            std::fs::write(desk.path("in/a-good.jsonl"), HISTORY).unwrap();
            let one = format!("in/{name}");
            let option = format!("--format={format}");
            for store in ["s.db", "new.db"] {
                for args in [vec!["import", &one], vec!["import", &one, &option], vec!["import", "in"]] {
                    let ran = desk.pchat(&[args, vec!["--store", store]].concat());
                    desk.fails(&name, &name, &ran, 13, "");
                }
            }
            assert!(!desk.path("new.db").exists(), "{name}");
            let ran = desk.pchat(&["import", "in", "--store", "new.db", "--keep-going"]);
            assert_eq!(ran.code, 3, "{name}: {ran:?}");
            assert!(ran.err.contains("left out: ") && ran.err.contains(&name), "{name}: {ran:?}");
            let ran = desk.pchat(&["export", "--store", "new.db", "--out", "new.jsonl", "--format", "jsonl"]);
            assert_eq!(ran.code, 0, "{name}: {ran:?}");
            let lines = std::fs::read_to_string(desk.path("new.jsonl")).unwrap();
            let good = lines
                .lines()
                .filter(|line| line.contains("ma-chan://x.com/one") || line.contains("ma-chan://x.com/two"));
            assert!(good.count() >= 5, "{name}: the good file beside it is there");
            assert_eq!(desk.pchat(&["store", "check", "--read-data", "--store", "new.db"]).code, 0);
            std::fs::remove_file(desk.path("new.db")).unwrap();
            std::fs::remove_file(desk.path("new.db.key")).unwrap();
            std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
            std::fs::remove_file(desk.path("new.jsonl")).unwrap();
            desk.untouched("in");
        }
    }
}

/// What is said of every zip that is kept; `PCHAT_BLESS=1` writes it down anew.
#[test]
fn every_kept_zip_is_refused_as_it_was() {
    let desk = Desk::new();
    let mut told = String::new();
    for (name, path) in files("hostile/zip") {
        let mut codes = Vec::new();
        for args in [
            vec!["verify", &name, "--read-data"],
            vec!["import", &name, "--store", "s.db"],
            vec!["import", &name, "--store", "new.db", "--keep-going"],
        ] {
            std::fs::copy(&path, desk.path(&name)).unwrap();
            let ran = desk.pchat(&args);
            assert!([3, 12, 13, 15].contains(&ran.code), "{name}: {ran:?}");
            if ran.code == 3 {
                // With leave to go on only what is broken inside may be left out.
                assert!(args.contains(&"--keep-going"), "{name}: {ran:?}");
                std::fs::remove_file(desk.path("new.db")).unwrap();
                std::fs::remove_file(desk.path("new.db.key")).unwrap();
                std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
            }
            desk.untouched(&name);
            if codes.is_empty() {
                let text = ran.err.replace(&format!("{}/", desk.path("").display()).replace("//", "/"), "");
                told += text.lines().next().unwrap_or_default();
            }
            codes.push(ran.code);
        }
        told += &format!(" {codes:?}\n");
    }
    let list = fixture("hostile/zip.txt");
    if std::env::var_os("PCHAT_BLESS").is_some() {
        std::fs::write(&list, &told).unwrap();
    }
    let known = std::fs::read_to_string(&list).unwrap();
    let new: Vec<&str> = told.lines().filter(|line| !known.lines().any(|other| other == *line)).collect();
    assert!(told == known, "not as in fixtures/hostile/zip.txt:\n{}", new.join("\n"));
}
