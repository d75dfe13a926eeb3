//! Scripts as administrators keep them, from top to bottom; lines a shell has mangled, each with the line it should
//! have been.

use crate::harness::{Desk, Run};
use std::process::Command;
use std::sync::OnceLock;

mod mangled;
mod reports;
mod schedule;

/// The sample history, with settings that scripts ask about; made once for all tests.
fn prepared() -> &'static Desk {
    static READY: OnceLock<Desk> = OnceLock::new();
    READY.get_or_init(prepare)
}

fn prepare() -> Desk {
    let desk = Desk::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    desk.args(&["import", sample, "--store", "@s.db"]).code(0);
    for line in [
        "Get-CsPersistentChatCategory | Set-CsPersistentChatCategory -AllowedMembers 'DC=litwareinc,DC=com' -FileUpload $True",
        "Set-CsPersistentChatConfiguration -DefaultChatHistory 60 -MaxFileSizeKB 40000",
        "New-CsPersistentChatPolicy -Identity Traders -EnablePersistentChat $True",
        "New-CsPersistentChatConfiguration -Identity site:Redmond",
    ] {
        desk.args(&[line, "--store", "@s.db"]).code(0);
    }
    desk
}

/// The same store for another test.
fn copied(from: &Desk) -> Desk {
    let desk = Desk::new();
    for name in ["s.db", "s.db.key", "s.db.key.seen"] {
        if from.path(name).exists() {
            std::fs::copy(from.path(name), desk.path(name)).unwrap();
        }
    }
    desk
}

/// Runs a script whose files are in the folder of the test.
fn script(desk: &Desk, text: &str, more: &[&str]) -> Run {
    let mut text = text.to_owned();
    for name in ["rooms.csv", "team.csv", "clean-up.log", "settings.json", "out.txt"] {
        text = text.replace(&format!("\"{name}\""), &format!("'{}'", desk.path(name).display()));
    }
    let file = desk.write("s.ps1", text);
    let mut words = vec!["script", file.to_str().unwrap(), "--store", "@s.db"];
    words.extend(more);
    desk.args(&words)
}

fn file(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(name)).unwrap()
}

