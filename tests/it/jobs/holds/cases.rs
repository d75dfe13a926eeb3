//! Cases and their holds: what was asked a moment ago is asked again in the transaction that changes it. Each test
//! does what a second command would do between the question and the change.

use super::{Desk, archive_of, entry, put};
use pchat::error::Kind;
use pchat::model::record::{Record, Value};
use pchat::model::time::Ticks;
use pchat::store::Amendment;
use pchat::store::change::change;
use pchat::store::sqlite::Sqlite;

/// A store with an open case and a record of it as it was then.
fn desk() -> (Desk, Record) {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.run("case new Matter --store @s.db").code(0);
    let case = desk.catalog("s.db").of("case").next().unwrap().clone();
    (desk, case)
}

fn place(desk: &Desk, name: &str) {
    desk.run(&format!("hold new {name} --case MATTER --reason trial --everything --store @s.db")).code(0);
}

fn is_open(desk: &Desk) -> bool {
    *desk.catalog("s.db").of("case").next().unwrap().get("ClosedOn") == Value::Null
}

#[test]
fn a_hold_placed_after_the_question_keeps_its_case_open() {
    let (desk, case) = desk();
    let closed = case.with("ClosedBy", "tester@desk").with("ClosedOn", Ticks(1));
    // The case had no hold when somebody looked; now it has two.
    place(&desk, "First");
    place(&desk, "Second");
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let before = desk.audit("s.db").len();
    let error = put(&mut store, std::slice::from_ref(&closed)).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert_eq!(error.what(), "holds \"First\", \"Second\" of case \"Matter\" are in force");
    assert!(change(&mut store, Amendment { trial: true, ..Amendment::put([closed.clone()], entry()) }).is_err());
    assert!(is_open(&desk));
    assert_eq!(desk.audit("s.db").len(), before, "nothing was done, so nothing is said to have been done");
    // One is not enough, and neither is a released one in the way.
    desk.run("hold release First --reason over --yes --store @s.db").code(0);
    let error = put(&mut store, std::slice::from_ref(&closed)).unwrap_err();
    assert_eq!(error.what(), "hold \"Second\" of case \"Matter\" is in force");
    desk.run("hold release Second --reason over --yes --store @s.db").code(0);
    put(&mut store, &[closed]).unwrap();
    assert!(!is_open(&desk));
}

#[test]
fn an_import_closes_no_case_with_holds() {
    let (desk, case) = desk();
    place(&desk, "Kept");
    archive_of(&desk, "closed", &[case.with("ClosedBy", "tester@desk").with("ClosedOn", Ticks(1))]);
    for what_if in ["--what-if", ""] {
        desk.run(&format!("import @closed.zip --on-conflict replace {what_if} --store @s.db"))
            .code(3)
            .says("an import changes and closes no case");
        assert!(is_open(&desk));
    }
}

#[test]
fn a_hold_comes_into_no_case_that_was_closed_after_the_question() {
    let (desk, _) = desk();
    desk.run("case new Other --store @s.db").code(0);
    place(&desk, "Placed");
    let placed = desk.catalog("s.db").of("hold").next().unwrap().clone();
    let late = placed.clone().with("Identity", "Late").with("Case", "Other");
    desk.run("case close Other --store @s.db").code(0);
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let kind = |done: pchat::error::Result<()>| done.unwrap_err().kind();
    assert_eq!(kind(change(&mut store, Amendment::place(&late, None, entry()))), Kind::Refused);
    assert_eq!(
        kind(change(&mut store, Amendment::place(&placed.clone().with("Case", "Other"), Some(&placed), entry()))),
        Kind::Refused
    );
    assert_eq!(
        kind(change(&mut store, Amendment::place(&late.clone().with("Case", "Nowhere"), None, entry()))),
        Kind::NotFound
    );
    // Somebody else took the name, or changed the hold, in between.
    assert_eq!(kind(change(&mut store, Amendment::place(&placed, None, entry()))), Kind::Refused);
    desk.run("hold set Placed --reason changed --store @s.db").code(0);
    assert_eq!(
        kind(change(&mut store, Amendment::place(&placed.clone().with("Reason", "mine"), Some(&placed), entry()))),
        Kind::Conflict
    );
    let holds: Vec<Record> = desk.catalog("s.db").of("hold").cloned().collect();
    assert_eq!(holds, [placed.with("Reason", "changed")]);
}
