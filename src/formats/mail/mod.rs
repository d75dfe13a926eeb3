//! Mail (RFC 5322, MIME), written so that every reader understands it: no line is long, no name can begin a header, and
//! the same content gives the same bytes. Read again with a parser that is not of this program.

mod body;
mod header;
mod read;

pub(super) use self::body::{Text, base64};
pub(super) use self::header::Headers;
pub(super) use self::read::{events, number, parse, said, value, wrong};
