//! The rules for what is read by people: the map names every file, lines end at 120 columns, and every place that lists
//! the exit codes lists the same.

use super::{files, none, read, root};
use std::collections::{BTreeMap, BTreeSet};

/// The part of a page below this heading, up to the next of its rank.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, below) = page.split_once(&format!("\n## {heading}")).unwrap_or_else(|| panic!("no section {heading}"));
    below.split("\n## ").next().unwrap()
}

/// The files a tree names, below `src`. A line begins with a file, with several separated by commas, or with a folder;
/// text behind it may name more files of that folder, or `x/y.rs` for those of the folder x beside it.
fn named_by(tree: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut stack, mut files, mut folders) = (Vec::<String>::new(), BTreeSet::new(), BTreeSet::new());
    for line in tree.lines().filter(|line| line.contains(['─', '│']) || line.starts_with(' ')) {
        let depth = line.chars().take_while(|c| " │├└─".contains(*c)).count() / 4;
        let text = line.trim_start_matches([' ', '│', '├', '└', '─']);
        if line.contains("── ") {
            stack.truncate(depth.saturating_sub(1));
            let first = text.split_whitespace().next().unwrap_or_default();
            if !first.trim_end_matches(',').contains('.') {
                stack.push(first.to_owned());
                folders.insert(stack.join("/"));
            }
        }
        let words =
            text.split(|c: char| c.is_whitespace() || ",;:()".contains(c)).map(|word| word.trim_end_matches('.'));
        for word in words.filter(|word| word.ends_with(".rs") || word.ends_with(".css")) {
            // `x/y.rs` in the line of the folder x lies in x.
            let own = word.split_once('/').is_some_and(|(first, _)| stack.last().is_some_and(|last| last == first));
            let above = &stack[..stack.len() - usize::from(own)];
            files.insert(above.iter().map(String::as_str).chain([word]).collect::<Vec<_>>().join("/"));
        }
    }
    (files, folders)
}

#[test]
fn the_map_names_every_file_and_no_other() {
    let page = read(&root().join("docs/architecture.md"));
    let tree = section(&page, "3.").split("```").nth(1).unwrap();
    let (named, folders) = named_by(tree);
    let there: BTreeSet<String> = [".rs", ".css"]
        .iter()
        .flat_map(|ending| files("src", ending))
        .map(|name| name.trim_start_matches("src/").to_owned())
        .collect();
    // The head of a folder is named by the folder.
    let heads = |name: &str| {
        let folder = name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix(".rs"));
        folder.is_some_and(|folder| folders.contains(folder))
    };
    let missing = there.iter().filter(|name| !named.contains(*name) && !heads(name));
    let mut wrong: Vec<String> = missing.map(|name| format!("section 3 does not name src/{name}")).collect();
    wrong.extend(named.difference(&there).map(|name| format!("section 3 names src/{name}, which is not there")));
    none(wrong);
}

#[test]
fn a_tree_is_read_as_people_read_it() {
    let tree = "src\n├── main.rs   starts\n├── a          WHAT\n│   ├── mod.rs   x\n│   ├── b.rs, c.rs   b/d.rs: more of it\n\
                │   │             and e.rs\n│   └── f\n│       └── g.rs  y (b/h.rs)\n└── i\n    └── j.rs\n";
    let (files, folders) = named_by(tree);
    let expected =
        ["main.rs", "a/mod.rs", "a/b.rs", "a/c.rs", "a/b/d.rs", "a/e.rs", "a/f/g.rs", "a/f/b/h.rs", "i/j.rs"];
    assert_eq!(files, BTreeSet::from(expected.map(str::to_owned)));
    assert_eq!(folders, BTreeSet::from(["a", "a/f", "i"].map(str::to_owned)));
}

/// Longer than this, and a screen or a diff breaks the line where it likes.
const COLUMNS: usize = 120;

#[test]
fn lines_end_at_120_columns() {
    let mut wrong = Vec::new();
    let names = ["src", "tests/it", "tests/bench", "docs"].iter().flat_map(|folder| {
        [".rs", ".md", ".py", ".sh"].iter().filter_map(|ending| some_files(folder, ending)).flatten()
    });
    let others =
        ["README.md", ".ci/run", "tests/judges.sh", "tests/loose.py", "tests/fuzz/run", "tests/fuzz/src/main.rs"];
    for name in names.chain(others.map(str::to_owned)) {
        let page = name.ends_with(".md");
        let mut block = false;
        for (number, line) in read(&root().join(&name)).lines().enumerate() {
            block ^= page && line.trim_start().starts_with("```");
            // What a program prints, rows of tables, and code that holds a text have the length they have. Migrations
            // are not edited for their looks, so SQL is not asked.
            let comment = !page && ["//", "#"].iter().any(|mark| line.trim_start().starts_with(mark));
            let may = if page { block || line.starts_with('|') } else { !comment && line.contains('"') };
            if line.chars().count() > COLUMNS && !may {
                wrong.push(format!("{name}:{}: {} columns", number + 1, line.chars().count()));
            }
        }
    }
    none(wrong);
}

/// As [`files`], where there may be none.
fn some_files(folder: &str, ending: &str) -> Option<Vec<String>> {
    let all = files(folder, "");
    let found: Vec<String> = all.into_iter().filter(|name| name.ends_with(ending)).collect();
    (!found.is_empty()).then_some(found)
}

/// The codes of a table whose rows hold a code and its meaning, once or twice.
fn codes_of_table(text: &str) -> BTreeMap<u8, String> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows.flat_map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect::<Vec<_>>()
    });
    cells.filter_map(|(code, meaning)| Some((code.parse().ok()?, meaning))).collect()
}

#[test]
fn every_list_of_exit_codes_is_that_of_the_program() {
    // The arms of `exit_code` itself, so that a new kind cannot be left out here. 0, 3 and 4 come from replies.
    let source = read(&root().join("src/error.rs"));
    let arms =
        source.lines().filter_map(|line| line.trim().strip_prefix("Kind::")?.strip_suffix(',')?.split_once(" => "));
    let kinds: Vec<(String, u8)> =
        arms.filter_map(|(kind, code)| Some((kind.to_owned(), code.parse().ok()?))).collect();
    assert!(kinds.len() >= 13, "{kinds:?}");
    let mut expected: BTreeSet<u8> = kinds.iter().map(|(_, code)| *code).collect();
    assert_eq!(expected.len(), kinds.len(), "two kinds share a code");
    expected.extend([0, 3, 4]);

    let readme = codes_of_table(section(&read(&root().join("README.md")), "Exit codes"));
    assert_eq!(readme.into_keys().collect::<BTreeSet<u8>>(), expected, "README.md");

    let page = codes_of_table(section(&read(&root().join("docs/architecture.md")), "8."));
    assert_eq!(page.keys().copied().collect::<BTreeSet<u8>>(), expected, "docs/architecture.md");
    for (kind, code) in &kinds {
        let said = page[code].split([' ', ':']).next().unwrap();
        assert_eq!(said, kind, "docs/architecture.md, code {code}");
    }

    let mut program = pchat::cli::command();
    let help = program.render_help().to_string();
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let said: BTreeSet<u8> =
        codes.split([',', ';']).filter_map(|part| part.split_whitespace().next()?.parse().ok()).collect();
    // 1 is what the last words of the list are about.
    expected.remove(&1);
    assert_eq!(said, expected, "pchat --help");
    assert!(codes.contains("any other code means failure"));
}
