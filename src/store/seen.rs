//! What lists of hits need of an event, in 16 bytes: a report over a room holds all of its events.

use crate::model::message::Kind;

/// So many low bits hold the kind, the others how many attachments there are.
const KIND_BITS: u32 = 4;
const MOST_FILES: u16 = u16::MAX >> KIND_BITS;

/// What lists of hits need of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    person: u32,
    rest: u16,
    second: [u8; 5],
    sequence: [u8; 5],
}

impl Seen {
    /// Of an event of this second, counted from the year 1, and of this sequence of its room; who did it is a place in
    /// the list of people. It has no attachments.
    pub fn new(second: i64, sequence: u64, kind: Kind, person: u32) -> Seen {
        let low = |number: u64| {
            let [a, b, c, d, e, ..] = number.to_le_bytes();
            [a, b, c, d, e]
        };
        Seen { person, rest: kind.index() as u16, second: low(second.cast_unsigned()), sequence: low(sequence) }
    }

    /// The same with attachments, which are known of hits only.
    pub fn with_files(self, files: u16) -> Seen {
        let kind = self.rest & ((1 << KIND_BITS) - 1);
        Seen { rest: files.min(MOST_FILES) << KIND_BITS | kind, ..self }
    }

    /// The same done by somebody else.
    pub fn with_person(self, person: u32) -> Seen {
        Seen { person, ..self }
    }

    /// Whole seconds since the year 1.
    #[inline]
    pub fn second(&self) -> i64 {
        let [a, b, c, d, e] = self.second;
        // The sign is that of the fifth byte.
        i64::from_le_bytes([0, 0, 0, a, b, c, d, e]) >> 24
    }

    /// Its sequence in the room.
    pub fn sequence(&self) -> u64 {
        let [a, b, c, d, e] = self.sequence;
        u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }

    /// Its kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        Kind::ALL[usize::from(self.rest & ((1 << KIND_BITS) - 1)) % Kind::ALL.len()]
    }

    /// Who did it: a place in the list of people.
    #[inline]
    pub fn person(&self) -> u32 {
        self.person
    }

    /// How many attachments it has; known of hits only.
    pub fn files(&self) -> u16 {
        self.rest >> KIND_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bounds;

    #[test]
    fn all_of_it_comes_back() {
        assert_eq!(size_of::<Seen>(), 16);
        assert!(bounds::ATTACHMENTS <= usize::from(MOST_FILES) && Kind::ALL.len() <= 1 << KIND_BITS);
        for second in [0, 1, -1, 63_000_000_000, (1 << 39) - 1, -(1 << 39)] {
            for sequence in [0, 1, (1 << 40) - 1] {
                for kind in Kind::ALL {
                    for (person, files) in [(0, 0), (u32::MAX, 1_000), (7, 1)] {
                        let seen = Seen::new(second, sequence, kind, 3).with_files(files).with_person(person);
                        let all = (seen.second(), seen.sequence(), seen.kind(), seen.person(), seen.files());
                        assert_eq!(all, (second, sequence, kind, person, files));
                    }
                }
            }
        }
    }
}
