//! The heads of a block: the place, the second and the kind of each of its events, in about two bytes each. Whoever
//! counts by month or kind reads these and no text.

use crate::model::message::Kind;
use crate::model::time::Ticks;

/// Ticks in a second.
const SECOND: i64 = 10_000_000;

/// One event of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its place in the block.
    pub place: u8,
    /// Whole seconds since the year 1.
    pub second: i64,
    /// Its kind.
    pub kind: Kind,
}

/// Collects heads in order of places.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    bytes: Vec<u8>,
    second: i64,
    /// The place the next event has if nothing is missing.
    next: u8,
}

impl Heads {
    /// Adds the event at the next place or a later one.
    pub fn push(&mut self, place: u8, at: Ticks, kind: Kind) {
        let second = at.0.div_euclid(SECOND);
        let step = second - self.second;
        let plain = place == self.next && kind == Kind::Chat;
        // Sign in the lowest bit but one, and whether more follows in the lowest.
        let zigzag = ((step << 1) ^ (step >> 63)) as u64;
        varint(&mut self.bytes, (zigzag << 1) | u64::from(!plain));
        if !plain {
            self.bytes.push(place - self.next);
            self.bytes.push(kind.code() as u8);
        }
        (self.second, self.next) = (second, place + 1);
    }

    /// As the store keeps them.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn varint(list: &mut Vec<u8>, mut rest: u64) {
    while rest >= 0x80 {
        list.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    list.push(rest as u8);
}

/// The heads of a block; `None` where they are damaged.
pub fn heads(bytes: &[u8]) -> impl Iterator<Item = Option<Head>> + '_ {
    let mut rest = bytes;
    let (mut second, mut next) = (0i64, 0u8);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let head = one(&mut rest, &mut second, &mut next);
        if head.is_none() {
            rest = &[];
        }
        Some(head)
    })
}

fn one(rest: &mut &[u8], second: &mut i64, next: &mut u8) -> Option<Head> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7F) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
        if shift > 56 {
            return None;
        }
    }
    let zigzag = value >> 1;
    *second = second.checked_add((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))?;
    let (mut place, mut kind) = (*next, Kind::Chat);
    if value & 1 == 1 {
        let ([gap, code], tail) = rest.split_first_chunk::<2>()?;
        *rest = tail;
        place = place.checked_add(*gap)?;
        kind = Kind::from_code(i64::from(*code))?;
    }
    *next = place.checked_add(1)?;
    Some(Head { place, second: *second, kind })
}

/// The places of a block at which there is an event, as bits.
pub fn places(bytes: &[u8]) -> Option<u128> {
    heads(bytes).try_fold(0, |bits, head| Some(bits | 1u128.checked_shl(u32::from(head?.place))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_survive() {
        let wanted = [
            Head { place: 0, second: 63_000_000_000, kind: Kind::Chat },
            Head { place: 1, second: 63_000_000_060, kind: Kind::Chat },
            Head { place: 5, second: 62_999_999_000, kind: Kind::Join },
            Head { place: 6, second: 62_999_999_000, kind: Kind::Change },
            Head { place: 127, second: 0, kind: Kind::Chat },
        ];
        let mut list = Heads::default();
        wanted.iter().for_each(|head| list.push(head.place, Ticks(head.second * SECOND + 7), head.kind));
        let bytes = list.finish();
        assert_eq!(heads(&bytes).collect::<Option<Vec<Head>>>().unwrap(), wanted);
        assert_eq!(places(&bytes), Some(0b110_0011 | 1 << 127));
        for end in 1..bytes.len() {
            assert!(heads(&bytes[..end]).count() <= wanted.len());
        }
        assert_eq!(heads(&[0x80]).next(), Some(None));
        assert_eq!(heads(&[0xFF; 12]).next(), Some(None));
    }
}
