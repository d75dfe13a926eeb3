//! Reads what a zip says of its entries (APPNOTE.TXT 4.3) and believes none of it: the directory, the headers of the
//! entries and where they lie must agree, and no byte may belong to two of them.

use super::records::{CENTRAL, END, END_64, FOLLOWING, LOCAL, LOCATOR_64, Method, UNICODE_NAME, UTF_8, ZIP64};
use super::window::Window;
use crate::containers::{InputLimits, Member, names};
use crate::error::{Error, Kind, Place, Result};
use crate::select::names::on_any_disk;
use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

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
/// The flags that every program knows: how hard it was compressed, that sizes follow, that names are UTF-8.
const KNOWN: u16 = 0b110 | SIZES_FOLLOW | UTF_8;
/// The version of the format that every program reads: 4.6. A later one is asked for by what no program needs here.
const NEWEST: u64 = 46;
/// The longest comment a zip can have.
const COMMENT: u64 = 0xFFFF;
/// The type of a file as Unix has it, in the upper half of the attributes: all of it, a link, and a file.
const TYPE: u32 = 0o170_000 << 16;
const LINK: u32 = 0o120_000 << 16;
const FILE: u32 = 0o100_000 << 16;
const FOLDER: u32 = 0o040_000 << 16;
/// Marks of DOS: a folder, or the label of a disk, of which some programs make no file.
const DOS_NO_FILE: u32 = 0x18;

/// The upper half of code page 437; the lower half is ASCII.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

pub(super) fn damaged(zip: &str) -> Error {
    Error::damaged(Place::file(zip), "this zip is damaged or cut short")
}

