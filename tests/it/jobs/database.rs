//! Databases of the product come in: packages, files of bcp, scripts; in any order, with nothing guessed.

use crate::harness::Desk;
use pchat::store::Corpus;
use pchat::store::sqlite::Sqlite;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mgc").join(name)
}

/// A desk with both databases in it.
fn desk() -> Desk {
    let desk = Desk::new();
    for name in ["mgc.bacpac", "mgccomp.bacpac"] {
        std::fs::copy(fixture(name), desk.path(name)).unwrap();
    }
    desk
}

/// The files of a package, by name.
type Entries = BTreeMap<String, Vec<u8>>;

/// The files of a package.
fn unzip(path: &Path) -> Entries {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut entries = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.insert(entry.name().unwrap().into_owned(), bytes);
    }
    entries
}

fn pack(desk: &Desk, name: &str, entries: &Entries) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(desk.path(name)).unwrap());
    for (entry, bytes) in entries {
        zip.start_file(entry, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// The history without what the order of arrival decides.
fn said(desk: &Desk, store: &str) -> Vec<String> {
    let mut lines: Vec<String> = desk.history(store).iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn both_databases_come_in_together_in_any_order() {
    let desk = desk();
    let run = desk.run("import @mgc.bacpac @mgccomp.bacpac --store @a.db").code(0);
    assert!(run.out.contains("as Origin.xml says"), "{}", run.out);
    desk.run("import @mgccomp.bacpac @mgc.bacpac --store @b.db").code(0);
    desk.run("import @mgccomp.bacpac --store @c.db").code(0);
    desk.run("import @mgc.bacpac --store @c.db").code(0);
    desk.run("import @mgc.bacpac --store @d.db --domain litwareinc.com").code(0);
    desk.run("import @mgccomp.bacpac --store @d.db").code(0);
    let all = said(&desk, "a.db");
    assert_eq!(all.len(), 60 + 3 + 3 + 2);
    for other in ["b.db", "c.db", "d.db"] {
        assert_eq!(said(&desk, other), all, "{other}");
    }
    let again = desk.run("import @mgc.bacpac --store @a.db --output json").code(0);
    assert_eq!(crate::harness::sum(&again, "Events"), 0);
}

/// Events by the identity of their room: its address has a domain only where a source says it.
fn carried(desk: &Desk, store: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for mut event in desk.history(store) {
        let room = event["room"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let object = event.as_object_mut().unwrap();
        object.remove("pool");
        object.insert("room".to_owned(), room.into());
        lines.push(event.to_string());
    }
    lines.sort();
    lines
}

#[test]
fn both_databases_and_compliance_xml_overlap_in_any_order() {
    let desk = desk();
    desk.run("import @mgc.bacpac @mgccomp.bacpac --store @a.db").code(0);
    let out = desk.path("xml").display().to_string();
    desk.run(&format!("compliance set --adapter-output-directory {out} --store @a.db")).code(0);
    desk.run("compliance run --store @a.db").code(0);
    let all = carried(&desk, "a.db");
    assert_eq!(all.len(), 68);
    const SOURCES: [&str; 3] = ["@mgc.bacpac", "@mgccomp.bacpac", "@xml"];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (at, order) in orders.into_iter().enumerate() {
        // A pool that is named later is none that rooms of nobody's pool are not in.
        let (store, pool) = (format!("o{at}.db"), if at % 2 == 1 { "" } else { " --pool litwareinc.com" });
        for source in order {
            let words = format!("import {} --store @{store} --output json", SOURCES[source]);
            let named = if source == 2 { pool } else { "" };
            let run = desk.run(&format!("{words}{named}"));
            assert_eq!((run.code, crate::harness::sum(&run, "Conflicts")), (0, 0), "{order:?}: {run:?}");
        }
        assert_eq!(carried(&desk, &store), all, "{order:?}");
        assert!(all.iter().any(|line| line.contains("\"rtf\"")) && all.iter().any(|line| line.contains("\"alert\"")));
        // What was added is found, what it replaced is not, and the log knows of it.
        desk.run(&format!("store check --read-data --store @{store}")).code(0);
        assert_eq!(people(&desk, &store), people(&desk, "a.db"), "{order:?}");
    }
}

/// Everybody whom history names.
fn people(desk: &Desk, store: &str) -> Vec<String> {
    let mut people: Vec<String> =
        Sqlite::snapshot(&desk.path(store)).unwrap().personas().unwrap().iter().map(|p| format!("{p:?}")).collect();
    people.sort();
    people
}

#[test]
fn what_another_source_knows_of_an_event_is_added_to_it() {
    let desk = Desk::new();
    let line = |more: &str| {
        format!(
            "{{\"room\":\"ma-chan://h.example/1\",\"user\":\"sip:a@h.example\",\"time\":\"2015-03-01T08:00:00Z\",\
             \"id\":1,\"text\":\"plan\"{more}}}\n"
        )
    };
    let parts = [
        ("name", ",\"user_name\":\"Anna\""),
        ("rtf", ",\"rtf\":\"{\\\\rtf1 secret}\""),
        ("alert", ",\"alert\":true,\"email\":\"a@h.example\""),
        ("file", ",\"attachments\":[{\"name\":\"ledger.txt\",\"data\":\"eA==\"}]"),
        ("other", ",\"priority\":\"velvet\""),
    ];
    for (name, more) in parts {
        desk.write(&format!("{name}.jsonl"), line(more));
    }
    desk.write("again.jsonl", line(",\"rtf\":\"{\\\\rtf1 other}\""));
    let mut wanted = None;
    for first in 0..parts.len() {
        let store = format!("s{first}.db");
        for step in 0..parts.len() {
            let name = parts[(first + step) % parts.len()].0;
            desk.run(&format!("import @{name}.jsonl --store @{store}")).code(0);
        }
        let said = said(&desk, &store);
        assert_eq!(said.len(), 1);
        assert_eq!(wanted.get_or_insert_with(|| said.clone()), &said, "{first}");
        for word in ["secret", "ledger", "velvet", "importance:high", "from:Anna", "from:a@h.example"] {
            desk.run(&format!("search {word} --store @{store}")).code(0);
        }
        // Everything in one file, and another text of what is known.
        desk.run(&format!("import @again.jsonl --store @{store}")).code(3);
        desk.run(&format!("store check --read-data --store @{store}")).code(0);
    }
    let all: String = parts.iter().map(|(_, more)| line(more)).collect();
    desk.write("all.jsonl", &all);
    desk.run("import @all.jsonl --store @once.db").code(0);
    assert_eq!(Some(said(&desk, "once.db")), wanted);
    desk.run("store check --read-data --store @once.db").code(0);

    // A hold protects afterwards what it protected before.
    desk.run("import @name.jsonl --store @h.db").code(0);
    desk.run("case new M --store @h.db").code(0);
    desk.args(&["hold", "new", "H", "--case", "M", "--reason", "x", "--query", "plan NOT secret", "--store", "@h.db"])
        .code(0);
    desk.run("import @rtf.jsonl --store @h.db").code(3);
    desk.run("import @alert.jsonl --store @h.db").code(0);
    desk.run("search secret --store @h.db").code(4);
    desk.run("search importance:high --store @h.db").code(0);
    desk.run("store check --read-data --store @h.db").code(0);

    // What was altered by hand is not signed by completing what lies beside it.
    desk.run("import @name.jsonl --store @t.db").code(0);
    desk.write("next.jsonl", line("").replace("\"id\":1", "\"id\":2"));
    desk.run("import @next.jsonl --store @t.db").code(0);
    rusqlite::Connection::open(desk.path("t.db"))
        .unwrap()
        .execute("UPDATE event SET source = 7 WHERE chat = 2", [])
        .unwrap();
    desk.run("import @rtf.jsonl --store @t.db").code(13).says("not what was written");
}

#[test]
fn rooms_without_a_domain_are_known_by_their_identity() {
    let desk = desk();
    desk.run("import @mgc.bacpac --store @s.db").code(0).says("--domain says it");
    let run = desk.run("import @mgccomp.bacpac --store @s.db --output json").code(0);
    assert_eq!(crate::harness::sum(&run, "Events"), 8);
    assert_eq!(desk.catalog("s.db").of("room").count(), 3);
}

#[test]
fn a_package_that_is_not_what_it_says_is_refused() {
    let desk = desk();
    let whole = unzip(&fixture("mgc.bacpac"));
    let with = |name: &str, change: &dyn Fn(&mut Entries)| {
        let mut entries = whole.clone();
        change(&mut entries);
        pack(&desk, name, &entries);
    };
    let chat = "Data/dbo.tblChat/TableData-001-00000.BCP";
    let edit = |entries: &mut Entries, name: &str, old: &str, new: &str| {
        let text = String::from_utf8(entries[name].clone()).unwrap();
        assert!(text.contains(old), "{old}");
        entries.insert(name.to_owned(), text.replacen(old, new, 1).into_bytes());
    };
    with("x.bacpac", &|entries| drop(entries.remove(chat)));
    desk.run("import @x.bacpac --store @s.db").code(13).says("rows together");
    with("x.bacpac", &|entries| {
        let bytes = entries.get_mut(chat).unwrap();
        bytes.pop();
    });
    desk.run("import @x.bacpac --store @s.db").code(13).says("table dbo.tblChat, row 20");
    with("x.bacpac", &|entries| drop(entries.remove("Origin.xml")));
    desk.run("import @x.bacpac --store @s.db").code(13).says("no Origin.xml");
    with("x.bacpac", &|entries| drop(entries.remove("model.xml")));
    desk.run("import @x.bacpac --store @s.db").code(13).says("no model.xml");
    with("x.bacpac", &|entries| entries.retain(|name, _| !name.starts_with("Data/")));
    desk.run("import @x.bacpac --store @s.db").code(15).says("but has no rows");
    with("x.bacpac", &|entries| edit(entries, "Origin.xml", ">2.0.0.0<", ">1.0.0.0<"));
    desk.run("import @x.bacpac --store @s.db").code(15).says("only version 2 is supported");
    with("x.bacpac", &|entries| {
        let bytes = entries[chat].clone();
        entries.insert("Data/dbo.tblOdd/TableData-000-00000.BCP".to_owned(), bytes);
    });
    desk.run("import @x.bacpac --store @s.db").code(13).says("not in the model");
    assert!(!desk.path("s.db").exists());
    with("x.dacpac", &|_| {});
    desk.run("import @x.dacpac --store @s.db").code(0);
}

#[test]
fn an_edited_model_is_said_and_an_empty_table_is_told_from_one_that_did_not_come() {
    let desk = desk();
    let mut entries = unzip(&fixture("mgc.bacpac"));
    entries.get_mut("model.xml").unwrap().extend_from_slice(b"\n");
    entries.remove("Data/dbo.tblLastChatId/TableData-000-00000.BCP");
    let origin = String::from_utf8(entries["Origin.xml"].clone()).unwrap();
    let rows = origin.split_once("TotalTag>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let fewer = (rows.parse::<u64>().unwrap() - 3).to_string();
    entries.insert("Origin.xml".to_owned(), origin.replacen(&format!(">{rows}<"), &format!(">{fewer}<"), 1).into());
    pack(&desk, "x.bacpac", &entries);
    let run = desk.run("import @x.bacpac --store @s.db").code(0).says("it was edited");
    assert!(run.out.contains("tblLastChatId: 0 rows, empty"), "{}", run.out);
    entries.insert(
        "Origin.xml".to_owned(),
        origin.replacen(&format!(">{rows}<"), &format!(">{fewer}<"), 1).replace(",dbo.tblLastChatId", "").into(),
    );
    pack(&desk, "y.bacpac", &entries);
    let run = desk.run("import @y.bacpac --store @t.db").code(0);
    assert!(run.out.contains("tblLastChatId: 0 rows, not exported"), "{}", run.out);
}

#[test]
fn what_an_export_writes_comes_back() {
    let desk = desk();
    desk.run("import @mgc.bacpac @mgccomp.bacpac --store @a.db").code(0);
    desk.run("export --store @a.db --out @t --format mgc").code(0);
    desk.run("export --store @a.db --out @t.zip --format mgc").code(0);
    for (from, store) in [("t", "b.db"), ("t.zip", "c.db")] {
        desk.run(&format!("import @{from} --store @{store}")).code(0);
        assert_eq!(said(&desk, store), said(&desk, "a.db"), "{from}");
        assert_eq!(desk.catalog(store), desk.catalog("a.db"), "{from}");
    }
    // Without their format files the same rows are found by trying.
    std::fs::create_dir(desk.path("bare")).unwrap();
    for name in ["tblChat", "tblNode", "tblPrincipal"] {
        std::fs::copy(desk.path(&format!("t/data/mgc/{name}.bcp")), desk.path(&format!("bare/dbo.{name}.bcp")))
            .unwrap();
    }
    let run = desk.run("import @bare --store @d.db --domain litwareinc.com --output json").code(0);
    assert_eq!(crate::harness::sum(&run, "Messages"), 60);
    assert!(run.out.contains("native form"), "{}", run.out);
}

#[test]
fn group_chat_becomes_flat() {
    let desk = Desk::new();
    let guid = |number: u8| format!("00000000-0000-4000-8000-0000000000{number:02}");
    let node = |number: u8, parent: u8, category: u8, name: &str, invite: &str| {
        format!(
            "INSERT INTO [dbo].[Node] (nodeID, nodeGuid, parentID, nodeType, nodeName, nodeDesc, topic, invite) VALUES \
             ({number}, N'{}', {parent}, {category}, N'{name}', N'', N'', {invite})\n",
            guid(number)
        )
    };
    let script = [
        node(1, 1, 1, "Root", "1"),
        node(2, 1, 1, "Europe", "0"),
        node(3, 2, 1, "Trading", "0"),
        node(4, 3, 0, "FX", "1"),
        node(5, 2, 0, "Lobby", "NULL"),
        "INSERT INTO Principal (prinID, prinGuid, prinUri) VALUES (7, N'".to_owned() + &guid(77) + "', N'sip:ada@x.example')\n",
        "INSERT INTO RoleType (rtypeID, rtypeDesc) VALUES (9, N'Manager')\n".to_owned(),
        "INSERT INTO PrincipalRole (prinRoleNodeID, prinRolePrinID, prinRoleTypeID) VALUES (1, 7, 9)\n".to_owned(),
        "INSERT INTO Chat (channelId, chatId, chatDate, userId, isAlert, content) VALUES (4, 1, 635689369311234560, 7, 0, N'hi')\n"
            .to_owned(),
    ];
    desk.write("old.sql", script.concat());
    desk.run("import @old.sql --store @s.db --domain x.example").code(0);
    let rooms = desk.run("room get --store @s.db --output json").code(0).json().to_string();
    assert!(rooms.contains("Europe/Trading/FX") && rooms.contains("\"Lobby\""), "{rooms}");
    assert!(rooms.contains("Europe/Trading\""), "{rooms}");
    assert_eq!(rooms.matches("sip:ada@x.example").count(), 2, "{rooms}");
    assert_eq!(rooms.matches("\"False\"").count(), 2, "{rooms}");
    let long = node(6, 3, 0, &"x".repeat(250), "NULL");
    desk.write("long.sql", script.concat() + &long);
    desk.run("import @long.sql --store @t.db --domain x.example").code(15).says("the limit is 256");
}

#[test]
fn uploaded_files_are_paired_by_room_and_name() {
    let desk = Desk::new();
    let room = "1f0e0000-0000-4a00-8000-000000000003";
    let file = "aaaaaaaa-0000-4a00-8000-000000000001.txt";
    let said = |id: i64, text: &str| {
        crate::harness::message(
            &format!("ma-chan://x.example/{room}"),
            id,
            "2015-06-03T14:00:00Z",
            "sip:a@x.example",
            text,
        )
    };
    desk.lines(
        "h.jsonl",
        &[said(1, &format!("ma-filelink:{file}")), said(2, &format!("ma-filelink:{}", file.replace('1', "2")))],
    );
    for (folder, name) in
        [(format!("{{{}}}", room.to_uppercase()), file), (room.replace('3', "4"), file), (room.into(), "b.txt")]
    {
        let path = desk.path("files").join(folder);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(name), "content").unwrap();
    }
    let run = desk.run("import @h.jsonl --store @s.db --file-store @files").code(3);
    assert!(run.out.contains("1 paired with their events, 2 with none"), "{}", run.out);
    assert!(run.err.contains("message 2") && run.err.contains("b.txt"), "{}", run.err);
    let history = desk.history("s.db");
    assert_eq!(history[0]["attachments"][0]["link"], file);
    desk.run("import @h.jsonl --store @t.db --file-store @none").code(10);
}

#[test]
fn any_file_says_what_it_is() {
    let desk = desk();
    let run = desk.run("inspect @mgc.bacpac --output json").code(0);
    let json = run.json().to_string();
    assert!(json.contains("dbo.tblChat") && json.contains("60"), "{json}");
    desk.lines("h.jsonl", &[crate::harness::message("r", 1, "2015-06-03T14:00:00Z", "a", "secret words")]);
    desk.write("d.ldif", "dn: CN=Ada,DC=x\nobjectClass: user\n");
    desk.write("broken.jsonl", "{\"room\":\"r\"}\n");
    for (file, words, code) in
        [("h.jsonl", "JSON Lines", 0), ("d.ldif", "entries of a directory", 0), ("broken.jsonl", "JSON Lines", 3)]
    {
        let run = desk.run(&format!("inspect @{file}")).code(code);
        assert!(run.out.contains(words) && !run.out.contains("secret"), "{}", run.out);
    }
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("export --store @s.db --out @a.zip").code(0);
    assert!(desk.run("inspect @a.zip").code(0).out.contains("archive of pchat"));
    desk.write("x.odd", "nothing");
    desk.run("inspect @x.odd").code(13);
}

#[test]
fn packages_that_were_packed_or_unpacked_again_say_what_to_do() {
    let desk = desk();
    let entries = unzip(&fixture("mgc.bacpac"));
    let all = said_of(&desk, "mgc.bacpac", "a.db");
    // Names of parts in other letters; before, rows in a folder that was not asked for were left out without a word.
    let parts = entries.iter().map(|(name, bytes)| (name.replace("Data/", "data/"), bytes.clone())).collect();
    pack(&desk, "b.bacpac", &parts);
    assert_eq!(said_of(&desk, "b.bacpac", "b.db"), all);
    pack(&desk, "all.zip", &Entries::from([("out/mgc.bacpac".to_owned(), desk.read("mgc.bacpac"))]));
    desk.run("import @all.zip --store @c.db").code(15).says("unpack it, and import mgc.bacpac");
    for (name, bytes) in &entries {
        let path = desk.path("folder").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    desk.run("import @folder --store @c.db").code(15).says("import the .bacpac or .dacpac itself");
}

#[test]
fn tables_that_were_exported_are_read_wherever_they_lie() {
    let desk = desk();
    desk.run("import @mgc.bacpac @mgccomp.bacpac --store @a.db").code(0);
    let all = said(&desk, "a.db");
    // With a slash at its end, a name is that of the same folder.
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.run("export --store @a.db --format mgc --out @out/tables/").code(0);
    desk.run("export --store @a.db --format jsonl --out @out/lines/").code(2).says("slash");
    for (at, from) in ["@out/tables", "@out/tables/", "@out"].iter().enumerate() {
        desk.run(&format!("import {from} --store @b{at}.db")).code(0);
        assert_eq!(said(&desk, &format!("b{at}.db")), all, "{from}");
    }
}

#[test]
fn characters_with_a_mark_of_utf_8_are_read() {
    let desk = Desk::new();
    let rows = "3\t1\t635689369311234560\t5\t0\tzürich\t\r\n";
    desk.write("tblChat.dat", format!("\u{feff}{rows}"));
    assert_eq!(said_of(&desk, "tblChat.dat", "s.db").len(), 1);
    desk.write("tblChat.dat", &rows[..rows.len() - 1]);
    desk.run("import @tblChat.dat --store @t.db").code(15).says("the file was cut");
}

/// The history that one file gives.
fn said_of(desk: &Desk, file: &str, store: &str) -> Vec<String> {
    desk.run(&format!("import @{file} --store @{store}")).code(0);
    said(desk, store)
}

/// Real packages, where they are at hand.
#[test]
fn packages_of_others_are_read_to_their_last_row() {
    let Some(folder) = std::env::var_os("PCHAT_BACPACS") else { return };
    let desk = Desk::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "bacpac") {
            std::fs::copy(&path, desk.path("x.bacpac")).unwrap();
            let run = desk.run("inspect @x.bacpac").code(0);
            assert!(run.out.contains("as Origin.xml says"), "{}: {}", path.display(), run.out);
        }
    }
}
