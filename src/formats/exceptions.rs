//! The list of what a format cannot hold as it is: a line for each event, in CSV.

use super::write::Part;
use crate::model::ids::EventId;

/// What begins a row that tells the ledger of something to be listed, which is no gap.
const NOTE: &str = "note";

/// A list that begins with its first line.
pub(super) struct Exceptions {
    path: String,
    begun: bool,
}

/// Something to be listed that is carried all the same, in another form.
pub(super) fn note(event: &EventId, why: &str) -> Part {
    Part::Row(vec![NOTE.to_owned(), event.to_string(), why.to_owned()])
}

/// The event and the reason of a note.
fn noted(row: &[String]) -> Option<(&str, &str)> {
    match row {
        [what, event, why] if what == NOTE => Some((event, why)),
        _ => None,
    }
}

impl Exceptions {
    /// The list lies in the folder `top`.
    pub(super) fn new(top: &str) -> Exceptions {
        Exceptions { path: format!("{top}exceptions.csv"), begun: false }
    }

    /// Lists a part if it is an exception or a note. `document` is what it is about.
    pub(super) fn list(&mut self, part: &Part, document: &str) -> Option<Part> {
        let line = match part {
            Part::Exception { event, why } => line(&event.to_string(), document, why),
            Part::Row(row) => noted(row).map(|(event, why)| line(event, document, why))?,
            _ => return None,
        };
        let begin = if self.begun { "" } else { "Event,Document,Reason\r\n" };
        self.begun = true;
        Some(Part::Append { to: self.path.clone(), bytes: format!("{begin}{line}").into_bytes() })
    }
}

/// Is this a row of a note?
pub(super) fn is_note(part: &Part) -> bool {
    matches!(part, Part::Row(row) if noted(row).is_some())
}

fn line(event: &str, document: &str, why: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    format!("{},{document},{}\r\n", quoted(event), quoted(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::RoomKey;

    #[test]
    fn the_list_begins_with_its_first_line() {
        let event = EventId { room: RoomKey { pool: "p".to_owned(), uri: "a\"b,c".to_owned() }, sequence: 3 };
        let mut list = Exceptions::new("data/x/");
        assert_eq!(list.list(&Part::Remark("x", 1), ""), None);
        let bytes = |part: Option<Part>| match part {
            Some(Part::Append { to, bytes }) => format!("{to} {}", String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?}"),
        };
        let first = bytes(list.list(&note(&event, "why"), "N1"));
        assert_eq!(first, "data/x/exceptions.csv Event,Document,Reason\r\n\"p\\a\"\"b,c#3\",N1,\"why\"\r\n");
        let second = bytes(list.list(&Part::Exception { event, why: "gone".to_owned() }, ""));
        assert_eq!(second, "data/x/exceptions.csv \"p\\a\"\"b,c#3\",,\"gone\"\r\n");
    }
}
