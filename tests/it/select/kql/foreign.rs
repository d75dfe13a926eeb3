//! What counsel pastes from documents and from other programs: read, or refused with what to write instead.

use super::{Here, columns, read, reads};
use pchat::select::query::kql::typed;

/// The column of the one error, and what the hint must say.
fn refused(text: &str, column: usize, hint: &str) {
    assert_eq!(columns(text), [column], "{text}");
    let error = typed(text, false, &Here).unwrap_err();
    let told = error.hint_text().unwrap_or_default();
    assert!(told.contains(hint), "{text}: {told}");
}

fn warned(text: &str, note: &str) {
    let warnings = read(text).warnings;
    assert!(warnings.iter().any(|warning| warning.contains(note)), "{text}: {warnings:?}");
}

#[test]
fn distances_of_other_programs() {
    for (text, column, hint) in [
        ("cat w/5 dog", 5, "NEAR(5)"),
        ("cat W/12 dog", 5, "NEAR(12)"),
        ("cat w/ 5 dog", 5, "NEAR(5)"),
        ("cat /5 dog", 5, "NEAR(5)"),
        ("cat pre/3 dog", 5, "ONEAR(3)"),
        ("cat PRE/3 dog", 5, "ONEAR(3)"),
        ("cat ADJ3 dog", 5, "ONEAR(3)"),
        ("cat ADJ dog", 5, "ONEAR(0)"),
        ("cat /s dog", 5, "NEAR(15)"),
        ("cat /P dog", 5, "NEAR(15)"),
        ("cat w/s dog", 5, "NEAR(15)"),
        ("cat w/para dog", 5, "NEAR(15)"),
        ("cat +s dog", 5, "NEAR(15)"),
        ("cat within/5 dog", 5, "NEAR(5)"),
        ("cat /n5 dog", 5, "NEAR(5)"),
        ("cat notw/5 dog", 5, "a NOT (a NEAR(5) b)"),
        ("cat NOTW/p dog", 5, "a NOT (a NEAR(15) b)"),
        ("cat near/5 dog", 5, "NEAR(5)"),
        ("cat NEAR5 dog", 5, "NEAR(5)"),
        ("cat NEAR 5 dog", 5, "NEAR(5)"),
        ("cat NEAR (5) dog", 5, "NEAR(5)"),
        ("cat ONEAR (5) dog", 5, "ONEAR(5)"),
        ("cat near(5) dog", 5, "NEAR(5)"),
        ("cat Near( 5 ) dog", 5, "NEAR(5)"),
        ("cat within(5) dog", 5, "NEAR(5)"),
        ("\"cat dog\"~5", 10, "NEAR(5)"),
    ] {
        refused(text, column, hint);
    }
    reads("cat NEAR 2014", "(cat NEAR(8) 2014)");
    reads("cat +5", "(cat AND 5)");
    reads("w/o", "\"w o\"");
    reads("and/or", "\"and or\"");
    reads("near (cat OR dog)", "(near AND (cat OR dog))");
    warned("cat within 5 dog", "NEAR(5)");
}

#[test]
fn endings_exclusions_and_joins_of_other_programs() {
    for (text, column, hint) in [
        ("settl!", 1, "settl*"),
        ("the settl! deal", 5, "settl*"),
        ("cat !dog", 5, "NOT dog"),
        ("cat ! dog", 5, "NOT"),
        ("cat|dog", 1, "OR"),
        ("cat | dog", 5, "OR"),
        ("cat || dog", 5, "OR"),
        ("cat && dog", 5, "AND"),
        ("cat&&dog", 1, "AND"),
        ("cat & dog", 5, "AND"),
        ("cat XOR dog", 5, "NOT"),
        ("cat ANDNOT dog", 5, "NOT"),
        ("cat - dog", 5, "NOT"),
        ("cat — dog", 5, "NOT"),
        ("cat~", 1, "pattern"),
        ("cat~2 dog", 1, "pattern"),
        ("cattle^2", 1, "relevance"),
        ("/inv\\d+/", 1, "text:/"),
        ("/cat/", 1, "text:/"),
        ("atleast5(cat)", 1, "how often each term occurs"),
        ("cat stem(run)", 5, "settl*"),
        ("date(jan 10 2014 to jan 20 2014)", 1, "sent:2014-01-01..2014-03-31"),
        ("caps(SEC)", 1, "--case-sensitive"),
        ("sender:ann", 1, "from"),
        ("after:2014-05-01", 1, "sent"),
        ("filename:x", 1, "attachmentnames"),
        ("key:value", 1, "quotation marks"),
        ("FW: hello", 1, "quotation marks"),
    ] {
        refused(text, column, hint);
    }
    // In quotation marks all of it is text.
    for (text, reading) in [
        ("\"settl!\"", "settl"),
        ("\"w/5\"", "\"w 5\""),
        ("\"cat|dog\"", "\"cat dog\""),
        ("\"FW: hello\"", "\"fw hello\""),
        ("x^2", "\"x 2\""),
        ("wow!!", "wow"),
        ("hello,world!x", "\"hello world x\""),
        ("C:\\Users\\ann\\file.txt", "\"c users ann file txt\""),
        ("\\\\server\\share", "\"server share\""),
        ("/usr/bin", "\"usr bin\""),
        ("你好！", "\"你 好\""),
        ("R&D", "\"r d\""),
        ("#tag", "tag"),
    ] {
        reads(text, reading);
    }
    // A name with a blank before the bracket is a word.
    reads("stem (run)", "(stem AND run)");
}

#[test]
fn what_may_be_meant_otherwise_is_said() {
    for (text, note) in [
        ("cat and dog", "the operator is AND"),
        ("cat Not dog", "the operator is NOT"),
        ("cat BUT dog", "is a word"),
        ("cat xor dog", "is a word"),
        ("cat andnot dog", "is a word"),
        ("cat w5 dog", "written NEAR(5)"),
        ("sent:2014-03-01 to 2014-03-05", "written sent:"),
        ("‘cat dog’", "no phrase"),
        ("'cat dog'", "no phrase"),
        ("「東京 都」", "no phrase"),
        ("cat, dog, fox", "OR between them"),
        ("settle; rebate", "OR between them"),
        ("–cat", "read as a minus sign"),
        ("-5", "leaves out"),
        ("1,234,567.89", "(1,234,567.89 OR 1234567.89)"),
        ("DE89 3704 0044 0532 0130 00", "(\"DE89 3704 0044 0532 0130 00\" OR DE89370400440532013000)"),
        ("DE89370400440532013000", "(\"DE89 3704 0044 0532 0130 00\" OR DE89370400440532013000)"),
        ("US0378331005", "(US0378331005 OR \"US 037833100 5\")"),
    ] {
        warned(text, note);
    }
    for text in ["cat dog", "\"cat dog\"", "don't", "rock 'n' roll", "cat -dog", "1234567", "192.168.0.1", "2014-05-06"]
    {
        assert!(read(text).warnings.is_empty(), "{text}: {:?}", read(text).warnings);
    }
    // What a note says to write can be written.
    reads("(1,234,567.89 OR 1234567.89)", "(\"1 234 567 89\" OR \"1234567 89\")");
}
