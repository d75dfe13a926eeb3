//! Rooms and categories: what they must have, what they allow, and what goes when they allow less.

use super::{line, one};
use crate::harness::Desk;
use serde_json::Value;

/// A store with a pool, a category whose members are known, and a room in it.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    line(&desk, "New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn pool.example.com").code(0);
    line(
        &desk,
        "Set-CsPersistentChatCategory IT -AllowedMembers @{Add='sip:ken@example.com','OU=IT,DC=example,DC=com'} \
         -DeniedMembers @{Add='sip:eve@example.com'}",
    )
    .code(0);
    line(&desk, "New-CsPersistentChatRoom -Name Help -Category IT").code(0);
    desk
}

fn names(desk: &Desk, text: &str) -> Vec<String> {
    super::each(desk, text, "Name")
}

#[test]
fn i1_and_i2_a_room_has_a_category_that_exists() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatRoom -Name X").code(2).says("needs -Category");
    line(&desk, "New-CsPersistentChatRoom -Name X -Category IR").code(10).says("did you mean \"IT\"?");
    line(&desk, "Set-CsPersistentChatRoom Help -Category HR").code(10);
    line(&desk, "New-CsPersistentChatRoom -Name X -Category other.example.com\\IT").code(10);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom"), ["Help"]);
}

#[test]
fn i3_names_are_unique_in_their_pool() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatRoom -Name HELP -Category IT").code(15).says("unique");
    line(&desk, "New-CsPersistentChatCategory -Name it").code(15).says("unique");
    // Another pool, another name space.
    line(&desk, "New-CsPersistentChatCategory -Name it -PersistentChatPoolFqdn other.example.com").code(0);
    line(&desk, "New-CsPersistentChatRoom -Name Help -Category other.example.com\\it").code(0);
    line(&desk, "New-CsPersistentChatRoom -Name B -Category pool.example.com\\IT").code(0);
    line(&desk, "Set-CsPersistentChatRoom pool.example.com\\B -Name Help").code(15);
    line(&desk, "Set-CsPersistentChatRoom pool.example.com\\B -Name b").code(0);
    for name in [" x", "", "a\u{7}"] {
        desk.args(&["room", "new", "--name", name, "--category", "pool.example.com\\IT", "--store", "@s.db"]).code(2);
    }
    let long = "x".repeat(257);
    desk.args(&["room", "new", "--name", &long, "--category", "pool.example.com\\IT", "--store", "@s.db"]).code(15);
}

#[test]
fn i4_a_category_with_rooms_stays() {
    let desk = desk();
    line(&desk, "Remove-CsPersistentChatCategory IT -Confirm:$False").code(15).says("1 room lies in category");
    line(&desk, "Get-CsPersistentChatCategory | Remove-CsPersistentChatCategory -Confirm:$False").code(15);
    line(&desk, "New-CsPersistentChatCategory -Name Old").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Category Old").code(0);
    line(&desk, "Remove-CsPersistentChatCategory IT -WhatIf").code(0);
    line(&desk, "Remove-CsPersistentChatCategory IT").code(18);
    line(&desk, "Remove-CsPersistentChatCategory IT -Confirm:$False").code(0);
    assert_eq!(names(&desk, "Get-CsPersistentChatCategory"), ["Old"]);
}

#[test]
fn i5_and_i6_lists_and_rooms_come_after_the_making() {
    let desk = desk();
    for parameter in ["Members", "Managers", "Presenters"] {
        line(&desk, &format!("New-CsPersistentChatRoom -Name X -Category IT -{parameter} sip:ken@example.com"))
            .code(2)
            .says("has no parameter");
    }
    line(&desk, "New-CsPersistentChatCategory -Name X -AllowedMembers sip:ken@example.com").code(2);
    line(&desk, "New-CsPersistentChatCategory -Name X -Rooms Help").code(2);
}

#[test]
fn i7_a_normal_room_has_no_presenters() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatRoom Help -Presenters sip:ken@example.com").code(15).says("of type Normal");
    line(&desk, "Set-CsPersistentChatRoom Help -Type Auditorium -Presenters @{Add='sip:ken@example.com'}").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Type Normal").code(15);
    line(&desk, "Set-CsPersistentChatRoom Help -Type Normal -Presenters $Null").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Presenters"], Value::Null);
}