/// The rule of this file: whoever reads the zip, from the front or from the end, must read the same.
fn two_stories(zip: &str, why: &str) -> Error {
    Error::damaged(Place::file(zip), format!("programs would read this zip in different ways: {why}"))
        .hint("unpack it with a program you trust, and pack it again")
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
pub(super) struct End {
    pub(super) count: u64,
    pub(super) start: u64,
    pub(super) size: u64,
}

/// Finds the end of a zip. Nothing may follow it but its comment.
pub(super) fn end(window: &mut Window, zip: &str) -> Result<End> {
    let wrong = || damaged(zip);
    let length = window.length();
    let tail = length.min(22 + COMMENT);
    let from = length - tail;
    let bytes = window.get(from, tail as usize)?.ok_or_else(wrong)?;
    let fits = |at: &usize| {
        let record = &bytes[*at..];
        record.starts_with(&END) && record.len() >= 22 && short(record, 20) == record.len() as u64 - 22
    };
    let Some(at) = (0..bytes.len().saturating_sub(21)).rev().find(fits) else {
        let begins = window.get(0, 4)?.is_some_and(|four| four.starts_with(b"PK"));
        let other = || Error::damaged(Place::file(zip), "this is not a zip").hint("pchat inspect tells what it is");
        return Err(if begins { wrong() } else { other() });
    };
    let record = &bytes[at..];
    // Some readers look for the first end, others for the last.
    if record[4..].windows(4).any(|four| four == END) {
        return Err(two_stories(zip, "its comment holds another end of a zip"));
    }
    let (disk, other, here) = (short(record, 4), short(record, 6), short(record, 8));
    let mut end = End { count: short(record, 10), start: long(record, 16), size: long(record, 12) };
    let mut at = from + at as u64;
    // Whoever finds a locator believes it, whether the numbers it stands for fit or not.
    let locator = if at >= 20 { window.get(at - 20, 20)?.filter(|l| l.starts_with(&LOCATOR_64)) } else { None };
    match locator.map(|locator| (number::<8>(locator, 8), long(locator, 4), long(locator, 16))) {
        Some((record, 0, 1)) => {
            let locator = at - 20;
            at = record;
            let record = window.get(at, 56)?.filter(|record| record.starts_with(&END_64)).ok_or_else(wrong)?;
            let count = number::<8>(record, 32);
            // 44 bytes behind its length, and not one more.
            if number::<8>(record, 4) != 44
                || at.checked_add(56) != Some(locator)
                || long(record, 16) != 0
                || long(record, 20) != 0
                || number::<8>(record, 24) != count
            {
                return Err(wrong());
            }
            let wide = End { count, start: number::<8>(record, 48), size: number::<8>(record, 40) };
            let told = |small: u64, most: u64, wide: u64| small == most || small == wide;
            if !told(end.count, 0xFFFF, wide.count)
                || !told(end.start, 0xFFFF_FFFF, wide.start)
                || !told(end.size, 0xFFFF_FFFF, wide.size)
                || !told(here, 0xFFFF, wide.count)
            {
                return Err(two_stories(zip, "its two ends name different directories"));
            }
            end = wide;
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
    different(zip, &directory.members, &listed)?;
    places(window, zip, end.start, listed, &mut directory)?;
    Ok(directory)
}

/// No two names are the same, on any disk; and what is a file is no folder beside that.
fn different(zip: &str, members: &[Member], listed: &[Listed]) -> Result<()> {
    // By hashes, which need far less memory than names; where two are the same, the names are compared.
    let state = RandomState::new();
    let hash = |folded: &str| state.hash_one(folded);
    let mut known: Vec<(u64, u32)> = Vec::with_capacity(members.len());
    known.extend(members.iter().enumerate().map(|(at, member)| (hash(&on_any_disk(&member.name)), at as u32)));
    known.sort_unstable();
    for run in known.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        let name = |at: u32| members[at as usize].name.as_str();
        let mut names: Vec<(String, u32)> = run.iter().map(|(_, at)| (on_any_disk(name(*at)), *at)).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            if name(pair[0].1) == name(pair[1].1) {
                return Err(Error::damaged(Place::file(zip), "two entries of the zip have the same name"));
            }
            let place = Place::file(format!("{zip}!{}", name(pair[1].1)));
            let what = "another entry has the same name but for upper and lower case or accents";
            return Err(Error::damaged(place, what));
        }
    }
    let file = |folded: &str| {
        let wanted = hash(folded);
        let same = known[known.partition_point(|(hash, _)| *hash < wanted)..].iter();
        let same = same.take_while(|(hash, _)| *hash == wanted);
        let mut names = same.map(|(_, at)| members[*at as usize].name.as_str());
        names.find(|name| on_any_disk(name) == folded)
    };
    let folders = listed.iter().filter_map(|entry| match &entry.name {
        Name::File(_) => None,
        Name::Folder(name) => Some(name.as_str()),
    });
    let mut before = "";
    for name in members.iter().map(|member| member.name.as_str()).chain(folders) {
        // Entries of one folder mostly follow each other; it is asked once.
        let parent = name.rfind('/').map_or("", |at| &name[..at]);
        if parent == before {
            continue;
        }
        before = parent;
        let folded_name = on_any_disk(parent);
        let ends = folded_name.match_indices('/').map(|(at, _)| at).chain([folded_name.len()]);
        if let Some(file) = ends.filter_map(|end| file(&folded_name[..end])).next() {
            let place = Place::file(format!("{zip}!{file}"));
            return Err(Error::damaged(place, "the entry is a file, and another lies in it as in a folder"));
        }
    }
    Ok(())
}

/// An entry that is read with its record, in the order both lie in.
pub(super) struct One {
    pub(super) member: Member,
    pub(super) entry: Entry,
    /// Where the next record and the next entry lie.
    pub(super) next: u64,
    pub(super) free: u64,
}

/// Reads a record of the directory, which ends at `end`, and the header of its entry, which must lie at `free`.
pub(super) fn one(
    records: &mut Window,
    entries: &mut Window,
    zip: &str,
    (at, end): (u64, u64),
    free: u64,
) -> Result<One> {
    let (mut found, mut listed) = (Directory::default(), Vec::with_capacity(1));
    let next = record(records, zip, at, end, &mut found, &mut listed)?;
    let (Some(member), Some(mut entry), Some(only)) = (found.members.pop(), found.entries.pop(), listed.pop()) else {
        return Err(damaged(zip));
    };
    if only.at != free || only.flags & SIZES_FOLLOW != 0 {
        return Err(contradicts(zip));
    }
    entry.at = header(entries, zip, &only, &member.name)?;
    let free = entry.at.checked_add(entry.packed).ok_or_else(|| damaged(zip))?;
    Ok(One { member, entry, next, free })
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
    let Some(its_name) = name_of(&record[46..46 + name], &record[46 + name..], flags) else {
        return Err(two_stories(zip, "the name of an entry is said to be UTF-8 and is not, or has another beside it"));
    };
    let its_name = slashes(its_name.into_owned(), dos);
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
    match attributes & TYPE {
        LINK if unix => return bad("the entry is a link"),
        FOLDER if unix => return bad("the entry has the name of a file and the mode of a folder"),
        0 | FILE => {}
        _ if unix => return bad("the entry is not a file: a pipe, a socket or a device"),
        _ => {}
    }
    if attributes & DOS_NO_FILE != 0 {
        return bad("the entry has the name of a file and the mark of a folder or of a label");
    }
    if flags & ENCRYPTED != 0 {
        return bad("the entry is encrypted; decrypt the zip first");
    }
    // The upper half of it says, to some programs, for which system.
    if flags & !KNOWN != 0 || short(record, 6) & 0xFF > NEWEST {
        return bad("the entry asks for what not every program can do");
    }
    let method = match method {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return bad("the entry is compressed by a method pchat does not use"),
    };
    if method == Method::Stored && packed != size {
        return bad("the entry is not compressed, and yet has two sizes");
    }
    listed.push(entry);
    directory.members.push(Member { name: its_name, size });
    directory.entries.push(Entry { method, crc, packed, at: offset });
    Ok(next)
}

/// Programs on Windows have put backslashes between folders; there a backslash is nothing else.
fn slashes(name: String, dos: bool) -> String {
    if dos && name.contains('\\') { name.replace('\\', "/") } else { name }
}

/// The name of an entry. Nothing when it is said to be UTF-8 and is not, or when a field beside it has another.
fn name_of<'a>(name: &'a [u8], extra: &[u8], flags: u16) -> Option<Cow<'a, str>> {
    if flags & UTF_8 != 0 && std::str::from_utf8(name).is_err() {
        return None;
    }
    let decoded = decoded(name);
    let other = field(extra, UNICODE_NAME);
    other.is_none_or(|field| field.get(5..) == Some(decoded.as_bytes())).then_some(decoded)
}

