//! Several at once: locks, two imports into one store, two exports to one target, and interrupts.

use super::{Desk, history, ran, tree};
use rusqlite::Connection;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

#[test]
fn a_store_somebody_writes_to_is_busy_after_five_seconds() {
    for how in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let desk = Desk::with_store(2, 10);
        history(&desk.path("more"), 3, 5);
        let other = Connection::open(desk.path("s.db")).unwrap();
        other.execute_batch(how).unwrap();
        let before = std::fs::read(desk.path("s.db")).unwrap();
        let start = Instant::now();
        desk.run("import more --store s.db").ends(11, "s.db is in use");
        let waited = start.elapsed();
        assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(9), "{how}: {waited:?}");
        assert!(std::fs::read(desk.path("s.db")).unwrap() == before);
        // Readers are not in the way of a writer, nor it in theirs.
        desk.check("s.db");
        // An export reads meanwhile, and waits until it can note that it was made.
        let mut export = desk.command("export --store s.db --out x.zip").spawn().unwrap();
        std::thread::sleep(Duration::from_secs(1));
        assert!(export.try_wait().unwrap().is_none() && !desk.path("x.zip").exists());
        other.execute_batch("ROLLBACK").unwrap();
        assert!(export.wait().unwrap().success() && desk.path("x.zip").exists());
        desk.run("import more --store s.db").ends(0, "");
        desk.check("s.db");
    }
}

#[test]
fn a_store_that_is_locked_whole_is_busy_for_everybody() {
    let desk = Desk::with_store(2, 10);
    let other = Connection::open(desk.path("s.db")).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE meta SET value = value").unwrap();
    for command in ["export --out x.zip", "import in", "store check", "store info"] {
        desk.run(&format!("{command} --store s.db")).ends(11, "s.db is in use");
    }
    drop(other);
    desk.check("s.db");
    assert_eq!(desk.names(), ["in", "s.db", "s.db.key", "s.db.key.seen"]);
}

fn all(children: Vec<Child>) -> Vec<super::Ran> {
    children.into_iter().map(|child| ran(child.wait_with_output().unwrap())).collect()
}

#[test]
fn two_imports_at_once_complete_or_are_told_to_wait() {
    for (round, store) in [(0, "there"), (1, "new"), (2, "new"), (3, "new"), (4, "new")] {
        let desk = Desk::new();
        history(&desk.path("in"), 40, 50);
        let store = format!("{store}{round}.db");
        if round == 0 {
            desk.run(&format!("store new --store {store}")).ends(0, "");
        }
        let command = format!("import in --store {store} --commit-every 50");
        let ended = all((0..3).map(|_| desk.command(&command).spawn().unwrap()).collect());
        assert!(ended.iter().all(|ran| ran.code == 0 || ran.code == 11), "{ended:#?}");
        assert!(ended.iter().any(|ran| ran.code == 0), "{ended:#?}");
        desk.check(&store);
        desk.run("import in --store alone.db").ends(0, "");
        for store in [store.as_str(), "alone.db"] {
            desk.run(&format!("export --store {store} --out {store}.jsonl --format jsonl")).ends(0, "");
        }
        let made = std::fs::read(desk.path(&format!("{store}.jsonl"))).unwrap();
        assert!(made == std::fs::read(desk.path("alone.db.jsonl")).unwrap(), "nothing is doubled, nothing is missing");
    }
}

#[test]
fn exports_to_one_target_do_not_mix() {
    for name in ["x.zip", "x"] {
        let desk = Desk::with_store(60, 100);
        std::fs::create_dir(desk.path("whole")).unwrap();
        std::fs::create_dir(desk.path("at")).unwrap();
        desk.run(&format!("export --store s.db --out whole/{name} --no-checkpoint")).ends(0, "");
        for round in 0..5 {
            let command = format!("export --store s.db --out at/{name} --resume-every 32KiB --no-checkpoint");
            let ended = all((0..4).map(|_| desk.command(&command).spawn().unwrap()).collect());
            let done = ended.iter().filter(|ran| ran.code == 0).count();
            // Who comes while another is at work is told that, who comes later that it is done.
            assert!(ended.iter().all(|ran| [0, 11, 15].contains(&ran.code)), "{ended:#?}");
            assert_eq!(done, 1, "round {round}: {ended:#?}");
            assert!(tree(&desk.path("at"), true) == tree(&desk.path("whole"), true), "round {round}");
            let made = desk.path("at").join(name);
            if made.is_dir() { std::fs::remove_dir_all(made).unwrap() } else { std::fs::remove_file(made).unwrap() }
        }
        // Deterministically: somebody holds the partial one.
        let partial = desk.path(&format!("at/{name}.partial"));
        if name == "x" {
            std::fs::create_dir(&partial).unwrap()
        } else {
            std::fs::write(&partial, "theirs").unwrap()
        }
        let held = std::fs::File::open(&partial).unwrap();
        held.lock().unwrap();
        desk.run(&format!("export --store s.db --out at/{name}")).ends(11, "another export");
        if name == "x.zip" {
            assert_eq!(std::fs::read(&partial).unwrap(), b"theirs");
        }
    }
}

/// Sends an interrupt as a person does.
fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupt_stops_cleanly_and_the_same_command_completes() {
    let desk = Desk::with_store(150, 200);
    std::fs::create_dir(desk.path("whole")).unwrap();
    for (name, more) in [("x.zip", ""), ("x", ""), ("x.jsonl", "--format jsonl")] {
        let export = |at: &str| {
            format!("export --store s.db --out {at}/{name} --resume-every 64KiB --no-checkpoint --threads 1 {more}")
        };
        desk.run(&export("whole")).ends(0, "");
        let mut stopped = false;
        for _ in 0..20 {
            drop(std::fs::remove_dir_all(desk.path("at")));
            std::fs::create_dir(desk.path("at")).unwrap();
            let child = desk.command(&export("at")).spawn().unwrap();
            let start = Instant::now();
            while tree(&desk.path("at"), false).is_empty() && start.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
            interrupt(&child);
            let ended = ran(child.wait_with_output().unwrap());
            if ended.code == 0 {
                continue;
            }
            ended.ends(130, "interrupted");
            stopped = true;
            assert!(!desk.path("at").join(name).exists());
            break;
        }
        assert!(stopped, "{name}: it was always over before the interrupt came");
        desk.run(&export("at")).ends(0, "");
        assert!(tree(&desk.path("at"), true) == tree(&desk.path("whole").join(""), true), "{name}");
        for path in [desk.path("whole").join(name)] {
            if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        }
    }
    let mut stopped = false;
    for _ in 0..20 {
        drop(std::fs::remove_file(desk.path("i.db")));
        let child = desk.command("import in --store i.db --commit-every 200").spawn().unwrap();
        while !desk.path("i.db").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        interrupt(&child);
        let ended = ran(child.wait_with_output().unwrap());
        if ended.code != 0 {
            ended.ends(130, "interrupted");
            stopped = true;
            break;
        }
    }
    assert!(stopped);
    desk.check("i.db");
    desk.run("import in --store i.db").ends(0, "");
    for store in ["s.db", "i.db"] {
        desk.run(&format!("export --store {store} --out {store}.jsonl --format jsonl")).ends(0, "");
    }
    assert!(std::fs::read(desk.path("s.db.jsonl")).unwrap() == std::fs::read(desk.path("i.db.jsonl")).unwrap());
}
