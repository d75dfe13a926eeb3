//! Reads what a zip says of its entries (APPNOTE.TXT 4.3) and believes none of it: the directory, the headers of the
//! entries and where they lie must agree, and no byte may belong to two of them.

use super::records::{CENTRAL, END, END_64, LOCAL, LOCATOR_64, Method, UTF_8, ZIP64};
use super::window::Window;
use crate::containers::{InputLimits, Member, names};
use crate::error::{Error, Kind, Place, Result};
use std::borrow::Cow;
use std::collections::HashMap;

/// Where the data of an entry lies, and what the zip says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) packed: u64,
    /// Where its header lies until [`places`] has read that; then, where its data does.
    pub(super) at: u64,
}

/// The flags that say how an entry is encrypted, and that its sizes and checksum follow its data.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const SIZES_FOLLOW: u16 = 1 << 3;
/// The longest comment a zip can have.
const COMMENT: u64 = 0xFFFF;
/// The type of a file as Unix has it, in the upper half of the attributes: all of it, and a link.
const TYPE: u32 = 0o170_000 << 16;
const LINK: u32 = 0o120_000 << 16;

/// The upper half of code page 437; the lower half is ASCII.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

pub(super) fn damaged(zip: &str) -> Error {
    Error::damaged(Place::file(zip), "this zip is damaged or cut short")
}

fn contradicts(zip: &str) -> Error {
    Error::damaged(Place::file(zip), "the headers of an entry contradict the directory of the zip")
}

/// A number at a place of a record; records have the length that is asked for.
fn number<const N: usize>(record: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    let part = record.get(at..at + N).unwrap_or_default();
    bytes[..part.len()].copy_from_slice(part);
    u64::from_le_bytes(bytes)
}

fn short(record: &[u8], at: usize) -> u64 {
    number::<2>(record, at)
}

fn long(record: &[u8], at: usize) -> u64 {
    number::<4>(record, at)
}

/// How many entries there are, and where the directory of them lies.
struct End {
    count: u64,
    start: u64,
    size: u64,
}

/// Finds the end of a zip. Nothing may follow it but its comment.
fn end(window: &mut Window, zip: &str) -> Result<End> {
    let wrong = || damaged(zip);
    let length = window.length();
    let tail = length.min(22 + COMMENT);
    let from = length - tail;
    let bytes = window.get(from, tail as usize)?.ok_or_else(wrong)?;
    let fits = |at: &usize| {
        let record = &bytes[*at..];
        record.starts_with(&END) && record.len() >= 22 && short(record, 20) == record.len() as u64 - 22
    };
    let at = (0..bytes.len().saturating_sub(21)).rev().find(fits).ok_or_else(wrong)?;
    let record = &bytes[at..];
    let (disk, other, here) = (short(record, 4), short(record, 6), short(record, 8));
    let mut end = End { count: short(record, 10), start: long(record, 16), size: long(record, 12) };
    let mut at = from + at as u64;
    let large = end.count == 0xFFFF || end.start == 0xFFFF_FFFF || end.size == 0xFFFF_FFFF;
    let locator =
        if large && at >= 20 { window.get(at - 20, 20)?.filter(|l| l.starts_with(&LOCATOR_64)) } else { None };
    match locator.map(|locator| (number::<8>(locator, 8), long(locator, 4), long(locator, 16))) {
        Some((record, 0, 0..=1)) => {
            let locator = at - 20;
            at = record;
            let record = window.get(at, 56)?.filter(|record| record.starts_with(&END_64)).ok_or_else(wrong)?;
            let ends = number::<8>(record, 4).checked_add(12).and_then(|size| at.checked_add(size));
            let count = number::<8>(record, 32);
            if ends != Some(locator)
                || long(record, 16) != 0
                || long(record, 20) != 0
                || number::<8>(record, 24) != count
            {
                return Err(wrong());
            }
            end = End { count, start: number::<8>(record, 48), size: number::<8>(record, 40) };
        }
        Some(_) => return Err(wrong()),
        None if (disk, other, here) != (0, 0, end.count) => return Err(wrong()),
        None => {}
    }
    // The directory lies directly before its end, where the end says.
    if end.start.checked_add(end.size) != Some(at) || end.count.saturating_mul(46) > end.size {
        return Err(wrong());
    }
    Ok(end)
}

/// The entries that are files, in the order of the directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) members: Vec<Member>,
    pub(super) entries: Vec<Entry>,
}