/// The content of an extra field of this kind.
fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (kind, length) = (short(extra, 0), short(extra, 2) as usize);
        let field = extra.get(4..4 + length)?;
        if kind == u64::from(wanted) {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
    None
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
/// False when the fields are malformed, one is missing, or says something else than the number it stands beside.
fn wide(mut extra: &[u8], numbers: &mut [u64]) -> bool {
    let mut missing = numbers.contains(&0xFFFF_FFFF);
    let mut met = false;
    while extra.len() >= 4 {
        let (kind, length) = (short(extra, 0), short(extra, 2) as usize);
        let Some(field) = extra.get(4..4 + length) else { return false };
        if kind == u64::from(ZIP64) {
            if std::mem::replace(&mut met, true) {
                return false;
            }
            if !missing {
                let mut told = field.chunks_exact(8).map(|word| number::<8>(word, 0)).zip(numbers.iter());
                if told.any(|(told, number)| told != *number) {
                    return false;
                }
            }
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
/// data lies. Entries follow each other from the first byte to the directory: nothing lies between them but the sizes
/// that may follow the data.
fn places(window: &mut Window, zip: &str, end: u64, mut listed: Vec<Listed>, found: &mut Directory) -> Result<()> {
    listed.sort_by_key(|entry| entry.at);
    let mut free = 0;
    for at in 0..listed.len() {
        let (entry, next) = (&listed[at], listed.get(at + 1).map_or(end, |next| next.at));
        if entry.at < free {
            return Err(Error::damaged(Place::file(zip), "entries of the zip overlap"));
        }
        if entry.at > end {
            return Err(damaged(zip));
        }
        if entry.at > free {
            return Err(gap(zip, free));
        }
        let its_name = match &entry.name {
            Name::File(file) => &found.members[*file].name,
            Name::Folder(name) => name,
        };
        let data = header(window, zip, entry, its_name)?;
        let follow = entry.flags & SIZES_FOLLOW != 0;
        free = data.checked_add(entry.packed).filter(|free| *free <= end).ok_or_else(|| damaged(zip))?;
        if let Name::File(file) = entry.name {
            found.entries[file].at = data;
        }
        if follow {
            free += following(window, entry, free, next)?.ok_or_else(|| contradicts(zip))?;
        }
    }
    if free == end { Ok(()) } else { Err(gap(zip, free)) }
}

/// Reads the header of an entry and compares it with the directory; gives the place of its data.
fn header(window: &mut Window, zip: &str, entry: &Listed, its_name: &str) -> Result<u64> {
    let head = window.get(entry.at, 30)?.filter(|head| head.starts_with(&LOCAL)).ok_or_else(|| damaged(zip))?;
    let (name, extra) = (short(head, 26) as usize, short(head, 28) as usize);
    let head = window.get(entry.at, 30 + name + extra)?.ok_or_else(|| damaged(zip))?;
    let (flags, method) = (short(head, 6) as u16, short(head, 8) as u16);
    let mut numbers = [long(head, 22), long(head, 18)];
    let whole = wide(&head[30 + name..], &mut numbers);
    let told = (long(head, 14) as u32, numbers[1], numbers[0]);
    let follow = flags & SIZES_FOLLOW != 0;
    let same = told == (entry.crc, entry.packed, entry.size) && whole
        || follow && (told == (0, 0, 0) || told == (0, 0xFFFF_FFFF, 0xFFFF_FFFF));
    let alike = (method, long(head, 10)) == (entry.method, entry.time)
        && (flags ^ entry.flags) & (SIZES_FOLLOW | UTF_8) == 0
        && flags & !KNOWN == 0
        && short(head, 4) & 0xFF <= NEWEST;
    let Some(found) = name_of(&head[30..30 + name], &head[30 + name..], flags) else {
        return Err(contradicts(zip));
    };
    if !same || !alike || slashes(found.into_owned(), entry.dos) != *its_name {
        return Err(contradicts(zip));
    }
    Ok(entry.at + (30 + name + extra) as u64)
}

fn gap(zip: &str, at: u64) -> Error {
    two_stories(zip, &format!("the bytes from {at} on belong to no entry"))
}

/// How many bytes the sizes take that follow the data of an entry; nothing when they are not those of the directory, or
/// when anything else stands before the next entry. Packers that could not go back write them without saying how.
fn following(window: &mut Window, entry: &Listed, at: u64, next: u64) -> Result<Option<u64>> {
    let length = next.saturating_sub(at);
    if !matches!(length, 12 | 16 | 20 | 24) {
        return Ok(None);
    }
    let Some(bytes) = window.get(at, length as usize)? else { return Ok(None) };
    let (marked, wide) = (matches!(length, 16 | 24), length >= 20);
    let rest = if marked { bytes.strip_prefix(&FOLLOWING) } else { Some(bytes) };
    let told = rest.map(|rest| match wide {
        true => (long(rest, 0) as u32, number::<8>(rest, 4), number::<8>(rest, 12)),
        false => (long(rest, 0) as u32, long(rest, 4), long(rest, 8)),
    });
    Ok((told == Some((entry.crc, entry.packed, entry.size))).then_some(length))
}
