//! Values in DER, taken apart one after the other. Every value is a piece of what was handed in, so memory and
//! depth are bounded by it. Must not know what the values mean.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};

/// Something that is not what its place asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl From<x509_cert::der::Error> for Broken {
    fn from(_: x509_cert::der::Error) -> Broken {
        Broken
    }
}

/// The values that stand one after the other.
pub(super) struct Parts<'a> {
    reader: SliceReader<'a>,
}

impl<'a> Parts<'a> {
    /// The values in these bytes.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Parts<'a>, Broken> {
        Ok(Parts { reader: SliceReader::new(bytes)? })
    }

    /// The parts of the only value in these bytes, a sequence.
    pub(super) fn sequence(bytes: &'a [u8]) -> Result<Parts<'a>, Broken> {
        let mut parts = Parts::of(bytes)?;
        let inner = parts.inside(Tag::Sequence)?;
        parts.end()?;
        Ok(inner)
    }

    /// Is there nothing more?
    pub(super) fn is_empty(&self) -> bool {
        self.reader.is_finished()
    }

    /// There must be nothing more.
    pub(super) fn end(self) -> Result<(), Broken> {
        if self.is_empty() { Ok(()) } else { Err(Broken) }
    }

    /// The next value whole, with its tag and length.
    pub(super) fn whole(&mut self) -> Result<(Tag, &'a [u8]), Broken> {
        let tag = Tag::peek(&self.reader)?;
        Ok((tag, self.reader.tlv_bytes()?))
    }

    /// What is in the next value, if it has this tag.
    pub(super) fn maybe(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Broken> {
        if self.is_empty() || Tag::peek(&self.reader)? != tag {
            return Ok(None);
        }
        let value = AnyRef::decode(&mut self.reader)?;
        if value.tag() == tag { Ok(Some(value.value())) } else { Err(Broken) }
    }

    /// What is in the next value, which must have this tag.
    pub(super) fn take(&mut self, tag: Tag) -> Result<&'a [u8], Broken> {
        self.maybe(tag)?.ok_or(Broken)
    }

    /// The parts of the next value, which must have this tag.
    pub(super) fn inside(&mut self, tag: Tag) -> Result<Parts<'a>, Broken> {
        Parts::of(self.take(tag)?)
    }

    /// The next value, which must be the name of something.
    pub(super) fn name(&mut self) -> Result<ObjectIdentifier, Broken> {
        ObjectIdentifier::from_bytes(self.take(Tag::ObjectIdentifier)?).map_err(|_| Broken)
    }

    /// The next value, which must be the name of an algorithm that takes no parameters.
    pub(super) fn algorithm(&mut self) -> Result<ObjectIdentifier, Broken> {
        let mut parts = self.inside(Tag::Sequence)?;
        let name = parts.name()?;
        if parts.maybe(Tag::Null)?.is_some_and(|nothing| !nothing.is_empty()) {
            return Err(Broken);
        }
        parts.end()?;
        Ok(name)
    }

    /// The next value, which must be a number that is not negative: its bytes without leading zeros.
    pub(super) fn number(&mut self) -> Result<&'a [u8], Broken> {
        positive(self.take(Tag::Integer)?)
    }
}

/// The bytes of a number that is not negative, without leading zeros.
pub(super) fn positive(value: &[u8]) -> Result<&[u8], Broken> {
    match value {
        [] => Err(Broken),
        [first, ..] if first & 0x80 != 0 => Err(Broken),
        [0, rest @ ..] => Ok(rest),
        value => Ok(value),
    }
}

/// The tag that numbers a part of a sequence, with other values in it.
pub(super) fn part(number: u32) -> Tag {
    x509_cert::der::TagNumber(number).context_specific(true)
}
