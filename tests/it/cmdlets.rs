//! Every cmdlet of the product: its parameters, its parameter sets, and every line its documents show. The list is
//! `fixtures/cmdlets.json`, facts from the pages of the PowerShell reference.

use crate::harness::{Desk, Run};
use pchat::nouns::cmdlet::{Cmdlet, To};
use pchat::nouns::cmdlets as all;
use serde_json::Value;

fn list() -> Vec<Value> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cmdlets.json")).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(list.len(), 38);
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

fn named(name: &str) -> &'static Cmdlet {
    all().find(|cmdlet| cmdlet.name == name).unwrap_or_else(|| panic!("there is no {name}"))
}

/// Parameters every cmdlet has; they are no part of a list.
const CONFIRM: [&str; 2] = ["Confirm", "WhatIf"];

#[test]
fn every_cmdlet_has_every_parameter_in_its_place() {
    let mut wrong = Vec::new();
    for entry in list() {
        let cmdlet = named(text(&entry, "cmdlet"));
        let parameters = entry["parameters"].as_array().unwrap();
        let has = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
        if cmdlet.confirms != has("Confirm") || cmdlet.confirms != has("WhatIf") {
            wrong.push(format!("{}: -Confirm and -WhatIf", cmdlet.name));
        }
        for parameter in parameters {
            let name = text(parameter, "name");
            if CONFIRM.contains(&name) {
                continue;
            }
            let Some(ours) = cmdlet.parameters.iter().find(|ours| ours.name == name) else {
                wrong.push(format!("{} has no -{name}", cmdlet.name));
                continue;
            };
            // An object and an identity share a place; what stands there is told by looking.
            let place = parameter["position"].is_number() && name != "Instance";
            if ours.position.is_some() != place {
                wrong.push(format!("{} -{name}: place {}", cmdlet.name, parameter["position"]));
            }
            for alias in parameter["aliases"].as_array().unwrap() {
                if !ours.aliases.iter().any(|ours| alias == ours) {
                    wrong.push(format!("{} -{name} is not called -{alias}", cmdlet.name));
                }
            }
        }
        for ours in cmdlet.parameters.iter().filter(|ours| !has(ours.name)) {
            wrong.push(format!("{} has -{} too much", cmdlet.name, ours.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Something to write behind a parameter.
fn sample(parameter: &Value) -> Option<String> {
    if let Some(first) = parameter["allowed"].as_array().and_then(|allowed| allowed.first()) {
        return Some(match first {
            Value::String(word) => word.clone(),
            Value::Bool(_) => "$True".to_owned(),
            other => other.to_string(),
        });
    }
    let name = text(parameter, "name");
    Some(match text(parameter, "type") {
        "SwitchParameter" => return None,
        "Boolean" => "$True".to_owned(),
        "DateTime" => "\"3/1/2018\"".to_owned(),
        "TimeSpan" => "\"00:30:00\"".to_owned(),
        "Int16" | "Int32" | "UInt32" | "Unlimited<UInt32>" => "5".to_owned(),
        "PSListModifier<String>" | "PSListModifier<Fqdn>" => {
            "@{Add=\"sip:a@example.com\"; Remove=\"sip:b@example.com\"}".to_owned()
        }
        "List<String>" => "\"IT\",\"HR\"".to_owned(),
        "Byte[]" => return None,
        _ if name == "Filter" => "{Name -like \"IT*\"}".to_owned(),
        _ if name == "LdapFilter" || name == "LDAPFilter" => "\"l=Redmond\"".to_owned(),
        _ => format!("\"a {name}\""),
    })
}

/// The command a cmdlet becomes.
fn shown(line: &str) -> Run {
    Desk::new().args(&[&format!("{line} --show-command")])
}

#[test]
fn every_parameter_set_becomes_a_command_in_which_every_parameter_counts() {
    let mut wrong = Vec::new();
    for entry in list() {
        let cmdlet = named(text(&entry, "cmdlet"));
        let parameters = entry["parameters"].as_array().unwrap();
        let find = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name);
        for set in entry["sets"].as_array().unwrap() {
            let names: Vec<&str> = set["parameters"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let line = |without: Option<&str>| {
                let mut line = cmdlet.name.to_owned();
                for name in names.iter().filter(|name| Some(**name) != without) {
                    let Some(parameter) = find(name) else { continue };
                    line.push_str(&format!(" -{name}"));
                    line.extend(sample(parameter).map(|value| format!(" {value}")));
                }
                line
            };
            let whole = shown(&line(None));
            if whole.code != 0 {
                wrong.push(format!("{} ({}): {}", cmdlet.name, text(set, "name"), whole.err));
                continue;
            }
            // Without it, the command is another one, or there is none; unless the page says that it changes nothing.
            for name in &names {
                let ours = cmdlet.parameters.iter().find(|ours| ours.name == *name);
                let nothing = ours.is_some_and(|ours| matches!(ours.to, To::Nothing(_)));
                let store = ours.is_some_and(|ours| matches!(ours.to, To::Store | To::StoreName));
                if nothing || store || *name == "Confirm" {
                    continue;
                }
                let less = shown(&line(Some(name)));
                if less.code == 0 && less.out == whole.out {
                    wrong.push(format!("{} -{name} changes nothing: {}", cmdlet.name, whole.out));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_changes_nothing_is_named_on_its_page_and_in_its_help() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands/cmdlets.md")).unwrap();
    for cmdlet in all() {
        let help = Desk::new().args(&["help", cmdlet.name]).code(0);
        assert!(help.out.contains(cmdlet.example) && page.contains(cmdlet.name), "{}", cmdlet.name);
        for parameter in cmdlet.parameters {
            assert!(help.out.contains(&format!("  -{}", parameter.name)), "{} -{}", cmdlet.name, parameter.name);
            if let To::Nothing(why) = parameter.to {
                assert!(help.out.contains(why), "{} -{}", cmdlet.name, parameter.name);
                let line = format!("`-{}`", parameter.name);
                let told = page.lines().any(|row| row.contains(cmdlet.name) && row.contains(&line));
                assert!(
                    told,
                    "docs/commands/cmdlets.md does not say that {} -{} changes nothing",
                    cmdlet.name, parameter.name
                );
            }
        }
    }
}

/// A store in which the lines of these scripts were run.
fn prepared(scripts: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    // The documents name a database server; the store stands for it.
    desk.args(&["store", "alias", "add", "atl-sql-001.litwareinc.com\\rtc", "--store", "@s.db"]).code(0);
    let people = desk.write("people.ldif", include_str!("cmdlets/people.ldif"));
    desk.args(&["principal", "import", people.to_str().unwrap(), "--store", "@s.db"]).code(0);
    for script in scripts {
        let file = desk.write("setup.ps1", script);
        desk.args(&["script", file.to_str().unwrap(), "--store", "@s.db"]).code(0);
    }
    desk
}

#[test]
fn every_line_of_the_documents_runs() {
    let (bare, full) = (include_str!("cmdlets/bare.ps1"), include_str!("cmdlets/full.ps1"));
    let (new, all) = (prepared(&[bare]), prepared(&[bare, full]));
    let mut wrong = Vec::new();
    let mut lines = 0;
    for entry in list() {
        for example in entry["examples"].as_array().unwrap() {
            let example = example.as_str().unwrap();
            lines += 1;
            let desk = Desk::new();
            let ready = if example.starts_with("New-") { &new } else { &all };
            std::fs::copy(ready.path("s.db"), desk.path("s.db")).unwrap();
            std::fs::copy(ready.path("s.db.key"), desk.path("s.db.key")).unwrap();
            // What is exported and imported lies in this folder, and not on a drive C.
            let line = example.replace("C:\\Logs\\", &format!("{}/", desk.path("").display()));
            if line.starts_with("Import-") {
                desk.run("export --store @s.db --out @PersistentChatExport.zip").code(0);
            }
            if example == "Get-CsPersistentChatCategory | Remove-CsPersistentChatCategory" {
                let rooms = "Get-CsPersistentChatRoom | Remove-CsPersistentChatRoom -Confirm:$False";
                desk.args(&[rooms, "--store", "@s.db"]).code(0);
            }
            let asks = ["Remove-", "Clear-"].iter().any(|verb| line.contains(verb)) && !line.contains("-Confirm");
            let line = if asks { format!("{line} -Confirm:$False") } else { line };
            let run = desk.args(&[&line, "--store", "@s.db"]);
            // Rooms showed an add-in that goes: code 3, as the page has a remark there.
            let remarks = line.contains("Remove-CsPersistentChatAddin") && run.code == 3;
            // Nobody of this name is in this store, and that is said.
            let nobody = line.contains("-UserUri") && run.code == 10;
            if !matches!(run.code, 0 | 4) && !remarks && !nobody {
                wrong.push(format!("{example}\n  code {}: {}", run.code, run.err));
            }
        }
    }
    assert!(lines > 80, "{lines}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_script_of_cmdlets_runs_from_top_to_bottom_and_changes_what_it_says() {
    let desk = prepared(&[]);
    let folder = |name: &str| desk.run(&format!("export --store @s.db --level Category --no-checkpoint --out @{name}"));
    assert!(matches!(folder("before").code, 0 | 4));
    let script = include_str!("cmdlets/script.ps1");
    let lines = script.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
    assert!(lines >= 60, "{lines}");
    let script = script.replace("C:\\Logs\\", &format!("{}/", desk.path("").display()));
    let file = desk.write("script.ps1", script);
    desk.args(&["script", file.to_str().unwrap(), "--store", "@s.db"]).code(0);
    assert!(matches!(folder("after").code, 0 | 4));
    // Of the settings of level Category only pools and categories have changed, and they say what the script said.
    let changed = |name: &str| {
        let read = |folder: &str| std::fs::read(desk.path(&format!("{folder}/data/catalog/{name}"))).ok();
        read("before") != read("after")
    };
    assert!(changed("categories.xml") && changed("pools.xml"));
    let lines = |folder: &str| -> std::collections::BTreeSet<String> {
        let all = std::fs::read_dir(desk.path(&format!("{folder}/data/catalog"))).unwrap();
        let texts = all.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let (old, now) = (lines("before"), lines("after"));
    let new: Vec<&String> = now.difference(&old).collect();
    for said in ["Support", "Trading", "all about IT", "OU=IT,DC=litwareinc,DC=com", "sip:eve@litwareinc.com"] {
        assert!(new.iter().any(|line| line.contains(said)), "{said}: {new:?}");
    }
    assert!(
        !new.iter().any(|line| line.contains("Scratch")),
        "what was made and removed again leaves nothing: {new:?}"
    );
    desk.run("store check --store @s.db").code(0);
    desk.run("audit verify --store @s.db").code(0);
}

#[test]
fn a_script_stops_at_the_line_that_is_refused_and_names_the_rule() {
    let desk = prepared(&[include_str!("cmdlets/bare.ps1")]);
    for (line, code, rule) in [
        ("New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn atl-cs-001.litwareinc.com", 15, "unique"),
        (
            "New-CsPersistentChatRoom -Name X -Category Nowhere -PersistentChatPoolFqdn client.contoso.com",
            10,
            "no category",
        ),
        ("New-CsPersistentChatPolicy global", 15, "always exists"),
        ("Set-CsPersistentChatConfiguration -DefaultChatHistory 501", 2, "from 1 to 500"),
        ("New-CsPersistentChatAddin -Name X -Url x -PersistentChatPoolFqdn client.contoso.com", 15, "http"),
        ("Set-CsPersistentChatActiveServer", 2, "-ActiveServers or -Swap"),
        ("Get-CsPersistentChatRoom | Get-CsPersistentChatRoom", 2, "takes no pipeline input"),
    ] {
        let script = format!("Get-CsPersistentChatState\n\n{line}\nSet-CsPersistentChatPolicy -Description never\n");
        let file = desk.write("script.ps1", script);
        let run = desk.args(&["script", file.to_str().unwrap(), "--store", "@s.db"]).code(code);
        assert!(run.err.contains(rule) && run.err.contains("script.ps1:3"), "{line}: {run:?}");
    }
    let policy = desk.run("policy get --store @s.db --output json").json();
    assert_eq!(policy[0]["Description"], Value::Null);
}

#[test]
fn names_are_taken_as_powershell_takes_them() {
    let desk = Desk::new();
    let show = |words: &[&str]| {
        let mut all = words.to_vec();
        all.push("--show-command");
        desk.args(&all)
    };
    let same = |words: &[&str], is: &str| assert_eq!(show(words).code(0).out, format!("pchat {is}\n"));
    same(&["get-cspersistentchatroom", "Help"], "room get -- Help");
    same(&["GET-CSPERSISTENTCHATROOM", "-Ident", "Help", "-AsObject:$False"], "room get -- Help");
    show(&["Set-CsPersistentChatRoom", "x", "-Disabled"]).code(2).says("-Disabled '$False'");
    same(&["Set-CsPersistentChatRoom", "x", "-Disabled", "$False"], "room set --disabled=false -- x");
    same(&["Set-CsPersistentChatRoom", "x", "-Disabled:True", "-cf"], "room set --disabled=true --confirm -- x");
    same(&["Set-CsPersistentChatRoom", "x", "-Addin", "$Null"], "room set --addin= -- x");
    // PowerShell splits lists before pchat sees them; so do other shells.
    same(&["Set-CsPersistentChatRoom", "x", "-Members", "a@x", "b@x"], "room set --members=a@x --members=b@x -- x");
    same(
        &["Set-CsPersistentChatRoom", "x", "-Members", "@{Add=a@x;", "Remove=b@x}"],
        "room set --members=+a@x --members=-b@x -- x",
    );
    same(
        &["Clear-CsPersistentChatRoom", "x", "-EndDate", "3/1/2018 5:00 PM", "-Confirm:$False"],
        "room clear --to=2018-03-01T17:00:00 --yes -- x",
    );
    show(&["Get-CsPersistentChatRoom", "-P", "x"]).code(2).says("-PersistentChatPoolFqdn or -Privacy");
    show(&["Get-CsPersistentChatRoom", "-Categry", "x"]).code(2).says("did you mean -Category?");
    show(&["Get-CsPersistentChatRoms"]).code(2).says("did you mean Get-CsPersistentChatRoom?");
    show(&["Clear-CsPersistentChatRoom", "x", "-EndDate", "31/12/2018"]).code(2).says("month first");
    show(&["Clear-CsPersistentChatRoom", "x", "-EndDate", "1/1/2018", "-Confirm:"]).code(2).says("quote");
    show(&["Set-CsPersistentChatRoom", "x", "-Members"]).code(2).says("quote");
    show(&["Set-CsPersistentChatRoom", "x", "-Name", "a", "-Name", "b"]).code(2).says("more than once");
    show(&["Get-CsPersistentChatRoom", "x", "y"]).code(2).says("is not a value of any parameter");
    show(&["Remove-CsPersistentChatMessage", "-Identity", "x", "-Remove", "-ReplaceMessage", "y"])
        .code(2)
        .says("cannot be used together");
    show(&["Export-CsPersistentChatData", "-DBInstance", "x"]).code(2).says("-AsBytes or -FileName");
}

#[test]
fn a_shell_completes_cmdlets_and_manual_pages_cover_them() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let out = desk.run(&format!("completion {shell}")).code(0).out;
        assert!(out.contains("pchat __complete"), "{shell}: {out}");
        let first = desk.args(&["__complete", shell, ""]).code(0).out;
        for cmdlet in all() {
            assert!(first.lines().any(|line| line == cmdlet.name), "{shell}: {}", cmdlet.name);
        }
        let own = desk.args(&["__complete", shell, "Get-CsPersistentChatRoom", "-"]).code(0).out;
        assert!(own.contains("-PersistentChatPoolFqdn\n") && first.contains("retention\n"), "{shell}");
    }
    // What is completed is taken.
    desk.args(&["Get-CsPersistentChatRoom", "--Category=IT", "--AsObject", "--show-command"]).code(0);
    desk.run("manual --out @man").code(0);
    let page = String::from_utf8(desk.read("man/pchat-Set-CsPersistentChatRoom.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("Presenters"));
    assert!(desk.path("man/pchat-room-get.1").exists());
}
