//! Lines that a shell, a document or an editor has mangled: each ends in an error that shows the line as it has to be
//! typed, and no byte of the store, its key or the folder has changed.

use super::{copied, prepared, shell};
use crate::harness::Desk;
use pchat::nouns::cmdlet::{Kind, To};
use pchat::nouns::cmdlets;
use std::collections::BTreeMap;

/// Everything in the folder, byte by byte.
fn bytes(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(desk.path(".")).unwrap().map(|file| file.unwrap());
    files
        .filter(|file| file.file_type().unwrap().is_file())
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect()
}

/// Runs a line as bash splits it, with nothing on standard input; says what is wrong unless it fails, shows this, and
/// changes nothing.
fn accepted(desk: &Desk, line: &str, shows: &str) -> Option<String> {
    let mut words = shell(line);
    let store = ["--store", "@s.db"].map(str::to_owned);
    // What ends in a carriage return ends there.
    let at = if words.last().is_some_and(|word| word.ends_with('\r')) { 0 } else { words.len() };
    words.splice(at..at, store);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let before = bytes(desk);
    let run = desk.fed(&words, Some(""));
    let wrong = if matches!(run.code, 0 | 3 | 4) {
        "it did not fail"
    } else if !run.err.contains(shows) {
        "it does not show the line"
    } else if run.err.len() > 900 || !run.out.is_empty() {
        "it says too much"
    } else if bytes(desk) != before {
        "something has changed"
    } else {
        return None;
    };
    Some(format!("{line}: {wrong}\n  {shows}\n  {run:?}"))
}

