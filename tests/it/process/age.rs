//! An export that is encrypted on its way out, as the manual says, and comes back.

use super::Desk;
use std::process::Command;

#[cfg(unix)]
#[test]
fn what_leaves_can_be_encrypted_with_age() {
    // The commands of the manual, with a key of this test.
    let page = include_str!("../../../docs/commands/export.md");
    let begin = page.find("pchat export --store chat.db --out - | age").unwrap();
    let shown: Vec<&str> = page[begin..].lines().take(2).collect();
    if !crate::harness::installed("age") {
        eprintln!("age is not installed, so nothing was encrypted");
        return;
    }
    let desk = Desk::new();
    let pchat = env!("CARGO_BIN_EXE_pchat");
    let sample = format!("{}/fixtures/sample", env!("CARGO_MANIFEST_DIR"));
    let script = format!(
        "set -e\npchat() {{ '{pchat}' \"$@\"; }}\nage-keygen -o key.txt 2>/dev/null\nRECIPIENT=$(age-keygen -y key.txt)\n\
         pchat import '{sample}' --store chat.db >/dev/null\n{}\n{}\n\
         pchat export --store chat.db --out a.jsonl --format jsonl\n\
         pchat export --store copy.db --out b.jsonl --format jsonl\n\
         cmp a.jsonl b.jsonl\n! grep -q PK chat.zip.age\nhead -c 3 chat.zip.age",
        shown[0].replace("RECIPIENT", "\"$RECIPIENT\""),
        shown[1]
    );
    let done = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(done.stdout.ends_with(b"age"));
}
