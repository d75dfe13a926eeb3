//! The manual is true: every `console` block of the pages is run in a folder that holds `fixtures`, and prints what the
//! page says. `...` stands for anything on a line; alone on a line it stands for any lines. A command ends with code 0
//! unless the page says `# exit N`. PCHAT_BLESS=1 rewrites the pages. Must not need anything but a shell; a block that
//! uses another tool is passed over where that tool is not installed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first block of the README, which builds pchat and does its main work.
const FIRST: &str = "\
cargo build --release && mkdir -p target/try &&
cargo run --release --quiet -- import fixtures/sample --store target/try/chat.db &&
cargo run --release --quiet -- export --store target/try/chat.db --out target/try/chat.zip --overwrite &&
cargo run --release --quiet -- verify target/try/chat.zip --read-data &&
cargo run --release --quiet -- store info --store target/try/chat.db
";
/// The second block of the README, which runs the tests.
const SECOND: &str = "cargo test\n";

/// What the shell knows by itself, and what every system with a shell has.
const ALWAYS: &[&str] = &[
    "pchat", "cd", "mkdir", "cp", "mv", "rm", "ls", "cat", "head", "tail", "grep", "sed", "printf", "echo", "wc",
    "for", "do", "done",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages with blocks that are run.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("docs/migrate.md"), root().join("docs/schedules.md")];
    for folder in ["docs/commands", "docs/formats"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        pages.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    pages.sort();
    pages
}

/// The lines of a page that are one fenced block: its language, and the numbers of its first and last line.
fn blocks(lines: &[&str]) -> Vec<(String, usize, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for (number, line) in lines.iter().enumerate() {
        match (&open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.trim().to_owned(), number + 1)),
            (Some((language, first)), Some("")) => {
                blocks.push((language.clone(), *first, number));
                open = None;
            }
            _ => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    blocks
}

/// A command of a block, and what the page says it prints.
struct Step<'a> {
    /// The lines of the command as they stand, with `$ ` and continuation lines.
    shown: Vec<&'a str>,
    command: String,
    exit: i32,
    output: Vec<&'a str>,
}

fn steps<'a>(lines: &[&'a str]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    let mut continued = false;
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { shown: vec![line], command: command.to_owned(), exit: 0, output: Vec::new() });
        } else if let (true, Some(step)) = (continued, steps.last_mut()) {
            step.shown.push(line);
            step.command = format!("{}\n{line}", step.command);
        } else {
            steps.last_mut().expect("a block begins with a command").output.push(line);
            continue;
        }
        continued = line.ends_with('\\');
    }
    for step in &mut steps {
        if let Some((_, code)) = step.command.rsplit_once("# exit ") {
            step.exit = code.trim().parse().expect("a number after # exit");
        }
    }
    steps
}

/// The programs a command starts, as far as that can be told without being a shell.
fn tools(command: &str) -> BTreeSet<String> {
    let (mut quote, mut plain) = (None, String::new());
    for c in command.chars() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => plain.push(if ";&(\n".contains(c) { '|' } else { c }),
        }
    }
    let commands = plain.split('|').filter_map(|part| part.split_whitespace().find(|word| !word.contains('=')));
    commands.map(str::to_owned).collect()
}

fn installed(tool: &str, path: &str) -> bool {
    ALWAYS.contains(&tool) || std::env::split_paths(path).any(|folder| folder.join(tool).is_file())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A folder with everything a page may use, and the path on which its commands find pchat.
struct Desk {
    folder: tempfile::TempDir,
    path: String,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_pchat")).parent().unwrap();
        let work = folder.path().join("work");
        copy(&root().join("fixtures/sample"), &work.join("fixtures/sample"));
        copy(&root().join("fixtures/compliance"), &work.join("fixtures/compliance"));
        copy(&root().join("fixtures/mgc"), &work.join("fixtures/mgc"));
        copy(&root().join("fixtures/scripts"), &work.join("fixtures/scripts"));
        copy(&root().join("docs/formats"), &work.join("docs/formats"));
        // bagit is where the full check installs it.
        let path = format!(
            "{}:{}:{}",
            bin.display(),
            std::env::var_os("PATH").unwrap_or_default().to_string_lossy(),
            root().join("target/judges/bin").display()
        );
        Desk { folder, path }
    }

    /// Runs a command; gives what it printed and its exit code.
    fn run(&self, command: &str) -> (String, i32) {
        let work = self.folder.path().join("work");
        let done = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(&work)
            .env_clear()
            .envs([("PATH", self.path.as_str()), ("LANG", "C.UTF-8"), ("TZ", "UTC"), ("USER", "records")])
            .env("HOME", std::env::var_os("HOME").unwrap_or_default())
            .output()
            .unwrap();
        (String::from_utf8(done.stdout).unwrap(), done.status.code().unwrap_or(-1))
    }
}

/// Does a line fit a line of the page, in which `...` stands for anything?
fn line_fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn fits(expected: &[&str], lines: &[&str]) -> bool {
    match (expected.first(), lines.first()) {
        (None, None) => true,
        (Some(&"..."), _) => (0..=lines.len()).any(|skip| fits(&expected[1..], &lines[skip..])),
        (Some(wanted), Some(line)) => line_fits(wanted, line) && fits(&expected[1..], &lines[1..]),
        _ => false,
    }
}

