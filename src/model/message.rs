//! What happened in a room: an event, its kind, its person as known at the time, its attachments.

use super::ids::{EventId, RoomKey};
use super::time::Ticks;

/// The kinds of events. Six are those of the compliance XML, two more the product's database
/// knows, and room changes carry everything else with its original word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message.
    Chat,
    /// Somebody looked at the history of the room. Never counted as written by that person.
    Backchat,
    /// A file was fetched.
    Download,
    /// A file was put into the room.
    Upload,
    /// Somebody entered.
    Join,
    /// Somebody left.
    Part,
    /// A message was replaced by an administrator.
    Replace,
    /// Messages were purged.
    Purge,
    /// Anything else that happened to the room.
    Change,
}

impl Kind {
    /// All kinds, in the order of reports.
    pub const ALL: [Kind; 9] = [
        Kind::Chat,
        Kind::Backchat,
        Kind::Download,
        Kind::Upload,
        Kind::Join,
        Kind::Part,
        Kind::Replace,
        Kind::Purge,
        Kind::Change,
    ];

    /// The number in the store. 1 to 4, 10 and 11 are those of the product's compliance tables.
    pub const fn code(self) -> i64 {
        match self {
            Kind::Chat => 1,
            Kind::Backchat => 2,
            Kind::Download => 3,
            Kind::Upload => 4,
            Kind::Join => 5,
            Kind::Part => 6,
            Kind::Replace => 10,
            Kind::Purge => 11,
            Kind::Change => 12,
        }
    }

    /// The kind with this number in the store.
    pub fn from_code(code: i64) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The word in JSON Lines and in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Chat => "message",
            Kind::Backchat => "backchat",
            Kind::Download => "download",
            Kind::Upload => "upload",
            Kind::Join => "join",
            Kind::Part => "part",
            Kind::Replace => "replace",
            Kind::Purge => "purge",
            Kind::Change => "change",
        }
    }

    /// The kind with this word in JSON Lines and in the archive.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Position in [`Kind::ALL`].
    pub fn index(self) -> usize {
        Kind::ALL.iter().position(|kind| *kind == self).unwrap_or(0)
    }
}

/// A person as an event names them: the address, and what was known of them at the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Persona {
    /// SIP URI as written by the source, with or without `sip:`.
    pub uri: String,
    /// Display name at the time.
    pub name: Option<String>,
    /// Mail address at the time.
    pub email: Option<String>,
    /// True: own organisation; false: federated.
    pub internal: Option<bool>,
    /// The number the source product gave the person.
    pub number: Option<i64>,
}

/// A file that belongs to an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// The name the person gave it.
    pub name: Option<String>,
    /// Where the source kept it: stored name or address.
    pub link: Option<String>,
    /// Size in bytes, when known.
    pub size: Option<u64>,
    /// SHA-256 of the content, when known.
    pub sha256: Option<[u8; 32]>,
    /// The content, or where to find it, while it is on its way into a store.
    pub content: Content,
}

/// Where the bytes of an attachment are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// Not at hand; only what is said about it.
    #[default]
    Absent,
    /// Kept beside the event under its SHA-256.
    Kept,
    /// Here.
    Bytes(Vec<u8>),
    /// In this file.
    File(std::path::PathBuf),
}

/// What few events have; kept apart so that a plain message stays small.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct More {
    /// The RTF body.
    pub rtf: Option<String>,
    /// The source's own word for a room change.
    pub word: Option<String>,
    /// Keys of the source that have no place of their own: the text of one JSON object.
    pub extra: Option<String>,
    /// Attachments, in order.
    pub files: Vec<Attachment>,
    /// On the way into a production: the Bates number of its document, then those of its attachments.
    pub bates: Vec<String>,
}

/// One thing that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Ticks,
    /// What.
    pub kind: Kind,
    /// The number of the event in its room of the store it was read from; 0 for one that comes from elsewhere. It says
    /// where the event is, and is no part of what it is.
    pub sequence: u64,
    /// The number of the message in its room.
    pub chat: Option<i64>,
    /// Who: an index into the people of the unit.
    pub who: u32,
    /// High importance; `None` when the source cannot say.
    pub alert: Option<bool>,
    /// The text, verbatim.
    pub body: String,
    /// The rest, when there is any.
    pub more: Option<Box<More>>,
}

impl Event {
    /// Something of this kind that says nothing yet.
    pub fn new(at: Ticks, kind: Kind) -> Event {
        Event { at, kind, sequence: 0, chat: None, who: 0, alert: None, body: String::new(), more: None }
    }

    /// The address of this event, which was read from a store, in its room.
    pub fn address(&self, room: &RoomKey) -> EventId {
        EventId { room: room.clone(), sequence: self.sequence }
    }

    /// About how many bytes this event holds.
    pub fn weight(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| {
            let texts = [&more.rtf, &more.word, &more.extra];
            let texts: usize = texts.into_iter().flatten().map(String::len).sum();
            let files: usize = more
                .files
                .iter()
                .map(|file| 128 + if let Content::Bytes(bytes) = &file.content { bytes.len() } else { 0 })
                .sum();
            texts + files
        });
        self.body.len() + more
    }

    /// The optional parts, empty when there are none.
    pub fn more(&self) -> &More {
        static NONE: More = More { rtf: None, word: None, extra: None, files: Vec::new(), bates: Vec::new() };
        self.more.as_deref().unwrap_or(&NONE)
    }

    /// The optional parts, to be filled in.
    pub fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}