#[test]
fn scripts_of_administrators_run_from_top_to_bottom() {
    let ready = prepared();
    // A report of all rooms.
    let desk = copied(ready);
    let run = script(&desk, include_str!("../../fixtures/scripts/room-report.ps1"), &[]);
    assert!(run.code == 2 && run.err.contains("-Identity is empty"), "rooms without category are in it: {run:?}");
    let run = script(
        &desk,
        &include_str!("../../fixtures/scripts/room-report.ps1")
            .replace("Get-CsPersistentChatRoom |", "Get-CsPersistentChatRoom | Where-Object { $_.Category } |"),
        &[],
    )
    .code(0);
    assert_eq!(run.out, format!("5 rooms are in {}, 5 of them without members\n", desk.path("rooms.csv").display()));
    let csv = file(&desk, "rooms.csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 6, "{csv}");
    assert_eq!(lines[0], r#""Room","Category","Privacy","Members","Managers","Uploads""#);
    assert!(lines[1].starts_with(r#""Asia Desk","Trading""#) && lines[1].ends_with(r#""True""#), "{csv}");

    // Rooms that are disabled, but for some.
    let desk = copied(ready);
    let text = include_str!("../../fixtures/scripts/disable-old.ps1").replace("\"Project Contoso\", ", "'x',");
    let run = script(&desk, &text, &[]).code(0);
    assert_eq!(run.out, "Project Tailspin stays\n1 of 10 rooms disabled\n");
    let room = desk.run("room get --store @s.db --output json --where Disabled").json();
    assert_eq!(room[0]["Name"], "Project Contoso");
    assert_eq!(room[0]["Description"], "closed on 2021-03-04 (was: )");
    let again = script(&desk, &text, &[]).code(0);
    assert!(again.out.ends_with("Project Contoso is disabled already\nnothing to do\n"), "{}", again.out);

    // A category with rooms from a table; twice, as the second run finds the category.
    let desk = copied(ready);
    desk.write("team.csv", "Room,Privacy,Members\nNight 1,Closed,sip:ann@litwareinc.com;sip:bob@litwareinc.com\n");
    let people = "dn: CN=Ann,DC=litwareinc,DC=com\nobjectClass: user\ncn: Ann\nmsRTCSIP-PrimaryUserAddress: sip:ann@litwareinc.com\n\n\
         dn: CN=Bob,DC=litwareinc,DC=com\nobjectClass: user\ncn: Bob\nmsRTCSIP-PrimaryUserAddress: sip:bob@litwareinc.com\n";
    desk.write("p.ldif", people);
    desk.run("principal import @p.ldif --store @s.db").code(0);
    let run = script(&desk, include_str!("../../fixtures/scripts/new-team.ps1"), &[]).code(0);
    let words: Vec<&str> = run.out.split_whitespace().collect();
    assert_eq!(words, ["Name", "Privacy", "People", "Night", "1", "Closed", "2"], "{}", run.out);
    desk.write("team.csv", "Room,Privacy,Members\nNight 2,Secret,sip:ann@litwareinc.com\n");
    let run = script(&desk, include_str!("../../fixtures/scripts/new-team.ps1"), &[]).code(0);
    assert!(run.out.contains("Night 2") && run.out.contains("Secret"), "{}", run.out);

    // What is old goes.
    let desk = copied(ready);
    let run = script(&desk, include_str!("../../fixtures/scripts/clean-up.ps1"), &[]).code(0);
    assert!(!run.err.contains("stopped"), "{run:?}");
    let log = file(&desk, "clean-up.log");
    assert!(log.starts_with("Clean-up of 2017-03-04\n") && log.contains("Coffee Corner: cleared"), "{log}");
    assert!(!log.contains("Settlements"), "{log}");
    let left = desk.run("store info --store @s.db --output json").json();
    let coffee = left["rooms"].as_array().unwrap().iter().find(|room| room["Room"] == "Coffee Corner");
    assert!(coffee.is_none_or(|room| room["Events"] == 0), "{coffee:?}");

    // Settings for the auditor.
    let desk = copied(ready);
    let run = script(&desk, include_str!("../../fixtures/scripts/audit-settings.ps1"), &[]).code(0);
    let expected = "2 findings; files up to 40000 KB, on average 29.296875 MB\n\
                    global: DefaultChatHistory is 60\nglobal: MaxFileSizeKB is 40000\n";
    assert_eq!(run.out, expected);
    let json: serde_json::Value = serde_json::from_str(&file(&desk, "settings.json")).unwrap();
    assert_eq!(json["Policies"], serde_json::json!(["Traders"]));
    assert_eq!(json["Categories"][0]["Count"], 5);
}

#[test]
fn nothing_runs_before_all_of_a_script_is_understood() {
    let ready = prepared();
    let before = std::fs::read(ready.path("s.db")).unwrap();
    let first = "Set-CsPersistentChatPolicy -Description changed\n";
    for (line, place, says) in [
        ("while ($true) { Get-CsPersistentChatRoom }", "2:1", "\"while\" is not supported here"),
        ("$x = 1\ntry { $x }", "3:1", "try needs catch"),
        ("try { 'x' } catch [System.Exception] { 'y' }", "2:19", "\"catch [\""),
        ("function f { 'x' }", "2:1", "\"function\" is not supported here"),
        ("switch (1) { 1 { 'x' } }", "2:1", "\"switch\" is not supported here"),
        ("$rooms = Get-CsPersistentChatRoom\n$rooms | Remove-Item", "3:10", "\"Remove-Item\""),
        ("\"a $($b) c\"", "2:6", "variable $b is not defined"),
        ("Get-CsPersistentChatRoom -Filter \"abc", "2:34", "not closed"),
        ("Get-CsPersistentChatRoom | Where-Object { $_.Name -huh 'x' }", "2:51", "-huh"),
        ("Get-CsPersistentChatRoom | Where-Object { $_.Name -like '[a' }", "2:43", "pattern"),
        ("if ($true) {\n  Get-CsPersistentChatRoom\n", "2:12", "{ is not closed"),
        ("Get-CsPersistentChatRoom }", "2:26", "} too many"),
        ("Set-CsPersistentChatRoom Help -Disabled", "2:1", "$True or $False"),
        ("Set-CsPersistentChatRoom Help -Disabld $True", "2:1", "no parameter"),
        ("Clear-CsPersistentChatRoom x -EndDate 31/12/2018", "2:1", "month first"),
        ("Clear-CsPersistentChatRoom -EndDate 1/1/2018", "2:1", "no -Identity given"),
        ("Set-CsPersistentChatConfiguration -DefaultChatHistory 501", "2:1", "from 1 to 500"),
        ("Get-CsPersistentChatRooms", "2:1", "no cmdlet"),
        ("'x' > out.txt", "2:5", "\">\""),
        ("@\"x\n\"@", "2:1", "begins in the line"),
        ("@'\nnever closed\n '@", "2:1", "not closed"),
        ("$p = @{Zzz=1}\nGet-CsPersistentChatRoom @p", "3:1", "no parameter -Zzz"),
        ("$p = 1\nGet-CsPersistentChatRoom @p", "3:26", "$p is not a hashtable"),
        ("Get-CsPersistentChatRoom @p", "2:26", "variable $p is not defined"),
        ("$p = @{}\n$p.Addn = 'x'\nSet-CsPersistentChatRoom Help @p", "4:1", "no parameter -Addn"),
        ("'x' | Select-Object @p", "2:21", "\"@p\""),
        ("$a.b = 1", "2:1", "are given values"),
        ("$r = Get-CsPersistentChatRoom\n$r.Disabled = $true", "3:1", "entries of hashtables are given values"),
        ("New-Object System.Net.WebClient", "2:12", "\"New-Object\""),
        ("[System.IO.File]::Delete('x')", "2:1", "System.IO.File"),
        ("$x = 'a'.GetType()", "2:9", "GetType"),
        ("<# never closed", "2:1", "<#"),
        ("Sort-Object Name", "2:1", "nothing comes before"),
        ("pchat room get --no-such-option", "2:1", "--no-such-option"),
        ("Get-CsPersistentChatRoom | Select-Object -Nme x", "2:28", "-Nme"),
    ] {
        let run = script(ready, &format!("{first}{line}"), &[]).code(2);
        let expected = format!("s.ps1:{place}: ");
        assert!(run.err.contains(&expected) && run.err.contains(says), "{line}\n{expected}\n{}", run.err);
        assert!(run.out.is_empty() && std::fs::read(ready.path("s.db")).unwrap() == before, "{line}");
    }
}

#[test]
fn the_language_means_what_powershell_means() {
    let desk = copied(prepared());
    let gives = |text: &str, out: &str| assert_eq!(script(&desk, text, &[]).code(0).out, out, "{text}");
    gives("$n = 1 + 2 * 3; \"$n\"; $n -eq 7 -and -not ($n -lt 3)", "7\nTrue\n");
    gives("'a'' $x `n'; \"b`tc\"\n\"say \"\"so\"\"\"", "a' $x `n\nb\tc\nsay \"so\"\n".replace("\\t", "\t").as_str());
    gives("# nothing\n<# a\n b #> 'x' # y\n'# no comment'", "x\n# no comment\n");
    gives("$l = 'b','A',\"c\"\n$l | Sort-Object | Select-Object -First 2\n$l.Count; $l[0]; $l[-1]", "A\nb\n3\nb\nc\n");
    gives("$l = @(); $l += 'a'; $l += 'b','c'; $l -contains 'B'; $l -join '+'", "True\na+b+c\n");
    gives("1..3 | ForEach-Object { if ($_ -eq 2) { 'two' } else { $_ } }", "1\ntwo\n3\n");
    gives("foreach ($i in 1..9) { if ($i -eq 2) { continue }; if ($i -gt 3) { break }; $i }", "1\n3\n");
    gives("(1,2,3,4 | Measure-Object -Sum -Average).Average; ('x' | Measure-Object).Count", "2.5\n1\n");
    gives(
        "(Get-Date).AddDays(-7).ToString('yyyy-MM-dd'); Get-Date '3/1/2018' -Format yyyyMMdd",
        "2021-02-25\n20180301\n",
    );
    gives("'ITChat' -like '[A-M]*'; 'a*' -like 'a`*'; 'Help' -match '^h'; 'x' -in 'X','y'", "True\nTrue\nTrue\nTrue\n");
    gives("\u{201c}curly\u{201d}; 5 \u{2013}gt 3", "curly\nTrue\n");
    gives("('a','b' | ConvertTo-Json -Compress); 'z' | Out-Null", "[\"a\",\"b\"]\n");
    gives("$x = [pscustomobject]@{A=1;B='two'}; $x.b; \"$x\"", "two\n@{A=1; B=two}\n");
    gives("(Get-CsPersistentChatRoom | Where-Object {$_.Name -like 'Project*'}).Count", "2\n");
    gives("(Get-CsPersistentChatRoom -Filter {Name -like 'Project*'}).Name", "Project Tailspin\nProject Contoso\n");
    gives("$f = 'Project*'; (Get-CsPersistentChatRoom -Filter {Name -like $f}).Count", "2\n");
    gives("(Get-CsPersistentChatRoom Nowhere -ErrorAction SilentlyContinue).Count; 'on'", "0\non\n");
    gives(
        "Get-CsPersistentChatRoom | Group-Object Category | Where-Object Count -gt 1 | Select-Object -ExpandProperty Count",
        "5\n",
    );
    gives(
        "Get-CsPersistentChatRoom |\n  Select-Object Name |\n  Sort-Object Name -Descending | Select-Object -First 1 | Format-List",
        "Name : Settlements\n\n",
    );
    gives("Get-CsPersistentChatPolicy -Filter \"tag:*\" | Select-Object -ExpandProperty Identity", "Traders\n");
    let run = script(&desk, "Get-CsPersistentChatRoom Nowhere\n'never'", &[]).code(10);
    assert!(run.out.is_empty() && run.err.contains("s.ps1:1: stopped here"), "{run:?}");
    // Nothing writes over what cannot be made again.
    let store = desk.path("s.db").display().to_string();
    script(&desk, &format!("'x' | Out-File '{store}'"), &[]).code(15).says("a store, a key or an archive");
    script(&desk, &format!("'x' | Out-File '{store}.key'"), &[]).code(15).says("a store, a key or an archive");
    // A formula is a text.
    script(&desk, "[pscustomobject]@{A='=1+2'} | Export-Csv \"rooms.csv\"", &[]).code(0);
    assert_eq!(file(&desk, "rooms.csv"), "\"A\"\n\"'=1+2\"\n");
    // Only errors.
    let quiet = script(
        &desk,
        "'x'; Write-Host y; Get-CsPersistentChatRoom\nSet-CsPersistentChatPolicy -Description z",
        &["--quiet"],
    );
    assert!(quiet.code == 0 && quiet.out.is_empty() && quiet.err.is_empty(), "{quiet:?}");
}

#[test]
fn a_script_can_be_shown_without_being_done() {
    let desk = copied(prepared());
    let before = desk.audit("s.db").len();
    let text = "$n = 'Project*'\nforeach ($r in Get-CsPersistentChatRoom -Filter {Name -like $n}) { Set-CsPersistentChatRoom $r.Identity -Disabled $True }\n\
                'x' | Out-File \"out.txt\"\npchat case new Later";
    let run = script(&desk, text, &["--show-script"]).code(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", run.out);
    assert!(lines[0].contains("room get '--filter={$_.Name -like"), "{}", run.out);
    assert!(lines[1].contains("room set --disabled=true -- 'litwareinc.com\\Project Tailspin'"), "{}", run.out);
    assert!(lines[3].starts_with("# ") && lines[4].ends_with("case new Later"), "{}", run.out);
    assert!(!desk.path("out.txt").exists() && desk.audit("s.db").len() == before);
}

#[test]
fn long_scripts_are_linear_and_deep_ones_need_no_stack() {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let done = small.spawn(|| {
        let desk = Desk::new();
        desk.run("store new --store @s.db").code(0);
        let many = |joint: &str, part: &str, times: usize| vec![part; times].join(joint);
        // 40,000 terms, 10,000 items, 400 KB of lines.
        let long = format!("1 -eq 1 -and {}", many(" -and ", "2 -gt 1", 40_000));
        assert_eq!(script(&desk, &long, &[]).code(0).out, "True\n");
        let items = format!("$l = {}\n$l.Count", many(",", "'x'", 10_000));
        assert_eq!(script(&desk, &items, &[]).code(0).out, "10000\n");
        let lines = format!("$n = 0\n{}\n$n", many("\n", "$n = $n + 1 # one more of these lines", 11_000));
        assert!(lines.len() > 400_000);
        assert_eq!(script(&desk, &lines, &[]).code(0).out, "11000\n");
        for open in ["(", "$(", "@(", "if ($true) {", "\"$(", "@{a=", "!", "-", "[string]"] {
            let run = script(&desk, &open.repeat(20_000), &[]).code(2);
            assert!(run.err.len() < 600, "{open}: {}", run.err.len());
        }
        let deep = format!("{}1{}", "(".repeat(20), ")".repeat(20));
        assert_eq!(script(&desk, &deep, &[]).code(0).out, "1\n");
        // An error repeats no more of a line than people read.
        let text = "x".repeat(50_000);
        for line in [
            format!("Get-{text}"),
            format!("Get-Cs{text}"),
            format!("${text}"),
            format!("Get-CsPersistentChatRoom -{text} y"),
            format!("Get-CsPersistentChatRoom a {text}"),
            format!("Get-CsPersistentChatRoom -ResultSize {text}"),
            format!("Clear-CsPersistentChatRoom a -EndDate {text}"),
            format!("1 -{text} 2"),
            format!("'a' -match '({text}'"),
            format!("'a' -like '[{text}'"),
            format!("[{text}]1"),
            format!("'a'.{text}()"),
        ] {
            let run = script(&desk, &line, &[]);
            assert!(
                run.code != 0 && run.err.len() < 700,
                "{}: {}",
                &line[..20],
                run.err.chars().take(200).collect::<String>()
            );
        }
    });
    done.unwrap().join().unwrap();
}

/// The words a shell makes of a line.
pub(crate) fn shell(line: &str) -> Vec<String> {
    let print = format!("f() {{ printf '%s\\0' \"$@\"; }}; f {line}");
    let out = Command::new("bash").args(["-fc", &print]).output().unwrap();
    assert!(out.status.success(), "{line}");
    let text = String::from_utf8(out.stdout).unwrap();
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

/// Lines as they are typed into bash, and what the error shows.
const MANGLED: [(&str, &str); 44] = [
    (
        "Set-CsPersistentChatRoom 'Coffee Corner' -Disabled $False",
        "pchat Set-CsPersistentChatRoom 'Coffee Corner' -Disabled '$False'",
    ),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled $True", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom -Identity 'Coffee Corner' -Disabled", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Disabled:$False", "-Disabled:$False'"),
    ("New-CsPersistentChatRoom -Name N -Category Social -Disabled $False", "-Disabled '$False'"),
    (
        "Set-CsPersistentChatCategory Social -FileUpload $False",
        "pchat Set-CsPersistentChatCategory Social -FileUpload '$False'",
    ),
    ("Set-CsPersistentChatCategory Social -Invitations $True -FileUpload $True", "-Invitations '$False'"),
    ("Set-CsPersistentChatPolicy -EnablePersistentChat $True", "-EnablePersistentChat '$False'"),
    ("Set-CsPersistentChatComplianceConfiguration -AddUserDetails $False", "-AddUserDetails '$False'"),
    ("Get-CsPersistentChatRoom -Disabled $False", "-Disabled '$False'"),
    ("Clear-CsPersistentChatRoom 'Coffee Corner' -EndDate 1/1/2020 -Confirm:$False", "'-Confirm:$False'"),
    ("Remove-CsPersistentChatRoom 'Coffee Corner' -WhatIf:$False", "leave the value out: pchat Remove-CsPersistent"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Members $Null", "-Members '$Null'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Addin $Null", "-Addin '$Null'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description $Null -Disabled False", "-Description '$Null'"),
    (
        "Get-CsPersistentChatRoom -Filter {Name -like \"IT*\"}",
        "put the braces in quotes: pchat Get-CsPersistentChatRoom -Filter '{Name -like \"IT*\"}'",
    ),
    (
        "Get-CsPersistentChatRoom -Filter {Name -eq 'IT Help' -and Disabled -eq 0}",
        "'{Name -eq \"IT Help\" -and Disabled -eq 0}'",
    ),
    ("Where-Object {$_.Name -like \"IT*\"}", "put the braces in quotes"),
    ("Get-CsPersistentChatRoom -Filter \"{$_.Name -like 'IT*'}\"", "in single quotes"),
    ("Get-CsPersistentChatRoom -Filter \"{Name -like \"IT*\"}\"", "in single quotes"),
    ("Get-CsPersistentChatRoom -Filter '{Name -like IT*}'", "in single quotes"),
    ("Get-CsPersistentChatRoom -Filter \"{Disabled -eq $False}\"", "conditions are written as"),
    ("\"Get-CsPersistentChatRoom | Where-Object {$_.Name -eq 'x'}\"", "whole line in single quotes"),
    (
        "\"Get-CsPersistentChatRoom | Where-Object {$_.Disabled -eq $False} | Remove-CsPersistentChatRoom -Confirm:$False\"",
        "whole line in single quotes",
    ),
    ("\"$rooms = Get-CsPersistentChatRoom\"", "whole line in single quotes"),
    ("\"Set-CsPersistentChatRoom 'Coffee Corner' -Disabled $False\"", "-Disabled '$False'"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Managers @{Remove=\"a\"", "brace of @{ is not closed"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Members @{Add=\"a\"", "brace of @{ is not closed"),
    ("Set-CsPersistentChatRoom Coffee Corner -Description x", "in quotes"),
    ("Set-CsPersistentChatRoom 'Coffee Corner' -Description closed since May", "in quotes"),
    ("Get-CsPersistentChatRoom -Filter \u{201c}IT Help", "straight quotation marks"),
    ("Set-CsPersistentChatRoom \u{2018}Coffee Corner -Description x", "straight quotation marks"),
    ("Set-CsPersistentChatRoom \"$room\" -Disabled True", "-Identity is empty"),
    ("Get-CsPersistentChatRoom -Category \"$category\"", "-Category is empty"),
    ("Remove-CsPersistentChatRoom \"$room\" -Confirm:False", "-Identity is empty"),
    ("Clear-CsPersistentChatRoom -EndDate 1/1/2020 -Confirm:False", "give -Identity"),
    ("Remove-CsPersistentChatRoom -Confirm:False", "give -Identity"),
    ("Set-CsPersistentChatRoom -Disabled True", "give -Identity"),
    ("Remove-CsPersistentChatRoom '$room' -Confirm:False", "variable $room is not defined"),
    ("Clear-CsPersistentChatRoom 'Coffee Corner' -EndDate $date -Confirm:False", "-EndDate needs a value"),
    ("Clear-CsPersistentChatRoom 'Coffee Corner' -EndDate 1/1/2020 5:00 PM", "in quotes"),
    (
        "Import-CsPersistentChatData -DBInstance atl-sql-001\\rtc -FileName x.zip",
        "pchat store alias add 'atl-sql-001rtc'",
    ),
    ("Export-CsPersistentChatData -DBInstance 'other\\rtc' -FileName @x.zip", "pchat store alias add 'other\\rtc'"),
    ("purge --room 'Coffee Corner' --to 3/1/2016 --yes", "write the year first: 2016-03-01"),
];

#[test]
fn lines_a_shell_has_mangled_end_in_the_line_that_is_right() {
    let desk = copied(prepared());
    let state = || (desk.history("s.db"), format!("{:?}", desk.catalog("s.db")));
    let before = state();
    for (line, shows) in MANGLED {
        let mut words = shell(line);
        words.extend(["--store".to_owned(), "@s.db".to_owned()]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // A scheduled task has nothing on its standard input.
        let run = desk.fed(&words, Some(""));
        assert!(!matches!(run.code, 0 | 3 | 4), "{line}: {run:?}");
        assert!(run.err.contains(shows), "{line}\n  {shows}\n  {}", run.err);
        assert!(run.err.len() < 600 && run.out.is_empty(), "{line}: {run:?}");
    }
    assert!(state() == before, "something has changed");
}

#[test]
fn an_instance_is_a_store_only_where_it_is_listed() {
    let desk = copied(prepared());
    let line = |name: &str| {
        format!("Export-CsPersistentChatData -DBInstance '{name}' -FileName '{}'", desk.path("x.zip").display())
    };
    let alias = |verb: &str, name: &str| desk.args(&["store", "alias", verb, name, "--store", "@s.db"]);
    desk.args(&[&line("ATL-SQL-001\\rtc"), "--store", "@s.db"]).code(15).says("pchat store alias add");
    alias("add", "atl-sql-001\\rtc").code(0);
    desk.args(&[&line("ATL-SQL-001\\rtc"), "--store", "@s.db"]).code(0);
    desk.args(&[&line("atl-sql-002\\rtc"), "--store", "@s.db"]).code(15);
    let list = desk.run("store alias get --store @s.db --output json").json();
    assert_eq!((list[0]["Name"].as_str(), list.as_array().unwrap().len()), (Some("atl-sql-001\\rtc"), 1));
    // A name stays with the store: an archive does not carry it to another one.
    desk.run("export --store @s.db --out @y.zip").code(0);
    desk.run("import @y.zip --store @other.db").code(0);
    desk.run("store alias get --store @other.db").code(4);
    alias("remove", "Atl-sql-001\\RTC").code(0);
    alias("remove", "atl-sql-001\\rtc").code(10);
    desk.args(&[&line("atl-sql-001\\rtc"), "--store", "@s.db"]).code(15);
    assert!(desk.audit("s.db").iter().any(|entry| entry.to_string().contains("store alias add")));
    desk.run("audit verify --store @s.db").code(0);
}
