//! Archives whose hashes fit and whose content lies, archives with pieces missing, and archives of the future.

use super::zips::{Bag, INDEX, deflated, hex, zip};
use super::{Desk, bag, keep};
use sha2::{Digest, Sha256};

/// Makes the hashes of the tag files fit again, and leaves all others as they are.
pub(super) fn tagged(bag: Bag) -> Bag {
    let names = ["bag-info.txt", "bagit.txt", "custody.json", "manifest-sha256.txt"];
    let tags: String = names.iter().map(|name| format!("{}  {name}\n", hash(&bag, name))).collect();
    bag.set("tagmanifest-sha256.txt", tags)
}

fn hash(bag: &Bag, name: &str) -> String {
    hex(&Sha256::digest(&bag.0[name]))
}

/// The page of room one.
fn page() -> String {
    bag().name("one-")
}

fn text() -> String {
    bag().text(&page())
}

/// Room one with a second page after the first, all of it in order.
fn two_pages() -> Bag {
    let second = page().replace("000001.xml", "000002.xml");
    let more = text()
        .replace("number=\"1\"", "number=\"2\"")
        .replace("T08:", "T18:")
        .replace(" id=\"1\"", " id=\"3\"")
        .replace(" id=\"2\"", " id=\"4\"");
    let index = bag().text(INDEX);
    let at = index.find("folder=\"one-").unwrap();
    let (before, room) = index.split_at(at);
    let room = room
        .replacen("pages=\"1\" events=\"4\"", "pages=\"2\" events=\"8\"", 1)
        .replacen("last=\"2015-03-01T08:03:00Z\"", "last=\"2015-03-01T18:03:00Z\"", 1)
        .replacen("<count kind=\"message\">2<", "<count kind=\"message\">4<", 1)
        .replacen("<count kind=\"join\">1<", "<count kind=\"join\">2<", 1)
        .replacen("<count kind=\"part\">1<", "<count kind=\"part\">2<", 1);
    bag().set(&second, more).set(INDEX, format!("{before}{room}")).edit(
        "custody.json",
        "\"events\": 5",
        "\"events\": 9",
    )
}

