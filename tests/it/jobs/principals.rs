//! Principals from files and from a real directory.

mod live;
mod mock;

use crate::harness::{Desk, Run};
use base64::Engine;
use serde_json::Value;
use std::collections::BTreeSet;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk
}

fn person(n: usize, more: &str) -> String {
    format!(
        "dn: CN=Person {n},OU=IT,DC=example,DC=com\nobjectClass: top\nobjectClass: user\ncn: Person {n}\nsAMAccountName: p{n}\n\
         userPrincipalName: p{n}@example.com\nmsRTCSIP-PrimaryUserAddress: sip:p{n}@example.com\n{more}\n"
    )
}

fn import(desk: &Desk, file: &str, text: impl AsRef<[u8]>, more: &str) -> Run {
    desk.write(file, text);
    desk.run(&format!("principal import @{file} --store @s.db --output json {more}"))
}

fn counts(run: &Run) -> (u64, u64, u64, u64) {
    let row = &run.json()[0];
    let of = |name: &str| row[name].as_u64().unwrap();
    (of("New"), of("Changed"), of("Unchanged"), of("Deleted"))
}

fn get(desk: &Desk, line: &str) -> Vec<Value> {
    let run = desk.args(&[line, "--store", "@s.db", "--output", "json"]);
    assert!(matches!(run.code, 0 | 4), "{run:?}");
    run.json().as_array().unwrap().clone()
}

#[test]
fn ldif_is_read_merged_and_merged_again() {
    let desk = desk();
    let guid = base64::engine::general_purpose::STANDARD.encode((0..16).collect::<Vec<u8>>());
    let name = base64::engine::general_purpose::STANDARD.encode("Jürgen Groß");
    let text = format!(
        "# a comment\n# that goes on\n over two lines\nversion: 1\n\n{}\ndn: CN=Sales,OU=IT,DC=example,DC=com\nchangetype: add\nobjectClass: group\n\
         objectGUID:: {guid}\nmember: CN=Person 1,OU=IT,\n DC=example,DC=com\n\ndn: CN=PC1,OU=IT,DC=example,DC=com\nobjectClass: computer\n\n{}",
        person(1, &format!("displayName:: {name}\ndepartment: Sales")),
        person(2, "userAccountControl: 514")
    );
    let run = import(&desk, "a.ldif", text.replace('\n', "\r\n"), "").code(0);
    assert_eq!(counts(&run), (3, 0, 0, 0));
    assert_eq!(run.json()[0]["PassedOver"], 1);
    assert_eq!(counts(&import(&desk, "a.ldif", &text, "").code(0)), (0, 0, 3, 0));
    let one = &get(&desk, "Get-CsAdPrincipal p1@example.com")[0];
    assert_eq!((one["DisplayName"].as_str(), one["SamAccountName"].as_str()), (Some("Jürgen Groß"), Some("p1")));
    assert_eq!(one["Groups"], serde_json::json!(["CN=Sales,OU=IT,DC=example,DC=com"]));
    assert_eq!(get(&desk, "Get-CsUser -Filter {Enabled -eq $False}")[0]["SipAddress"], "sip:p2@example.com");
    let group = desk.catalog("s.db");
    let group = group.of("principal").find(|p| p.get("Type").text() == Some("Group")).unwrap();
    assert_eq!(group.get("Uri").text(), Some("ma-grp://03020100-0504-0706-0809-0a0b0c0d0e0f"));
    // A change, and nobody is lost whom the file does not name.
    let run = import(&desk, "b.ldif", person(1, "displayName: Other\ntitle: Head"), "").code(0);
    assert_eq!(counts(&run), (0, 1, 0, 0));
    assert_eq!(get(&desk, "Get-CsUser").len(), 2);
    let records = desk.audit("s.db");
    assert!(records.iter().all(|record| !record.to_string().contains("p1@")), "the log counts, and names nobody");
}

