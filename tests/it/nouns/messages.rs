//! What people do in rooms, and what the rules say to it.

use crate::harness::{Desk, Run};

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.run("message test --setup --user1 sip:ken@example.com --user2 sip:pilar@example.com --target pool.example.com --room Talk --store @s.db").code(0);
    desk
}

fn post(desk: &Desk, who: &str, text: &str) -> Run {
    desk.args(&["message", "post", "Talk", "--user", who, "--text", text, "--store", "@s.db"])
}

#[test]
fn messages_are_numbered_and_found() {
    let desk = desk();
    desk.run("message join Talk --user ken@example.com --store @s.db").code(0);
    post(&desk, "ken@example.com", "the first\nof all").code(0);
    post(&desk, "SIP:Pilar@example.com", "the second").code(0);
    let text = desk.write("text", "the third\n");
    desk.args(&[
        "message",
        "post",
        "Talk",
        "--user",
        "ken@example.com",
        "--text-file",
        text.to_str().unwrap(),
        "--alert",
        "--store",
        "@s.db",
    ])
    .code(0);
    desk.run("message part Talk --user ken@example.com --store @s.db").code(0);
    let events = desk.history("s.db");
    let of = |kind: &str| events.iter().filter(|event| event["kind"].as_str().unwrap_or("message") == kind).count();
    assert_eq!((events.len(), of("join"), of("part")), (5, 1, 1), "{events:?}");
    let texts: Vec<&str> =
        events.iter().filter_map(|event| event["text"].as_str()).filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, ["the first\nof all", "the second", "the third"]);
    desk.run("message history Talk 3 --store @s.db").code(0);
    // A number that was given is never given again, even when its message is gone.
    desk.run("purge --room Talk --filter third --yes --store @s.db").code(0);
    let run = desk.args(&[
        "message",
        "post",
        "Talk",
        "--user",
        "ken@example.com",
        "--text",
        "x",
        "--store",
        "@s.db",
        "--output",
        "json",
    ]);
    assert_eq!(run.code(0).json()[0]["Number"], 4);
    assert!(!desk.audit("s.db").iter().any(|record| record.to_string().contains("the second")));
    desk.run("store check --store @s.db").code(0);
}

#[test]
fn i10_a_disabled_room_is_not_entered() {
    let desk = desk();
    post(&desk, "ken@example.com", "before").code(0);
    desk.run("room set Talk --disabled true --store @s.db").code(0);
    post(&desk, "ken@example.com", "x").code(15).says("disabled");
    desk.run("message join Talk --user ken@example.com --store @s.db").code(15);
    // Its content and members stay.
    assert_eq!(desk.history("s.db").len(), 1);
    desk.run("room set Talk --disabled false --store @s.db").code(0);
    post(&desk, "ken@example.com", "x").code(0);
}

#[test]
fn i16_and_i19_without_a_policy_nobody_has_access() {
    let desk = desk();
    desk.run("category set Talk --allowed-members +sip:new@example.com --store @s.db").code(0);
    post(&desk, "new@example.com", "x").code(16).says("policy");
    post(&desk, "eve@example.com", "x").code(16);
}

#[test]
fn who_is_no_member_does_not_post_and_in_an_auditorium_only_presenters_do() {
    let desk = desk();
    desk.run("room set Talk --members sip:ken@example.com --store @s.db").code(0);
    post(&desk, "pilar@example.com", "x").code(16).says("not a member");
    desk.run("room set Talk --members +sip:pilar@example.com --type Auditorium --presenters sip:pilar@example.com --store @s.db").code(0);
    post(&desk, "ken@example.com", "x").code(16).says("presenter");
    post(&desk, "pilar@example.com", "x").code(0);
    desk.run("message join Talk --user ken@example.com --store @s.db").code(0);
    desk.run("category set Talk --denied-members +sip:pilar@example.com --store @s.db").code(0);
    post(&desk, "pilar@example.com", "x").code(16);
}