/// Every case: its name, its files, the exit code, and what is said of it.
fn cases() -> Vec<(&'static str, Bag, u8, &'static str)> {
    let page = page();
    let two = bag().name("two-");
    let file = bag().name("data/files/");
    let swap = |bag: Bag| -> Bag {
        // The second page where the first belongs and the other way round; numbers, names and hashes fit.
        let second = page.replace("000001.xml", "000002.xml");
        let (a, b) = (bag.text(&page), bag.text(&second));
        let a = a.replace("number=\"1\"", "number=\"2\"");
        let b = b.replace("number=\"2\"", "number=\"1\"");
        bag.set(&page, b).set(&second, a)
    };
    let deep = format!("{}{}", "<people>".repeat(100_000), "</people>".repeat(100_000));
    let many: String = (0..300_000).map(|n| format!(" a{n}=\"\"")).collect();
    vec![
        (
            "manifest-entry-missing",
            {
                let list = bag().text("manifest-sha256.txt");
                let less = list.lines().filter(|line| !line.ends_with(&page)).map(|line| format!("{line}\n"));
                tagged(bag().set("manifest-sha256.txt", less.collect::<String>()))
            },
            13,
            "there but not listed",
        ),
        ("page-missing", bag().without(&page), 13, "listed but missing"),
        ("page-missing-and-unlisted", bag().without(&page).sealed(), 13, "listed but missing"),
        ("attachment-missing", bag().without(&file), 13, "listed but missing"),
        ("index-missing", bag().without(INDEX).sealed(), 13, ""),
        ("manifest-missing", bag().without("manifest-sha256.txt"), 13, "missing"),
        ("tags-missing", bag().without("tagmanifest-sha256.txt"), 13, "missing"),
        ("custody-missing", bag().without("custody.json"), 13, "missing"),
        ("file-extra", bag().set("data/rooms/extra.xml", "x"), 13, "there but not listed"),
        ("file-extra-listed", bag().set("data/rooms/extra.xml", "x").sealed(), 13, "pages"),
        ("file-extra-elsewhere", bag().set("data/extra.xml", "x").sealed(), 13, "no such file"),
        ("file-extra-in-catalog", bag().set("data/catalog/extra.xml", "x").sealed(), 13, "no such page"),
        ("file-extra-at-top", bag().set("extra.txt", "x"), 13, "there but not listed"),
        (
            "page-listed-as-tag",
            {
                let list = bag().text("manifest-sha256.txt");
                let line = list.lines().find(|line| line.ends_with(&page)).unwrap().to_owned() + "\n";
                let bag = bag().edit("manifest-sha256.txt", &line, "");
                let mut custody: serde_json::Value = serde_json::from_slice(&bag.0["custody.json"]).unwrap();
                custody["content"] = hash(&bag, "manifest-sha256.txt").into();
                let bag = tagged(bag.set("custody.json", custody.to_string()));
                let tags = bag.text("tagmanifest-sha256.txt") + &line;
                bag.set("tagmanifest-sha256.txt", tags)
            },
            13,
            "listed as a tag file",
        ),
        (
            "hash-of-page",
            bag().set(&page, text().replace("SECRET two", "secret two")).edit(&page, "first", "FIRST"),
            13,
            "SHA-256",
        ),
        ("hash-of-attachment", bag().set(&file, "hello WORLD"), 13, "SHA-256"),
        ("hash-of-catalog", bag().edit("data/catalog/rooms.xml", "One", "Eno"), 13, "SHA-256"),
        ("hash-of-tag-file", bag().edit("bag-info.txt", "Bag-Software-Agent", "Bag-Hardware-Agent"), 13, "SHA-256"),
        ("name-of-attachment", bag().set(&file, "other").sealed(), 13, "not named by its SHA-256"),
        (
            "manifest-twice",
            {
                let twice = bag().text("manifest-sha256.txt").repeat(2);
                tagged(bag().set("manifest-sha256.txt", twice))
            },
            13,
            "listed twice",
        ),
        ("declaration", bag().set("bagit.txt", "BagIt-Version: 0.97\n"), 13, "BagIt 1.0"),
        ("custody-not-json", tagged(bag().set("custody.json", "{\"format\":")), 13, "not JSON"),
        ("count-of-kind", bag().edit(INDEX, "<count kind=\"join\">1<", "<count kind=\"part\">1<").sealed(), 13, ""),
        (
            "count-of-events",
            bag()
                .edit(INDEX, "events=\"4\"", "events=\"5\"")
                .edit(INDEX, "<count kind=\"join\">1<", "<count kind=\"join\">2<")
                .edit("custody.json", "\"events\": 5", "\"events\": 6")
                .sealed(),
            13,
            "its pages hold 4",
        ),
        ("count-that-does-not-add-up", bag().edit(INDEX, "events=\"4\"", "events=\"5\"").sealed(), 13, "do not add up"),
        (
            "count-beyond-numbers",
            {
                let index = bag()
                    .text(INDEX)
                    .replace("events=\"4\"", "events=\"18446744073709551615\"")
                    .replace("<count kind=\"join\">1<", "<count kind=\"join\">18446744073709551612<");
                bag().set(INDEX, index).sealed()
            },
            13,
            "more events than can be counted",
        ),
        (
            "count-of-custody",
            bag().edit("custody.json", "\"events\": 5", "\"events\": 6").sealed(),
            13,
            "custody record counts other",
        ),
        (
            "rooms-of-custody",
            bag().edit("custody.json", "\"rooms\": 2", "\"rooms\": 1").sealed(),
            13,
            "custody record counts other",
        ),
        (
            "content-of-custody",
            {
                let sealed = bag().sealed();
                let content = hash(&sealed, "manifest-sha256.txt");
                tagged(sealed.edit("custody.json", &content, &"0".repeat(64)))
            },
            13,
            "names a different content",
        ),
        (
            "first-time",
            bag().edit(INDEX, "first=\"2015-03-01T08:00:00Z\"", "first=\"2015-03-01T07:00:00Z\"").sealed(),
            13,
            "other times",
        ),
        (
            "pages-more",
            bag().edit(INDEX, "pages=\"1\" events=\"4\"", "pages=\"2\" events=\"4\"").sealed(),
            13,
            "listed but missing",
        ),
        (
            "pages-most",
            bag().edit(INDEX, "pages=\"1\" events=\"4\"", "pages=\"4294967295\" events=\"4\"").sealed(),
            13,
            "listed but missing",
        ),
        ("pages-none", bag().edit(INDEX, "pages=\"1\" events=\"4\"", "pages=\"0\" events=\"4\"").sealed(), 13, "pages"),
        (
            "room-twice",
            {
                let index = bag().text(INDEX);
                let (start, end) =
                    (index.find("<room folder=\"one-").unwrap(), index.find("<room folder=\"two-").unwrap());
                let (one, rest) = (&index[start..end], &index[end..]);
                // One room twice and the other not at all: the number of pages is right.
                let twice = format!("{}{one}{one}{}", &index[..start], &rest[rest.find("</rooms>").unwrap()..]);
                bag().set(INDEX, twice).sealed()
            },
            13,
            "listed twice",
        ),
        ("room-folder", bag().edit(INDEX, "folder=\"one-", "folder=\"two-").sealed(), 13, "folder of the room"),
        (
            "room-unlisted",
            {
                let index = bag().text(INDEX);
                let (start, end) = (index.find("<room folder=\"two-").unwrap(), index.find("</rooms>").unwrap());
                bag()
                    .set(INDEX, format!("{}{}", &index[..start], &index[end..]))
                    .edit("custody.json", "\"rooms\": 2", "\"rooms\": 1")
                    .edit("custody.json", "\"events\": 5", "\"events\": 4")
                    .sealed()
            },
            13,
            "are listed",
        ),
        ("page-of-another-room", bag().set(&page, bag().text(&two)).sealed(), 13, "the room and number in the page"),
        (
            "page-with-another-number",
            bag().edit(&page, "number=\"1\"", "number=\"2\"").sealed(),
            13,
            "the room and number in the page",
        ),
        ("pages-swapped", swap(two_pages()).sealed(), 13, "order of time"),
        (
            "events-out-of-order",
            bag().edit(&page, "T08:01:00", "T08:59:00").sealed(),
            13,
            "earlier than the one before",
        ),
        (
            "catalog-of-another-noun",
            bag().set("data/catalog/rooms.xml", bag().0["data/catalog/pools.xml"].clone()).sealed(),
            13,
            "not about rooms",
        ),
        (
            "catalog-of-no-noun",
            bag().set("data/catalog/spells.xml", bag().0["data/catalog/pools.xml"].clone()).sealed(),
            13,
            "no such page",
        ),
        (
            "catalog-field",
            bag()
                .set(
                    "data/catalog/rooms.xml",
                    bag().text("data/catalog/rooms.xml").replace("name=\"Pool\"", "name=\"Spell\""),
                )
                .sealed(),
            13,
            "no such field",
        ),
        (
            "future-format",
            bag().edit("custody.json", "\"formatVersion\": 2", "\"formatVersion\": 3").sealed(),
            12,
            "newer pchat",
        ),
        (
            "future-format-with-new-files",
            bag()
                .edit("custody.json", "\"formatVersion\": 2", "\"formatVersion\": 3")
                .set("data/threads/1.xml", "x")
                .sealed(),
            12,
            "newer pchat",
        ),
        (
            "format-zero",
            bag().edit("custody.json", "\"formatVersion\": 2", "\"formatVersion\": 0").sealed(),
            13,
            "no version",
        ),
        (
            "format-other",
            bag().edit("custody.json", "pchat-archive", "other-archive").sealed(),
            15,
            "not a pchat archive",
        ),
        ("future-page", bag().edit(&page, "urn:pchat:archive:1", "urn:pchat:archive:2").sealed(), 12, "newer"),
        (
            "page-doctype",
            bag().edit(&page, "<page ", "<!DOCTYPE page [<!ENTITY b \"SECRET\">]><page ").sealed(),
            13,
            "document type",
        ),
        ("page-entity", bag().edit(&page, "&lt;first&gt;", "&b;").sealed(), 13, "entity"),
        ("page-entity-nul", bag().edit(&page, "&lt;first&gt;", "&#0;").sealed(), 13, "entity"),
        ("page-deep", bag().edit(&page, "<people>", &format!("<people>{deep}")).sealed(), 13, ""),
        ("page-deep-text", bag().edit(&page, "&lt;first&gt;", &deep).sealed(), 13, ""),
        ("page-attributes", bag().edit(&page, "<page ", &format!("<page{many} ")).sealed(), 13, "attributes"),
        (
            "page-char-attributes",
            bag().edit(&page, "&lt;first&gt;", &format!("<char{many} code=\"0\"/>")).sealed(),
            13,
            "attributes",
        ),
        ("index-attributes", bag().edit(INDEX, "<rooms ", &format!("<rooms{many} ")).sealed(), 13, "attributes"),
        (
            "catalog-attributes",
            bag().edit("data/catalog/rooms.xml", "<catalog ", &format!("<catalog{many} ")).sealed(),
            13,
            "attributes",
        ),
        ("page-cut", bag().set(&page, text()[..text().len() / 2].to_owned()).sealed(), 13, ""),
        ("page-empty", bag().set(&page, "").sealed(), 13, ""),
        ("page-not-utf-8", bag().set(&page, [text().as_bytes(), b"\xff"].concat()).sealed(), 13, "not UTF-8"),
        (
            "page-person-unknown",
            bag().set(&page, text().replace("by=\"0\"", "by=\"7\"")).sealed(),
            13,
            "is not listed in the page",
        ),
        (
            "page-event-unknown",
            bag().set(&page, text().replace("<join", "<spell").replace("</join", "</spell")).sealed(),
            13,
            "not a kind of event",
        ),
        ("page-time", bag().set(&page, text().replace("T08:00:00", "T28:00:00")).sealed(), 13, "time"),
        ("page-tail", bag().set(&page, text() + "<page/>").sealed(), 13, "follows the end"),
    ]
}

