//! The rules of the house, read off the sources: who may know whom, where packages live, how long files are, which
//! lists must be complete. The reasons stand in docs/architecture.md. A rule that is not checked is a wish.

mod fields;
mod messages;
mod source;
mod text;

use self::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with this ending, relative to the root.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::from(folder)];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                todo.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} below {folder}");
    found
}

fn sources() -> Vec<Source> {
    files("src", ".rs").into_iter().map(|name| Source::new(&name, &read(&root().join(&name)))).collect()
}

fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The rows of docs/architecture.md. A module may use rows below its own, and itself.
const ROWS: &[(u8, &[&str])] = &[
    (7, &["main", "lib", "cli"]),
    (6, &["nouns"]),
    (5, &["jobs"]),
    (4, &["context"]),
    (3, &["store", "formats", "containers", "ldap", "smtp"]),
    (2, &["pipeline", "rules"]),
    (1, &["select", "proof", "files"]),
    (0, &["model", "error"]),
];

fn row(module: &str) -> u8 {
    let found = ROWS.iter().find(|(_, modules)| modules.contains(&module));
    found.unwrap_or_else(|| panic!("{module} stands in no row of tests/it/house.rs and docs/architecture.md")).0
}

#[test]
fn modules_know_only_rows_below_their_own() {
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for source in sources() {
        let module = source.module();
        for (used, line) in source.modules_used() {
            if used == module || used == "command" || used == "run" {
                continue;
            }
            arrows += 1;
            // What flows and what goes wrong stand in one row, and the first may fail.
            let allowed = row(&used) < row(&module) || (module == "model" && used == "error") || module == "main";
            if !allowed {
                wrong.push(format!("{}:{line}: {module} may not know {used}", source.name));
            }
        }
    }
    assert!(arrows > 100, "only {arrows} uses were found; the reader of sources is broken");
    none(wrong);
}

#[test]
fn rules_are_pure() {
    let mut wrong = Vec::new();
    let sources: Vec<Source> = sources().into_iter().filter(|source| source.module() == "rules").collect();
    assert!(sources.len() > 6, "the rules are not where they were");
    for source in &sources {
        let known = ["error", "model", "rules", "select"];
        let strange = source.modules_used().into_iter().filter(|(used, _)| !known.contains(&used.as_str()));
        wrong.extend(strange.map(|(used, line)| format!("{}:{line}: a rule may not know {used}", source.name)));
        for call in ["std::fs", "std::io", "std::env", "std::net", "std::path", "std::process", "std::time"] {
            let lines = source.lines_with(call).into_iter();
            wrong.extend(lines.map(|line| format!("{}:{line}: a rule may not use {call}", source.name)));
        }
    }
    none(wrong);
}

/// The homes of outside packages: where their names may stand.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/sqlite/"]),
    ("askama", &["src/formats/html/", "src/formats/papers.rs", "src/formats/report.rs"]),
    ("quick_xml", &["src/formats/"]),
    ("encoding_rs", &["src/formats/sqlserver/pages.rs"]),
    ("oem_cp", &["src/formats/sqlserver/pages.rs"]),
    ("flate2", &["src/containers/zip/"]),
    ("libdeflater", &["src/containers/zip/"]),
    ("rayon", &["src/pipeline/"]),
    ("rustix", &["src/files.rs"]),
    ("indicatif", &["src/cli/progress.rs"]),
    ("comfy_table", &["src/cli/print.rs", "src/cli/look.rs"]),
    ("csv", &["src/cli/print.rs", "src/formats/directory/", "src/formats/sheet.rs"]),
    ("mail_parser", &["src/formats/mail/", "src/formats/rsmf/", "src/formats/eml/", "src/formats/look.rs"]),
    ("ldap3", &["src/ldap.rs"]),
    ("rustls", &["src/ldap.rs", "src/smtp/line.rs"]),
    ("rustls_native_certs", &["src/smtp/line.rs"]),
    ("clap", &["src/cli/", "src/nouns/"]),
    ("clap_mangen", &["src/cli/manual.rs"]),
    ("bytesize", &["src/cli/", "src/nouns/"]),
    ("ctrlc", &["src/main.rs"]),
    ("terminal_size", &["src/main.rs"]),
    ("whoami", &["src/main.rs"]),
    ("gethostname", &["src/main.rs"]),
    ("getrandom", &["src/main.rs"]),
    ("chrono_tz", &["src/model/zone.rs"]),
    ("windows_timezones", &["src/model/zone.rs"]),
    ("unicode_normalization", &["src/select/"]),
    ("unicode_properties", &["src/select/"]),
    ("ed25519_dalek", &["src/proof/note.rs"]),
    ("x509_cert", &["src/proof/timestamp"]),
    ("rsa", &["src/proof/timestamp/"]),
    ("p256", &["src/proof/timestamp/"]),
    ("p384", &["src/proof/timestamp/"]),
    ("p521", &["src/proof/timestamp/"]),
    ("sha1", &["src/proof/timestamp.rs", "src/containers/bagit.rs"]),
    ("md5", &["src/containers/bagit.rs"]),
    ("sha3", &["src/containers/bagit.rs"]),
    ("blake2", &["src/containers/bagit.rs"]),
    ("libc", &["src/files.rs"]),
    ("crc32fast", &["src/store/sqlite/read.rs"]),
    ("memchr", &["src/containers/zip/deflate.rs", "src/formats/", "src/jobs/intake/source.rs"]),
    ("simdutf8", &["src/formats/"]),
    ("regex", &["src/select/expression.rs", "src/select/query/spelling.rs"]),
    ("regex_syntax", &["src/select/query/spelling.rs"]),
    ("annotate_snippets", &["src/select/query/pointer.rs"]),
    ("tempfile", &["src/files.rs"]),
    ("hashbrown", &["src/select/postings.rs", "src/store/sqlite/index.rs"]),
    ("compact_str", &["src/store/sqlite/index.rs"]),
    ("smallvec", &["src/store/sqlite/index.rs"]),
    ("roaring", &["src/store/sqlite/facts.rs", "src/store/sqlite/find.rs", "src/store/sqlite/write/compare.rs"]),
    ("blake3", &["src/store/sqlite/roots.rs"]),
    ("hmac", &["src/proof/content.rs"]),
    // These carry no rule of their own: many formats are JSON, many things are hashed.
    ("base64", &["src/"]),
    ("chrono", &["src/"]),
    ("serde", &["src/"]),
    ("serde_json", &["src/"]),
    ("sha2", &["src/"]),
];

