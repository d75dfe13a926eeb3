//! Export and import in the spelling of the cmdlets, and what becomes of messages.

use super::{each, line, one};
use crate::harness::{Desk, chat};

fn desk() -> Desk {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(2, 20));
    desk.run("import @in.jsonl --store @s.db").code(0);
    desk
}

#[test]
fn i20_and_i21_messages_stay_until_an_administrator_removes_them_for_good() {
    let desk = desk();
    assert_eq!(desk.history("s.db").len(), 40);
    line(&desk, "Clear-CsPersistentChatRoom 'Room 0' -EndDate 1/1/2020").code(18).says("not a terminal");
    line(&desk, "Clear-CsPersistentChatRoom 'Room 0' -EndDate 1/1/2020 -WhatIf").code(0);
    assert_eq!(desk.history("s.db").len(), 40);
    line(&desk, "Clear-CsPersistentChatRoom 'Room 0' -EndDate 1/1/2020 -Confirm:$False").code(0);
    assert_eq!(desk.history("s.db").len(), 20);
    // What was destroyed does not come back by itself.
    desk.run("import @in.jsonl --store @s.db").code(0);
    assert_eq!(desk.history("s.db").len(), 20);
}

#[test]
fn i22_replacing_and_purging_is_on_record() {
    let desk = desk();
    let remove = "Remove-CsPersistentChatMessage -Identity 'Room 0' -UserUri sip:user1@example.com -Confirm:$False";
    line(&desk, remove).code(0);
    let replaced = desk
        .history("s.db")
        .iter()
        .filter(|e| e["text"] == "This message was replaced by the Persistent Chat administrator.")
        .count();
    assert_eq!(replaced, 7);
    line(&desk, "Remove-CsPersistentChatMessage -Identity 'Room 1' -Filter 'message room' -MatchClause and -EndDate 1/1/2020 -Remove -Confirm:$False").code(0);
    assert_eq!(desk.history("s.db").len(), 20);
    line(&desk, "Remove-CsPersistentChatMessage -Identity 'Room 0' -ReplaceMessage gone -CaseSensitive $True -Filter MESSAGE -Confirm:$False").code(4);
    let certificates = desk.run("certificate get --store @s.db --output json").code(0).json();
    assert_eq!(certificates.as_array().map(Vec::len), Some(2), "{certificates}");
    let actions: Vec<String> =
        desk.audit("s.db").iter().map(|record| record["action"].as_str().unwrap().to_owned()).collect();
    assert!(actions.iter().filter(|action| action.starts_with("purge")).count() >= 2, "{actions:?}");
}

#[test]
fn i24_and_i25_what_is_exported_is_imported_and_the_imported_item_wins() {
    let desk = desk();
    let db = desk.path("s.db").display().to_string();
    line(&desk, "New-CsPersistentChatCategory -Name IT -Description ours").code(0);
    let out = desk.path("out.zip").display().to_string();
    desk.args(&["Export-CsPersistentChatData", "-DBInstance", &db, "-FileName", &out]).code(0);
    let other = desk.path("other.db").display().to_string();
    desk.args(&["store", "new", "--store", &other]).code(0);
    desk.args(&["Import-CsPersistentChatData", "-DBInstance", &other, "-FileName", &out]).code(0);
    assert_eq!(desk.history("other.db"), desk.history("s.db"));
    // Merging: what is there stays, what has the same name is replaced, after a question.
    desk.run("category set IT --description theirs --store @other.db").code(0);
    desk.run("category new --name Own --store @other.db").code(0);
    let import = |more: &[&str]| {
        let mut words = vec!["Import-CsPersistentChatData", "-DBInstance", &other, "-FileName", &out];
        words.extend(more);
        desk.args(&words)
    };
    import(&[]).code(18);
    import(&["-WhatIf"]);
    assert_eq!(desk.run("category get IT --store @other.db --output json").json()[0]["Description"], "theirs");
    let done = import(&["-Confirm:$False"]);
    assert!(matches!(done.code, 0 | 3), "{done:?}");
    let all = desk.run("category get --store @other.db --output json").json();
    let found: Vec<_> =
        all.as_array().unwrap().iter().map(|c| (c["Name"].as_str().unwrap(), c["Description"].as_str())).collect();
    assert_eq!(found, [("IT", Some("ours")), ("Own", None)]);
    // Bytes instead of a file.
    let bytes =
        desk.args(&["Export-CsPersistentChatData", "-DBInstance", &db, "-AsBytes", "--show-command"]).code(0).out;
    assert!(bytes.starts_with("pchat export --with-settings --out=- --store="), "{bytes}");
    let bytes =
        desk.args(&["Import-CsPersistentChatData", "-DBInstance", &db, "-ByteInput", "--show-command"]).code(0).out;
    assert!(bytes.ends_with("-- -\n"), "{bytes}");
}

#[test]
fn i26_disabled_rooms_are_exported() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatCategory -Name IT").code(0);
    line(&desk, "New-CsPersistentChatRoom -Name Off -Category IT -Disabled $True").code(0);
    let db = desk.path("s.db").display().to_string();
    for (level, file) in [("RoomDirectory", "a.zip"), ("All", "b.zip")] {
        let file = desk.path(file).display().to_string();
        let run = desk.args(&[
            "Export-CsPersistentChatData",
            "-DBInstance",
            &db,
            "-FileName",
            &file,
            "-Level",
            level,
            "-Scope",
            "IT",
            "-DisableExportedNodes",
        ]);
        assert!(matches!(run.code, 0 | 4), "{run:?}");
        desk.args(&["import", &file, "--store", "@new.db", "--on-conflict", "keep"]);
        assert_eq!(desk.run("room get Off --store @new.db --output json").json()[0]["Disabled"], true);
    }
    assert_eq!(each(&desk, "Get-CsPersistentChatRoom -Disabled $True", "Name"), ["Off"]);
}

#[test]
fn a_start_date_with_the_level_of_rooms_exports_their_content_from_then_on() {
    let desk = desk();
    let db = desk.path("s.db").display().to_string();
    let export = |level: &str, out: &str| {
        let out = desk.path(out).display().to_string();
        desk.args(&[
            "Export-CsPersistentChatData",
            "-DBInstance",
            &db,
            "-FileName",
            &out,
            "-Level",
            level,
            "-StartDate",
            "1/1/2020 00:10",
        ])
    };
    export("RoomDirectory", "r.zip").code(0);
    desk.run("import @r.zip --store @r.db").code(0);
    assert_eq!(desk.history("r.db").len(), 20);
    desk.run("verify @r.zip --read-data").code(0);
    export("User", "u.zip").code(2);
    export("Category", "c.zip").code(2);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom 'Room 0'")["Name"], "Room 0");
}