#[test]
fn room_and_category_settle_together_who_is_a_member() {
    let desk = desk();
    let room = || desk.catalog("s.db").of("room").next().unwrap().clone();
    let put = |records: &[pchat::model::record::Record]| {
        crate::harness::put(&mut pchat::store::sqlite::Sqlite::open(&desk.path("s.db")).unwrap(), records).unwrap();
    };
    let list = |text: &str| vec![text.to_owned()];
    // Managers are members.
    desk.run("room set Talk --members sip:pilar@example.com --managers sip:ken@example.com --store @s.db").code(0);
    post(&desk, "ken@example.com", "x").code(0);
    // Whom the category does not allow is none, whatever list an import has brought.
    let narrow = room().with("Members", list("sip:eve@example.com")).with("Managers", Vec::new());
    put(std::slice::from_ref(&narrow));
    desk.run("policy set global --enable true --store @s.db").code(0);
    post(&desk, "eve@example.com", "x").code(16).says("not a member");
    post(&desk, "ken@example.com", "x").code(16).says("not a member");
    // In an Open room the list says nothing.
    put(&[narrow.with("Privacy", "Open")]);
    post(&desk, "ken@example.com", "x").code(0);
    post(&desk, "eve@example.com", "x").code(16);
    // A category of another pool is another one, whatever it is called.
    let category = desk.catalog("s.db").of("category").next().unwrap().clone();
    put(&[category.with("Pool", "another.example.com").with("AllowedMembers", Vec::new()).with("ChatHistory", false)]);
    post(&desk, "ken@example.com", "kept").code(0);
    assert!(desk.history("s.db").iter().any(|event| event["text"] == "kept"));
}

#[test]
fn a_file_of_20_000_kb_is_the_largest_and_only_presenters_put_files_into_an_auditorium() {
    let desk = desk();
    desk.run("category set Talk --file-upload true --store @s.db").code(0);
    let upload = |size: u64| {
        std::fs::File::create(desk.path("f")).unwrap().set_len(size).unwrap();
        let file = desk.path("f").display().to_string();
        desk.args(&["message", "upload", "Talk", "--user", "ken@example.com", "--file", &file, "--store", "@s.db"])
    };
    upload(20_000 * 1024 + 1).code(15);
    upload(20_000 * 1024).code(0);
    desk.run("room set Talk --type Auditorium --presenters sip:pilar@example.com --store @s.db").code(0);
    upload(1).code(16).says("not among Presenters");
}

#[test]
fn files_go_into_rooms_whose_category_allows_them() {
    let desk = desk();
    let file = desk.write("plan.txt", "the plan");
    let file = file.to_str().unwrap();
    let upload =
        || desk.args(&["message", "upload", "Talk", "--user", "ken@example.com", "--file", file, "--store", "@s.db"]);
    upload().code(15).says("no files");
    desk.run("category set Talk --file-upload true --store @s.db").code(0);
    upload().code(0);
    desk.run("export --store @s.db --out @all --format jsonl").code(0);
    let text = String::from_utf8(desk.read("all")).unwrap();
    assert!(text.contains("plan.txt"), "{text}");
    desk.run("store check --read-data --store @s.db").code(0);
    desk.args(&["message", "upload", "Talk", "--user", "ken@example.com", "--file", "@none", "--store", "@s.db"])
        .code(10);
}

#[test]
fn without_history_nothing_is_kept() {
    let desk = desk();
    desk.run("category set Talk --chat-history false --store @s.db").code(0);
    post(&desk, "ken@example.com", "gone at once").code(0).says("nothing was kept");
    assert!(desk.history("s.db").is_empty());
    assert!(!desk.read("s.db").windows(12).any(|bytes| bytes == b"gone at once"));
}