/// Calls with one home each.
const CALLS: &[(&str, &[&str])] = &[
    ("Utc::now", &["src/main.rs"]),
    ("Local::now", &[]),
    ("SystemTime::now", &[]),
    ("Instant::now", &[]),
    ("process::exit", &["src/main.rs"]),
    // Standard streams come from the context, so that whatever uses them can be tried without a process.
    ("stdin()", &["src/main.rs"]),
    ("stdout()", &["src/main.rs"]),
    ("stderr()", &["src/main.rs"]),
    ("io::stdin", &["src/main.rs"]),
    ("io::stdout", &["src/main.rs"]),
    ("io::stderr", &["src/main.rs"]),
    ("env::var", &["src/main.rs"]),
    ("env::args", &["src/main.rs"]),
    // Every connection has what a prepared file could use turned off.
    ("Connection::open", &["src/store/sqlite/sealed.rs"]),
    // What pchat writes is its owner's alone.
    ("File::create", &["src/files.rs"]),
    ("File::options", &["src/files.rs"]),
    ("OpenOptions::new", &["src/files.rs"]),
    ("fs::write", &["src/files.rs"]),
    ("fs::copy", &["src/files.rs"]),
    ("fs::create_dir", &["src/files.rs"]),
    ("DirBuilder::new", &["src/files.rs"]),
    ("thread::spawn", &[]),
    ("thread::scope", &["src/pipeline/"]),
    ("thread::Builder", &["src/pipeline/"]),
    ("thread::sleep", &["src/pipeline/wait.rs"]),
    // What flows in and out is handed in. The three below main.rs move data as a stream.
    ("io::stdin", &["src/main.rs", "src/jobs/intake/find.rs"]),
    ("io::stdout", &["src/main.rs", "src/jobs/export/lines.rs", "src/containers/zip/write.rs"]),
    ("io::stderr", &["src/main.rs"]),
    // Asking how many processors there are starts no thread.
    ("thread::available_parallelism", &["src/cli/globals.rs"]),
];

#[test]
fn packages_stay_in_their_homes() {
    let manifest = read(&root().join("Cargo.toml"));
    let (_, after) = manifest.split_once("[dependencies]").unwrap();
    let packages: BTreeSet<String> = after
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.replace('-', "_")))
        .collect();
    let known: BTreeSet<String> = HOMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(packages, known, "every package of Cargo.toml has a home in HOMES, and only those");
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources() {
        for (package, homes) in HOMES {
            for line in source.package_used(package) {
                used.insert(*package);
                if !homes.iter().any(|home| source.name.starts_with(home)) {
                    wrong.push(format!("{}:{line}: {package} lives in {}", source.name, homes.join(", ")));
                }
            }
        }
        for (call, homes) in CALLS {
            for line in source.lines_with(call) {
                if !homes.iter().any(|home| source.name.starts_with(home)) {
                    wrong.push(format!("{}:{line}: {call} may not be used here", source.name));
                }
            }
        }
    }
    let idle: Vec<&str> = HOMES.iter().map(|(name, _)| *name).filter(|name| !used.contains(name)).collect();
    assert!(idle.is_empty(), "never used: {idle:?}");
    none(wrong);
}

