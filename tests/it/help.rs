//! Help: pages with examples that work, cmdlets in their own words, completion, and errors for programs.

use crate::harness::Desk;
use clap::Command;
use pchat::cli::command;
use serde_json::Value;

const EXAMPLES: &str = include_str!("../../src/cli/examples.txt");

/// The commands that have no others below them; `search` is one, and has a report as well.
fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
    let inside: Vec<&Command> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
    if !path.is_empty() && (inside.is_empty() || command.get_arguments().any(clap::Arg::is_positional)) {
        found.push(path.to_owned());
    }
    inside.iter().for_each(|sub| leaves(sub, format!("{path} {}", sub.get_name()).trim(), found));
}

/// The words of an example, as a shell splits them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if mark == c => quote = None,
            (None, '"' | '\'') => (quote, open) = (Some(c), true),
            (None, ' ') => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, c) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn examples_of_help_work_in_their_order() {
    let desk = Desk::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    desk.write("history.jsonl", std::fs::read(format!("{sample}/history.jsonl")).unwrap());
    for file in std::fs::read_dir(format!("{sample}/compliance")).unwrap() {
        let file = file.unwrap();
        let name = format!("july/{}", file.file_name().to_str().unwrap());
        if file.file_type().unwrap().is_file() {
            desk.write(&name, std::fs::read(file.path()).unwrap());
        }
    }
    let person = |cn: &str, name: &str| {
        format!(
            "dn: CN={cn},OU=IT,DC=litwareinc,DC=com\nobjectClass: user\ncn: {cn}\nsAMAccountName: {name}\n\
             msRTCSIP-PrimaryUserAddress: sip:{name}@litwareinc.com\n\n"
        )
    };
    desk.write("people.ldif", person("Ken Myer", "ken") + &person("Pilar Ackerman", "pilar"));
    desk.write("terms.txt", "failed OR unmatched\nsettled\n");
    desk.write("report.ps1", "Get-CsPersistentChatRoom | Measure-Object\n");
    let is_file = |word: &str| {
        let named = NAMED.contains(&word);
        named || word.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end))
    };
    const NAMED: [&str; 10] =
        ["july", "pages", "man", "first", "purge1", "volume1", "volume2", "delivered", "again", "since"];
    const FILES: [&str; 10] = ["jsonl", "zip", "html", "txt", "ldif", "db", "tsq", "proof", "json", "ps1"];
    let (mut run, mut forms) = (0, 0);
    for line in EXAMPLES.lines().filter(|line| !line.starts_with('-')) {
        let (code, line) = match line.strip_prefix('=').and_then(|rest| rest.split_once(' ')) {
            Some((code, line)) => (code.parse().unwrap(), line),
            None => (0, line.trim_start_matches("+ ")),
        };
        let mut words: Vec<String> = words(line.strip_prefix("pchat ").unwrap());
        for word in &mut words {
            if word == "KEY" {
                let proof: Value = serde_json::from_slice(&desk.read("first.proof.json")).unwrap();
                *word = find(&proof, "key").unwrap();
            }
        }
        if !words.iter().any(|word| word == "--store") {
            words.extend(["--store".to_owned(), "pchat.db".to_owned()]);
        }
        // Nearly all of them once more in the form for programs would take twice as long, so that is the one.
        let formed =
            line.contains("--output") || ["script", "completion", "manual", "help"].contains(&words[0].as_str());
        if !formed {
            words.extend(["--output".to_owned(), "json".to_owned()]);
        }
        let words: Vec<String> = words.iter().map(|w| if is_file(w) { format!("@{w}") } else { w.clone() }).collect();
        let done = desk.args(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(done.code, code, "{line}\n{}\n{}", done.out.chars().take(500).collect::<String>(), done.err);
        if !formed && !done.out.is_empty() {
            let value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{line}: {error}: {}", done.out));
            shaped(line, &value);
            forms += 1;
        }
        run += 1;
    }
    assert!(run > 150 && forms > 130, "{run} {forms}");
}