/// An entry, whether it is a file or a folder, while headers are compared.
struct Listed {
    /// Where its header lies.
    at: u64,
    flags: u16,
    method: u16,
    time: u64,
    crc: u32,
    packed: u64,
    size: u64,
    /// Made where a backslash stands between folders.
    dos: bool,
    name: Name,
}

enum Name {
    /// The number of the file.
    File(usize),
    Folder(String),
}

/// Reads the directory and the headers of all entries.
pub(super) fn read(window: &mut Window, zip: &str, limits: &InputLimits) -> Result<Directory> {
    let end = end(window, zip)?;
    if end.count > limits.entries {
        let what = format!("the zip has {} entries; the limit is {}", end.count, limits.entries);
        return Err(Error::new(Kind::Refused, what).at(Place::file(zip)).hint("if you trust it, raise --max-entries"));
    }
    let (mut directory, mut listed) = (Directory::default(), Vec::new());
    // The directory has room for so many records, so this is no more than a hostile zip has bytes.
    directory.members.reserve(end.count as usize);
    directory.entries.reserve(end.count as usize);
    listed.reserve(end.count as usize);
    let mut at = end.start;
    while at < end.start + end.size {
        at = record(window, zip, at, end.start + end.size, &mut directory, &mut listed)?;
    }
    if listed.len() as u64 != end.count {
        return Err(damaged(zip));
    }
    different(zip, &directory.members)?;
    places(window, zip, end.start, listed, &mut directory)?;
    Ok(directory)
}

/// No two names are the same, nor are they on a disk that does not tell upper and lower case apart.
fn different(zip: &str, members: &[Member]) -> Result<()> {
    let mut folded: HashMap<String, &str> = HashMap::with_capacity(members.len());
    for member in members {
        match folded.insert(member.name.to_lowercase(), &member.name) {
            None => {}
            Some(other) if *other == *member.name => {
                return Err(Error::damaged(Place::file(zip), "two entries of the zip have the same name"));
            }
            Some(_) => {
                let place = Place::file(format!("{zip}!{}", member.name));
                return Err(Error::damaged(place, "another entry has the same name but for upper and lower case"));
            }
        }
    }
    Ok(())
}

/// Reads one record of the directory; gives the place of the next.
fn record(
    window: &mut Window,
    zip: &str,
    at: u64,
    end: u64,
    directory: &mut Directory,
    listed: &mut Vec<Listed>,
) -> Result<u64> {
    let wrong = || damaged(zip);
    let head = window.get(at, 46)?.filter(|head| head.starts_with(&CENTRAL)).ok_or_else(wrong)?;
    let [name, extra, comment] = [28, 30, 32].map(|place| short(head, place) as usize);
    let next = at + (46 + name + extra + comment) as u64;
    if next > end {
        return Err(wrong());
    }
    let record = window.get(at, 46 + name + extra)?.ok_or_else(wrong)?;
    let attributes = long(record, 38) as u32;
    let unix = short(record, 4) >> 8 == 3;
    let mut numbers = [long(record, 24), long(record, 20), long(record, 42)];
    let disk = short(record, 34);
    if !wide(&record[46 + name..], &mut numbers) || disk != 0 {
        return Err(wrong());
    }
    let [size, packed, offset] = numbers;
    let (flags, method) = (short(record, 8) as u16, short(record, 10) as u16);
    let dos = matches!(short(record, 4) >> 8, 0 | 10 | 11);
    let its_name = slashes(decoded(&record[46..46 + name]).into_owned(), dos);
    names::check(zip, &its_name)?;
    let bad = |what: &str| Err(Error::damaged(Place::file(format!("{zip}!{its_name}")), what));
    let folder = its_name.ends_with('/');
    let (time, crc) = (long(record, 12), long(record, 16) as u32);
    if folder && (size > 0 || packed > 0) {
        return bad("the entry is a folder and has content");
    }
    let entry =
        Listed { at: offset, flags, method, time, crc, packed, size, dos, name: Name::File(directory.entries.len()) };
    if folder {
        listed.push(Listed { name: Name::Folder(its_name), ..entry });
        return Ok(next);
    }
    if unix && attributes & TYPE == LINK {
        return bad("the entry is a link");
    }
    if flags & ENCRYPTED != 0 {
        return bad("the entry is encrypted; decrypt the zip first");
    }
    let method = match method {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return bad("the entry is compressed by a method pchat does not use"),
    };
    listed.push(entry);
    directory.members.push(Member { name: its_name, size });
    directory.entries.push(Entry { method, crc, packed, at: offset });
    Ok(next)
}

