//! The rows of the index: each holds words in order, with the list of each, so that a purge or a merge reads and writes
//! a few large rows instead of one for each word.
//!
//! A row is found by its first word. Each word is the length it shares with the one before it, the length of the rest,
//! the rest, the length of its list, and the list. A list of more than [`PART_BYTES`] has rows of its own, one for each
//! part.

use crate::select::postings;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashMap;

/// A longer list is kept in parts, so that no row needs pages of its own, and a purge writes only the parts that lose
/// something.
const PART_BYTES: usize = 1000;
/// A row that would be longer ends before.
const ROW_BYTES: usize = 1000;

/// A row that cannot be read.
pub(in super::super) struct Broken;

/// A list of the index that cannot be read.
pub(in super::super) fn damaged(segment: i64) -> rusqlite::Error {
    crate::store::sqlite::explain::BrokenIndex(format!(
        "segment {segment} of the index holds a list that cannot be read"
    ))
    .into()
}

/// A place in a row: behind the list of a word.
#[derive(Default)]
pub(in super::super) struct Entries {
    pub(super) word: Vec<u8>,
    /// How far it was read.
    pub(super) at: usize,
}

impl Entries {
    /// The beginning of a row with this first word.
    pub(in super::super) fn new(first: &str) -> Entries {
        Entries { word: first.as_bytes().to_vec(), at: 0 }
    }

    /// Begins another row.
    pub(super) fn begin(&mut self, first: &str) {
        self.word.clear();
        self.word.extend_from_slice(first.as_bytes());
        self.at = 0;
    }

    /// The word whose list was read last.
    pub(in super::super) fn word(&self) -> Result<&str, Broken> {
        std::str::from_utf8(&self.word).map_err(|_| Broken)
    }

    /// The list of the next word; none at the end of the row.
    pub(in super::super) fn next<'a>(&mut self, row: &'a [u8]) -> Result<Option<&'a [u8]>, Broken> {
        if self.at >= row.len() {
            return if self.at == 0 { Err(Broken) } else { Ok(None) };
        }
        let begun = self.at > 0;
        let (shared, rest) = (self.number(row)?, self.number(row)?);
        let rest = self.bytes(row, rest)?;
        // The first word of a row is the one it is found by, and each other comes behind the one before it.
        let in_order = match (begun, rest.first()) {
            (false, None) => shared == self.word.len(),
            (true, Some(byte)) => shared <= self.word.len() && self.word.get(shared).is_none_or(|before| before < byte),
            _ => false,
        };
        if !in_order {
            return Err(Broken);
        }
        self.word.truncate(shared);
        self.word.extend_from_slice(rest);
        let length = self.number(row)?;
        self.bytes(row, length).map(Some)
    }

    fn number(&mut self, row: &[u8]) -> Result<usize, Broken> {
        let (number, at) = postings::step(row, self.at).ok_or(Broken)?;
        self.at = at;
        usize::try_from(number).map_err(|_| Broken)
    }

    fn bytes<'a>(&mut self, row: &'a [u8], length: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.checked_add(length).ok_or(Broken)?;
        let bytes = row.get(self.at..end).ok_or(Broken)?;
        self.at = end;
        Ok(bytes)
    }
}

/// Collects words, which come in order, into a row.
#[derive(Default)]
struct Builder {
    first: String,
    last: String,
    row: Vec<u8>,
}

impl Builder {
    fn add(&mut self, word: &str, list: &[u8]) {
        if self.row.is_empty() {
            word.clone_into(&mut self.first);
            word.clone_into(&mut self.last);
        }
        let shared = self.last.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
        for length in [shared, word.len() - shared] {
            postings::append(&mut self.row, &mut 0, length as u64);
        }
        self.row.extend_from_slice(&word.as_bytes()[shared..]);
        postings::append(&mut self.row, &mut 0, list.len() as u64);
        self.row.extend_from_slice(list);
        word.clone_into(&mut self.last);
    }
}

