//! `kill -9` at any moment: the same command again completes the work, and the result is the same to
//! the byte as if nothing had happened.

use super::{Desk, Dice, history, slow, tree};
use std::process::Child;
use std::time::{Duration, Instant};

/// Rooms and messages in each: small enough for hundreds of runs, large enough to be interrupted.
const ROOMS: usize = 100;
const EACH: usize = 200;

/// How often each kind of work is killed.
fn kills(quick: usize, thorough: usize) -> usize {
    if slow() { thorough } else { quick }
}

/// Starts commands and kills them.
struct Killer {
    dice: Dice,
    /// How long the command takes when nobody kills it.
    whole: Duration,
    /// Kills so far, those among them that met a process at work, and those that left something to go on with.
    struck: usize,
    met: usize,
    useful: usize,
}

impl Killer {
    /// Measures the command, which is run to its end.
    fn new(seed: u64, desk: &Desk, args: &str) -> Killer {
        let start = Instant::now();
        desk.run(args).ends(0, "");
        Killer { dice: Dice(seed), whole: start.elapsed(), struck: 0, met: 0, useful: 0 }
    }

    /// Starts the command and kills it at some moment; false when it was over by then.
    fn strike(&mut self, desk: &Desk, args: &str) -> bool {
        let mut child: Child = desk.command(args).spawn().unwrap();
        std::thread::sleep(self.whole.mul_f64(self.dice.share()));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), None | Some(0)), "{args}: {status}");
        self.struck += 1;
        self.met += usize::from(status.code().is_none());
        status.code().is_none()
    }

    /// One to three in a row.
    fn row(&mut self) -> usize {
        1 + self.dice.next() as usize % 3
    }

    /// Goes on until so many kills met a process at work and a quarter of them left something to go on with. When
    /// nearly all of them come too late the test shows nothing.
    #[track_caller]
    fn goes_on(&self, wanted: usize) -> bool {
        let Killer { struck, met, useful, .. } = *self;
        assert!(struck < 10 * wanted, "of {struck} kills only {met} met a process at work, {useful} of use");
        met < wanted || useful * 4 < wanted
    }
}

#[test]
fn an_import_killed_at_any_moment_is_completed_by_the_same_command() {
    let wanted = kills(8, 80);
    let desk = Desk::new();
    history(&desk.path("in"), ROOMS, EACH);
    let import = |store: &str| format!("import in --store {store} --commit-every 200");
    let mut killer = Killer::new(11, &desk, &import("whole.db"));
    desk.run("export --store whole.db --out whole.jsonl --format jsonl").ends(0, "");
    let whole = std::fs::read(desk.path("whole.jsonl")).unwrap();
    while killer.goes_on(wanted) {
        std::fs::create_dir(desk.path("at")).unwrap();
        for _ in 0..killer.row() {
            let met = killer.strike(&desk, &import("at/s.db"));
            if met && desk.path("at/s.db").exists() {
                killer.useful += 1;
                // Whatever was made permanent is whole.
                if killer.useful.is_multiple_of(3) {
                    desk.check("at/s.db");
                }
            }
        }
        desk.run(&import("at/s.db")).ends(0, "");
        desk.check("at/s.db");
        desk.run("export --store at/s.db --out at/s.jsonl --format jsonl").ends(0, "");
        assert!(
            std::fs::read(desk.path("at/s.jsonl")).unwrap() == whole,
            "after kill {} the store differs",
            killer.struck
        );
        // Nothing is left but the store, and perhaps a draft of it from the very beginning.
        let mut left = tree(&desk.path("at"), false).into_keys().collect::<Vec<_>>();
        left.retain(|name| !name.starts_with(".pchat-new-"));
        assert_eq!(left, ["s.db", "s.jsonl"]);
        std::fs::remove_dir_all(desk.path("at")).unwrap();
    }
}

