//! Zips that lie about names, sizes, methods and places. A zip of history is told apart by content, so the same lies
//! are told in an archive, where they must not get further than the list of entries.

use super::zips::{Entry, Header, deflated, stored, zip};
use super::{Desk, bag, export, keep};

/// The entries of an honest archive, and what is done to them.
fn archive(change: impl Fn(&mut Vec<Entry>)) -> Vec<u8> {
    let mut entries = bag().entries();
    change(&mut entries);
    zip(&entries)
}

/// The page of the first room.
fn page(entries: &mut [Entry]) -> &mut Entry {
    let found = entries.iter_mut().find(|entry| {
        entry.local.name.windows(12).any(|part| part == b"000001.xml".as_slice() || part.ends_with(b"000001.xml"))
    });
    found.unwrap()
}

fn both(entry: &mut Entry, change: impl Fn(&mut Header)) {
    *entry = entry.clone().with(change);
}

/// Every case: its name, its bytes, and what is said of it.
fn cases() -> Vec<(String, Vec<u8>, &'static str)> {
    let mut cases: Vec<(String, Vec<u8>, &'static str)> = Vec::new();
    let mut add = |name: &str, says: &'static str, bytes: Vec<u8>| cases.push((name.to_owned(), bytes, says));
    let long = format!("x/{}", "a".repeat(1100));
    for (case, name, says) in [
        ("slip-parent", "../x.xml", "leaves its folder"),
        ("slip-inside", "x/../../x.xml", "leaves its folder"),
        ("slip-end", "x/..", "leaves its folder"),
        ("slip-dot", "x/./y.xml", "leaves its folder"),
        ("slip-empty-part", "x//y.xml", "leaves its folder"),
        ("slip-absolute", "/etc/passwd", "is absolute"),
        ("slip-home", "~root/x", "is absolute"),
        ("slip-backslash", "..\\x.xml", "backslash"),
        ("slip-drive", "c:/x.xml", "colon"),
        ("slip-share", "\\\\host\\x", "backslash"),
        ("name-nul", "x/a\0.xml", "control character"),
        ("name-escape", "x/\u{1b}[31m.xml", "control character"),
        ("name-newline", "x/a\nb", "control character"),
        ("name-long", long.as_str(), "longer than 1024 bytes"),
        ("name-empty", "", "is empty"),
    ] {
        let mut extra = stored("y", b"x");
        both(&mut extra, |header| header.name = name.into());
        add(case, says, archive(|entries| entries.push(extra.clone())));
    }
    add(
        "name-not-utf-8",
        "",
        archive(|entries| {
            let mut extra = stored("y", b"x");
            both(&mut extra, |header| header.name = b"x/\xff\xfe".to_vec());
            entries.push(extra);
        }),
    );
    add("name-twice", "same name", archive(|entries| entries.push(entries[0].clone())));
    add(
        "name-twice-but-for-case",
        "upper and lower case",
        archive(|entries| {
            let mut extra = entries[0].clone();
            both(&mut extra, |header| header.name.make_ascii_uppercase());
            entries.push(extra);
        }),
    );
    add("name-of-header-differs", "headers", archive(|entries| page(entries).local.name[0] = b'y'));
    add("symlink", "is a link", archive(|entries| page(entries).attributes = 0o120_777 << 16));
    add("encrypted", "is encrypted", archive(|entries| both(page(entries), |header| header.flags |= 1)));
    add("encrypted-strongly", "is encrypted", archive(|entries| both(page(entries), |header| header.flags |= 0x41)));
    for method in [1, 6, 9, 12, 14, 93, 95, 97, 98, 99, 0xFFFF] {
        add(&format!("method-{method}"), "", archive(|entries| both(page(entries), |header| header.method = method)));
    }
    add(
        "folder-with-content",
        "folder and has content",
        archive(|entries| entries.push(stored("x/hidden/", b"hidden"))),
    );
    add("size-smaller", "", archive(|entries| both(page(entries), |header| header.size -= 1)));
    add("size-larger", "", archive(|entries| both(page(entries), |header| header.size += 1)));
    add("size-zero", "", archive(|entries| both(page(entries), |header| header.size = 0)));
    add("size-of-header-differs", "headers", archive(|entries| page(entries).local.size += 1));
    add("packed-smaller", "", archive(|entries| both(page(entries), |header| header.packed -= 1)));
    add("packed-larger", "", archive(|entries| both(page(entries), |header| header.packed += 1)));
    add("packed-huge", "", archive(|entries| both(page(entries), |header| header.packed = u32::MAX - 1)));
    add("checksum", "checksum", archive(|entries| both(page(entries), |header| header.crc ^= 1)));
    add(
        "stored-checksum",
        "checksum",
        archive(|entries| {
            let name = String::from_utf8(page(entries).local.name.clone()).unwrap();
            let bytes = bag().0[name.split_once('/').unwrap().1].clone();
            *page(entries) = stored(&name, &bytes).with(|header| header.crc ^= 1);
        }),
    );
    add("offset-beyond", "", archive(|entries| page(entries).offset = Some(0x7FFF_0000)));
    add("offset-of-other", "", archive(|entries| page(entries).offset = Some(0)));
    add(
        "overlap",
        "overlap",
        archive(|entries| {
            // Two names for the same bytes: how a small zip becomes a large one.
            let mut double = entries[0].clone();
            double.central.name = b"x/data/double.xml".to_vec();
            double.offset = Some(0);
            entries.push(double);
        }),
    );
    add("hidden-entry", "belong to no entry", {
        // Lies between two entries, but the directory does not know it.
        let mut entries = bag().entries();
        let hidden = zip(&[stored("x/data/hidden.xml", b"hidden")]);
        let header = hidden.len() - 22 - (46 + 17);
        entries[0].bytes.extend(&hidden[..header]);
        zip(&entries)
    });
    for (mark, offset) in [(b"PK\x03\x04", 4), (b"PK\x01\x02", 6)] {
        // What unzip leaves out, because it does not know that version.
        let mut bytes = archive(|_| ());
        let at = bytes.windows(4).position(|four| four == mark).unwrap();
        bytes[at + offset] = 52;
        add(&format!("version-{offset}"), "", bytes);
    }
    add("no-entries", "", zip(&[]));
    add("not-a-zip", "", b"PK\x03\x04 and nothing more of a zip".to_vec());
    cases
}

#[test]
fn zips_that_lie_are_refused() {
    let desk = Desk::new();
    for (case, bytes, says) in cases() {
        keep(&case, &bytes);
        std::fs::write(desk.path("x.zip"), &bytes).unwrap();
        // An empty zip is not damaged; there is just nothing in it that could be imported.
        let import = if case == "no-entries" { 15 } else { 13 };
        desk.refuses(&case, "x.zip", (13, import), says);
    }
}

#[test]
fn a_zip_cut_short_anywhere_is_refused() {
    let desk = Desk::new();
    let whole = export();
    for size in (0..whole.len()).step_by(97).chain([1, 2, 3, 4, 5, whole.len() - 22, whole.len() - 1]) {
        std::fs::write(desk.path("x.zip"), &whole[..size]).unwrap();
        desk.refuses(&format!("{size} bytes"), "x.zip", (13, 13), "");
    }
}

/// Entries of compliance XML or JSON Lines in a plain zip, which is no archive.
#[test]
fn plain_zips_that_lie_are_refused() {
    let desk = Desk::new();
    let line = super::HISTORY.lines().next().unwrap();
    let lines = format!("{line}\n").repeat(3);
    let good = deflated("h.jsonl", lines.as_bytes());
    let cases: Vec<(&str, Vec<Entry>, u8, &str)> = vec![
        ("size-smaller", vec![good.clone().with(|header| header.size -= line.len() as u32 + 1)], 13, "damaged"),
        ("size-larger", vec![good.clone().with(|header| header.size += 1)], 13, "size"),
        (
            "accents",
            vec![good.clone(), stored("e\u{301}.txt", b"x"), stored("É.txt", b"x")],
            13,
            "upper and lower case or accents",
        ),
        ("sharp", vec![good.clone(), stored("stra\u{df}e", b"x"), stored("STRASSE/a", b"x")], 13, "as in a folder"),
        ("checksum", vec![good.clone().with(|header| header.crc ^= 1)], 13, "damaged"),
        ("nested", vec![good.clone(), stored("inner.zip", &zip(std::slice::from_ref(&good)))], 13, "zip inside a zip"),
        ("nested-alone", vec![stored("inner.zip", &zip(std::slice::from_ref(&good)))], 15, "inner.zip"),
        ("foreign", vec![stored("index.xml", b"<ExportedData/>"), stored("a.bin", &[0; 100])], 15, "<ExportedData>"),
        (
            "attachment-path",
            vec![deflated(
                "h.jsonl",
                lines.replace("\"kind\":\"join\"", "\"text\":\"x\",\"attachments\":[{\"path\":\"a.txt\"}]").as_bytes(),
            )],
            13,
            "no such file",
        ),
    ];
    for (case, entries, code, says) in cases {
        let bytes = zip(&entries);
        keep(&format!("plain-{case}"), &bytes);
        std::fs::write(desk.path("x.zip"), &bytes).unwrap();
        desk.refuses(case, "x.zip", (13, code), if code == 13 && case != "foreign" { "" } else { "x.zip" });
        std::fs::write(desk.path("x.zip"), &bytes).unwrap();
        let ran = desk.pchat(&["import", "x.zip", "--store", "s.db"]);
        desk.fails(case, "x.zip", &ran, code, says);
        desk.untouched("x.zip");
    }
}

#[test]
fn bombs_do_not_go_off() {
    let desk = Desk::new();
    // 200 MiB of blanks in a page of 200 KB: above the limit of a page.
    let blanks = vec![b' '; 200 << 20];
    let bomb = deflated("x/data/rooms/bomb/000001.xml", &blanks);
    std::fs::write(desk.path("x.zip"), archive(|entries| entries.push(bomb.clone()))).unwrap();
    desk.refuses("bomb beside an archive", "x.zip", (15, 15), "raise --max-ratio");
    // As the manifest itself.
    let mut manifest = bomb.clone();
    both(&mut manifest, |header| header.name = b"x/manifest-sha256.txt".to_vec());
    let bytes = archive(|entries| {
        entries.retain(|entry| !entry.local.name.ends_with(b"/manifest-sha256.txt"));
        entries.push(manifest.clone());
    });
    std::fs::write(desk.path("x.zip"), bytes).unwrap();
    desk.refuses("bomb as manifest", "x.zip", (15, 15), "raise --max-ratio");
    // It says it is small.
    let mut small = manifest.clone();
    both(&mut small, |header| header.size = 100);
    let bytes = archive(|entries| {
        entries.retain(|entry| !entry.local.name.ends_with(b"/manifest-sha256.txt"));
        entries.push(small.clone());
    });
    std::fs::write(desk.path("x.zip"), bytes).unwrap();
    desk.refuses("bomb that says it is small", "x.zip", (13, 13), "");
    // More than 16 MiB in all, at a ratio above 200.
    let many: Vec<Entry> =
        (0..6).map(|at| bomb.clone().with(|header| header.name = format!("x/data/files/{at}").into())).collect();
    std::fs::write(desk.path("x.zip"), archive(|entries| entries.extend(many.iter().cloned()))).unwrap();
    desk.refuses("ratio", "x.zip", (15, 15), "raise --max-ratio");
    // In a plain zip: blanks are no history, and are not unpacked to find that out.
    std::fs::write(desk.path("x.zip"), zip(&[bomb.clone().with(|header| header.name = b"h.jsonl".to_vec())])).unwrap();
    desk.refuses("plain bomb", "x.zip", (15, 15), "x.zip");
    // One endless line of JSON.
    let mut line = super::HISTORY.lines().next().unwrap().as_bytes().to_vec();
    line.extend(&blanks);
    std::fs::write(desk.path("x.zip"), zip(&[deflated("h.jsonl", &line)])).unwrap();
    let ran = desk.pchat(&["import", "x.zip", "--store", "s.db", "--max-ratio=2000"]);
    desk.fails("endless line", "x.zip", &ran, 15, "raise --max-page");
    desk.untouched("x.zip");
    // Sizes that nobody has.
    for size in [0x7FFF_FFFF, u32::MAX - 1] {
        let bytes = archive(|entries| both(page(entries), |header| header.size = size));
        std::fs::write(desk.path("x.zip"), bytes).unwrap();
        desk.refuses("huge size", "x.zip", (15, 15), "");
    }
}

#[test]
fn limits_are_told_with_the_option_that_raises_them() {
    let desk = Desk::new();
    std::fs::write(desk.path("x.zip"), export()).unwrap();
    for (option, says) in
        [("--max-entries=3", "--max-entries"), ("--max-page=100B", "--max-page"), ("--max-total=1kB", "--max-total")]
    {
        for args in [["verify", "x.zip", option, "--read-data"], ["import", "x.zip", option, "--what-if"]] {
            let mut args = args.to_vec();
            args.extend(["--store", "s.db"]);
            let ran = desk.pchat(&args);
            desk.fails(option, "x.zip", &ran, 15, says);
        }
    }
    desk.untouched("x.zip");
}
