//! A second person: what one has asked for, another has to approve of before it is done. Whether a store wants that is
//! a setting of it. What is approved of is named part by part, and each part is done once.

use crate::error::{Error, Kind, Result};
use crate::model::field;
use crate::model::ids::fold;
use crate::model::list::List;
use crate::model::record::{Field, Record, Shape, Value};
use crate::model::time::Ticks;

/// The setting of a store; there is one record. It does not travel.
pub static RULE: Shape = Shape {
    noun: "safeguard",
    plural: "safeguards",
    fields: &[
        Field::of(field::IDENTITY, "identity", 16),
        Field::of(field::REQUIRED, "required", 0),
        Field::of(field::OTHER_ACCOUNT, "other_account", 0),
        Field::of(field::HOURS, "hours", 0),
        Field::of(field::SET_BY, "set_by", 256),
        Field::of(field::SET_ON, "set_on", 0),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// The identity of the one record of [`RULE`].
pub const THE_RULE: &str = "store";

/// A request, and what became of it. It does not travel.
pub static REQUEST: Shape = Shape {
    noun: "approval",
    plural: "approvals",
    fields: &[
        Field::of(field::IDENTITY, "identity", 20),
        Field::of(field::WHAT, "what", 0),
        Field::of(field::TOLD, "told", 0),
        Field::of(field::PARTS, "parts", 0),
        Field::of(field::USED, "used", 0),
        Field::of(field::REQUESTED_BY, "requested_by", 256),
        Field::of(field::REQUESTER, "requester", 256),
        Field::of(field::ACCOUNT, "account", 256),
        Field::of(field::REQUESTED_ON, "requested_on", 0),
        Field::of(field::APPROVER, "approver", 256),
        Field::of(field::VALID_UNTIL, "valid_until", 0),
        Field::of(field::APPROVED_BY, "approved_by", 256),
        Field::of(field::APPROVED_ON, "approved_on", 0),
        Field::of(field::WITHDRAWN_BY, "withdrawn_by", 256),
        Field::of(field::WITHDRAWN_ON, "withdrawn_on", 0),
        Field::of(field::USED_ON, "used_on", 0),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// Who acts, as far as two people are told apart.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The operator that was named, or the account.
    pub person: &'a str,
    /// User and computer.
    pub account: &'a str,
}

/// A name in the form in which two are compared: case, and blanks in it or around it, make nobody another person.
pub fn name_key(name: &str) -> String {
    fold(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    record.get(field).text().unwrap_or_default()
}

fn list<'a>(record: &'a Record, field: &str) -> &'a List {
    if let Value::List(items) = record.get(field) { items } else { List::none() }
}

fn time(record: &Record, field: &str) -> Option<Ticks> {
    if let Value::Time(at) = record.get(field) { Some(*at) } else { None }
}

/// Does the store want a second person?
pub fn is_required(rule: Option<&Record>) -> bool {
    rule.is_some_and(|rule| *rule.get(field::REQUIRED.name) == Value::Bool(true))
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has approved of it yet.
    Waiting,
    /// It may be done.
    Approved,
    /// Some of it is done; the rest may be.
    Begun,
    /// It was done.
    Done,
    /// Somebody took it back.
    Withdrawn,
    /// Its time has run out.
    Expired,
}

impl State {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Approved => "approved",
            State::Begun => "begun",
            State::Done => "done",
            State::Withdrawn => "withdrawn",
            State::Expired => "expired",
        }
    }
}

/// The state of a request at an instant.
pub fn state(request: &Record, now: Ticks) -> State {
    let (parts, used) = (list(request, "Parts").len(), list(request, "Used").len());
    if used >= parts && parts > 0 {
        return State::Done;
    }
    if time(request, "WithdrawnOn").is_some() {
        return State::Withdrawn;
    }
    if time(request, "ValidUntil").is_none_or(|until| now > until) {
        return State::Expired;
    }
    match (time(request, "ApprovedOn").is_some(), used) {
        (false, _) => State::Waiting,
        (true, 0) => State::Approved,
        (true, _) => State::Begun,
    }
}

/// Is it this person's request for exactly these parts?
pub fn is_for(request: &Record, who: Who<'_>, parts: &[String]) -> bool {
    list(request, "Parts") == parts && name_key(text(request, "Requester")) == name_key(who.person)
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::Refused, what)
}