/// A list is an array of objects; anything else is one object with facts, lists and remarks. Names are those of
/// properties.
fn shaped(line: &str, value: &Value) {
    let named = |object: &Value| {
        let names = object.as_object().unwrap_or_else(|| panic!("{line}: {object}")).keys();
        for name in names {
            let pascal = name.starts_with(|c: char| c.is_uppercase()) && name.chars().all(char::is_alphanumeric);
            assert!(pascal, "{line}: {name:?} is not the name of a property");
        }
    };
    let list = |items: &Value| items.as_array().unwrap_or_else(|| panic!("{line}: {items}")).iter().for_each(named);
    if value.is_array() {
        return list(value);
    }
    let all = value.as_object().unwrap_or_else(|| panic!("{line}: {value}"));
    assert!(all["notes"].as_array().is_some_and(|notes| notes.iter().all(Value::is_string)), "{line}: {value}");
    // Facts stand under their own names, lists under names that begin small.
    let (facts, lists): (Vec<_>, Vec<_>) =
        all.iter().filter(|(name, _)| *name != "notes").partition(|(name, _)| name.starts_with(char::is_uppercase));
    for (name, value) in &facts {
        assert!(name.chars().all(char::is_alphanumeric) && !value.is_object(), "{line}: {name}: {value}");
    }
    lists.iter().for_each(|(_, table)| list(table));
    assert!(lists.len() != 1 || !facts.is_empty(), "{line}: one list is an array, not an object with one: {value}");
}

/// The value under a key, however deep.
fn find(value: &Value, key: &str) -> Option<String> {
    match value {
        Value::Object(all) => all
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or_else(|| all.values().find_map(|inside| find(inside, key))),
        Value::Array(all) => all.iter().find_map(|inside| find(inside, key)),
        _ => None,
    }
}

#[test]
fn each_page_opens_with_examples_and_its_short_form_fits_a_screen() {
    let desk = Desk::new();
    let mut all = Vec::new();
    leaves(&command(), "", &mut all);
    assert!(all.len() > 70, "{all:?}");
    for path in &all {
        let own =
            |line: &&str| line.trim_start_matches(['-', '=', '0', '3', '4', ' ']).starts_with(&format!("pchat {path}"));
        assert!(EXAMPLES.lines().filter(own).count() >= 2, "{path} has no two examples");
        let words: Vec<&str> = path.split(' ').chain(["-h"]).collect();
        let short = desk.args(&words).code(0).out;
        let lines: Vec<&str> = short.lines().collect();
        assert!(lines.len() <= 40, "{path}: {} lines\n{short}", lines.len());
        assert!(lines[1..4].contains(&"Examples:") && short.contains(&format!("  pchat {path}")), "{short}");
        assert!(short.contains("pchat help options") && !short.contains("--max-ratio"), "{short}");
    }
    let whole = desk.run("export --help").code(0).out;
    assert!(whole.contains("Flush to disk every SIZE") && whole.starts_with("Export history"), "{whole}");
    let options = desk.run("help options").code(0).out;
    assert!(options.contains("--max-ratio") && options.contains("--store"), "{options}");
}

#[test]
fn the_first_page_has_all_commands_in_groups() {
    let desk = Desk::new();
    for words in [&["--help"][..], &["help"], &["-h"], &[]] {
        let run = desk.args(words);
        let text = run.out + &run.err;
        for group in ["History", "Evidence", "People and rooms", "Settings", "Store", "Shell"] {
            assert!(text.contains(group), "{words:?}: {text}");
        }
        for command in command().get_subcommands() {
            assert!(text.split_whitespace().any(|word| word == command.get_name()), "{}", command.get_name());
        }
        let first: Vec<&str> = text.lines().take(3).collect();
        assert!(first.concat().contains("cmdlets work as typed") && text.contains("pchat help cmdlets"), "{text}");
        if words == ["-h"] {
            assert!(text.lines().count() <= 24, "{text}");
        }
    }
}

