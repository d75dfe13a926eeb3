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
        // Nothing is left but the store with its key, and perhaps a draft of it from the very beginning.
        let mut left = tree(&desk.path("at"), false).into_keys().collect::<Vec<_>>();
        left.retain(|name| !name.starts_with(".pchat-new-") && !name.starts_with(".pchat-seen-"));
        assert_eq!(left, ["s.db", "s.db.key", "s.db.key.seen", "s.jsonl"]);
        std::fs::remove_dir_all(desk.path("at")).unwrap();
    }
}

#[test]
fn a_reindex_killed_at_any_moment_is_completed_by_the_same_command() {
    let wanted = kills(6, 60);
    let desk = Desk::with_store(ROOMS, EACH);
    // A word that stands in the history.
    let word = format!("{:x}", Dice(0).next() >> 40);
    desk.run(&format!("export --store s.db --filter {word} --format jsonl --out whole.jsonl")).ends(0, "");
    let whole = std::fs::read(desk.path("whole.jsonl")).unwrap();
    let reindex = "store reindex --store s.db";
    let mut killer = Killer::new(13, &desk, reindex);
    while killer.goes_on(wanted) {
        for _ in 0..killer.row() {
            let met = killer.strike(&desk, reindex);
            // Either it had not begun, or nothing else is done with the store before it has ended.
            let other = desk.run("room get --store s.db");
            if met && other.code == 15 {
                other.ends(15, "pchat store reindex --store s.db");
                killer.useful += 1;
            } else {
                other.ends(0, "");
            }
        }
        desk.run(reindex).ends(0, "20000 events");
        desk.check("s.db");
        std::fs::remove_file(desk.path("part.jsonl")).ok();
        desk.run(&format!("export --store s.db --filter {word} --format jsonl --out part.jsonl")).ends(0, "");
        assert!(std::fs::read(desk.path("part.jsonl")).unwrap() == whole, "after kill {}", killer.struck);
    }
}

/// Kills exports to `at/NAME` and compares what the last one made with what an undisturbed one made.
fn export_killed(seed: u64, wanted: usize, name: &str, more: &str) {
    export_killed_of(&Desk::with_store(ROOMS, EACH), seed, wanted, name, more);
}