/// What is said when nobody was named to approve.
pub fn nobody_named() -> Error {
    refused("this store requires approval by a second person; nothing was done")
        .hint("the same command with --approve-by NAME asks that person; pchat approval get lists what waits")
}

/// What is said while a request waits.
pub fn waits(request: &Record) -> Error {
    let (number, approver, until) =
        (request.identity(), text(request, "Approver"), request.get(field::VALID_UNTIL.name).show());
    refused(format!("request {number} waits for {approver} until {until}; nothing was done")).hint(format!(
        "{approver}: pchat approval give {number} --operator \"{approver}\"; then run this command again"
    ))
}

/// Refuses a request that names whoever asks as the second person.
pub fn may_ask(who: Who<'_>, approver: &str) -> Result<()> {
    if name_key(approver) == name_key(who.person) {
        return Err(refused(format!("{} cannot be both: who asks and who approves", who.person))
            .hint("--approve-by names another person; --operator says who asks"));
    }
    Ok(())
}

/// Refuses an approval by anybody but the person who was asked, and by whoever asked.
pub fn may_give(request: &Record, rule: Option<&Record>, who: Who<'_>, now: Ticks) -> Result<()> {
    let number = request.identity();
    match state(request, now) {
        State::Waiting => {}
        State::Approved | State::Begun => {
            return Err(refused(format!("request {number} is approved already, by {}", text(request, "ApprovedBy"))));
        }
        other => {
            return Err(refused(format!("request {number} is {}, and cannot be approved", other.word()))
                .hint("the command it came from, run again with --approve-by, makes a new one"));
        }
    }
    if name_key(text(request, "Requester")) == name_key(who.person) {
        return Err(refused(format!("{} made the request and cannot approve it", who.person))
            .hint(format!("{} approves, with --operator", text(request, "Approver"))));
    }
    if name_key(text(request, "Approver")) != name_key(who.person) {
        let approver = text(request, "Approver");
        return Err(refused(format!("request {number} is for {approver} to approve, not for {}", who.person))
            .hint(format!("--operator \"{approver}\" says that it is you")));
    }
    let other_account = rule.is_some_and(|rule| *rule.get(field::OTHER_ACCOUNT.name) == Value::Bool(true));
    if other_account && fold(text(request, "Account")) == fold(who.account) {
        return Err(refused(format!(
            "it was asked for under the account {}, and is approved under another",
            who.account
        ))
        .hint("sign in to the computer as the other person"));
    }
    Ok(())
}

/// Lets a part of a request be done, once, by whoever asked for it, while it is approved: gives the request as it is
/// then.
pub fn used(request: &Record, who: Who<'_>, part: &str, now: Ticks) -> Result<Record> {
    let number = request.identity();
    match state(request, now) {
        State::Approved | State::Begun => {}
        State::Waiting => return Err(waits(request)),
        other => {
            return Err(refused(format!("request {number} is {}; nothing was done", other.word()))
                .hint("the same command with --approve-by NAME asks again"));
        }
    }
    let is_part = list(request, "Parts").iter().any(|known| known == part);
    let is_done = list(request, "Used").iter().any(|known| known == part);
    if !is_part || is_done || name_key(text(request, "Requester")) != name_key(who.person) {
        return Err(refused(format!(
            "what would be done is not what request {number} was approved for; nothing was done"
        ))
        .hint("content or holds have changed since; the same command with --approve-by NAME asks again"));
    }
    let mut done = list(request, "Used").to_vec();
    done.push(part.to_owned());
    Ok(request.clone().with(field::USED.name, done).with(field::USED_ON.name, now))
}