#[test]
fn i8_lists_lie_within_what_the_category_allows() {
    let desk = desk();
    for outside in ["sip:bob@example.com", "sip:eve@example.com", "OU=HR,DC=example,DC=com"] {
        for list in ["Members", "Managers"] {
            let run = line(&desk, &format!("Set-CsPersistentChatRoom Help -{list} @{{Add='{outside}'}}")).code(15);
            assert!(!run.err.contains(outside), "an error names nobody: {}", run.err);
        }
        line(&desk, &format!("Set-CsPersistentChatCategory IT -Creators @{{Add='{outside}'}}")).code(15);
    }
    line(&desk, "Set-CsPersistentChatRoom Help -Members @{Add='sip:ken@example.com','CN=A,OU=IT,DC=example,DC=com'}")
        .code(0);
    line(&desk, "Set-CsPersistentChatCategory IT -Creators @{Add='sip:ken@example.com'}").code(0);
    assert_eq!(
        one(&desk, "Get-CsPersistentChatRoom Help")["Members"],
        serde_json::json!(["sip:ken@example.com", "CN=A,OU=IT,DC=example,DC=com"])
    );
    // Who creates a room on behalf of a creator must be one.
    desk.run("room new --name Mine --category IT --creator sip:ken@example.com --store @s.db").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Mine")["Managers"], serde_json::json!(["sip:ken@example.com"]));
    desk.run("room new --name Yours --category IT --creator sip:eve@example.com --store @s.db").code(16);
}

#[test]
fn a_narrower_category_drops_what_it_no_longer_allows() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatRoom Help -Members sip:ken@example.com,'CN=A,OU=IT,DC=example,DC=com'").code(0);
    line(&desk, "Set-CsPersistentChatCategory IT -Creators sip:ken@example.com").code(0);
    let run = line(&desk, "Set-CsPersistentChatCategory IT -DeniedMembers @{Add='sip:ken@example.com'}").code(0);
    let run = run.says("Members of room pool.example.com\\Help: 1 dropped");
    run.says("Creators of pool.example.com\\IT: 1 dropped");
    assert_eq!(
        one(&desk, "Get-CsPersistentChatRoom Help")["Members"],
        serde_json::json!(["CN=A,OU=IT,DC=example,DC=com"])
    );
    assert_eq!(one(&desk, "Get-CsPersistentChatCategory IT")["Creators"], Value::Null);
}

#[test]
fn a_room_that_moves_drops_what_the_new_category_does_not_allow() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatRoom Help -Members sip:ken@example.com -Managers 'CN=A,OU=IT,DC=example,DC=com'")
        .code(0);
    line(&desk, "New-CsPersistentChatCategory -Name HR").code(0);
    line(&desk, "Set-CsPersistentChatCategory HR -AllowedMembers sip:ken@example.com").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Category HR")
        .code(0)
        .says("Managers of room pool.example.com\\Help: 1 dropped");
    let room = one(&desk, "Get-CsPersistentChatRoom Help");
    assert_eq!((&room["Category"], &room["Managers"]), (&"HR".into(), &Value::Null));
    assert_eq!(room["Members"], serde_json::json!(["sip:ken@example.com"]));
    line(&desk, "Set-CsPersistentChatRoom Help -Category other.example.com\\HR").code(15).says("cannot leave pool");
}

#[test]
fn i9_an_open_room_has_no_members_of_its_own() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatRoom Help -Privacy Open -Members sip:ken@example.com")
        .code(15)
        .says("has privacy Open");
    line(&desk, "Set-CsPersistentChatRoom Help -Members sip:ken@example.com").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Privacy Open").code(15);
    line(&desk, "Set-CsPersistentChatRoom Help -Privacy Open -Members $Null").code(0);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom -Member sip:ken@example.com"), ["Help"]);
    assert!(names(&desk, "Get-CsPersistentChatRoom -Member sip:eve@example.com").is_empty());
}