fn export_killed_of(desk: &Desk, seed: u64, wanted: usize, name: &str, more: &str) {
    std::fs::create_dir(desk.path("whole")).unwrap();
    let export = |folder: &str| format!("export --store s.db --out {folder}/{name} --no-checkpoint {more}");
    let mut killer = Killer::new(seed, desk, &export("whole"));
    let whole = tree(&desk.path("whole"), true);
    let finals: Vec<String> = tree(&desk.path("whole"), false).into_keys().collect();
    while killer.goes_on(wanted) {
        std::fs::create_dir(desk.path("at")).unwrap();
        let mut over = false;
        for _ in 0..killer.row() {
            let met = killer.strike(desk, &export("at"));
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
            desk.run(&export("at")).ends(15, "already exists");
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
    std::fs::remove_dir_all(desk.path("whole")).unwrap();
}

#[test]
fn a_zip_killed_at_any_moment_is_completed_by_the_same_command() {
    export_killed(12, kills(4, 40), "x.zip", "--resume-every 32KiB");
}

#[test]
fn a_folder_killed_at_any_moment_is_completed_by_the_same_command() {
    export_killed(13, kills(4, 40), "x", "--resume-every 32KiB");
}

#[test]
fn volumes_killed_at_any_moment_are_completed_by_the_same_command() {
    export_killed(14, kills(4, 40), "x.zip", "--volume-size 300KiB --resume-every 32KiB");
}

#[test]
fn every_format_killed_at_any_moment_is_completed_by_the_same_command() {
    const FORMATS: [&str; 7] = ["html", "rsmf", "eml", "csv", "dat", "edrm", "actiance"];
    let desk = Desk::with_store(12, 50);
    let all = format!("--format {} --resume-every 8KiB", FORMATS.join(","));
    export_killed_of(&desk, 41, kills(4, 40), "x.zip", &all);
    export_killed_of(&desk, 42, kills(2, 40), "x", &all);
    if slow() {
        for (format, seed) in FORMATS.into_iter().zip(43..) {
            let one = format!("--format {format} --resume-every 4KiB");
            export_killed_of(&desk, seed, kills(2, 20), "x.zip", &one);
        }
    }
}

#[test]
fn what_goes_on_carries_the_checkpoint_of_the_beginning() {
    let desk = Desk::with_store(ROOMS, EACH);
    std::fs::copy(desk.path("s.db"), desk.path("before.db")).unwrap();
    let export = "export --store s.db --out x.zip --resume-every 32KiB";
    let mut killer = Killer::new(16, &desk, export);
    let whole = std::fs::read(desk.path("x.zip")).unwrap();
    while killer.goes_on(kills(3, 20)) {
        std::fs::remove_file(desk.path("x.zip")).unwrap();
        std::fs::copy(desk.path("before.db"), desk.path("s.db")).unwrap();
        // Without the memory of the store that went on.
        drop(std::fs::remove_file(desk.path("s.db.key.seen")));
        killer.strike(&desk, export);
        killer.useful += usize::from(desk.path("x.zip.resume").exists());
        if !desk.path("x.zip").exists() {
            desk.run(export).ends(0, "");
        }
        let log = desk.run("audit get --store s.db --action export --output jsonl --quiet");
        // Killed between the record and the final name, it is recorded again, and another checkpoint is of more
        // records.
        assert!((1..=2).contains(&log.out.lines().count()), "{}", log.out);
        if log.out.lines().count() == 1 {
            assert!(std::fs::read(desk.path("x.zip")).unwrap() == whole, "after kill {}", killer.struck);
        }
        drop(std::fs::remove_file(desk.path("x.zip.resume")));
        for name in ["s.db-wal", "s.db-shm"] {
            drop(std::fs::remove_file(desk.path(name)));
        }
    }
}

#[test]
fn replacing_an_export_leaves_the_old_one_or_the_new_one() {
    let wanted = kills(4, 20);
    for name in ["x.zip", "x"] {
        let desk = Desk::with_store(40, EACH);
        let export = format!("export --store s.db --out at/{name} --resume-every 32KiB --no-checkpoint");
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
        desk.run(&format!("export --store s.db --out {name} --no-checkpoint")).ends(0, "");
        match desk.path(name).is_dir() {
            true => assert!(tree(&desk.path(name), true) == tree(&desk.path("at").join(name), true)),
            false => {
                assert!(std::fs::read(desk.path(name)).unwrap() == std::fs::read(desk.path("at").join(name)).unwrap())
            }
        }
        assert_eq!(tree(&desk.path("at"), false).into_keys().collect::<Vec<_>>(), [name]);
    }
}

/// What `grep -a` would find of a word in a store, its log and its index.
fn found(desk: &Desk, store: &str, word: &str) -> usize {
    let mut count = 0;
    for end in ["", "-wal", "-shm", "-journal"] {
        let bytes = std::fs::read(desk.path(&format!("{store}{end}"))).unwrap_or_default();
        count += bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count();
    }
    count
}

#[test]
fn a_purge_killed_at_any_moment_is_finished_and_leaves_no_trace() {
    let wanted = kills(6, 40);
    let desk = Desk::new();
    let mut lines = String::new();
    for n in 0..3000 {
        let (room, word) = (n % 3, if n % 3 == 1 { "gonezebra" } else { "keptlemur" });
        lines.push_str(&format!(
            "{{\"room\":\"room {room}\",\"pool\":\"p\",\"id\":{n},\"time\":\"2020-01-01T00:{:02}:{:02}Z\",\"user\":\"sip:u@x\",\
             \"text\":\"{word} sentence {n} {word}{n:05}\"}}\n",
            n / 60,
            n % 60
        ));
    }
    std::fs::write(desk.path("h.jsonl"), lines).unwrap();
    desk.run("import h.jsonl --store whole.db").ends(0, "");
    std::fs::create_dir(desk.path("at")).unwrap();
    let fresh = || {
        for end in ["", "-wal", "-shm", ".key"] {
            for left in ["at/s.db.key.seen", "at/c.txt", "at/c.json"] {
                drop(std::fs::remove_file(desk.path(left)));
            }
            drop(std::fs::remove_file(desk.path(&format!("at/s.db{end}"))));
            drop(std::fs::copy(desk.path(&format!("whole.db{end}")), desk.path(&format!("at/s.db{end}"))));
        }
    };
    fresh();
    assert!(found(&desk, "at/s.db", "gonezebra") > 1000);
    let purge = "purge --store at/s.db --room room?1 --yes --commit-every 60".replace('?', "*");
    let mut killer = Killer::new(21, &desk, &purge);
    while killer.goes_on(wanted) {
        fresh();
        // Somebody has the store open all the time, as any viewer would.
        let reader = rusqlite::Connection::open(desk.path("at/s.db")).unwrap();
        reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap();
        let mut over = false;
        for round in 0..killer.row() {
            let args =
                if round == 0 { purge.as_str() } else { "purge --store at/s.db --continue --yes --commit-every 60" };
            let met = killer.strike(&desk, args);
            let open: bool = reader
                .query_row("SELECT EXISTS (SELECT 1 FROM purge WHERE certificate IS NULL)", [], |row| row.get(0))
                .unwrap();
            killer.useful += usize::from(met && open);
            if !open {
                over = round > 0
                    || reader.query_row("SELECT count(*) FROM purge", [], |r| r.get::<_, i64>(0)).unwrap() > 0;
                break;
            }
        }
        if !over {
            let rest = desk.run("purge --store at/s.db --continue --yes");
            if rest.code == 10 {
                // It was killed before it had begun.
                desk.run(&purge).ends(0, "");
            } else {
                rest.ends(0, "");
            }
        }
        let kept: i64 = reader.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 2000);
        // Closing a file this process has open elsewhere gives up its locks, so the reader goes before files are read.
        drop(reader);
        assert_eq!(found(&desk, "at/s.db", "gonezebra"), 0, "after kill {}", killer.struck);
        crate::harness::empty(&desk.path("at/s.db"));
        desk.run("store check --store at/s.db --read-data").ends(0, "");
        desk.run("certificate get 1 --store at/s.db --out at/c").ends(0, "");
        let certificate: serde_json::Value =
            serde_json::from_slice(&std::fs::read(desk.path("at/c.json")).unwrap()).unwrap();
        assert_eq!(certificate["record"]["total"]["events"], 1000);
    }
}