/// The output as a page should show it: what is different every time is left out.
fn blessed(line: &str) -> String {
    for name in ["Size  ", "SQLite  "] {
        if line.starts_with(name) {
            let value = line.split_whitespace().nth(1).unwrap_or_default();
            return format!("{}...", &line[..line.find(value).unwrap_or(line.len())]);
        }
    }
    let mut shown = String::new();
    let mut digits = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            digits.push(c);
            continue;
        }
        shown += if digits.len() >= 32 { "..." } else { &digits };
        digits.clear();
        if c != '\n' {
            shown.push(c);
        }
    }
    let Some((before, size)) = shown.rsplit_once(" (") else { return shown };
    match size.strip_suffix(" bytes)") {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => format!("{before} (... bytes)"),
        _ => shown,
    }
}

/// Runs the blocks of a page; gives the page as it should be, and what differs.
#[allow(clippy::print_stdout)] // A test that passes something over says so.
fn check(page: &Path, text: &str) -> (String, String) {
    let lines: Vec<&str> = text.lines().collect();
    let desk = Desk::new();
    let (mut fresh, mut wrong, mut done) = (String::new(), String::new(), 0);
    let name = page.strip_prefix(root()).unwrap().display();
    for (language, first, last) in blocks(&lines) {
        for line in &lines[done..first] {
            let _ = writeln!(fresh, "{line}");
        }
        done = first;
        if language != "console" {
            continue;
        }
        done = last;
        let steps = steps(&lines[first..last]);
        let mut missing: Vec<String> = steps.iter().flat_map(|step| tools(&step.command)).collect();
        missing.retain(|tool| !installed(tool, &desk.path));
        if !missing.is_empty() {
            println!("{name}:{first}: passed over, because this is not installed: {}", missing.join(", "));
            done = first;
            continue;
        }
        for step in steps {
            let (output, exit) = desk.run(&step.command);
            let printed: Vec<&str> = output.lines().collect();
            let right = fits(&step.output, &printed) && exit == step.exit;
            for line in &step.shown {
                let _ = writeln!(fresh, "{line}");
            }
            let shown: Vec<String> = match right {
                true => step.output.iter().map(|line| (*line).to_owned()).collect(),
                false => printed.iter().map(|line| blessed(line)).collect(),
            };
            for line in shown {
                let _ = writeln!(fresh, "{line}");
            }
            if !right {
                let _ = writeln!(
                    wrong,
                    "{name}:{first}: $ {}\nended with {exit}, the page says {}; printed:\n{output}---- the page says:\n{}\n",
                    step.command,
                    step.exit,
                    step.output.join("\n")
                );
            }
        }
    }
    for line in &lines[done..] {
        let _ = writeln!(fresh, "{line}");
    }
    (fresh, wrong)
}

#[test]
fn every_console_block_prints_what_the_page_says() {
    let pages = pages();
    assert!(pages.len() > 5);
    // Pages do not meet, so they run side by side.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = pages
            .iter()
            .map(|page| {
                scope.spawn(move || {
                    let text = std::fs::read_to_string(page).unwrap();
                    let (fresh, wrong) = check(page, &text);
                    if std::env::var_os("PCHAT_BLESS").is_some() && fresh != text {
                        std::fs::write(page, fresh).unwrap();
                    }
                    wrong
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "PCHAT_BLESS=1 rewrites the pages\n\n{wrong}");
}

#[test]
fn the_readme_begins_with_building_trying_and_testing() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let blocks = blocks(&lines);
    let shown = |at: usize| {
        let (language, first, last) = &blocks[at];
        assert_eq!(language, "sh");
        lines[*first..*last].iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(shown(0), FIRST);
    assert_eq!(shown(1), SECOND);
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let cargo = text.lines().filter(|line| line.starts_with("cargo ") || line.starts_with("$ cargo ")).count();
        let allowed = if page.ends_with("README.md") { FIRST.lines().count() + 1 } else { 0 };
        assert_eq!(cargo, allowed, "{}: a block with cargo is not run by this test", page.display());
    }
    // The same commands with the program that is built already, twice, as somebody would who tries again.
    let desk = Desk::new();
    let command = FIRST.replace("cargo build --release && ", "").replace("cargo run --release --quiet --", "pchat");
    for time in ["first", "second"] {
        let (output, exit) = desk.run(&command);
        assert_eq!(exit, 0, "the {time} time:\n{output}");
        assert!(output.contains("Verdict") && output.contains("10 rooms"), "the {time} time:\n{output}");
    }
}

#[test]
fn three_dots_stand_for_anything() {
    assert!(line_fits("a ... c", "a b c") && line_fits("...", "") && line_fits("x", "x") && line_fits("...z", "xyz"));
    assert!(!line_fits("a ... c", "a b d") && !line_fits("x", "xx") && !line_fits("a...a", "a"));
    assert!(fits(&["a", "...", "d"], &["a", "b", "c", "d"]) && fits(&["...", "a"], &["a"]) && fits(&[], &[]));
    assert!(!fits(&["a", "..."], &["b"]) && !fits(&["a"], &["a", "b"]) && !fits(&["a", "b"], &["a"]));
    assert_eq!(blessed("Written  a.zip (12 bytes)"), "Written  a.zip (... bytes)");
    assert_eq!(blessed("Size    4 KiB"), "Size    ...");
    assert_eq!(blessed(&format!("id {} and 12", "0f".repeat(16))), "id ... and 12");
}