#[test]
fn cmdlets_are_explained_in_their_own_words() {
    let desk = Desk::new();
    let page = desk.run("help Export-CsPersistentChatData").code(0).out;
    assert!(page.contains("-Level ") && page.contains("|"), "{page}");
    assert!(page.contains("-AsBytes or -FileName is required"), "{page}");
    assert_eq!(page, desk.run("Get-Help Export-CsPersistentChatData").code(0).out);
    assert_eq!(page, desk.args(&["Get-Help Export-CsPersistentChatData"]).code(0).out);
    let all = desk.run("Get-Command *Chat*").code(0).out;
    assert!(all.contains("Get-CsPersistentChatRoom") && !all.contains("Get-CsUser"), "{all}");
    desk.run("Get-Command *Nothing*").code(10).says("no cmdlet matches");
    assert!(desk.run("Get-Help room").code(0).out.contains("pchat room get"));
    for cmdlet in pchat::nouns::cmdlets() {
        let page = desk.args(&["help", cmdlet.name]).code(0).out;
        for parameter in cmdlet.parameters {
            if let pchat::nouns::cmdlet::To::Option(option) = parameter.to {
                assert!(!page.contains(&format!("--{option} ")), "{}: --{option}\n{page}", cmdlet.name);
            }
        }
    }
    desk.run("store new --store @s.db").code(0);
    let wrong = desk.run("Get-CsPersistentChatRoom -RoomType Round --store @s.db");
    assert!(wrong.code == 2 && !wrong.err.contains("--type"), "{wrong:?}");
}

#[test]
fn what_could_come_next_is_known() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    let line = r#"{"pool":"p","room":"r1","room_title":"IT Help","user":"sip:a@x.com","time":"2020-01-01T00:00:00Z","text":"x"}"#;
    desk.write("h.jsonl", format!("{line}\n"));
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("case new M --store @s.db").code(0);
    desk.run("hold new Fixing --case M --room r1 --reason x --store @s.db").code(0);
    let store = format!("--store={}", desk.path("s.db").display());
    let next = |words: &[&str]| {
        let mut all = vec!["__complete", "bash", &store];
        all.extend(words);
        desk.args(&all).code(0).out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(next(&["ver"]), ["verify"]);
    assert_eq!(next(&["room", "ge"]), ["get"]);
    assert_eq!(next(&["room", "get", "I"]), ["IT\\ Help"]);
    assert_eq!(next(&["room", "get", "\"I"]), ["IT Help"]);
    assert_eq!(next(&["search", "x", "--room", ""]), ["IT\\ Help"]);
    assert_eq!(next(&["hold", "release", "F"]), ["Fixing"]);
    assert_eq!(next(&["export", "--level", "A"]), ["All"]);
    assert!(next(&["export", "--res"]).contains(&"--resume-every".to_owned()));
    assert_eq!(next(&["Get-CsPersistentChatRo"]), ["Get-CsPersistentChatRoom"]);
    assert_eq!(next(&["Get-CsPersistentChatRoom", "-Identity", "it"]), ["IT\\ Help"]);
    assert!(next(&["Get-CsPersistentChatRoom", "-Dis"]).contains(&"-Disabled".to_owned()));
    assert_eq!(next(&["Set-CsPersistentChatRoom", "x", "-Disabled", ""]), ["\\$True", "\\$False"]);
    // Options of all commands, with their values, may stand before the command.
    assert_eq!(next(&["--output", "json", "room", "ge"]), ["get"]);
    assert_eq!(next(&["--output", "js"]), ["json", "jsonl"]);
    assert!(next(&["--key", ""]).is_empty() && next(&["nothing", ""]).is_empty());
    // bash hands over words that end at these signs.
    assert_eq!(next(&["room", "get", "--output", "=", "cs"]), ["csv"]);
    assert_eq!(next(&["room", "get", "--output", "="]).len(), 5);
    assert_eq!(next(&["export", "--format", "rsmf,h"]), ["rsmf,html"]);
    assert_eq!(next(&["search", "x", "--timezone", "Europe/Berl"]), ["Europe/Berlin"]);
    assert_eq!(next(&["compliance", "set", "--adapter-type", "a"]), ["Actiance"]);
    assert_eq!(next(&["state", "set", "PersistentChatServer", ":", ""]), ["p"]);
    assert_eq!(next(&["configuration", "get", ""]), ["global"]);
    assert_eq!(next(&["completion", "z"]), ["zsh"]);
    assert_eq!(next(&["case", "search", "get", "--c"]), ["--case"]);
    assert_eq!(next(&["help", "room", "se"]), ["set"]);
    assert_eq!(next(&["help", "opt"]), ["options"]);
    assert_eq!(next(&["Get-Help", "Get-CsPersistentChatRo"]), ["Get-CsPersistentChatRoom"]);
    // Other shells hand over the whole word.
    for shell in ["zsh", "fish", "powershell"] {
        let word = |word: &str| desk.args(&["__complete", shell, "room", "get", word]).code(0).out;
        assert_eq!(word("--output=cs"), "--output=csv\n", "{shell}");
    }
    // Where does not exist there is nothing to complete, and no error.
    assert!(desk.args(&["__complete", "bash", "--store=/nowhere/x.db", "room", "get", ""]).code(0).out.is_empty());
}