/// Kills exports to `at/NAME` and compares what the last one made with what an undisturbed one made.
fn export_killed(seed: u64, wanted: usize, name: &str, more: &str) {
    let desk = Desk::with_store(ROOMS, EACH);
    std::fs::create_dir(desk.path("whole")).unwrap();
    let export = |folder: &str| format!("export --store s.db --out {folder}/{name} --checkpoint 32KiB {more}");
    let mut killer = Killer::new(seed, &desk, &export("whole"));
    let whole = tree(&desk.path("whole"), true);
    let finals: Vec<String> = tree(&desk.path("whole"), false).into_keys().collect();
    while killer.goes_on(wanted) {
        std::fs::create_dir(desk.path("at")).unwrap();
        let mut over = false;
        for _ in 0..killer.row() {
            let met = killer.strike(&desk, &export("at"));
            // The first of the final names is the last to appear.
            over = desk.path("at").join(&finals[0]).exists();
            assert!(over || met, "the export ended without its final name");
            if over {
                break;
            }
            let left = tree(&desk.path("at"), false);
            killer.useful += usize::from(left.keys().any(|name| name.ends_with(".resume")));
        }
        if !over {
            desk.run(&export("at")).ends(0, "");
        } else {
            // Killed between the final name and the end: all is there, and it is not made again.
            desk.run(&export("at")).ends(15, "exists already");
            let left: Vec<String> = tree(&desk.path("at"), false).into_keys().collect();
            for name in left.iter().filter(|name| !finals.contains(name)) {
                assert!(name.ends_with(".resume"), "{name}");
                std::fs::remove_file(desk.path("at").join(name)).unwrap();
            }
        }
        let made = tree(&desk.path("at"), true);
        let names = |tree: &std::collections::BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&made), names(&whole), "after kill {}", killer.struck);
        assert!(made == whole, "after kill {} the export differs", killer.struck);
        std::fs::remove_dir_all(desk.path("at")).unwrap();
    }
}

#[test]
fn a_zip_killed_at_any_moment_is_completed_by_the_same_command() {
    export_killed(12, kills(4, 40), "x.zip", "");
}

#[test]
fn a_folder_killed_at_any_moment_is_completed_by_the_same_command() {
    export_killed(13, kills(4, 40), "x", "");
}

#[test]
fn volumes_killed_at_any_moment_are_completed_by_the_same_command() {
    export_killed(14, kills(4, 40), "x.zip", "--volume-size 300KiB");
}

#[test]
fn replacing_an_export_leaves_the_old_one_or_the_new_one() {
    let wanted = kills(4, 20);
    for name in ["x.zip", "x"] {
        let desk = Desk::with_store(40, EACH);
        let export = format!("export --store s.db --out at/{name} --checkpoint 32KiB");
        let again = format!("{export} --overwrite");
        std::fs::create_dir(desk.path("at")).unwrap();
        let mut killer = Killer::new(15, &desk, &export);
        let old = tree(&desk.path("at"), true);
        desk.run("import in --store s.db --rename-prefix New- --map-pool pool01.litwareinc.com=pool02").ends(0, "");
        for _ in 0..wanted / 2 {
            killer.strike(&desk, &again);
            let there = desk.path("at").join(name);
            if there.exists() {
                desk.run(&format!("verify at/{name} --read-data")).ends(0, "");
            }
        }
        desk.run(&again).ends(0, "");
        let new = tree(&desk.path("at"), true);
        assert_ne!(new, old);
        desk.run(&format!("export --store s.db --out {name}")).ends(0, "");
        match desk.path(name).is_dir() {
            true => assert!(tree(&desk.path(name), true) == tree(&desk.path("at").join(name), true)),
            false => {
                assert!(std::fs::read(desk.path(name)).unwrap() == std::fs::read(desk.path("at").join(name)).unwrap())
            }
        }
        assert_eq!(tree(&desk.path("at"), false).into_keys().collect::<Vec<_>>(), [name]);
    }
}