/// Programs on Windows have put backslashes between folders; there a backslash is nothing else.
fn slashes(name: String, dos: bool) -> String {
    if dos && name.contains('\\') { name.replace('\\', "/") } else { name }
}

/// A name, in UTF-8 or else in the code page of the first computers that had zips.
fn decoded(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(name) => name.into(),
        Err(_) => {
            let upper = |byte: u8| CODE_PAGE_437.chars().nth(usize::from(byte) - 128).unwrap_or('?');
            name.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { upper(*byte) }).collect()
        }
    }
}

/// Takes the numbers that did not fit into 32 bits from the extra fields: size, packed size and place, in this order.
/// False when the fields are malformed or one is missing.
fn wide(mut extra: &[u8], numbers: &mut [u64]) -> bool {
    let mut missing = numbers.contains(&0xFFFF_FFFF);
    while missing && extra.len() >= 4 {
        let (kind, length) = (short(extra, 0), short(extra, 2) as usize);
        let Some(field) = extra.get(4..4 + length) else { return false };
        if kind == u64::from(ZIP64) {
            let wanted = numbers.iter_mut().filter(|number| **number == 0xFFFF_FFFF);
            for (place, wanted) in wanted.enumerate() {
                if field.len() < 8 * place + 8 {
                    return false;
                }
                *wanted = number::<8>(field, 8 * place);
            }
            missing = false;
        }
        extra = &extra[4 + length..];
    }
    !missing
}

/// Reads the headers of the entries in the order they lie in, compares them with the directory, and notes where the
/// data lies. Between two entries there may be what belongs to neither, but no entry that the directory does not know.
fn places(window: &mut Window, zip: &str, end: u64, mut listed: Vec<Listed>, found: &mut Directory) -> Result<()> {
    listed.sort_by_key(|entry| entry.at);
    let mut free = 0;
    for entry in &listed {
        if entry.at < free {
            return Err(Error::damaged(Place::file(zip), "entries of the zip overlap"));
        }
        if entry.at > end {
            return Err(damaged(zip));
        }
        if !nothing_between(window, free, entry.at)? {
            return Err(contradicts(zip));
        }
        let head = window.get(entry.at, 30)?.filter(|head| head.starts_with(&LOCAL)).ok_or_else(|| damaged(zip))?;
        let (name, extra) = (short(head, 26) as usize, short(head, 28) as usize);
        let data = entry.at + (30 + name + extra) as u64;
        free = data.checked_add(entry.packed).filter(|free| *free <= end).ok_or_else(|| damaged(zip))?;
        let head = window.get(entry.at, 30 + name + extra)?.ok_or_else(|| damaged(zip))?;
        let (flags, method) = (short(head, 6) as u16, short(head, 8) as u16);
        let mut numbers = [long(head, 22), long(head, 18)];
        let whole = wide(&head[30 + name..], &mut numbers);
        let told = (long(head, 14) as u32, numbers[1], numbers[0]);
        let follow = flags & SIZES_FOLLOW != 0;
        let same = told == (entry.crc, entry.packed, entry.size) && whole
            || follow && (told == (0, 0, 0) || told == (0, 0xFFFF_FFFF, 0xFFFF_FFFF));
        let its_name = match &entry.name {
            Name::File(file) => &found.members[*file].name,
            Name::Folder(name) => name,
        };
        let alike = (method, long(head, 10)) == (entry.method, entry.time)
            && (flags ^ entry.flags) & (ENCRYPTED | SIZES_FOLLOW | UTF_8) == 0;
        if !same || !alike || slashes(decoded(&head[30..30 + name]).into_owned(), entry.dos) != **its_name {
            return Err(contradicts(zip));
        }
        if let Name::File(file) = entry.name {
            found.entries[file].at = data;
        }
    }
    if nothing_between(window, free, end)? { Ok(()) } else { Err(contradicts(zip)) }
}

/// True when no header of an entry begins between these places.
fn nothing_between(window: &mut Window, from: u64, to: u64) -> Result<bool> {
    const PART: u64 = 1 << 16;
    let mut at = from;
    while at < to {
        // Parts overlap, so that no header hides where they meet.
        let part = (to - at).min(PART + 3);
        let bytes = window.get(at, part as usize)?.unwrap_or_default();
        if bytes.windows(4).any(|four| four == LOCAL) {
            return Ok(false);
        }
        at += PART;
    }
    Ok(true)
}
