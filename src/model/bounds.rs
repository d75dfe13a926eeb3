//! How much of anything is taken in: the bounds that no option raises, in one place, with one way to say that one was
//! met. `docs/commands/options.md` lists them beside those that options raise.

use crate::error::{Error, Kind, Place};

/// Characters of a name, an address or a title that comes in with history.
pub const NAME: usize = 1_024;
/// Bytes of one text of an event: what was written, as RTF, and keys that have no place of their own, each.
pub const TEXT: usize = 16 << 20;
/// Rooms that come in at once: lists of rooms are in memory. Many times what the product has in a pool.
pub const ROOMS: usize = 60_000;
/// Files of history in one folder: they are listed before the first is read.
pub const FILES: usize = 250_000;
/// Attachments of one event.
pub const ATTACHMENTS: usize = 1_000;
/// Keys of one line of JSON Lines that have no place of their own.
pub const KEYS: usize = 1_000;
/// Attributes of one entry of a directory, and columns of its CSV.
pub const ATTRIBUTES: usize = 1_000;
/// Bytes of one value of an entry of a directory.
pub const VALUE: usize = 1 << 20;
/// Values of all attributes of one entry of a directory.
pub const VALUES: usize = 500_000;
/// Bytes of all values of one entry of a directory.
pub const ENTRY: usize = 48 << 20;
/// People whom one transcript lists.
pub const PEOPLE: usize = 100_000;
/// People who are in a room at once, for formats that list all of them in each of their files.
pub const PRESENT: usize = 50_000;
/// Entries of one list of a setting: members of a room, people of a hold.
pub const LIST: usize = 500_000;
/// People of each hold, together, whom the register of all holds counts.
pub const CUSTODIANS: usize = 8_000_000;
/// Rooms and pairs of holds that the register of all holds lists.
pub const REGISTER: usize = 200_000;
/// Addresses of the people who have a name that fits a pattern.
pub const FITTING: usize = 250_000;
/// Principals whom the names with stars of one query mean.
pub const MEANT: usize = 50_000;
/// Characters of a pattern, with stars or as a regular expression.
pub const PATTERN: usize = 4_096;
/// Comparisons and conditions inside each other: of conditions, and of filters of a directory.
pub const DEEPEST: usize = 64;
/// Characters of somebody else's text that an error repeats.
pub const QUOTED: usize = 80;

/// The words for it: what there is more of than there may be.
pub fn words(what: &str, most: usize, of: &str) -> String {
    let most = crate::model::counted::grouped(most as u64);
    format!("{what} has more than {most} {of}; no option changes that")
}

/// The error for it.
pub fn exceeded(place: Place, what: &str, most: usize, of: &str) -> Error {
    Error::new(Kind::Refused, words(what, most, of)).at(place)
}

/// Has a text more characters than this? It is not read to its end.
pub fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}