#[test]
fn what_a_hold_would_protect_is_kept_or_refused() {
    let held = |desk: &Desk, which: &str, more: &str| {
        desk.run("case new M --store @s.db").code(0);
        desk.run(&format!("hold new H --case M --reason r --store @s.db --yes-empty {which} {more}"))
    };
    let off = |desk: &Desk| desk.run("category set Talk --chat-history false --store @s.db");
    for which in
        ["--room Talk", "--room T*", "--category Talk", "--user ken@example.com", "--filter gone", "--everything"]
    {
        // History that is kept stays kept, in every spelling.
        let kept = desk();
        held(&kept, which, "").code(0);
        off(&kept).code(14).says("hold \"H\" forbids it").says("Talk would no longer be kept");
        let cmdlet = ["Set-CsPersistentChatCategory Talk -EnableChatHistory $False", "--store", "@s.db"];
        assert!(kept.args(&cmdlet).code != 0, "{which}");
        post(&kept, "ken@example.com", "gone at once").code(0);
        assert_eq!(kept.history("s.db").len(), 1);
        kept.run("hold release H --reason over --yes --store @s.db").code(0);
        off(&kept).code(0);
        // Where it was not kept before, the hold says so, and nothing it protects is thrown away.
        let dropped = desk();
        off(&dropped).code(0);
        held(&dropped, which, "").code(0).says("no new history is kept");
        post(&dropped, "ken@example.com", "gone at once").code(14).says("hold \"H\"").says("--chat-history true");
        dropped.run("category set Talk --chat-history true --store @s.db").code(0);
        post(&dropped, "ken@example.com", "gone at once").code(0);
        assert_eq!(dropped.history("s.db").len(), 1);
    }
    // A hold on the past, on others or on other words stops nobody.
    for which in ["--to 2001-01-01", "--user pilar@example.com", "--filter other"] {
        let desk = desk();
        off(&desk).code(0);
        held(&desk, which, "").code(0);
        post(&desk, "ken@example.com", "gone at once").code(0).says("nothing was kept");
    }
    let past = desk();
    held(&past, "--to 2001-01-01", "").code(0);
    off(&past).code(0);
}

#[test]
fn a_test_runs_the_real_path_and_leaves_only_its_record() {
    let desk = desk();
    let test = |line: &str| desk.args(&[line, "--store", "@s.db", "--output", "json"]);
    let both = "-SenderSipAddress sip:ken@example.com -ReceiverSipAddress sip:pilar@example.com";
    let before = desk.audit("s.db").len();
    let run = test(&format!("Test-CsPersistentChatMessage -TargetFqdn pool.example.com {both}")).code(0);
    assert_eq!(run.json()[0]["Result"], "Success");
    assert_eq!(run.json()[0]["Room"], "pool.example.com\\Talk");
    let records = desk.audit("s.db");
    assert_eq!((records.len(), records[before]["action"].as_str()), (before + 1, Some("message test")));
    assert!(desk.history("s.db").is_empty(), "nothing is left");
    // Each rule a post obeys fails the test, and the test says why.
    for (set, undo, why, code) in [
        ("room set Talk --disabled true", "room set Talk --disabled false", "disabled", 15),
        ("room set Talk --members sip:ken@example.com", "room set Talk --members=", "member", 16),
        (
            "room set Talk --type Auditorium --presenters sip:ken@example.com",
            "room set Talk --presenters= --type Normal",
            "Presenters",
            16,
        ),
    ] {
        desk.run(&format!("{set} --store @s.db")).code(0);
        let run = test(&format!("Test-CsPersistentChatMessage pool.example.com {both} -ChatRoomUri Talk")).code(code);
        assert_eq!(run.json()[0]["Result"], "Failure");
        assert!(run.json()[0]["ErrorMessage"].as_str().unwrap().contains(why), "{run:?}");
        desk.run(&format!("{undo} --store @s.db")).code(0);
    }
    test(&format!("Test-CsPersistentChatMessage x {both} -ChatRoomUri Nowhere")).code(10);
    test("Test-CsPersistentChatMessage x -Setup $True").code(2).says("two users");
    desk.run("store check --store @s.db").code(0);
}

#[test]
fn a_message_has_a_text_and_an_author() {
    let desk = desk();
    post(&desk, "ken@example.com", "  ").code(2);
    post(&desk, "ken@example.com", &"x".repeat(100_001)).code(15);
    post(&desk, "OU=IT,DC=example,DC=com", "x").code(2);
    desk.run("message post Nowhere --user ken@example.com --text x --store @s.db").code(10);
    desk.run("message post Talk --user ken@example.com --store @s.db").code(2);
}
