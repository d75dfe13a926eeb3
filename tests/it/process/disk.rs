//! Disks that are full, and readers that go away.

use super::{Desk, ran, tree};
use std::fs::OpenOptions;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small disk, if this computer lets us have one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(at: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir(at).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mount.ok().filter(|done| done.status.success()).map(|_| SmallDisk(at.to_owned()))
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_stops_the_work_and_the_same_command_completes_it() {
    let desk = Desk::with_store(40, 200);
    let Some(disk) = SmallDisk::new(&desk.path("small"), "300k") else { return };
    std::fs::create_dir(desk.path("whole")).unwrap();
    for (name, more) in [("x.zip", ""), ("x", ""), ("x.zip", "--volume-size 100KiB"), ("x.jsonl", "--format jsonl")] {
        let export =
            |at: &str| format!("export --store s.db --resume-every 32KiB --no-checkpoint --out {at}/{name} {more}");
        disk.grow("300k");
        desk.run(&export("small")).ends(20, "free some space");
        let left: Vec<String> = tree(&desk.path("small"), false).into_keys().collect();
        assert!(left.iter().all(|name| name.contains(".partial") || name.contains(".resume")), "{left:?}");
        disk.grow("64m");
        desk.run(&export("small")).ends(0, "");
        desk.run(&export("whole")).ends(0, "");
        assert!(tree(&desk.path("small"), true) == tree(&desk.path("whole"), true), "{name} {more}");
        for folder in ["small", "whole"] {
            for path in tree(&desk.path(folder), false).into_keys().map(|name| desk.path(folder).join(name)) {
                if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
            }
        }
    }
    disk.grow("900k");
    desk.run("import in --store small/s.db --commit-every 200").ends(20, "free some space");
    disk.grow("64m");
    if desk.path("small/s.db").exists() {
        desk.check("small/s.db");
    }
    desk.run("import in --store small/s.db --commit-every 200").ends(0, "");
    desk.check("small/s.db");
    for store in ["s.db", "small/s.db"] {
        desk.run(&format!("export --store {store} --out {store}.jsonl --format jsonl")).ends(0, "");
    }
    assert!(std::fs::read(desk.path("s.db.jsonl")).unwrap() == std::fs::read(desk.path("small/s.db.jsonl")).unwrap());
}

#[test]
fn a_purge_on_a_full_disk_is_finished_by_one_command() {
    let desk = Desk::with_store(40, 300);
    let size = desk.path("s.db").metadata().unwrap().len();
    let Some(disk) = SmallDisk::new(&desk.path("small"), "64m") else { return };
    let mut stopped = 0;
    // From a disk with hardly any room left to one with enough.
    for more in [40, 100, 200, 400, 700, 1000, 1500, 2000, 3000] {
        disk.grow("64m");
        for end in ["", "-wal", "-shm", ".key", ".key.seen"] {
            drop(std::fs::remove_file(desk.path(&format!("small/s.db{end}"))));
        }
        for end in ["", ".key"] {
            std::fs::copy(desk.path(&format!("s.db{end}")), desk.path(&format!("small/s.db{end}"))).unwrap();
        }
        disk.grow(&format!("{}k", size / 1024 + more));
        let purge = "purge --store small/s.db --room *1 --room *2 --yes --commit-every 500";
        let done = desk.run(purge);
        disk.grow("64m");
        if done.code == 0 {
            continue;
        }
        stopped += 1;
        done.ends(20, "free some space");
        // What the message says to run is what finishes it.
        let again = if done.err.contains("pchat purge --continue") {
            "purge --store small/s.db --continue --yes"
        } else {
            purge
        };
        assert_eq!(desk.run("certificate get 1 --store small/s.db --output json").code, 10, "{more}");
        desk.run(again).ends(0, "");
        crate::harness::empty(&desk.path("small/s.db"));
        desk.check("small/s.db");
    }
    assert!(stopped >= 3, "{stopped}");
}

#[test]
fn files_that_may_not_grow_are_like_a_full_disk() {
    let desk = Desk::with_store(40, 200);
    std::fs::create_dir(desk.path("at")).unwrap();
    for name in ["x.zip", "x.jsonl --format jsonl"] {
        let script = format!(
            "trap '' XFSZ; ulimit -f 200; exec '{}' export --store s.db --out at/{name}",
            env!("CARGO_BIN_EXE_pchat")
        );
        let output = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
        ran(output).ends(20, "free some space");
        assert!(tree(&desk.path("at"), false).keys().all(|name| name.contains("partial") || name.contains(".resume")));
    }
}

#[test]
fn standard_output_that_takes_nothing_fails_an_export_and_a_listing() {
    let desk = Desk::with_store(3, 10);
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in ["export --store s.db --out -", "export --store s.db --out - --format jsonl", "store info --store s.db"]
    {
        ran(desk.command(args).stdout(full()).output().unwrap()).ends(20, "No space left");
    }
}

#[test]
fn a_reader_that_goes_away_fails_an_export_but_no_listing() {
    let desk = Desk::with_store(100, 50);
    for args in ["export --store s.db --out -", "export --store s.db --out - --format jsonl"] {
        let mut child = desk.command(args).spawn().unwrap();
        let mut head = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut head).unwrap();
        ran(child.wait_with_output().unwrap()).ends(20, "standard output");
    }
    for args in
        ["store info --store s.db", "store info --store s.db --output json", "store info --store s.db --output csv"]
    {
        let mut child = desk.command(args).spawn().unwrap();
        drop(child.stdout.take());
        ran(child.wait_with_output().unwrap()).ends(0, "");
    }
}

#[test]
fn an_export_to_standard_output_is_the_file_and_nothing_else() {
    let desk = Desk::with_store(5, 20);
    desk.run("export --store s.db --out pchat-export.zip --no-checkpoint").ends(0, "");
    let piped = desk.command("export --store s.db --out - --no-checkpoint").output().unwrap();
    assert!(piped.stdout == std::fs::read(desk.path("pchat-export.zip")).unwrap());
    desk.run("export --store s.db --out x.jsonl --format jsonl").ends(0, "");
    let piped = desk.command("export --store s.db --out - --format jsonl").output().unwrap();
    assert!(piped.stdout == std::fs::read(desk.path("x.jsonl")).unwrap());
    // And back in through standard input.
    let mut child = desk.command("import - --store b.db").stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &piped.stdout).unwrap();
    ran(child.wait_with_output().unwrap()).ends(0, "");
    desk.run("export --store b.db --out b.jsonl --format jsonl").ends(0, "");
    assert!(std::fs::read(desk.path("b.jsonl")).unwrap() == piped.stdout);
}