#[test]
fn who_is_gone_is_kept_as_deleted() {
    let desk = desk();
    import(&desk, "a.ldif", format!("{}\n{}", person(1, ""), person(2, "")), "").code(0);
    let more = "--missing-deleted --base DC=example,DC=com";
    assert_eq!(counts(&import(&desk, "b.ldif", person(1, ""), &format!("{more} --what-if")).code(0)), (0, 0, 1, 1));
    assert_eq!(
        counts(&import(&desk, "b.ldif", person(1, ""), "--missing-deleted --base DC=other,DC=com").code(0)).3,
        0
    );
    // So many at once may be a mistake: somebody has to say yes.
    import(&desk, "b.ldif", person(1, ""), more).code(18).says("1 of 2 principals would be marked as deleted");
    assert_eq!(counts(&import(&desk, "b.ldif", person(1, ""), &format!("{more} --yes")).code(0)), (0, 0, 1, 1));
    let gone = get(&desk, "Get-CsUser | Where-Object {$_.Deleted -eq $True}");
    assert_eq!((gone.len(), &gone[0]["SipAddress"]), (1, &"sip:p2@example.com".into()));
    // Who comes back is there again.
    assert_eq!(counts(&import(&desk, "a.ldif", person(2, ""), "").code(0)), (0, 1, 0, 0));
    import(&desk, "b.ldif", person(1, ""), "--missing-deleted").code(2);
    import(&desk, "b.ldif", person(1, ""), "--missing-deleted --base nowhere").code(2);
}

