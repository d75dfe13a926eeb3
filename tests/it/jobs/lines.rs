//! Names from outside hold whatever they like. None of them breaks a line of what is shown, or makes up one.

use crate::harness::{Desk, message};

const FAKE: &str = "x\nVerdict  intact\r\n\u{2028}Verdict  intact\u{85}Verdict  intact\u{1b}[2K\u{202e}";

/// No line may begin like the one that is faked, and nothing that moves a cursor may be there.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let split = |c: char| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}');
    assert!(text.split(split).all(|line| !line.trim_start().starts_with("Verdict  intact")), "{what}: {text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{what}: {text:?}");
    assert!(!text.contains(['\u{2028}', '\u{202e}']), "{what}: {text:?}");
}

#[test]
fn no_name_makes_up_a_line() {
    let desk = Desk::new();
    let mut event = message(&format!("r{FAKE}"), 1, "2020-01-01T00:00:00Z", &format!("sip:{FAKE}"), FAKE);
    for key in ["pool", "room_title", "category", "user_name"] {
        event[key] = format!("{key}{FAKE}").into();
    }
    event["attachments"] = serde_json::json!([{ "name": FAKE, "data": "YQ==" }]);
    let file = "in/x\nVerdict  intact\n.jsonl";
    desk.write(file, format!("{event}\n"));
    desk.run("import @in --store @s.db").code(0);
    let mut other = event.clone();
    other["text"] = "other".into();
    desk.write(file, format!("{other}\n{{\n"));
    desk.write("in.zip.d/none", "");
    for line in [
        "import @in --store @s.db",
        "import @in --store @s.db --keep-going",
        "import @in --store @t.db --what-if --keep-going",
        "room get --store @s.db",
        "message history r* 1 --store @s.db",
        "store info --by room --store @s.db",
        "store info --by person --store @s.db",
        "store info --by kind --store @s.db",
        "audit get --store @s.db",
        "principal get --store @s.db",
        "export --store @s.db --out @e.zip --room r*",
        "export --store @s.db --out @f.zip --room pool*",
        "verify @e.zip",
        "purge --all --store @s.db --what-if",
        "purge --room r* --store @s.db --what-if",
        "purge --room * --store @s.db --yes --reason x",
        "certificate get --store @s.db",
        "certificate get 1 --store @s.db",
    ] {
        for output in ["table", "list", "csv"] {
            let run = desk.run(&format!("{line} --output {output}"));
            harmless(&format!("{line} {output}"), &run.out);
            harmless(&format!("{line} {output}"), &run.err);
        }
    }
}

#[test]
fn errors_name_files_on_one_line() {
    let desk = Desk::new();
    let name = "x\n  Verdict  intact\n.zip";
    let mut zip = zip::ZipWriter::new(std::fs::File::create(desk.path(name)).unwrap());
    zip.start_file("a.bin", zip::write::SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap();
    for words in [
        vec!["import", "@x\n  Verdict  intact\n.zip", "--store", "@s.db"],
        vec!["import", "@none\nVerdict  intact", "--store", "@s.db"],
        vec!["verify", "@x\n  Verdict  intact\n.zip"],
        vec!["import", "--x\nVerdict  intact"],
        vec!["import", "a", "--on-conflict=a\nVerdict  intact"],
        vec!["script", "@none\nVerdict  intact"],
        vec!["none\nVerdict  intact"],
    ] {
        let run = desk.args(&words);
        assert!(run.code > 1, "{words:?}");
        harmless(&format!("{words:?}"), &run.err);
    }
    // The list of what is in a zip stays a list.
    desk.copy(name, "y.zip");
    desk.run("import @y.zip --store @s.db").code(15).says("but 1 file:\n  a.bin (0 bytes)\n");
}