#[track_caller]
fn refused(desk: &Desk, lines: &[(&str, &str)]) {
    let wrong: Vec<String> = lines.iter().filter_map(|(line, shows)| accepted(desk, line, shows)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines as they are typed into bash, and what the error shows.
const LINES: &[(&str, &str)] = &[
    // Line ends of Windows.
    ("room remove 'Coffee Corner' --yes$'\\r'", "room remove 'Coffee Corner' --yes"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled $'True\\r'", "-Disabled True"),
    ("room set 'Coffee Corner' --description $'closed\\r'", "--description closed"),
    ("purge --room 'Coffee Corner' --reason x --yes $'\\r'", "purge --room 'Coffee Corner' --reason x --yes"),
    // Dashes and quotation marks of documents.
    ("room remove 'Coffee Corner' —yes", "pchat room remove 'Coffee Corner' --yes"),
    ("room remove 'Coffee Corner' –yes", "pchat room remove 'Coffee Corner' --yes"),
    ("purge –-room 'Coffee Corner' --reason x --yes", "purge --room 'Coffee Corner' --reason x --yes"),
    ("Set–CsPersistentChatRoom 'Coffee Corner' –Disabled $False", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' −Disabled $False", "-Disabled '$False'"),
    ("room remove “Coffee Corner” --yes", "pchat room remove 'Coffee Corner' --yes"),
    ("room remove ‘Coffee Corner’ --yes", "pchat room remove 'Coffee Corner' --yes"),
    ("room remove «Coffee Corner» --yes", "pchat room remove 'Coffee Corner' --yes"),
    ("purge --room “Coffee Corner” --reason x --yes", "purge --room 'Coffee Corner' --reason x --yes"),
    ("purge --room=“Coffee Corner” --reason x --yes", "purge '--room=Coffee Corner' --reason x --yes"),
    ("room set 'Coffee Corner' --description “closed”", "--description closed"),
    ("hold release “Fixing” --reason over --yes", "hold release Fixing --reason over --yes"),
    // Blanks that are none, and characters nobody sees.
    ("room remove 'Coffee Corner' --yes$'\\u00a0'", "pchat room remove 'Coffee Corner' --yes"),
    ("room remove 'Coffee Corner'$'\\u00a0'--yes", "pchat room remove 'Coffee Corner' --yes"),
    ("room$'\\u00a0'remove 'Coffee Corner' --yes", "pchat room remove 'Coffee Corner' --yes"),
    ("room set 'Coffee Corner' --$'\\u200b'description x", "pchat room set 'Coffee Corner' --description x"),
    ("Set-CsPersistentChatRoom$'\\u00a0'-Identity 'Coffee Corner' -Description x", "-Identity 'Coffee Corner'"),
    ("$'\\ufeff'Set-CsPersistentChatRoom 'Coffee Corner' -Description x", "pchat Set-CsPersistentChatRoom 'Coffee"),
    // What PowerShell does and no shell.
    ("Set-CsPersistentChatRoom @params", "-Identity NAME"),
    ("Set-CsPersistentChatRoom -Identity 'Coffee Corner' @params", "write the parameters of $params out"),
    ("'Set-CsPersistentChatRoom @params'", "variable $params is not defined"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description @\"\nclosed\n\"@", "-Description closed"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description @'\nclosed\n'@", "-Description closed"),
    (
        "Set-CsPersistentChatRoom 'Coffee Corner' -Members @{Add=\"sip:a@x\",\"sip:b@x\"}",
        "'@{Add=\"sip:a@x\",\"sip:b@x\"}'",
    ),
    (
        "Set-CsPersistentChatRoom 'Coffee Corner' -Members @{Add=\"sip:a@x\"",
        "takes quotes: pchat Set-CsPersistentChatRoom",
    ),
    ("Remove-CsPersistentChatRoom -Identity $room.Identity -Confirm:False", "-Identity NAME -Confirm:False"),
    ("Remove-CsPersistentChatRoom -Identity \"$room\" -Confirm:False", "-Identity is empty"),
    ("Remove-CsPersistentChatRoom -Identity=\"Coffee Corner\" -Confirm:False", "-Identity 'Coffee Corner' -Confirm"),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' -Confirm:", "'-Confirm:$False'"),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' -Confirm: $False", "'-Confirm:$False'"),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' -Confirm False", "'-Confirm:$False'"),
    (
        "Remove-CsPersistentChatRoom 'Coffee Corner' -WhatIf:$True",
        "Remove-CsPersistentChatRoom 'Coffee Corner' -WhatIf",
    ),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' --yes=false", "--yes takes no value"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled yes", "-Disabled '$True'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled \"$False\"", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled '\\$False'", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description closed since May", "-Description 'closed since May'"),
    ("Set-CsPersistentChatRoom Coffee Corner -Disabled True", "'Coffee Corner' -Disabled True"),
    ("Set-CsPersistentChatConfiguration -MaxFileSizeKB 10,000", "-MaxFileSizeKB 10000"),
    ("Get-CsPersistentChatRoom -Filter Name -like \"IT*\"", "-Filter '{Name -like \"IT*\"}'"),
    ("Get-CsPersistentChatRoom -Filter \"Name -like IT*\"", "'{Name -like \"IT*\"}'"),
    ("\"foreach ($r in Get-CsPersistentChatRoom) { Remove-CsPersistentChatRoom $r.Identity }\"", "in single quotes"),
    ("-Identity 'Coffee Corner' Set-CsPersistentChatRoom", "the name of a cmdlet comes first"),
    ("Set-PersistentChatRoom 'Coffee Corner' -Disabled True", "did you mean Set-CsPersistentChatRoom?"),
    ("\"room get\"", "pchat room get"),
    // Spelled as cmdlets are.
    ("room set 'Coffee Corner' -Disabled True", "pchat room set 'Coffee Corner' --disabled True"),
    ("room get -output json", "pchat room get --output json"),
    ("room set 'Coffee Corner' --disabled $False", "pchat room set 'Coffee Corner' --disabled true"),
    ("room set 'Coffee Corner' --disabled=$False", "--disabled needs a value: true or false"),
    // Variables that are empty, and what was forgotten.
    ("purge --room $room --reason x --yes", "--room needs a value"),
    ("purge --room \"$room\" --reason x --yes", "pchat purge --room ROOM --reason x --yes"),
    ("purge --room=$room --reason x --yes", "pchat purge --room=ROOM --reason x --yes"),
    ("purge --user \"$user\" --reason x --yes", "pchat purge --user PERSON --reason x --yes"),
    ("purge --room 'Coffee Corner' --from \"$from\" --reason x --yes", "--from DATE"),
    ("purge --reason x --yes", "--everything means the whole store"),
    ("room remove --yes", "room remove needs ROOM"),
    ("room remove '' --yes", "pchat room remove NAME --yes"),
    ("room clear --to 2030-01-01 --yes", "room clear needs ROOM"),
    ("message remove --yes", "message remove needs --room ROOM"),
    ("category remove --yes", "category remove needs CATEGORY"),
    ("policy remove --yes", "policy remove needs IDENTITY"),
    ("configuration remove --yes", "configuration remove needs IDENTITY"),
    ("compliance remove --yes", "compliance remove needs IDENTITY"),
    ("addin remove --yes", "addin remove needs ADDIN"),
    ("endpoint remove --yes", "endpoint remove needs ENDPOINT"),
    ("hold release --reason x --yes", "hold release needs NAME"),
    ("case close", "case close needs NAME"),
    ("retention remove", "retention remove needs"),
    ("case close Matter --yes", "pchat case close Matter"),
    // Dates outside of cmdlets, and those that are none within.
    ("purge --room 'Coffee Corner' --to 3/1/2016 --yes", "2016-03-01"),
    ("purge --room 'Coffee Corner' --to 3/1/16 --yes", "2016-03-01"),
    ("room clear 'Coffee Corner' --to 01.03.2016 --yes", "2016-03-01"),
    ("export --from 2016/03/01 --out @x.zip", "2016-03-01"),
    ("search coffee --from 20160301", "2016-03-01"),
    ("stats --from '1 March 2016'", "2016-03-01"),
    ("audit get --from 3/1/2016", "2016-03-01"),
    ("Clear-CsPersistentChatRoom 'Coffee Corner' -EndDate 13/1/2016 -Confirm:False", "-EndDate 2016-01-13"),
    ("Clear-CsPersistentChatRoom 'Coffee Corner' -EndDate \"(Get-Date).AddDays(-30)\" -Confirm:False", "single quotes"),
    // Several dashes of one line at once; a parameter under its other name; the sign of another shell at the end.
    ("purge -room 'Coffee Corner' -reason x -yes", "pchat purge --room 'Coffee Corner' --reason x --yes"),
    ("purge —room 'Coffee Corner' —reason x —yes", "pchat purge --room 'Coffee Corner' --reason x --yes"),
    ("Set-CsPersistentChatRoom –Identity 'Coffee Corner' –Disabled $True", "-Identity 'Coffee Corner' -Disabled"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled $True", "or '$True'"),
    ("Set-CsPersistentChatCategory Social -EnableInvitations $True", "Social -EnableInvitations '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description x ^", "pchat Set-CsPersistentChatRoom 'Coffee Corner'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' '`'", "pchat Set-CsPersistentChatRoom 'Coffee Corner'"),
    // What a shell has made of $_, which is no property; options of a command behind a whole line.
    ("'Get-CsPersistentChatRoom | ? {bash.Name -notlike \"IT*\"} | Remove-CsPersistentChatRoom'", "single quotes"),
    ("room get --where '{pchat.Name -notlike \"IT*\"}'", "single quotes"),
    ("'Get-CsPersistentChatRoom | Set-CsPersistentChatRoom -Description x' --what-if", "inside the quotes"),
    ("room get --where '{Nmae -notlike \"IT*\"}'", "did you mean Name?"),
    ("room get --where 1", "alone is not a condition"),
    // Values that cannot be meant, each with the rule.
    ("state set 'pool*' --state FailedOver", "is not a valid pool name"),
    ("category new --name N --pool '*'", "is not a valid pool name"),
    ("endpoint new --sip-address sip:e@x.example --pool 'a/b'", "is not a valid pool name"),
    ("purge --room 'Coffee Corner' --yes --certificate folder/", "give the name of a file in it"),
    ("message remove --room 'Coffee Corner' --remove --yes --certificate /", "give the name of a file in it"),
    ("message part 'Coffee Corner' --user '*'", "is a pattern; a message has one sender"),
    ("hold set Fixing --reason ' '", "write why, in a few words"),
    ("audit anchor --request r.tsq --ca x.pem", "cannot be used with"),
    ("approval set --hours 99999999999999999999 --yes", "--hours is too large a number"),
    ("inspect x --most many", "must be a size as 500KB"),
    ("case sample new S --case C --seed 1 --sample 95/5", "--sample: \"95/5\" is not a confidence and margin"),
    ("audit verify --public-key x", "--public-key: \"x\" is not a public key of a log"),
    ("certificate verify c.txt --public-key x", "--public-key: \"x\" is not a public key of a log"),
    ("room new --name N --category Social --type ''", "pchat room new --name N --category Social --type Normal"),
    ("Export-CsPersistentChatData -DBInstance 'sql.x\\rtc' -FileName x.zip", "instance \"sql.x\\rtc\" is not"),
    // What a shell has done to *, ~ and backslashes, and what stands in the place of several.
    (
        "purge --room Cargo.toml README.md src --reason x --yes",
        "put it in quotes: pchat purge --room '*' --reason x --yes",
    ),
    ("search Cargo.toml README.md", "in quotes: pchat search '*'"),
    ("Remove-CsPersistentChatRoom -Identity Cargo.toml README.md -Confirm:False", "-Identity '*' -Confirm:False"),
    ("search coffee AND tea", "pchat search 'coffee AND tea'"),
    ("export --out C:\\exports\\chat.zip", "pchat export --out FILE"),
    ("export --room Settlements --out 'C:\\exports\\chat.zip'", "--out chat.zip"),
    ("export --out=\\\\srv\\share\\chat.zip", "this system has none"),
    ("stats --report 'C:\\r.html'", "pchat stats --report r.html"),
    ("Export-CsPersistentChatData -DBInstance . -FileName 'C:\\temp\\x.zip'", "-FileName x.zip"),
    ("export --out=~/no-such-folder/chat.zip", "type: pchat export --out ~/no-such-folder/chat.zip"),
    ("Set-CsPersistentChatComplianceConfiguration -AdapterOutputDirectory \\\\srv\\share", "write '\\\\server"),
    ("purge --room 'Settlements,Coffee Corner' --reason x --yes", "one room at a time"),
    ("Set-CsPersistentChatCategory Social -AllowedMembers +sip:a@x.example", "'@{Add=\"…\"; Remove=\"…\"}'"),
    ("New-CsPersistentChatRoom Test Social", "write -NAME before each value"),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' -WhatIf ''", "leave the value out: pchat Remove-"),
    ("New-CsPersistentChatCategory -Name N -EnableFileUpload \"$False\"", "-Name N '-EnableFileUpload:$False'"),
    ("room get --where '{Nmae -like \"IT*\"}'", "did you mean Name?"),
    ("'Get-CsPersistentChatRoom | Where { $_.Disabled = $true } | Remove-CsPersistentChatRoom'", "write -eq"),
    ("'Get-CsPersistentChatRoom | ? { $_.Name != \"x\" } | Remove-CsPersistentChatRoom'", "write -ne"),
    ("'if ((Get-CsPersistentChatRoom).Count > 5) { Remove-CsPersistentChatRoom Settlements }'", "write -gt"),
    ("'if ($true && $false) { Remove-CsPersistentChatRoom Settlements }'", "write -and"),
    // Another instance than the one the store lists.
    ("Import-CsPersistentChatData -DBInstance tcp:atl-sql-001,1433 -FileName @x.zip", "store alias add"),
    ("Import-CsPersistentChatData -DBInstance nowhere.db -FileName @x.zip", "leave one of the two out"),
    ("Import-CsPersistentChatData -DBInstance . -FileName @x.zip", "leave one of the two out"),
    ("Export-CsPersistentChatData -DBInstance $instance -FileName @x.zip", "-DBInstance TEXT"),
    ("Export-CsPersistentChatData -DBInstance '.\\rtc' -FileName @x.zip", "store alias add '.\\rtc'"),
];

#[test]
fn mangled_lines_show_the_right_one_and_change_nothing() {
    refused(&copied(prepared()), LINES);
}

#[test]
fn no_boolean_and_no_identity_is_taken_from_nothing() {
    let mut lines: Vec<(String, String)> = Vec::new();
    for cmdlet in cmdlets() {
        let subject = cmdlet.parameters.iter().find(|parameter| parameter.to == To::Word);
        let subject = subject.map(|parameter| format!(" -{} 'Coffee Corner'", parameter.name)).unwrap_or_default();
        for parameter in cmdlet.parameters.iter().filter(|parameter| parameter.kind == Kind::Bool) {
            for value in [" $False", " $True", " \"$False\"", ":$False", ""] {
                let right = match value.starts_with(':') {
                    true => format!("'-{}:$False'", parameter.name),
                    false => format!("-{} '$False'", parameter.name),
                };
                lines.push((format!("{}{subject} -{}{value}", cmdlet.name, parameter.name), right));
            }
        }
        // A switch is set by a colon; what is left of a value behind a blank is told.
        let placed = cmdlet.parameters.iter().filter(|parameter| parameter.position.is_some() || parameter.needed);
        let placed: String = placed.map(|parameter| format!(" -{} x", parameter.name)).collect();
        for parameter in cmdlet.parameters.iter().filter(|parameter| parameter.kind == Kind::Switch) {
            for value in [" ''", " \"$False\"", " '\\$False'", " False", ":$False", ":"] {
                let line = format!("{}{placed} -{}{value}", cmdlet.name, parameter.name);
                // What is needed beside it, or is without effect, is asked for first.
                let asks = ["Instance", "Server", "Eligible"].iter().any(|word| line.contains(word));
                if value.starts_with(':') && (asks || !matches!(parameter.to, To::Option(_))) {
                    continue;
                }
                lines.push((line, format!("'-{}:$False'", parameter.name)));
            }
        }
        if cmdlet.parameters.iter().any(|parameter| parameter.to == To::Store) {
            for (name, right) in [("atl-sql-009\\\\rtc", "atl-sql-009\\rtc"), ("atl-sql-009", "atl-sql-009")] {
                let line = format!("{} -DBInstance {name} -FileName x.zip", cmdlet.name);
                lines.push((line, format!("alias add '{right}'")));
            }
        }
        // A scheduled task has nothing on its standard input.
        let destroys = ["Remove-", "Clear-"].iter().any(|verb| cmdlet.name.starts_with(verb));
        if destroys && !cmdlet.name.ends_with("Message") {
            let end = if cmdlet.name.starts_with("Clear-") { " -EndDate 1/1/2030" } else { "" };
            let right = format!("pchat {} -Identity NAME{end} -Confirm:False", cmdlet.name);
            lines.push((format!("{}{end} -Confirm:False", cmdlet.name), right));
        }
    }
    assert!(lines.len() > 60, "{}", lines.len());
    let lines: Vec<(&str, &str)> = lines.iter().map(|(line, shows)| (line.as_str(), shows.as_str())).collect();
    refused(&copied(prepared()), &lines);
}

#[test]
fn a_backslash_that_a_shell_took_is_told() {
    let desk = copied(prepared());
    desk.args(&["store", "alias", "add", "atl-sql-001\\rtc", "--store", "@s.db"]).code(0);
    let line = "Export-CsPersistentChatData -DBInstance atl-sql-001\\rtc -FileName x.zip";
    refused(&desk, &[(line, "write 'atl-sql-001\\rtc'")]);
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let desk = copied(prepared());
    let line = ["Import-CsPersistentChatData", "-DBInstance", "@typo.db", "-FileName", "@x.zip"];
    let run = desk.args(&line);
    assert!(run.code == 10 && run.err.contains("pchat store new --store"), "{run:?}");
    assert!(!desk.path("typo.db").exists());
}

#[test]
fn a_table_is_not_taken_for_objects() {
    let desk = copied(prepared());
    for form in ["table", "csv"] {
        let table = desk.args(&["room", "get", "--store", "@s.db", "--output", form]).code(0).out;
        let run = desk.fed(&["Remove-CsPersistentChatRoom", "-Confirm:False", "--store", "@s.db"], Some(&table));
        assert!(run.code == 2 && run.err.contains("--output jsonl"), "{form}: {run:?}");
    }
}

#[test]
fn joiners_of_scripts_and_of_emoji_are_part_of_a_word() {
    let desk = copied(prepared());
    let words = ["می\u{200c}خواهم", "👨\u{200d}👩\u{200d}👧"];
    let event = format!(
        r#"{{"room":"ma-chan://h.example/9","user":"sip:a@x","time":"2015-03-01T08:00:00Z","id":1,"text":"{}"}}"#,
        words.join(" ")
    );
    std::fs::write(desk.path("a.jsonl"), event).unwrap();
    desk.args(&["import", "@a.jsonl", "--store", "@s.db"]).code(0);
    for query in words {
        let run = desk.args(&["search", query, "--count", "--output", "csv", "--store", "@s.db"]).code(0);
        assert!(run.out.lines().last().is_some_and(|line| !line.starts_with('0')), "{query}: {run:?}");
    }
    for hidden in ["cof\u{200d}fee", "\u{200d}👨", "👨\u{200c}", "👨\u{200b}👩"] {
        let run = desk.args(&["search", hidden, "--store", "@s.db"]).code(2);
        assert!(run.err.contains("nobody sees"), "{run:?}");
    }
}