#[test]
fn nothing_in_the_product_can_panic_on_purpose_or_print() {
    let words = [
        ".unwrap()",
        ".expect(",
        ".unwrap_err()",
        "panic!",
        "todo!",
        "unimplemented!",
        "unreachable!",
        "dbg!",
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "assert!",
        "assert_eq!",
        "unsafe {",
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        for word in words {
            // There the reader of lines has a method of this name; clippy tells the two apart.
            if word == ".expect(" && source.name.starts_with("src/formats/jsonl/") {
                continue;
            }
            for line in source.lines_with(word) {
                wrong.push(format!("{}:{line}: {word}", source.name));
            }
        }
    }
    none(wrong);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for name in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        let text = read(&root().join(&name));
        if text.lines().count() > 500 {
            wrong.push(format!("{name} has {} lines; split it by subject", text.lines().count()));
        }
        let heading = text.lines().take_while(|line| line.starts_with("//!")).count();
        if heading == 0 || text.lines().next().is_none_or(|line| line.len() < 12) {
            wrong.push(format!("{name} does not begin with what it is for (//!)"));
        }
        let stem = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if ["util", "utils", "common", "misc", "manager", "helpers", "imp"].contains(&stem) {
            wrong.push(format!("{name}: the name says nothing"));
        }
    }
    none(wrong);
}

#[test]
fn every_list_is_complete() {
    let mut wrong = Vec::new();
    let nouns = Source::new("src/nouns/mod.rs", &read(&root().join("src/nouns/mod.rs")));
    for name in files("src/nouns", ".rs") {
        let stem = name.rsplit('/').next().unwrap().trim_end_matches(".rs");
        let source = Source::new(&name, &read(&root().join(&name)));
        for line in source.code.lines().filter_map(|line| line.strip_prefix("pub static ")) {
            let shape = line.split(':').next().unwrap();
            if shape == "CMDLETS" {
                if !nouns.code.contains(&format!(" {stem}::CMDLETS }}")) {
                    wrong.push(format!("{name}: its cmdlets are not in the list of src/nouns/mod.rs"));
                }
                continue;
            }
            let is_listed = [",", " }"].iter().any(|end| nouns.code.contains(&format!(" {stem}::{shape}{end}")));
            if stem != "mod" && !is_listed {
                wrong.push(format!("{name}: {shape} is not in the list of src/nouns/mod.rs"));
            }
        }
    }
    let steps = read(&root().join("src/store/sqlite/migrate.rs"));
    for (number, name) in files("src/store/sqlite/sql", ".sql").iter().enumerate() {
        let file = name.rsplit('/').next().unwrap();
        assert_eq!(file, format!("{:04}.sql", number + 1), "migrations are numbered without gaps");
        if !steps.contains(&format!("include_str!(\"sql/{file}\")")) {
            wrong.push(format!("{name} is not in STEPS of src/store/sqlite/migrate.rs"));
        }
    }
    // A file that no `mod` names is not compiled, and nobody notices.
    let manifest = read(&root().join("Cargo.toml"));
    for folder in ["src", "tests/it", "tests/bench"] {
        for name in files(folder, ".rs") {
            let path = Path::new(&name);
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            if matches!(&*stem, "main" | "lib") || manifest.contains(&format!("path = \"{name}\"")) {
                continue;
            }
            let (module, parent) = match &*stem {
                "mod" => (
                    path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned(),
                    path.parent().unwrap().parent().unwrap(),
                ),
                _ => (stem.clone(), path.parent().unwrap()),
            };
            let declared = [
                parent.join("mod.rs"),
                parent.join("lib.rs"),
                parent.join("main.rs"),
                parent.with_extension("rs"),
                parent.join("generate.rs"),
            ];
            let declares = |file: &PathBuf| {
                root().join(file).is_file()
                    && read(&root().join(file)).lines().any(|line| {
                        line.trim_start()
                            .trim_start_matches("pub ")
                            .strip_prefix("mod ")
                            .is_some_and(|rest| rest == format!("{module};"))
                    })
            };
            if !declared.iter().any(declares) {
                wrong.push(format!("{name} is declared by no mod line"));
            }
        }
    }
    none(wrong);
}