#[test]
fn programs_get_facts_by_name_and_errors_as_objects() {
    let desk = Desk::new();
    let none = desk.run("room get --store @s.db --output json");
    let error: Value = serde_json::from_str(&none.err).unwrap();
    assert_eq!(error["Error"]["ExitCode"], none.code);
    assert!(error["Error"]["Message"].as_str().is_some_and(|text| text.contains("s.db")), "{error}");
    assert!(error["Error"]["Hint"].is_string(), "{error}");
    for words in [&["room", "gte", "--output=json"][..], &["Get-CsPersistentChatRom", "--output", "json"]] {
        let usage: Value = serde_json::from_str(&desk.args(words).code(2).err).unwrap();
        assert_eq!(usage["Error"]["Kind"], "Usage", "{usage}");
    }
    desk.run("store new --store @s.db").code(0);
    let info = desk.run("store info --store @s.db --output json").json();
    assert!(info["StoreIdentity"].is_string() && info["Size"].is_u64() && info["rooms"].is_array(), "{info}");
    let facts = desk.run("verify --store @s.db --output json").json();
    assert!(facts["Verdict"].is_string() && facts["notes"].is_array() && facts["facts"].is_null(), "{facts}");
    // Facts never lie under the name of a table, and a text is one value.
    let told = desk.run("search x --explain --store @s.db --output json").code(0).json();
    assert!(told["ReadAs"] == "x" && told["people"].is_array() && told["explanation"].is_null(), "{told}");
    for form in ["json", "jsonl"] {
        let note = desk.run(&format!("audit checkpoint --store @s.db --output {form}")).code(0).json();
        let text = note["Checkpoint"].as_str().unwrap();
        assert!(text.starts_with("pchat/") && text.lines().count() == 5 && text.ends_with("=\n"), "{note}");
    }
}

#[test]
fn the_version_is_told_at_the_top_alone() {
    let desk = Desk::new();
    assert!(desk.run("--version").code(0).out.starts_with("pchat ") && desk.run("-V").code(0).out.len() > 6);
    assert!(desk.run("help").code(0).out.contains("pchat --version"));
    let mut all = Vec::new();
    leaves(&command(), "", &mut all);
    for path in all {
        let page = desk.run(&format!("{path} --help")).code(0).out;
        assert!(!page.contains("--version") && !page.contains("-V"), "{path}: {page}");
    }
}