#[test]
fn csv_of_csvde_gives_the_same() {
    let desk = desk();
    let csv = "DN,objectClass,cn,sAMAccountName,msRTCSIP-PrimaryUserAddress,memberOf,objectGUID,description\r\n\
        \"CN=Person 1,OU=IT,DC=example,DC=com\",top;user,Person 1,p1,sip:p1@example.com,\"CN=A,DC=example,DC=com;CN=B,DC=example,DC=com\",X'000102030405060708090a0b0c0d0e0f',one\\;two\r\n\
        \"CN=A,DC=example,DC=com\",top;group,A,A,,,,\r\n";
    for text in [csv.as_bytes().to_vec(), utf16(csv)] {
        let run = import(&desk, "a.csv", text, "").code(0);
        assert_eq!(counts(&run).0 + counts(&run).2, 2);
    }
    let one = &get(&desk, "Get-CsAdPrincipal example\\p1")[0];
    assert_eq!(one["Groups"], serde_json::json!(["CN=A,DC=example,DC=com", "CN=B,DC=example,DC=com"]));
    assert_eq!(one["Attributes"], serde_json::json!(["description=one;two"]));
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn files_that_are_broken_change_nothing_and_the_error_names_the_line() {
    let desk = desk();
    let good = person(1, "");
    for (text, line, what) in [
        ("hello".to_owned(), 1, "neither LDIF nor CSV"),
        (format!("{good}\ndn: CN=x,DC=y\nmail secret@example.com\n"), 11, "colon"),
        (format!("{good}\ncn: x\n"), 10, "must begin with dn:"),
        ("dn: CN=x,DC=y\njpegPhoto:: !!!\n".to_owned(), 2, "base64"),
        ("dn: CN=x,DC=y\nmail:< file:///etc/passwd\n".to_owned(), 2, "another file"),
        ("dn: CN=x,DC=y\nchangetype: delete\n".to_owned(), 2, "not changes"),
        ("DN,cn\n\"CN=x,DC=y\",x\n\"CN=x,DC=y\",x,secret@example.com\n".to_owned(), 3, "more values"),
        ("DN,cn\n,x\n".to_owned(), 2, "no DN"),
    ] {
        let run = import(&desk, "bad", &text, "").code(13).says(what);
        assert!(run.err.contains(&format!("bad:{line}")), "{text}: {}", run.err);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    import(&desk, "bad", [0xFF, 0x00, 0x61], "").code(13);
    let long = format!("dn: CN={},DC=y\nobjectClass: user\n", "x".repeat(400));
    import(&desk, "long", long, "").code(15);
    assert!(get(&desk, "Get-CsAdPrincipal").is_empty());
}

#[test]
fn membership_through_groups_and_units_counts() {
    let desk = desk();
    let group = |name: &str, members: &[&str]| {
        let members: String = members.iter().map(|m| format!("member: CN={m},OU=IT,DC=example,DC=com\n")).collect();
        format!("dn: CN={name},OU=IT,DC=example,DC=com\nobjectClass: group\ncn: {name}\n{members}\n")
    };
    let people: String = (1..=4).map(|n| person(n, "") + "\n").collect();
    // All holds Some, Some holds All: a circle is no trouble.
    let text = format!("{people}{}{}", group("All", &["Some", "Person 1"]), group("Some", &["All", "Person 2"]));
    import(&desk, "a.ldif", text, "").code(0);
    let line = |line: &str| desk.args(&[line, "--store", "@s.db"]);
    line("New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn pool.example.com").code(0);
    line("New-CsPersistentChatRoom -Name Help -Category IT -Type Auditorium").code(0);
    line("Set-CsPersistentChatCategory IT -AllowedMembers 'CN=Some,OU=IT,DC=example,DC=com' -DeniedMembers sip:p2@example.com").code(0);
    let eligible = |more: &str| -> Vec<String> {
        let all = get(&desk, &format!("Get-CsPersistentChatEligiblePrincipal {more}"));
        all.iter().map(|p| p["SipAddress"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(eligible("-Category IT"), ["sip:p1@example.com"]);
    line("Set-CsPersistentChatCategory IT -AllowedMembers @{Add='OU=IT,DC=example,DC=com'}").code(0);
    assert_eq!(eligible("-Room Help -Presenters"), ["sip:p1@example.com", "sip:p3@example.com", "sip:p4@example.com"]);
    assert_eq!(eligible("-Room Help -Filter '*p3*'"), ["sip:p3@example.com"]);
    assert_eq!(eligible("-Room Help -ResultSize 2").len(), 2);
    assert_eq!(eligible("-Category IT -PersistentChatPoolFqdn pool.example.com").len(), 3);
    line("Set-CsPersistentChatRoom Help -Type Normal").code(0);
    line("Get-CsPersistentChatEligiblePrincipal -Room Help -Presenters").code(15);
    line("Get-CsPersistentChatEligiblePrincipal").code(2);
    line("Get-CsPersistentChatEligiblePrincipal -Category IT -Room Help").code(2);
    // People are named as directories name them.
    line("Set-CsPersistentChatRoom Help -AsObject -Members 'Person 1','Person 3'").code(0);
    let room = &get(&desk, "Get-CsPersistentChatRoom Help")[0];
    assert_eq!(room["Members"], serde_json::json!(["sip:p1@example.com", "sip:p3@example.com"]));
    assert_eq!(
        get(&desk, "Get-CsPersistentChatRoom Help -AsObject")[0]["Members"],
        serde_json::json!(["Person 1", "Person 3"])
    );
    line("Set-CsPersistentChatRoom Help -AsObject -Members 'Nobody'").code(10);
    // And get policies by them.
    line("New-CsPersistentChatPolicy P -EnablePersistentChat $True").code(0);
    line("Get-CsUser -LdapFilter '(|(cn=Person 1)(sAMAccountName=p4))' | Grant-CsPersistentChatPolicy -PolicyName P")
        .code(0);
    line("Grant-CsPersistentChatPolicy 'Person *' P").code(0);
    assert_eq!(get(&desk, "Get-CsUser -Filter {PersistentChatPolicy -eq 'P'} -OU 'OU=IT,DC=example,DC=com'").len(), 4);
    desk.run("message join Help --user sip:p3@example.com --store @s.db").code(0);
    desk.run("message join Help --user sip:p4@example.com --store @s.db").code(16);
}

#[test]
fn nobody_is_called_gone_by_mistake() {
    let desk = desk();
    let all = |count: usize| (0..count).map(|n| person(n, "") + "\n").collect::<String>();
    import(&desk, "a.ldif", all(20), "").code(0);
    let gone = "--missing-deleted --base DC=example,DC=com";
    // A tenth goes without a question, more does not; nothing below the base is a question whatever it is.
    assert_eq!(counts(&import(&desk, "b.ldif", all(18), gone).code(0)).3, 2);
    import(&desk, "b.ldif", all(16), gone).code(18);
    import(&desk, "c.ldif", person(99, "").replace("DC=example", "DC=other"), gone).code(18).says("spelled right");
    // What lies elsewhere is not known, so nobody is gone.
    let refers = format!("{}\n# search reference\nref: ldap://other.example.com/DC=example,DC=com\n", all(3));
    let run = import(&desk, "d.ldif", refers, gone).code(0);
    assert_eq!(counts(&run).3, 0);
    assert!(run.err.contains("gave 1 reference to other directories"), "{}", run.out);
}

#[test]
fn groups_and_members_give_one_answer_in_any_order() {
    let group =
        |members: &str| format!("dn: CN=G,DC=example,DC=com\nobjectClass: group\ncn: G\nobjectGUID: g\n{members}\n");
    let one = "member: CN=Person 1,OU=IT,DC=example,DC=com\n";
    let g = serde_json::json!(["CN=G,DC=example,DC=com"]);
    let both = serde_json::json!(["CN=G,DC=example,DC=com", "CN=H,DC=example,DC=com"]);
    let groups = |desk: &Desk| get(desk, "Get-CsAdPrincipal p1@example.com")[0]["Groups"].clone();
    let with = person(1, "memberOf: CN=H,DC=example,DC=com");
    for order in [[group(one), with.clone()], [with.clone(), group(one)]] {
        let desk = desk();
        for file in order {
            import(&desk, "a.ldif", file, "").code(0);
        }
        assert_eq!(groups(&desk), both);
        // What a group lost, and what a member no longer names, is lost.
        import(&desk, "a.ldif", person(1, ""), "").code(0);
        assert_eq!(groups(&desk), g);
        import(&desk, "a.ldif", group(""), "").code(0);
        assert_eq!(groups(&desk), Value::Null);
    }
}

#[test]
fn output_of_ldapsearch_is_read_whole_or_not_at_all() {
    let desk = desk();
    let head = "# extended LDIF\n#\n# LDAPv3\n# base <dc=example> with scope subtree\n#\n\n";
    let tail = |result: &str| {
        format!("\n# search result\nsearch: 2\nresult: {result}\n\n# numResponses: 2\n# numEntries: 1\n")
    };
    for version in ["", "version: 1\n\n"] {
        let text = format!("{version}{head}# Person 1\n{}{}", person(1, ""), tail("0 Success"));
        let run = import(&desk, "a.ldif", text, "").code(0);
        assert_eq!(counts(&run).0 + counts(&run).2, 1);
    }
    import(&desk, "a.ldif", format!("{head}{}{}", person(1, ""), tail("4 Size limit exceeded")), "")
        .code(13)
        .says("a.ldif:18:")
        .says("entries are missing");
    let part = |parts: &str| format!("dn: CN=G,DC=example,DC=com\nobjectClass: group\n{parts}");
    import(&desk, "a.ldif", part("member;range=0-1: CN=a,DC=x\nmember;range=0-1: CN=b,DC=x\n"), "")
        .code(13)
        .says("a.ldif:1:")
        .says("first 2 values of member")
        .says("CN=G,DC=example,DC=com");
    import(&desk, "a.ldif", part("member;range=0-0: CN=a,DC=x\nmember;range=1-*: CN=b,DC=x\n"), "").code(0);
    let lang = person(2, "displayName;lang-ja: Other\ndisplayName: Plain\ntitle;binary: T");
    import(&desk, "a.ldif", lang, "").code(0);
    assert_eq!(get(&desk, "Get-CsAdPrincipal p2@example.com")[0]["DisplayName"], "Plain");
}

#[test]
fn what_is_cut_or_odd_is_refused_by_place() {
    let desk = desk();
    let row = "\"CN=x,DC=y\",user,x\r\n";
    let wide = utf16("dn: CN=x,DC=y\nobjectClass: user\n");
    let two = format!("{}\n{}", person(1, ""), person(1, "").replace("CN=Person 1", "CN=Twin"));
    let ansi = [b"DN,objectClass,cn\r\n".as_slice(), row.as_bytes(), b"\"CN=M\xFCller,DC=y\",user,x\r\n"].concat();
    let cases: Vec<(Vec<u8>, usize, &str)> = vec![
        (format!("DN,objectClass,cn\r\n{row}\"CN=z,DC=y\",user,\"x").into_bytes(), 3, "inside quotes"),
        (format!("DN,objectClass,cn\r\n{row}\"CN=z,DC=y\",us\r\n").into_bytes(), 3, "fewer values"),
        (
            "DN,objectClass,cn,member;range=0-1\r\n\"CN=z,DC=y\",group,x,\"CN=a,DC=b\"\r\n".as_bytes().to_vec(),
            2,
            "first 2 values",
        ),
        (ansi, 3, "csvde -u -f FILE"),
        (
            b"#TYPE System.Object\r\n\"DistinguishedName\",\"Name\"\r\n\"CN=x\",\"x\"\r\n".to_vec(),
            2,
            "csvde -u -f FILE",
        ),
        (b"\"DistinguishedName\",\"Name\"\r\n\"CN=x\",\"x\"\r\n".to_vec(), 1, "csvde -u -f FILE"),
        (b"#TYPE x\r\nDN,objectClass\r\n\"CN=x,DC=y\",System.String[]\r\n".to_vec(), 3, "name of its type"),
        (b"dn: CN=x,DC=y\robjectClass: user\r".to_vec(), 1, "CR alone"),
        (b"dn: CN=x,DC=y\n\ndn:\nobjectClass: user\n".to_vec(), 3, "no DN"),
        (b"dn: CN=x,DC=y\n\ndn: CN=a\\\nobjectClass: user\n".to_vec(), 3, "is not a DN"),
        (two.into_bytes(), 10, "SIP address of another one"),
        (b"dn: CN=x,DC=y\nobjectClass: user\nmail:: YQpi\n".to_vec(), 3, "control character"),
        (wide[..wide.len() - 1].to_vec(), 2, "middle of a UTF-16 character"),
    ];
    for (bytes, line, what) in cases {
        let run = import(&desk, "odd.txt", bytes, "").code(13).says(what);
        assert!(
            run.err.contains(&format!("odd.txt:{line}: ")) || run.err.contains(&format!("odd.txt:{line}:")),
            "{line}: {}",
            run.err
        );
        assert!(get(&desk, "Get-CsAdPrincipal").is_empty());
    }
    import(&desk, "a.csv", format!("#TYPE x\r\nDN,objectClass,cn\r\n{row}"), "").code(0);
    let long = format!("dn: CN=x,DC=y\nobjectClass: user\njpegPhoto:: A\n {}\n {0}\n", "A".repeat(9 << 20));
    let run = import(&desk, "long.ldif", long, "").code(13).says("long.ldif:3:").says("ldifde -o");
    assert!(!run.err.contains("max-page"));
}

#[test]
fn very_many_are_shown_page_by_page_and_none_twice() {
    let desk = desk();
    let people: String = (0..1_300).map(|n| person(n, &format!("displayName: Person {n}\n"))).collect();
    import(&desk, "many.ldif", people, "").code(0);
    let lines = |form: &str| desk.run(&format!("principal get --store @s.db --output {form}")).code(0).out;
    let all = get(&desk, "Get-CsAdPrincipal");
    let addresses: BTreeSet<&str> = all.iter().map(|one| one["SipAddress"].as_str().unwrap()).collect();
    assert_eq!((all.len(), addresses.len()), (1_300, 1_300));
    assert_eq!(lines("jsonl").lines().count(), 1_300);
    assert_eq!(lines("csv").lines().count(), 1_301);
    let some = |line: &str| desk.run(&format!("principal get {line} --store @s.db --output jsonl")).code(0).out;
    assert_eq!(some("--limit 1100").lines().count(), 1_100);
    assert_eq!(
        desk.args(&["principal", "get", "Person 12*", "--store", "@s.db", "--output", "jsonl"]).out.lines().count(),
        111
    );
    desk.args(&["principal", "get", "Person 12*", "Nobody*", "--store", "@s.db"]).code(10);
    desk.args(&["principal", "get", "*", "--filter", "Enabled -eq $False", "--store", "@s.db"]).code(4);
    // Those who may hold a role are held against lists a part at a time, and come in order of their addresses.
    desk.args(&["New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn pool.example.com", "--store", "@s.db"])
        .code(0);
    desk.args(&["Set-CsPersistentChatCategory IT -AllowedMembers 'OU=IT,DC=example,DC=com'", "--store", "@s.db"])
        .code(0);
    let eligible = get(&desk, "Get-CsPersistentChatEligiblePrincipal -Category IT");
    let found: Vec<&str> = eligible.iter().map(|one| one["SipAddress"].as_str().unwrap()).collect();
    assert_eq!(found, addresses.iter().copied().collect::<Vec<_>>());
    let limited = get(&desk, "Get-CsPersistentChatEligiblePrincipal -Category IT -ResultSize 1100");
    assert_eq!(limited, eligible[..1_100]);
}