#[test]
fn rooms_are_found_by_what_they_are() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatRoom -Name 'IT chat' -Category IT -Privacy Secret -Type Auditorium -Disabled $True -Description 'for Help and more'").code(0);
    for (chosen, found) in [
        ("-Category IT", 2),
        ("-Privacy secret", 1),
        ("-Type Aud", 1),
        ("-Disabled $False", 1),
        ("-Invitations Inherit", 2),
        ("-Filter {Name -like \"IT*\"}", 1),
        ("-Filter {Name -like \"IT\"}", 0),
        ("-Filter help", 1),
        ("-Filter help -SearchDescription", 2),
        ("-Filter {Name -like \"*help*\"} -SearchDescription", 2),
        ("-ResultSize 1", 1),
        ("-ResultSize 0", 0),
        ("-ChatContentExceedsMB 1", 0),
        ("-Identity 'pool.example.com\\IT chat'", 1),
    ] {
        assert_eq!(names(&desk, &format!("Get-CsPersistentChatRoom {chosen}")).len(), found, "{chosen}");
    }
    line(&desk, "Get-CsPersistentChatRoom -PersistentChatPoolFqdn other").code(10).says("no pool \"other\"");
    line(&desk, "Get-CsPersistentChatRoom -Filter {Nam -like 'x'}").code(2).says("unknown property Nam");
    line(&desk, "Get-CsPersistentChatRoom Help -Category IT").code(2);
}

#[test]
fn what_is_piped_is_what_is_changed() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatRoom -Name B -Category IT -Privacy Secret").code(0);
    line(
        &desk,
        "Get-CsPersistentChatRoom | Where-Object {$_.Privacy -eq 'Secret'} | Set-CsPersistentChatRoom -Disabled $True",
    )
    .code(0);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom -Disabled $True"), ["B"]);
    // Through a shell: objects, or identities, one a line.
    let objects = desk.run("room get --store @s.db --output jsonl").code(0).out;
    desk.fed(&["Set-CsPersistentChatRoom", "-Description", "new", "--store", "@s.db"], Some(&objects)).code(0);
    desk.fed(
        &["Set-CsPersistentChatRoom", "-Type", "Auditorium", "--store", "@s.db"],
        Some("pool.example.com\\Help\n"),
    )
    .code(0);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom | Where-Object {$_.Description -eq 'new'}").len(), 2);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom -Type Auditorium"), ["Help"]);
    desk.fed(&["Set-CsPersistentChatRoom", "-Description", "x", "--store", "@s.db"], None)
        .code(2)
        .says("no -Identity given");
    // Nothing comes in: that is how a forgotten identity looks in a scheduled task. A pipe may give nothing.
    desk.fed(&["Remove-CsPersistentChatRoom", "-Confirm:$False", "--store", "@s.db"], Some("")).code(2);
    line(&desk, "Get-CsPersistentChatRoom -Filter nowhere | Remove-CsPersistentChatRoom -Confirm:$False").code(0);
    assert_eq!(names(&desk, "Get-CsPersistentChatRoom").len(), 2);
    line(&desk, "$rooms = Get-CsPersistentChatRoom; $rooms | Remove-CsPersistentChatRoom -Confirm:$False").code(0);
    assert!(names(&desk, "Get-CsPersistentChatRoom").is_empty());
}

#[test]
fn a_change_is_recorded_with_what_was_there_before() {
    let desk = desk();
    let before = desk.audit("s.db").len();
    line(&desk, "Set-CsPersistentChatRoom Help -Description one -Disabled $True").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Description one")
        .code(0)
        .says("nothing changed: no other value was given");
    line(&desk, "Set-CsPersistentChatRoom Help -Description two -WhatIf").code(0);
    let records = desk.audit("s.db");
    assert_eq!(records.len(), before + 1, "what changes nothing is not recorded");
    assert_eq!(records[before]["action"], "room set");
    assert_eq!(records[before]["details"]["Disabled"], "false -> true");
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["UpdatedBy"], "tester@desk");
}

#[test]
fn a_category_that_gets_another_name_takes_its_rooms_along() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatCategory IT -Name Support").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Category"], "Support");
    assert_eq!(names(&desk, "Get-CsPersistentChatCategory"), ["Support"]);
    // A hold that names it would lose its rooms.
    desk.run("case new Matter --store @s.db").code(0);
    desk.run("hold new H --case Matter --category Support --reason test --yes-empty --store @s.db").code(0);
    line(&desk, "Set-CsPersistentChatCategory Support -Name Other").code(14);
    line(&desk, "New-CsPersistentChatCategory -Name Elsewhere").code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Category Elsewhere").code(14);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Category"], "Support");
}
