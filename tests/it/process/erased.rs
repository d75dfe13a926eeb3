//! Purges of the real binary: stores by odd names and through links, full disks, readers, and how much of the disk is
//! used.

use super::{Desk, slow};
use crate::harness::empty;
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_store_by_any_name_and_through_links_is_emptied_itself() {
    let names =
        ["a#b.db", "50%.db", "what?.db", "two words.db", "späße-日本.db", "file:x.db", "%41?mode=ro#.db", "-wal"];
    for name in names {
        let desk = Desk::with_store(3, 60);
        for end in ["", ".key"] {
            std::fs::rename(desk.path(&format!("s.db{end}")), desk.path(&format!("{name}{end}"))).unwrap();
        }
        std::fs::create_dir_all(desk.path("elsewhere/deep")).unwrap();
        let here = std::fs::canonicalize(desk.path("")).unwrap().join(name);
        let stores = [
            Path::new(name).to_owned(),
            Path::new("elsewhere/../.").join(name),
            #[cfg(unix)]
            {
                std::os::unix::fs::symlink(&here, desk.path("first")).unwrap();
                std::os::unix::fs::symlink("../../first", desk.path("elsewhere/deep/link.db")).unwrap();
                Path::new("elsewhere/deep/link.db").to_owned()
            },
        ];
        for (n, store) in stores.iter().enumerate() {
            // Somebody looks at it, so the log and what goes with it stay where they are.
            let reader = rusqlite::Connection::open(&here).unwrap();
            reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap();
            let mut command = desk.command(&format!("purge --room *{n} --yes --certificate c{n} --quiet"));
            let mut at = std::ffi::OsString::from("--store=");
            at.push(store);
            super::ran(command.arg(at).output().unwrap()).ends(0, "");
            drop(reader);
            let text = std::fs::read_to_string(desk.path(&format!("c{n}.txt"))).unwrap();
            let file = here.to_str().unwrap();
            assert!(text.contains(&format!("{file} (")) && text.contains(&format!("{file}-wal (0 bytes)")), "{text}");
            assert!(text.contains("of which 0 are not zero") && !text.contains("link.db"), "{text}");
            empty(&desk.path("").join(store));
        }
    }
}

/// The largest size of the store with its log, while a command runs.
fn peak(desk: &Desk, args: &str) -> u64 {
    let size = |name: &str| desk.path(name).metadata().map_or(0, |found| found.len());
    let mut child = desk.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(size("s.db") + size("s.db-wal"));
        std::thread::yield_now();
    }
    assert!(child.wait().unwrap().success(), "{args}");
    peak
}

#[test]
fn no_more_of_the_disk_is_used_than_the_plan_says() {
    let (rooms, each) = if slow() { (200, 2000) } else { (40, 300) };
    for every in ["1", "1000", "250000"] {
        let desk = Desk::with_store(rooms, each);
        let before = desk.path("s.db").metadata().unwrap().len();
        let purge = format!("purge --store s.db --to 2100-01-01 --commit-every {every}");
        let said = desk.run(&format!("{purge} --what-if"));
        let said = format!("{}{}", said.out, said.err);
        let (_, rest) = said.split_once("up to ").unwrap();
        let needed: u64 = rest.split(' ').next().unwrap().parse().unwrap();
        let peak = peak(&desk, &format!("{purge} --yes"));
        assert!(peak > before && peak <= before + (needed << 20), "{every}: {before} {peak} {needed}");
        // A store of the same size holds what it holds, and is not written anew.
        assert!(needed <= 4 + 2 * before.div_ceil(1 << 20), "{needed}");
    }
}