#[test]
fn archives_that_lie_are_refused() {
    let desk = Desk::new();
    for (case, bag, code, says) in cases() {
        let bytes = bag.zip();
        keep(&format!("archive-{case}"), &bytes);
        std::fs::write(desk.path("x.zip"), &bytes).unwrap();
        let start = std::time::Instant::now();
        desk.refuses(case, "x.zip", (code, code), says);
        assert!(start.elapsed().as_secs() < 20, "{case} took {:?}", start.elapsed());
        // The same as a folder.
        for (name, bytes) in &bag.0 {
            let path = desk.path("x").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        desk.refuses(case, "x", (code, code), says);
    }
}

#[test]
fn the_honest_ones_are_accepted() {
    // Or the cases above would show nothing.
    let desk = Desk::new();
    for (case, bag) in
        [("as it was", bag()), ("sealed again", bag().sealed()), ("with two pages", two_pages().sealed())]
    {
        std::fs::write(desk.path("x.zip"), bag.zip()).unwrap();
        let ran = desk.pchat(&["verify", "x.zip", "--read-data"]);
        assert_eq!(ran.code, 0, "{case}: {ran:?}");
        let ran = desk.pchat(&["import", "x.zip", "--store", "new.db"]);
        assert_eq!(ran.code, 0, "{case}: {ran:?}");
        std::fs::remove_file(desk.path("new.db")).unwrap();
        std::fs::remove_file(desk.path("new.db.key")).unwrap();
        std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
        desk.untouched("x.zip");
    }
}

#[test]
fn what_is_broken_can_be_left_out() {
    let desk = Desk::new();
    let run = |bytes: &[u8]| {
        std::fs::write(desk.path("x.zip"), bytes).unwrap();
        let ran = desk.pchat(&["import", "x.zip", "--store", "new.db", "--keep-going"]);
        let exported = desk.pchat(&["export", "--store", "new.db", "--out", "new.jsonl", "--format", "jsonl"]);
        assert_eq!(exported.code, 0, "{exported:?}");
        let lines = std::fs::read_to_string(desk.path("new.jsonl")).unwrap();
        assert_eq!(desk.pchat(&["store", "check", "--read-data", "--store", "new.db"]).code, 0);
        std::fs::remove_file(desk.path("new.db")).unwrap();
        std::fs::remove_file(desk.path("new.db.key")).unwrap();
        std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
        std::fs::remove_file(desk.path("new.jsonl")).unwrap();
        desk.untouched("x.zip");
        (ran, lines)
    };
    let (ran, lines) = run(&bag().set(&page(), text().replace("08:0", "07:0")).zip());
    desk.fails("page", "x.zip", &ran, 3, "left out: ");
    assert_eq!(lines.lines().count(), 1, "the other room is there");
    let file = bag().name("data/files/");
    let (ran, lines) = run(&bag().set(&file, "hello WORLD").zip());
    desk.fails("attachment", "x.zip", &ran, 3, "SHA-256");
    assert_eq!(lines.lines().count(), 5);
    assert!(!lines.contains("\"data\""), "the content is left out: {lines}");
    // Among others, a zip that cannot even be opened.
    std::fs::create_dir(desk.path("in")).unwrap();
    std::fs::write(desk.path("in/a.zip"), &bag().zip()[..500]).unwrap();
    std::fs::write(desk.path("in/b.zip"), bag().zip()).unwrap();
    std::fs::write(desk.path("in/c.zip"), zip(&[deflated("x.bin", &[0; 100])])).unwrap();
    let ran = desk.pchat(&["import", "in", "--store", "new.db"]);
    desk.fails("folder", "a.zip", &ran, 13, "");
    assert!(!desk.path("new.db").exists());
    let ran = desk.pchat(&["import", "in", "--store", "new.db", "--keep-going"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("in/a.zip") && ran.err.contains("in/c.zip"), "{ran:?}");
    std::fs::remove_file(desk.path("new.db")).unwrap();
    std::fs::remove_file(desk.path("new.db.key")).unwrap();
    std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
    std::fs::remove_file(desk.path("in/b.zip")).unwrap();
    std::fs::remove_file(desk.path("in/c.zip")).unwrap();
    let ran = desk.pchat(&["import", "in", "--store", "new.db", "--keep-going"]);
    desk.fails("nothing is left", "a.zip", &ran, 13, "");
    desk.untouched("in");
}

#[cfg(unix)]
#[test]
fn a_link_in_a_folder_is_not_followed() {
    let desk = Desk::new();
    for target in ["/etc/passwd", "../../../s.db", "000001.xml"] {
        for (name, bytes) in &bag().0 {
            let path = desk.path("x").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        std::os::unix::fs::symlink(target, desk.path("x").join(page().replace("000001", "000002"))).unwrap();
        desk.refuses(target, "x", (13, 13), "is a symbolic link");
    }
}