/// A noun is added in its own file and in the list: whoever needs all nouns takes them from there, and no noun does.
#[test]
fn nouns_are_known_by_their_list_alone() {
    let mut wrong = Vec::new();
    let list = read(&root().join("src/nouns/mod.rs"));
    let modules: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 20 && list.contains("nouns! {"), "the reader of the list is broken");
    // What the command line asks before any change, and what all nouns share.
    let shared = ["alias", "cmdlet", "state", "verb"];
    for name in files("src", ".rs").iter().filter(|name| !name.starts_with("src/nouns/mod.rs")) {
        let code = Source::new(name, &read(&root().join(name))).code;
        for (number, line) in code.lines().enumerate() {
            if name.starts_with("src/nouns/") {
                if ["SHAPES", "nouns::cmdlets", "nouns::Command"].iter().any(|of_all| line.contains(of_all)) {
                    wrong.push(format!("{name}:{}: a noun may not know the list of all", number + 1));
                }
            } else if let Some(noun) = modules
                .iter()
                .filter(|noun| !shared.contains(noun))
                .find(|noun| line.contains(&format!("nouns::{noun}::")) || line.contains(&format!("nouns::{noun};")))
            {
                wrong.push(format!("{name}:{}: only the list may know the noun {noun}", number + 1));
            }
        }
    }
    none(wrong);
}

#[test]
fn the_top_level_holds_what_it_may_hold() {
    let allowed = ["Cargo.toml", "Cargo.lock", "README.md", "src", "fixtures", "templates", "tests", "docs", "target"];
    let entries =
        std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let wrong = entries.filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()));
    none(wrong.map(|name| format!("{name} does not belong at the top level")).collect());
}

/// The rows of the option tables of a page: the option, and the whole line.
fn options_of(page: &str) -> BTreeMap<String, String> {
    let rows = read(&root().join("docs/commands").join(page));
    let mut options = BTreeMap::new();
    for line in rows.lines().filter(|line| line.starts_with("| `--")) {
        let cell = line[1..].split(" | ").next().unwrap();
        for part in cell.split('`').filter(|part| part.starts_with("--")) {
            options.insert(part.split([' ', '=']).next().unwrap().to_owned(), line.to_owned());
        }
    }
    options
}

/// The options of a command and of the commands below it, with their defaults.
fn options_in(command: &clap::Command, global: bool, into: &mut BTreeMap<String, Option<String>>) {
    for argument in
        command.get_arguments().filter(|argument| argument.is_global_set() == global && !argument.is_hide_set())
    {
        let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else { continue };
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let default = default.filter(|value| argument.get_action().takes_values() && !value.is_empty());
        into.insert(format!("--{long}"), default);
        for alias in argument.get_all_aliases().unwrap_or_default() {
            into.insert(format!("--{alias}"), None);
        }
    }
    if !global {
        command.get_subcommands().for_each(|command| options_in(command, false, into));
    }
}

#[test]
fn every_command_and_option_has_its_page() {
    let all = pchat::cli::command();
    let mut wrong = Vec::new();
    let mut expected = BTreeMap::new();
    let mut options = BTreeMap::new();
    options_in(&all, true, &mut options);
    expected.insert("options.md".to_owned(), options);
    for command in all.get_subcommands().filter(|command| command.get_name() != "help") {
        let mut options = BTreeMap::new();
        options_in(command, false, &mut options);
        expected.insert(format!("{}.md", command.get_name()), options);
        let page = read(&root().join(format!("docs/commands/{}.md", command.get_name())));
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let heading = format!("## pchat {} {}\n", command.get_name(), verb.get_name());
            if !page.contains(&heading) {
                wrong.push(format!("docs/commands/{}.md has no heading {heading:?}", command.get_name()));
            }
        }
    }
    let pages: BTreeSet<String> =
        files("docs/commands", ".md").iter().map(|name| name.rsplit('/').next().unwrap().to_owned()).collect();
    let mut named: BTreeSet<String> = expected.keys().cloned().collect();
    named.insert("cmdlets.md".to_owned());
    assert_eq!(pages, named, "one page for each command, options.md, and cmdlets.md");
    for (page, options) in expected {
        let described = options_of(&page);
        for (option, default) in &options {
            match described.get(option) {
                None => wrong.push(format!("docs/commands/{page} does not describe {option}")),
                Some(line) if default.as_ref().is_some_and(|default| !line.contains(&format!("`{default}`"))) => {
                    wrong.push(format!("docs/commands/{page}: the default of {option} is {default:?}"));
                }
                Some(_) => {}
            }
        }
        for option in described.keys().filter(|option| !options.contains_key(*option)) {
            wrong.push(format!("docs/commands/{page} describes {option}, which does not exist"));
        }
    }
    none(wrong);
}