/// Writes the words of a segment, which come in order.
pub(super) struct Writer<'a> {
    insert: CachedStatement<'a>,
    segment: i64,
    row: Builder,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: &'a Connection, segment: i64) -> rusqlite::Result<Writer<'a>> {
        Ok(Writer { insert: connection.prepare_cached(INSERT)?, segment, row: Builder::default() })
    }

    pub(super) fn add(&mut self, word: &str, list: &[u8]) -> rusqlite::Result<()> {
        if list.len() > PART_BYTES {
            self.finish()?;
            let mut part = 0;
            return postings::cut(list, PART_BYTES, &mut |bytes| {
                self.row.add(word, bytes);
                self.put(part)?;
                part += 1;
                Ok(())
            });
        }
        if self.row.row.len() + word.len() + list.len() > ROW_BYTES {
            self.finish()?;
        }
        self.row.add(word, list);
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        if self.row.row.is_empty() { Ok(()) } else { self.put(0) }
    }

    fn put(&mut self, part: i64) -> rusqlite::Result<()> {
        self.insert.execute(params![self.segment, self.row.first, part, self.row.row])?;
        self.row.row.clear();
        Ok(())
    }
}

const INSERT: &str = "INSERT INTO word (segment, first, part, lists) VALUES (?1, ?2, ?3, ?4)";

/// The rows that may hold words from one to before another: in each segment from the last row that begins with it or
/// before it. One statement, so that it sees one state of the segments. Of a word before the first, all parts but one
/// are left out.
const WITHIN: &str = "SELECT word.segment, word.first, word.part, word.lists FROM segment CROSS JOIN word \
    ON word.segment = segment.number AND word.first >= ifnull((SELECT max(first) FROM word AS found \
    WHERE found.segment = segment.number AND found.first <= ?1), ?1) \
    WHERE word.first < ?2 AND (word.part = 0 OR word.first >= ?1)";

/// What the words from one word to before the returned one are: that word alone.
pub(in super::super) fn only(word: &str) -> String {
    format!("{word}\u{1}")
}

/// Hands out the lists of the words from one to before another; `take` says nothing of one that cannot be read.
pub(in super::super) fn each_list(
    connection: &Connection,
    (from, to): (&str, &str),
    take: &mut dyn FnMut(&str, &[u8]) -> Option<()>,
) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached(WITHIN)?;
    let mut rows = read.query((from, to))?;
    let mut entries = Entries::default();
    while let Some(row) = rows.next()? {
        let (first, lists) = (row.get_ref(1)?.as_str()?, row.get_ref(3)?.as_blob()?);
        entries.begin(first);
        let mut see = || -> Result<(), Broken> {
            while let Some(list) = entries.next(lists)? {
                if entries.word.as_slice() < from.as_bytes() {
                    continue;
                }
                if entries.word.as_slice() >= to.as_bytes() {
                    break;
                }
                take(entries.word()?, list).ok_or(Broken)?;
            }
            Ok(())
        };
        if see().is_err() {
            return Err(damaged(row.get(0)?));
        }
    }
    Ok(())
}

/// What is left of a list; nothing is said of one that stays as it is.
pub(super) type Left = rusqlite::Result<Option<Vec<u8>>>;

/// What becomes of a row.
pub(super) struct Change {
    segment: i64,
    first: String,
    part: i64,
    left: Builder,
}

impl Change {
    /// The change of a row whose lists change; `left` gives what is left of one that does.
    pub(super) fn of(
        (segment, first, part): (i64, &str, i64),
        lists: &[u8],
        left: &mut dyn FnMut(&str, &[u8]) -> Left,
    ) -> rusqlite::Result<Option<Change>> {
        let broken = |Broken| damaged(segment);
        // Where the first list that changes begins, so that what is before it is read once more only when one does.
        let (mut entries, mut any) = (Entries::new(first), false);
        let mut builder = Builder::default();
        let mut kept = 0;
        while let Some(list) = entries.next(lists).map_err(broken)? {
            let word = entries.word().map_err(broken)?;
            match left(word, list)? {
                None if any => builder.add(word, list),
                None => kept += 1,
                Some(left) => {
                    if !any {
                        any = true;
                        let mut before = Entries::new(first);
                        for _ in 0..kept {
                            if let Some(list) = before.next(lists).map_err(broken)? {
                                builder.add(before.word().map_err(broken)?, list);
                            }
                        }
                    }
                    if !left.is_empty() {
                        builder.add(word, &left);
                    }
                }
            }
        }
        Ok(any.then(|| Change { segment, first: first.to_owned(), part, left: builder }))
    }

