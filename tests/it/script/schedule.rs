//! What a scheduler runs: the line of the README after the README's own examples, and the script of the pages.

use crate::harness::Desk;
use std::process::Command;

/// The line for cron, as a shell gets it.
fn cron() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("0 2 1 * *")).unwrap();
    line.trim_start_matches("0 2 1 * *").trim().replace("\\%", "%")
}

#[test]
fn the_line_for_cron_works_after_the_examples_and_is_silent() {
    let desk = Desk::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    desk.args(&["import", sample, "--store", "@chat.db"]).code(0);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_pchat")).parent().unwrap();
    let shell = |line: &str| {
        let line = line.replace("/srv/chat", desk.path("").to_str().unwrap());
        let line = format!("PATH=\"{}:$PATH\"; {line}", bin.display());
        Command::new("sh").args(["-c", &line]).env_remove("PCHAT_STORE").output().unwrap()
    };
    let run = |line: &str| {
        let shell = shell(line);
        assert!(shell.stdout.is_empty() && shell.stderr.is_empty(), "{line}: {shell:?}");
        shell.status.code()
    };
    // Nobody has written anything last month.
    assert_eq!(run(&cron()), Some(4));
    // The same a month after somebody has.
    let past = cron().replace("date -d 'last month' +%Y-%m", "echo 2015-03");
    assert_ne!(past, cron());
    assert_eq!(run(&past), Some(0));
    desk.run("verify @chat-2015-03.zip --read-data").code(0);
    assert!(desk.path("chat-2015-03.json").exists());
    // What fails is said.
    std::fs::remove_file(desk.path("chat-2015-03.zip")).unwrap();
    let shell = shell(&past.replace("chat.db", "nowhere.db"));
    assert!(shell.status.code() == Some(10) && !shell.stderr.is_empty() && shell.stdout.is_empty(), "{shell:?}");
}

#[test]
fn the_script_of_the_schedule_exports_the_last_month() {
    let desk = Desk::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    desk.args(&["import", sample, "--store", "@chat.db"]).code(0);
    desk.clock("2015-04-01T02:00:00Z");
    let script = include_str!("../../../fixtures/scripts/monthly.ps1");
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schedules.md")).unwrap();
    assert!(page.contains(script.trim()), "docs/schedules.md shows another script");
    let folder = desk.path("");
    let script = script.replace("\"chat-$(", &format!("\"{}chat-$(", folder.display()));
    let script = script.replace("-DBInstance chat.db", &format!("-DBInstance '{}'", desk.path("chat.db").display()));
    let file = desk.write("monthly.ps1", script);
    let run = desk.args(&["script", file.to_str().unwrap(), "--quiet"]).code(0);
    assert!(run.out.is_empty() && run.err.is_empty(), "{run:?}");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("chat-2015-03.json")).unwrap();
    let text = report.to_string();
    assert!(text.contains("2015-03-01") && text.contains("2015-03-31"), "{text}");
    desk.run("verify @chat-2015-03.zip").code(0);
    for unit in
        ["export.service", "export.timer", "compliance.service", "compliance-once.service", "compliance-once.timer"]
    {
        let unit = format!("pchat-{unit}");
        let unit = std::fs::read_to_string(format!("{}/docs/systemd/{unit}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(page.contains(unit.trim()), "docs/schedules.md shows another unit");
    }
}

#[test]
fn the_lines_of_the_compliance_service_run_as_they_are_written() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schedules.md")).unwrap();
    let desk = Desk::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    desk.args(&["import", sample, "--store", "@chat.db"]).code(0);
    let line = page.lines().find(|line| line.starts_with("*/15 * * * *")).unwrap();
    let line = line.trim_start_matches("*/15 * * * *").trim().replace("/srv/chat", desk.path("").to_str().unwrap());
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_pchat")).parent().unwrap();
    let line = format!("PATH=\"{}:$PATH\"; {line}", bin.display());
    let run = |line: &str| Command::new("sh").args(["-c", line]).env_remove("PCHAT_STORE").output().unwrap();
    // Before a folder is set, somebody has to look; so when the line itself is wrong.
    for wrong in [line.clone(), line.replace("--quiet", "--quite")] {
        let ran = run(&wrong);
        assert!(ran.stdout == b"compliance failed\n" && !ran.stderr.is_empty(), "{ran:?}");
    }
    let out = desk.path("out").display().to_string();
    desk.args(&["compliance", "set", "--adapter-output-directory", &out, "--store", "@chat.db"]).code(0);
    run(&line);
    // Nothing new is silent.
    let ran = run(&line);
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty() && ran.status.success(), "{ran:?}");
    // What the Task Scheduler runs is at most 261 characters, in quotes once.
    let tasks: Vec<&str> = page.lines().filter(|line| line.starts_with("schtasks ")).collect();
    assert_eq!(tasks.len(), 2);
    for task in tasks {
        let run = task.split("/TR \"").nth(1).unwrap().strip_suffix('"').unwrap();
        assert!(run.len() <= 261 && !run.contains('"') && run.contains(" --quiet "), "{task}");
    }
}
