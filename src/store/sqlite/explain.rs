//! What SQLite's errors mean to people: what is wrong, and what to do next.

use super::read;
use crate::error::{Error, Kind, Place, quoted};
use crate::model::bounds;
use std::fmt;
use std::path::Path;

/// Something in the file that is not as it was written, in words.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for rusqlite::Error {
    fn from(broken: Broken) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(broken))
    }
}

/// Something of the index that is not as it was written. It is made of the texts, so it can be made anew.
#[derive(Debug)]
pub(super) struct BrokenIndex(pub(super) String);

impl fmt::Display for BrokenIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BrokenIndex {}

impl From<BrokenIndex> for rusqlite::Error {
    fn from(broken: BrokenIndex) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(broken))
    }
}

/// Why the index cannot be used until it is made anew.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is being made.
    Unfinished,
    /// It was made with other word rules than this pchat has.
    OtherRules {
        /// Those.
        found: String,
        /// The version this pchat has.
        own: u32,
    },
}

impl Unusable {
    fn told(&self, path: &Path) -> Error {
        let name = path.display();
        let what = match self {
            Unusable::Unfinished => {
                format!("the index of {name} is not finished: it is being rebuilt, or that was interrupted")
            }
            Unusable::OtherRules { found, own } => {
                format!("the index of {name} was made with word rules {found}, this pchat has {own}")
            }
        };
        Error::new(Kind::Refused, what).hint(format!("pchat store reindex --store {name}"))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the index cannot be used")
    }
}

impl std::error::Error for Unusable {}

impl From<Unusable> for rusqlite::Error {
    fn from(unusable: Unusable) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(unusable))
    }
}

/// Names with stars mean more principals than are read at once.
#[derive(Debug)]
pub(super) struct TooMany(pub(super) String);

impl TooMany {
    fn told(&self) -> Error {
        let what = bounds::words(&quoted(&self.0), bounds::MEANT, "principals with such a display name");
        Error::new(Kind::Refused, what)
            .hint("give more letters of the name; --user \"NAME*\" beside the query takes more of them")
    }
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many are meant")
    }
}

impl std::error::Error for TooMany {}

impl From<TooMany> for rusqlite::Error {
    fn from(many: TooMany) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(many))
    }
}

/// Something that is no store.
pub(super) fn not_ours(path: &Path, why: &str) -> Error {
    Error::new(Kind::Damaged, format!("this is not a pchat store: {why}"))
        .at(Place::file(path.display().to_string()))
        .hint("pchat store new creates a store; pchat import reads archives and chat history")
}

/// Turns an error of SQLite into one that says what to do.
pub(super) fn explain(error: rusqlite::Error, path: &Path) -> Error {
    let name = path.display();
    let Some(code) = error.sqlite_error_code() else {
        if let rusqlite::Error::FromSqlConversionFailure(_, _, why) = &error
            && (why.is::<read::Altered>() || why.is::<Broken>())
        {
            return Error::damaged(Place::file(name.to_string()), why.to_string()).hint(format!(
                "pchat store check --store {name} --read-data lists all of them; restore the file from a backup"
            ));
        }
        if let rusqlite::Error::FromSqlConversionFailure(_, _, why) = &error {
            if let Some(unusable) = why.downcast_ref::<Unusable>() {
                return unusable.told(path);
            }
            if let Some(many) = why.downcast_ref::<TooMany>() {
                return many.told();
            }
            if why.is::<BrokenIndex>() {
                return Error::damaged(Place::file(name.to_string()), why.to_string())
                    .hint(format!("pchat store reindex --store {name} rebuilds the index from the texts"));
            }
        }
        return Error::new(Kind::Damaged, format!("{name} holds a value pchat cannot read")).because(error);
    };
    use rusqlite::ErrorCode as Code;
    let told = match code {
        Code::DatabaseBusy | Code::DatabaseLocked => {
            Error::new(Kind::Busy, format!("{name} is in use by another program"))
                .hint("wait until the other command has finished, then try again")
        }
        // SQLite's own words say the same once more.
        Code::NotADatabase => return not_ours(path, "it is not an SQLite file"),
        Code::DatabaseCorrupt => Error::new(Kind::Damaged, "the store is damaged")
            .at(Place::file(name.to_string()))
            .hint(format!("pchat store check --store {name} says where; restore it from a backup")),
        Code::ReadOnly | Code::PermissionDenied => Error::new(Kind::Io, format!("{name} cannot be written"))
            .hint("check the permissions of the file and of its folder"),
        Code::DiskFull => Error::new(Kind::Io, format!("no space left to write {name}"))
            .hint("free some space, then run the same command again; nothing is lost"),
        Code::CannotOpen | Code::SystemIoFailure => Error::new(Kind::Io, format!("cannot read or write {name}"))
            .hint("check the disk, its free space, and the permissions of the file and of its folder"),
        Code::Unknown if error.to_string().starts_with("no such") => {
            Error::new(Kind::Damaged, "the store lacks a table or a column").at(Place::file(name.to_string()))
        }
        _ => Error::new(Kind::Bug, format!("SQLite refused a statement on {name}")),
    };
    told.because(error)
}