#[test]
fn what_other_programs_call_so_is_named() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    for (line, told) in [
        ("init", "pchat store new"),
        ("backup", "pchat export"),
        ("restore latest", "pchat import"),
        ("snapshots", "pchat audit get"),
        ("forget --keep-last 3", "pchat purge"),
        ("version", "pchat --version"),
        ("store info --version", "pchat --version"),
        ("store info -r x.db", "it is called --store here"),
        ("store info --json", "it is called --output json here"),
        ("export --store @s.db -o x.zip", "it is called --out here"),
        ("export --store @s.db x.zip", "pchat export --out x.zip"),
        ("search x --since 2014-01-01", "it is called --from here"),
    ] {
        desk.run(line).code(2).says(told);
    }
    // Values are refused in one manner, whatever the parser says of them.
    let wrong = |line: &str, told: &str| drop(desk.run(line).code(2).says(told));
    wrong("export --store @s.db --out @x --volume-size 10XB", "--volume-size must be a size as 500KB, 64MiB or 2GiB");
    wrong("search x --store @s.db --limit 0", "--limit must be 1 or more");
    let cmdlet = desk.run("Set-CsPersistentChatConfiguration -DefaultChatHistory 501 --store @s.db").code(2);
    assert!(cmdlet.err.contains("pchat help Set-CsPersistentChatConfiguration"), "{}", cmdlet.err);
}

#[test]
fn names_of_files_say_what_is_in_them() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    for end in ["tar.gz", "7z", "csv"] {
        desk.run(&format!("export --store @s.db --out @x.{end} --format csv")).code(2).says("would be a folder");
        assert!(!desk.path(&format!("x.{end}")).exists());
    }
    for line in ["export --out @x.zip --report @r.csv", "search x --report @r.json", "stats --report @r.xlsx"] {
        desk.run(&format!("{line} --store @s.db")).code(2).says("would not be what its name says");
    }
    desk.write("text.zip", "this is not a zip");
    desk.run("verify @text.zip").code(13).says("this is not a zip");
    desk.write("cut.zip", "PK\u{3}\u{4}cut");
    desk.run("verify @cut.zip").code(13).says("damaged or cut short");
    let none = desk.args(&["Get-CsPersistentChatRoom | Select-Object Name | Format-Table", "--store", "@s.db"]);
    assert!(none.out.is_empty(), "{none:?}");
}

#[test]
fn tables_for_programs_do_not_come_and_go() {
    let desk = Desk::new();
    desk.run("store new --store @a.db").code(0);
    desk.lines("h.jsonl", &crate::harness::chat(1, 3));
    desk.run("import @h.jsonl --store @b.db").code(0);
    let keys = |line: &str, store: &str| {
        let told = desk.run(&format!("{line} --store @{store}.db --output json"));
        told.json().as_object().map(|all| all.keys().cloned().collect::<Vec<_>>())
    };
    for line in ["stats", "store info", "store completeness", "hold report", "verify", "purge --everything --what-if"] {
        let (none, some) = (keys(line, "a"), keys(line, "b"));
        assert!(none.is_some() && none == some, "{line}: {none:?} {some:?}");
    }
}

#[test]
fn lists_of_help_fit_a_terminal() {
    let desk = Desk::new();
    for line in ["help", "help cmdlets", "Get-Command *Room*", "-h", "help options"] {
        let page = desk.run(line).code(0).out;
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{line}: {wide:#?}");
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty() || line.ends_with("options"), "{line}: {wide:#?}");
    }
}

#[test]
fn verbs_of_other_programs_are_answered() {
    let desk = Desk::new();
    for (line, says) in [
        ("hold list", "it is called get here: pchat hold get"),
        ("hold delete Nair", "pchat hold release"),
        ("case create M", "pchat case new"),
        ("room delete Help", "pchat room remove"),
        ("store alias create x", "pchat store alias add"),
        ("hold prove Nair", "pchat audit get --action hold"),
        ("produce list", "pchat produce get"),
        ("mount", "pchat export --format html"),
        ("copy", "pchat import into the other store"),
    ] {
        desk.run(line).code(2).says(says);
    }
}

#[test]
fn a_page_shows_examples_that_reach_a_goal() {
    let desk = Desk::new();
    for (page, shows) in [
        ("produce", "pchat produce --case \"Matter 7\" --search fixing --bates SMITH --out volume1"),
        ("hold", "--user priya.nair@litwareinc.com"),
        ("case", "pchat case search new"),
        ("audit", "pchat audit prove"),
    ] {
        let help = desk.run(&format!("{page} --help")).code(0).out;
        assert!(help.contains(shows), "{help}");
    }
}