    /// Writes it.
    pub(super) fn apply(self, connection: &Connection) -> rusqlite::Result<()> {
        let Change { segment, first, part, left } = self;
        if left.row.is_empty() || left.first != first {
            connection
                .prepare_cached("DELETE FROM word WHERE segment = ?1 AND first = ?2 AND part = ?3")?
                .execute(params![segment, first, part])?;
            if !left.row.is_empty() {
                connection.prepare_cached(INSERT)?.execute(params![segment, left.first, part, left.row])?;
            }
            return Ok(());
        }
        connection
            .prepare_cached("UPDATE word SET lists = ?4 WHERE segment = ?1 AND first = ?2 AND part = ?3")?
            .execute(params![segment, first, part, left.row])
            .map(|_| ())
    }
}

/// Adds the changes of the rows that may hold a word. `seen` is the row of each segment that was looked at last, for
/// another word; it is not looked at again.
pub(super) fn changes_of(
    connection: &Connection,
    word: &str,
    seen: &mut HashMap<i64, (String, i64)>,
    changes: &mut Vec<Change>,
    left: &mut dyn FnMut(i64, &str, &[u8]) -> Left,
) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached(WITHIN)?;
    let mut rows = read.query((word, only(word)))?;
    while let Some(row) = rows.next()? {
        let (segment, first, part) = (row.get(0)?, row.get_ref(1)?.as_str()?, row.get(2)?);
        if seen.get(&segment).is_some_and(|(seen, at)| seen == first && *at == part) {
            continue;
        }
        seen.insert(segment, (first.to_owned(), part));
        let lists = row.get_ref(3)?.as_blob()?;
        changes.extend(Change::of((segment, first, part), lists, &mut |word, list| left(segment, word, list))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    type Words = BTreeMap<String, Vec<u64>>;

    fn list_of(numbers: &[u64]) -> Vec<u8> {
        let (mut list, mut last) = (Vec::new(), 0);
        numbers.iter().for_each(|number| postings::append(&mut list, &mut last, *number));
        list
    }

    fn found(db: &Connection, words: (&str, &str)) -> Words {
        let mut all = Words::new();
        each_list(db, words, &mut |word, list| {
            let numbers: Vec<u64> = postings::numbers(list).collect::<Option<_>>()?;
            all.entry(word.to_owned()).or_default().extend(numbers);
            Some(())
        })
        .unwrap();
        all
    }

    /// Two segments: words of many lengths that share letters, lists of one event and lists of several parts.
    fn store() -> (Connection, Words) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE segment (number INTEGER PRIMARY KEY, level INTEGER); INSERT INTO segment VALUES (1, 0), (2, 0); \
             CREATE TABLE word (segment INTEGER, first TEXT, part INTEGER, lists BLOB, \
             PRIMARY KEY (segment, first, part)) WITHOUT ROWID",
        )
        .unwrap();
        let mut all = Words::new();
        for segment in [1u64, 2] {
            let mut words = Words::new();
            for n in 0..600u64 {
                let word = format!("{}ö{}", "abc".repeat((n % 7) as usize), n * segment);
                let count = if n % 50 == 0 { 3000 } else { n % 9 + 1 };
                words.insert(word, (1..=count).map(|at| segment << 40 | (at * (n + 1))).collect());
            }
            let mut rows = Writer::new(&db, segment as i64).unwrap();
            words.iter().for_each(|(word, numbers)| rows.add(word, &list_of(numbers)).unwrap());
            rows.finish().unwrap();
            words.into_iter().for_each(|(word, numbers)| all.entry(word).or_default().extend(numbers));
        }
        (db, all)
    }

    #[test]
    fn what_was_written_is_found_and_nothing_else() {
        let (db, all) = store();
        let count: i64 = db.query_row("SELECT count(*) FROM word", [], |row| row.get(0)).unwrap();
        assert!((100..400).contains(&count), "{count} rows");
        for (word, numbers) in &all {
            assert_eq!(found(&db, (word, &only(word))), Words::from([(word.clone(), numbers.clone())]));
            for absent in
                [format!("{word}x"), format!("{word}0"), word[..word.len() - 1].to_owned(), format!("!{word}")]
            {
                let is = all.get(&absent).map(|numbers| (absent.clone(), numbers.clone()));
                assert_eq!(found(&db, (&absent, &only(&absent))), is.into_iter().collect());
            }
        }
        for (from, to) in
            [("", "\u{10FFFF}"), ("abc", "abcabd"), ("abcö2", "abcö3"), ("b", "c"), ("abcö50", "abcabcö9")]
        {
            let meant = all.iter().filter(|(word, _)| from <= word.as_str() && word.as_str() < to);
            assert_eq!(found(&db, (from, to)), meant.map(|(word, list)| (word.clone(), list.clone())).collect());
        }
    }

    #[test]
    fn all_segments_are_walked_in_order() {
        let (db, all) = store();
        let (mut walk, mut seen) = (super::super::Walk::new(&db, &[1, 2]).unwrap(), Vec::new());
        loop {
            let mut lists = Vec::new();
            let word = walk.next(&mut |_, list| {
                lists.extend(postings::numbers(list).flatten());
                Ok(())
            });
            let Some(word) = word.unwrap() else { break };
            seen.push((word.to_owned(), lists));
        }
        assert_eq!(seen, all.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_goes_leaves_its_row_also_when_it_is_the_first_word() {
        let (db, mut all) = store();
        let words: Vec<String> = all.keys().cloned().collect();
        for (at, word) in words.iter().enumerate() {
            // Every word of some rows, every third of others; of some lists every second event.
            let half = at % 5 == 0;
            if at % 3 != 0 && at > 200 && !half {
                continue;
            }
            let mut changes = Vec::new();
            changes_of(&db, word, &mut HashMap::new(), &mut changes, &mut |_, other, list| {
                let numbers = postings::numbers(list).flatten();
                let left: Vec<u64> = numbers.filter(|number| half && number % 2 == 0).collect();
                Ok((other == word).then(|| list_of(&left)))
            })
            .unwrap();
            changes.into_iter().for_each(|change| change.apply(&db).unwrap());
            let numbers = all.get_mut(word).unwrap();
            numbers.retain(|number| half && number % 2 == 0);
            if numbers.is_empty() {
                all.remove(word);
            }
        }
        assert_eq!(found(&db, ("", "\u{10FFFF}")), all);
        for word in &words {
            let is = all.get(word).map(|numbers| (word.clone(), numbers.clone()));
            assert_eq!(found(&db, (word, &only(word))), is.into_iter().collect());
        }
        let mut read = db.prepare("SELECT DISTINCT first FROM word").unwrap();
        let firsts = read.query_map([], |row| row.get::<_, String>(0)).unwrap();
        assert!(firsts.map(Result::unwrap).all(|first| all.contains_key(&first)));
    }

    #[test]
    fn a_row_that_is_not_what_was_written_is_refused() {
        let read = |first: &str, row: &[u8]| {
            let mut entries = Entries::new(first);
            loop {
                match entries.next(row) {
                    Ok(Some(_)) => {}
                    Ok(None) => return entries.word().is_ok(),
                    Err(Broken) => return false,
                }
            }
        };
        let mut row = Builder::default();
        ["car", "cart", "dog"].into_iter().for_each(|word| row.add(word, &[1]));
        assert!(read("car", &row.row) && row.first == "car");
        assert!(!read("ca", &row.row) && !read("cars", &row.row) && !read("car", &[]));
        for at in 1..row.row.len() {
            assert!(!read("car", &row.row[..at]) || [4, 9].contains(&at), "{at}");
        }
        // A word that does not come behind the one before it, lengths beyond the row, letters that are none.
        for (first, row) in [
            ("b", &[1, 0, 1, 1, 0, 1, b'a', 1, 1][..]),
            ("b", &[1, 0, 1, 1, 0, 1, b'b', 1, 1]),
            ("b", &[1, 0, 1, 1, 2, 1, b'c', 1, 1]),
            ("b", &[1, 0, 9, 1]),
            ("b", &[1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1]),
            ("b", &[1, 0, 1, 1, 1, 1, 0xFF, 1, 1]),
        ] {
            assert!(!read(first, row), "{row:?}");
        }
    }
}
