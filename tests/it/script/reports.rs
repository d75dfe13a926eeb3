//! Scripts of administrators: reports, loops, clean-ups. What is known of PowerShell works as PowerShell does; what is
//! not is refused by line and column before the first line runs.

use super::{copied, file, prepared, script};

#[test]
fn reports_and_loops_work_as_in_powershell() {
    let desk = copied(prepared());
    let run = script(&desk, include_str!("../../../fixtures/scripts/members.ps1"), &[]).code(0);
    assert_eq!(run.out, "10 rooms, 0 disabled\nRooms               |      10|50%\n");
    let csv = file(&desk, "rooms.csv");
    assert_eq!(csv.lines().next(), Some(r#""Room","Category","MemberCount","Members","Disabled""#));
    assert!(csv.contains(r#""Coffee Corner","Social","0","","False""#) && csv.contains("(none)"), "{csv}");

    let run = script(&desk, include_str!("../../../fixtures/scripts/summary.ps1"), &[]).code(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[..4], ["Rooms of 2021", "Total: 10", "no $vars here 'quoted'", "x has 3"], "{}", run.out);
    assert!(lines[4].starts_with("Name") && run.out.contains("Count"), "{}", run.out);

    desk.write("team.csv", "Room,Owner\nCoffee Corner,ann@x\nNight Shift,bob@x\n ,eve@x\n");
    let run = script(&desk, include_str!("../../../fixtures/scripts/check-team.ps1"), &[]).code(0);
    assert_eq!(run.out, "exists: pool01.litwareinc.com\\Coffee Corner\nwould create Night Shift for bob\n");

    let run = script(&desk, include_str!("../../../fixtures/scripts/trading.ps1"), &[]).code(0);
    let expected = "01 FX_Trading_Desk\n02 IT_Help_Desk\nfirst: FX TRADING DESK, last: IT\ndays: 62, half of 7 is 4\n";
    assert_eq!(run.out, expected);
    assert_eq!(run.err, "WARNING: 2 rooms\n");
    let json: serde_json::Value = serde_json::from_str(&file(&desk, "settings.json")).unwrap();
    assert_eq!((&json[0]["Pool"], &json[0]["Len"]), (&"litwareinc.com".into(), &15.into()));

    let run = script(&desk, include_str!("../../../fixtures/scripts/clean-projects.ps1"), &[]).code(0);
    assert!(run.out.starts_with("Disabling Project "), "{}", run.out);
    assert_eq!(file(&desk, "clean-up.log").lines().count(), 2);
    let left = desk.run("room get --store @s.db --output json --where Disabled").json();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["Description"]), (2, &"Disabled 2021-03-04".into()));
}

#[test]
fn several_items_of_a_list_are_a_list() {
    let desk = copied(prepared());
    let lines = "$a = 'a','b','c','d'\n$a[0..1] -join ','\n$a[-2..-1] -join ','\n$a[3,0,9] -join ','\n$a[9]\n\
                 $r = Get-CsPersistentChatRoom | Sort-Object Name\n($r[0..1] | Measure-Object).Count\n$r[0..1].Name";
    let run = script(&desk, lines, &[]).code(0);
    assert_eq!(run.out, "a,b\nc,d\nd,a\n2\nAsia Desk\nCoffee Corner\n");
}

#[test]
fn what_powershell_has_and_this_has_not_is_refused_with_nothing_done() {
    let desk = copied(prepared());
    let before = std::fs::read(desk.path("s.db")).unwrap();
    for (text, place, says) in [
        ("$x = 1\nfunction Get-Total($x) { $x }", "2:1", "\"function\""),
        ("param([string]$Pool)\nGet-CsPersistentChatRoom", "1:1", "\"param\""),
        ("$x = 1\nfor ($i = 0; $i -lt 3; $i++) { $i }", "2:1", "\"for\""),
        ("$x = [math]::Round(1.5)", "1:6", "\"[math]\""),
        ("$i = 0\nwhile ($i -lt 3) { $i++ }", "2:1", "\"while\""),
        ("Get-ChildItem *.txt | ForEach-Object { $_ }", "1:1", "\"Get-ChildItem\""),
        ("Send-MailMessage -To a@x", "1:1", "\"Send-MailMessage\""),
        ("$l = 1, 2\n$l[0] = 3", "2:1", "are given values"),
        ("switch ($x) { 1 { 2 } }", "1:1", "\"switch\""),
        ("Get-CsPersistentChatRoom -Identity x | Out-GridView", "1:40", "\"Out-GridView\""),
    ] {
        let text = format!("{text}\nSet-CsPersistentChatPolicy -Description changed");
        let run = script(&desk, &text, &[]).code(2);
        assert!(run.err.contains(&format!("s.ps1:{place}: ")) && run.err.contains(says), "{text}\n{}", run.err);
        assert!(run.out.is_empty() && std::fs::read(desk.path("s.db")).unwrap() == before, "{text}");
    }
}

#[test]
fn values_are_those_of_powershell() {
    let desk = copied(prepared());
    let gives = |text: &str, out: &str| assert_eq!(script(&desk, text, &[]).code(0).out, out, "{text}");
    gives("$a = @\"\nx $(1 + 1) \"q\"\r\ny\n\"@\n$a", "x 2 \"q\"\ny\n");
    gives("@'\n$no\n\n'@; 'z'", "$no\n\nz\n");
    gives("$n = 5; $n++; $n -= 2; $n *= 3; $n /= 2; $n--; $n", "5\n");
    gives("$x = if (1 -eq 2) { 'a' } elseif ($true) { 'b' } else { 'c' }; $x", "b\n");
    gives("$l = foreach ($i in 1..3) { $i * 2 }; $l -join ','", "2,4,6\n");
    gives(
        "'a1b22c' -split '\\d+'; 'IT Help' -replace 'help', 'Desk'; 'IT' -creplace 'it', 'x'",
        "a\nb\nc\nIT Desk\nIT\n",
    );
    gives("('a','b' -replace '^', 'x') -join '+'; 'k=v' -replace '(\\w)=(\\w)', '$2=$1'", "xa+xb\nv=k\n");
    gives("'{0,-6}|{1,4}|{2,6:N1}|' -f 'ab', 7, 2.25", "ab    |   7|   2.2|\n");
    gives("[int]2.5; [int]3.5; [int]'7'; [double]'1.5'", "2\n4\n7\n1.5\n");
    gives("'a'.PadRight(3) + '|' + 'b'.PadLeft(3); 'abcdef'.Substring(2, 3); '-x-'.Trim('-')", "a  |  b\ncde\nx\n");
    gives("'a b c'.Split(' ')[1]; 1..3 | ForEach-Object \u{2013}Process { $_ }", "b\n1\n2\n3\n");
    gives("Write-Verbose 'quiet' -Verbose; Write-Warning 'loud'; 'on'", "on\n");
}

#[test]
fn what_fails_is_caught_and_hashtables_are_spread_out() {
    let desk = copied(prepared());
    let text = include_str!("../../../fixtures/scripts/check-rooms.ps1");
    let run = script(&desk, text, &[]).code(0);
    assert_eq!(
        run.out,
        "3 rooms, 1 failed\nFailed: Nowhere: no room \"Nowhere\"\nRoom           Result\nCoffee Corner  ok\n\
         Nowhere        no room \"Nowhere\"\nSettlements    ok\n"
    );
    assert!(run.err.contains("WARNING: Nowhere: no room \"Nowhere\""), "{}", run.err);
    assert!(!run.err.contains("stopped here") && !run.err.contains("pchat: "), "{}", run.err);
    let room = desk.run("room get Settlements --store @s.db --output json").json();
    assert_eq!((&room[0]["Description"], &room[0]["Disabled"]), (&"checked".into(), &true.into()));
    let gives = |text: &str, code: u8, out: &str| {
        let run = script(&desk, text, &[]);
        assert!(run.code == code && run.out == out, "{text}: {run:?}");
    };
    gives("try { throw 'boom' } catch { \"caught: $_\" } finally { 'always' }", 0, "caught: boom\nalways\n");
    gives("try { $x = Get-CsPersistentChatRoom Nope } catch { $_.Exception.Message }", 0, "no room \"Nope\"\n");
    gives("try { pchat room get Nope } catch { 'own' }; 'on'", 0, "own\non\n");
    gives("try { 'a' } catch { 'b' }; exit 3; 'never'", 3, "a\n");
    gives("$n = 0; 1..5 | ForEach-Object { $n++; if ($_ -eq 2) { exit $n } }; 'never'", 2, "");
    gives("try { 1..3 | ForEach-Object { exit 4 } } catch { 'no' }", 4, "");
    gives("$h = @{}; $h['b'] = 2; $h.a = 1; $h.B = 3; $h.Keys -join ','; $h.b", 0, "b,a\n3\n");
    // What is not caught ends the script, after `finally`.
    let run = script(&desk, "try { Get-CsPersistentChatRoom Nope } finally { 'always' }\n'never'", &[]).code(10);
    assert_eq!(run.out, "always\n");
}
