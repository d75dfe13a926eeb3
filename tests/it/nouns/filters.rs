//! Filters that name what there is not: an unknown value of a closed list shows the list, an unknown object is not
//! found. That something there matches nothing is another answer.

use crate::harness::Desk;
use crate::house::{files, read, root};
use crate::script::shell;
use pchat::store::ACTIONS;

fn desk() -> Desk {
    let desk = Desk::new();
    for line in [
        "store new --store @s.db",
        "category new --name IT --pool pool.example.com --store @s.db",
        "room new --name Help --category IT --store @s.db",
        "addin new --name Quotes --url https://example.com/q --pool other.example.com --store @s.db",
        "case new M --store @s.db",
    ] {
        desk.run(line).code(0);
    }
    desk
}

#[test]
fn a_filter_that_names_nothing_is_an_error() {
    let desk = desk();
    for (line, code, says) in [
        // Closed lists.
        ("audit get --action nonsense", 2, "the actions are accept older, addin new"),
        ("audit get --action romo", 2, "did you mean \"room\"?"),
        ("audit get --action 'case burned down'", 2, "the actions are case close, case new"),
        ("audit get --action Room", 0, ""),
        ("audit get --action purge", 4, "no record matches"),
        ("principal get --type Usr", 2, "must be User, Group, Contact, Folder, DC or SystemUser, not \"Usr\""),
        ("principal get --type dc", 4, "no principal matches"),
        ("room get --privacy Hidden", 2, "must be Open, Closed or Secret"),
        ("room get --type Hall", 2, "must be Normal or Auditorium"),
        ("room get --invitations Yes", 2, "must be Inherit or False"),
        ("room get --filter '{Nmae -eq 1}'", 2, "unknown property Nmae"),
        ("room get --where '{Nmae -eq 1}'", 2, "did you mean Name?"),
        ("audit get --where '{Whom -eq 1}'", 2, "they have Number"),
        ("store info --by day", 2, "must be room"),
        // Objects of the store.
        ("room get --pool pol.example.com", 10, "did you mean \"pool.example.com\"?"),
        ("room get --pool pool", 10, "did you mean \"pool.example.com\"?"),
        ("category get --pool nowhere.example.net", 10, "no pool \"nowhere.example.net\""),
        ("addin get --pool elsewhere", 10, "pchat state get lists all of them"),
        ("endpoint get --pool nowhere.example.net", 10, "no pool"),
        ("state get nowhere.example.net", 10, "no pool \"nowhere.example.net\""),
        ("endpoint get nobody", 10, "no endpoint \"nobody\""),
        ("endpoint get --ou OU=None,DC=x", 10, "no endpoint is below \"OU=None,DC=x\""),
        ("endpoint get --ou here", 2, "is not a DN"),
        ("principal get nobody", 10, "no principal \"nobody\""),
        ("principal get --ou OU=None,DC=x", 10, "no principal is below \"OU=None,DC=x\""),
        ("room get --addin Prices", 10, "no add-in \"Prices\""),
        ("room get --addin pool.example.com\\Quotes", 10, "did you mean \"other.example.com\\Quotes\"?"),
        ("room get --category HR", 10, "no category \"HR\""),
        ("room get --manager nobody@example.com", 10, "knows anybody as \"nobody@example.com\""),
        ("room get --member nobody@example.com", 10, "knows anybody as \"nobody@example.com\""),
        ("hold get None", 10, "no hold \"None\""),
        ("case get None", 10, "no case \"None\""),
        ("case tag get --case M --tag none", 10, "has no tag \"none\""),
        ("certificate get 7", 10, "no purge 7"),
        ("approval get 7", 10, "no approval request 7"),
        ("Get-CsPersistentChatRoom -PersistentChatPoolFqdn nowhere.example.net", 10, "no pool"),
        ("Get-CsPersistentChatRoom -Addin Prices", 10, "no add-in"),
        // What is there and matches nothing.
        ("room get --addin Quotes", 4, "no room matches"),
        ("room get --pool other.example.com", 4, "no room matches"),
        ("addin get --pool pool.example.com", 4, "no add-in"),
        ("endpoint get --pool pool.example.com", 4, "no endpoint matches"),
        ("room get --filter '{Name -eq \"x\"}'", 4, "no room matches"),
    ] {
        let words = shell(line);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--store", "@s.db"]);
        let run = desk.args(&words);
        assert!(run.code == code && run.err.contains(says), "{line}: {run:?}");
    }
}

#[test]
fn every_action_of_the_sources_is_listed() {
    assert!(ACTIONS.is_sorted());
    let mut found = 0;
    for file in files("src", ".rs") {
        let text = read(&root().join(&file));
        for (before, after) in [("cx.entry(\"", '"'), ("action: \"", '"'), (".change(\"", '"'), ("actions: [\"", ']')] {
            for piece in text.split(before).skip(1) {
                for action in piece.split(after).next().unwrap().split("\", \"") {
                    found += 1;
                    let action = action.trim_end_matches('"');
                    assert!(ACTIONS.contains(&action), "{action:?} of {file} is not among ACTIONS");
                }
            }
        }
    }
    assert!(found > 40, "{found}");
}