/// Refuses what no command does: a request that comes in approved, or one that becomes another one.
pub fn may_put(old: Option<&Record>, new: &Record, rule: Option<&Record>, who: Who<'_>, now: Ticks) -> Result<()> {
    let wrong = || refused("a request for approval changes only by pchat approval");
    let same = |old: &Record, but: &[&str]| {
        new.shape.fields.iter().all(|field| but.contains(&field.name) || old.get(field.name) == new.get(field.name))
    };
    match old {
        None => {
            let fresh = ["ApprovedBy", "ApprovedOn", "Used", "UsedOn", "WithdrawnBy", "WithdrawnOn"];
            if fresh.iter().any(|field| *new.get(field) != Value::Null)
                || name_key(text(new, "Requester")) != name_key(who.person)
            {
                return Err(wrong());
            }
            may_ask(who, text(new, "Approver"))
        }
        Some(old) if same(old, &["ApprovedBy", "ApprovedOn"]) => may_give(old, rule, who, now),
        Some(old) if same(old, &["WithdrawnBy", "WithdrawnOn"]) => match state(old, now) {
            State::Waiting | State::Approved | State::Begun => Ok(()),
            other => Err(refused(format!("request {} is {} already", old.identity(), other.word()))),
        },
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(person: &str) -> Who<'_> {
        Who { person, account: "root@desk" }
    }

    fn request(approver: &str) -> Record {
        Record::new(&REQUEST)
            .with(field::IDENTITY.name, "1")
            .with(field::PARTS.name, vec!["purge a".to_owned(), "remove room b".to_owned()])
            .with(field::REQUESTER.name, "Anna")
            .with(field::ACCOUNT.name, "root@desk")
            .with(field::APPROVER.name, approver)
            .with(field::VALID_UNTIL.name, Ticks(100))
    }

    #[test]
    fn the_same_person_is_never_the_second() {
        for name in ["anna", "ANNA", " Anna ", "Anna"] {
            assert_eq!(may_ask(who("Anna"), name).unwrap_err().kind(), Kind::Refused, "{name}");
            assert!(may_give(&request("Ben"), None, who(name), Ticks(1)).is_err(), "{name}");
        }
        assert!(may_ask(who("Anna"), "Ben").is_ok());
        assert!(may_give(&request("Ben  K"), None, who("ben k"), Ticks(1)).is_ok());
        assert!(may_give(&request("Ben"), None, who("Carl"), Ticks(1)).is_err());
        assert!(may_give(&request("Ben"), None, who("Ben"), Ticks(101)).is_err());
        let rule = Record::new(&RULE).with(field::OTHER_ACCOUNT.name, Value::Bool(true));
        assert!(may_give(&request("Ben"), Some(&rule), who("Ben"), Ticks(1)).is_err());
        let elsewhere = Who { person: "Ben", account: "ben@desk" };
        assert!(may_give(&request("Ben"), Some(&rule), elsewhere, Ticks(1)).is_ok());
    }

    #[test]
    fn each_part_is_done_once_and_in_time() {
        let given = request("Ben").with(field::APPROVED_BY.name, "Ben").with(field::APPROVED_ON.name, Ticks(1));
        assert!(used(&request("Ben"), who("Anna"), "purge a", Ticks(2)).is_err());
        let once = used(&given, who("anna"), "purge a", Ticks(2)).unwrap();
        assert_eq!(state(&once, Ticks(3)), State::Begun);
        assert!(used(&once, who("Anna"), "purge a", Ticks(3)).is_err());
        assert!(used(&once, who("Ben"), "remove room b", Ticks(3)).is_err());
        assert!(used(&once, who("Anna"), "purge c", Ticks(3)).is_err());
        assert!(used(&once, who("Anna"), "remove room b", Ticks(101)).is_err());
        let twice = used(&once, who("Anna"), "remove room b", Ticks(3)).unwrap();
        assert_eq!(state(&twice, Ticks(200)), State::Done);
    }

    #[test]
    fn no_request_comes_in_approved() {
        let given = request("Ben").with(field::APPROVED_BY.name, "Ben").with(field::APPROVED_ON.name, Ticks(1));
        assert!(may_put(None, &given, None, who("Anna"), Ticks(1)).is_err());
        assert!(may_put(None, &request("Ben"), None, who("Anna"), Ticks(1)).is_ok());
        assert!(may_put(Some(&request("Ben")), &given, None, who("Ben"), Ticks(1)).is_ok());
        assert!(may_put(Some(&request("Ben")), &given, None, who("Anna"), Ticks(1)).is_err());
        let other = given.clone().with(field::PARTS.name, vec!["purge z".to_owned()]);
        assert!(may_put(Some(&request("Ben")), &other, None, who("Ben"), Ticks(1)).is_err());
    }
}
