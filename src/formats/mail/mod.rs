//! Mail (RFC 5322, MIME), written so that every reader understands it: no line is long, no name can begin a header, and
//! the same content gives the same bytes. Read again with a parser that is not of this program.

pub(super) mod body;
pub(super) mod header;
pub(super) mod read;

pub(super) use body::Text;
pub(super) use header::Headers;
