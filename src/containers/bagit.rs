//! The files that describe a BagIt bag, of versions 0.93 to 1.0 (RFC 8493 and the drafts before it): the declaration,
//! lists of files with their checksums, facts, and files that are still to be fetched. Texts and values only; who reads
//! the files is `jobs/verify/bag.rs`.

use blake2::{Blake2b512, Blake2s256};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};
use std::collections::BTreeMap;

/// The oldest version that is known, and the newest.
pub const VERSIONS: ((u32, u32), (u32, u32)) = ((0, 93), (1, 0));

/// How the checksums of a list were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Algorithm(usize);

type Start = fn() -> Box<dyn DynDigest>;

/// All of them: the name they have in the names of lists, how many digits, and how one begins.
const ALGORITHMS: [(&str, usize, Start); 12] = [
    ("md5", 32, || Box::<Md5>::default()),
    ("sha1", 40, || Box::<Sha1>::default()),
    ("sha224", 56, || Box::<Sha224>::default()),
    ("sha256", 64, || Box::<Sha256>::default()),
    ("sha384", 96, || Box::<Sha384>::default()),
    ("sha512", 128, || Box::<Sha512>::default()),
    ("sha3224", 56, || Box::<Sha3_224>::default()),
    ("sha3256", 64, || Box::<Sha3_256>::default()),
    ("sha3384", 96, || Box::<Sha3_384>::default()),
    ("sha3512", 128, || Box::<Sha3_512>::default()),
    ("blake2b", 128, || Box::<Blake2b512>::default()),
    ("blake2s", 64, || Box::<Blake2s256>::default()),
];

impl Algorithm {
    /// The one of this name, as RFC 8493 writes names: letters and digits. Some programs leave other signs in it.
    pub fn named(name: &str) -> Option<Algorithm> {
        let bare: String = name.chars().filter(|c| !"-_".contains(*c)).map(|c| c.to_ascii_lowercase()).collect();
        let bare = match bare.as_str() {
            "blake2b512" => "blake2b",
            "blake2s256" => "blake2s",
            bare => bare,
        };
        ALGORITHMS.iter().position(|(known, ..)| *known == bare).map(Algorithm)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ALGORITHMS.get(self.0).map_or("", |(name, ..)| name)
    }

    fn digits(self) -> usize {
        ALGORITHMS.get(self.0).map_or(0, |(_, digits, _)| *digits)
    }

    /// A sum that has seen nothing yet.
    pub fn start(self) -> Sum {
        Sum(ALGORITHMS.get(self.0).map(|(.., start)| start()))
    }
}

/// A checksum that is being made.
pub struct Sum(Option<Box<dyn DynDigest>>);

impl Sum {
    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(sum) = &mut self.0 {
            sum.update(bytes);
        }
    }

    /// The sum.
    pub fn end(self) -> Vec<u8> {
        self.0.map_or_else(Vec::new, |sum| sum.finalize().into_vec())
    }
}

/// How tag files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, US-ASCII with it.
    Utf8,
    /// UTF-16, big end first unless a mark says otherwise.
    Utf16Be,
    /// UTF-16, little end first unless a mark says otherwise.
    Utf16Le,
    /// ISO 8859-1.
    Latin1,
}

/// What the declaration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// The version.
    pub version: (u32, u32),
    /// How the other tag files are written.
    pub encoding: Encoding,
}

/// Reads `bagit.txt`, which is always UTF-8. What is wrong is said in words.
pub fn declaration(bytes: &[u8]) -> Result<Declared, &'static str> {
    const LINES: &str = "this is not a declaration of a bag: it is `BagIt-Version: M.N`, then \
        `Tag-File-Character-Encoding: UTF-8`, and nothing else";
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err("the declaration of a bag begins with a byte order mark, which it may not");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the declaration of a bag is not UTF-8")?;
    let lines: Vec<&str> = lines(text).collect();
    let [first, second] = lines[..] else { return Err(LINES) };
    let version = first.strip_prefix("BagIt-Version: ").ok_or(LINES)?;
    let encoding = second.strip_prefix("Tag-File-Character-Encoding: ").ok_or(LINES)?;
    let (major, minor) = version.split_once('.').ok_or(LINES)?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u32>().map_err(|_| LINES),
        false => Err(LINES),
    };
    let version = (number(major)?, number(minor)?);
    if version < VERSIONS.0 || version > VERSIONS.1 {
        return Err("only versions 0.93 to 1.0 of BagIt are known");
    }
    let encoding = match encoding.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" | "US-ASCII" | "ASCII" => Encoding::Utf8,
        "UTF-16" | "UTF-16BE" => Encoding::Utf16Be,
        "UTF-16LE" => Encoding::Utf16Le,
        "ISO-8859-1" | "LATIN1" | "LATIN-1" => Encoding::Latin1,
        _ => return Err("the tag files are in an encoding that is not read: UTF-8, UTF-16 and ISO-8859-1 are"),
    };
    Ok(Declared { version, encoding })
}

/// A tag file as text.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<String, &'static str> {
    const WRONG: &str = "the tag file is not in the encoding bagit.txt names";
    let wide = |bytes: &[u8], big: bool| -> Result<String, &'static str> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        if rest.is_empty() { text.map_err(|_| WRONG) } else { Err(WRONG) }
    };
    match (encoding, bytes) {
        (Encoding::Utf8, [0xEF, 0xBB, 0xBF, rest @ ..]) | (Encoding::Utf8, rest) => {
            std::str::from_utf8(rest).map(str::to_owned).map_err(|_| WRONG)
        }
        (Encoding::Utf16Be | Encoding::Utf16Le, [0xFE, 0xFF, rest @ ..]) => wide(rest, true),
        (Encoding::Utf16Be | Encoding::Utf16Le, [0xFF, 0xFE, rest @ ..]) => wide(rest, false),
        (Encoding::Utf16Be, rest) => wide(rest, true),
        (Encoding::Utf16Le, rest) => wide(rest, false),
        (Encoding::Latin1, rest) => Ok(rest.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Lines, each ended as some system ends lines; what follows the last end is a line unless it is empty.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(at);
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\n', '\r'])).unwrap_or(after);
        Some(line)
    })
}

/// Does what stands behind a `%` make it one that a name is written with, since version 1.0?
pub fn is_escape(rest: &str) -> bool {
    ["0A", "0D", "25"].iter().any(|code| rest.get(..2).is_some_and(|two| two.eq_ignore_ascii_case(code)))
}

/// A line of a list: a checksum, and the name it stands beside as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of the line, from 1.
    pub number: u64,
    /// The name as it is written, without marks that tools put before it.
    pub name: String,
    /// The checksum.
    pub sum: Vec<u8>,
    /// A tool has put `*` before the name.
    pub starred: bool,
    /// The name begins with `./`.
    pub dotted: bool,
}

/// Reads a list of files.
pub fn list(text: &str, algorithm: Algorithm) -> Result<Vec<Line>, (u64, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in (1u64..).zip(lines(text)) {
        if line.trim().is_empty() {
            continue;
        }
        let Some((sum, rest)) = line.split_once([' ', '\t']) else {
            return Err((number, "the line is not a checksum and a name"));
        };
        let Some(sum) = hexadecimal(sum, algorithm.digits()) else {
            return Err((number, "the checksum is not one of the algorithm in the name of the list"));
        };
        let rest = rest.trim_start_matches([' ', '\t']);
        let (rest, starred) = rest.strip_prefix('*').map_or((rest, false), |rest| (rest, true));
        let (mut name, mut dotted) = (rest, false);
        while let Some(rest) = name.strip_prefix("./") {
            (name, dotted) = (rest, true);
        }
        if let Some(what) = outside(name) {
            return Err((number, what));
        }
        found.push(Line { number, name: name.to_owned(), sum, starred, dotted });
    }
    Ok(found)
}

fn hexadecimal(text: &str, digits: usize) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    if bytes.len() != digits {
        return None;
    }
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Why a name leads out of the bag, if it does.
pub fn outside(name: &str) -> Option<&'static str> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if name.is_empty() {
        return Some("the line has no name");
    }
    if name.starts_with(['/', '\\', '~']) || drive || name.contains("://") {
        return Some("the name leads out of the bag");
    }
    // A variable of a shell stands for a place that is elsewhere.
    if name.starts_with('%') && name[1..].contains("%\\") || name.starts_with('$') {
        return Some("the name leads out of the bag");
    }
    name.split(['/', '\\']).any(|part| part == "..").then_some("the name leads out of the bag")
}

/// The names a file may have that stands in a list as `written`: first what the version of the bag means by it.
pub fn meant(written: &str, version: (u32, u32)) -> Vec<String> {
    let percent = version >= (1, 0);
    let mut plain = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(1..3).map(str::to_ascii_uppercase);
        let c = match code.as_deref() {
            Some("0A") => Some('\n'),
            Some("0D") => Some('\r'),
            Some("25") if percent => Some('%'),
            _ => None,
        };
        plain.push(c.unwrap_or('%'));
        rest = &rest[if c.is_some() { 3 } else { 1 }..];
    }
    plain.push_str(rest);
    match plain == written {
        true => vec![plain],
        false if percent => vec![plain, written.to_owned()],
        false => vec![written.to_owned(), plain],
    }
}

/// Characters at which Python and others end a line, beside those that do everywhere.
fn is_odd_end(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The facts about a bag: labels with their values, as often as they stand there.
pub fn facts(text: &str) -> Result<BTreeMap<String, Vec<String>>, (u64, &'static str)> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last: Option<String> = None;
    for (number, line) in (1u64..).zip(lines(text)) {
        if line.contains(is_odd_end) {
            return Err((number, "the line holds a character at which only some programs end a line"));
        }
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let value = last.as_ref().and_then(|label| found.get_mut(label)?.last_mut());
            let Some(value) = value else { return Err((number, "the line goes on with no label")) };
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        let Some((label, value)) = line.split_once(':') else {
            return Err((number, "the line is not a label and a value"));
        };
        let label = label.trim_end().to_ascii_lowercase();
        found.entry(label.clone()).or_default().push(value.trim().to_owned());
        last = Some(label);
    }
    Ok(found)
}

/// Bytes and number of the files of the payload, as the facts have them; nothing when they do not say.
pub fn oxum(facts: &BTreeMap<String, Vec<String>>) -> Result<Option<(u64, u64)>, &'static str> {
    const WRONG: &str =
        "Payload-Oxum is not two numbers with a point between them, or is given twice with other numbers";
    let given = ["payload-oxum", "payload-ossum"].iter().filter_map(|label| facts.get(*label)).flatten();
    let mut found = None;
    for value in given {
        let (bytes, files) = value.split_once('.').ok_or(WRONG)?;
        // `+1` is a number to some programs alone.
        if !value.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()) {
            return Err(WRONG);
        }
        let numbers = (bytes.parse().map_err(|_| WRONG)?, files.parse().map_err(|_| WRONG)?);
        if *found.get_or_insert(numbers) != numbers {
            return Err(WRONG);
        }
    }
    Ok(found)
}

/// The names of files that are to be fetched, as they are written.
pub fn fetched(text: &str) -> Result<Vec<(u64, String)>, (u64, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in (1u64..).zip(lines(text)) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = (number, "the line is not an address, a length and a name");
        let (address, rest) = line.split_once([' ', '\t']).ok_or(wrong)?;
        let (length, name) = rest.trim_start_matches([' ', '\t']).split_once([' ', '\t']).ok_or(wrong)?;
        let name = name.trim_start_matches([' ', '\t']);
        let name = name.strip_prefix("./").unwrap_or(name);
        if address.is_empty() || length != "-" && !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong);
        }
        if let Some(what) = outside(name) {
            return Err((number, what));
        }
        if !name.starts_with("data/") {
            return Err((number, "a file that is to be fetched is not a file of the payload"));
        }
        found.push((number, name.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_of_all_versions() {
        let text = |version: &str, encoding: &str| {
            declaration(format!("BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n").as_bytes())
        };
        for version in ["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"] {
            assert!(text(version, "UTF-8").is_ok(), "{version}");
        }
        for version in ["0.92", "1.1", "2.0", "1", "1.", "1.0 ", " 1.0", "+1.0", "1.0.0", "a.b"] {
            assert!(text(version, "UTF-8").is_err(), "{version}");
        }
        assert_eq!(text("0.97", "UTF-16LE").unwrap().encoding, Encoding::Utf16Le);
        for bad in [
            "BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "\u{FEFF}BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "BagIt-Version: 1.0\n",
            "Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n",
            "BagIt-Version: 1.0\n\nTag-File-Character-Encoding: UTF-8\n",
            "BagIt-Version:  1.0\nTag-File-Character-Encoding: UTF-8\n",
        ] {
            assert!(declaration(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for ends in ["\n", "\r\n", "\r"] {
            let text = format!("BagIt-Version: 1.0{ends}Tag-File-Character-Encoding: UTF-8");
            assert!(declaration(text.as_bytes()).is_ok(), "{ends:?}");
        }
    }

    #[test]
    fn names_are_what_the_version_means() {
        assert_eq!(meant("a%0Ab%0dc", (1, 0))[0], "a\nb\rc");
        assert_eq!(meant("a%25b", (1, 0))[0], "a%b");
        assert_eq!(meant("a%25b", (0, 97)), ["a%25b"]);
        assert_eq!(meant("a%0A", (0, 97)), ["a%0A", "a\n"]);
        assert_eq!(meant("100%", (1, 0)), ["100%"]);
        assert_eq!(meant("a%é", (1, 0)), ["a%é"]);
        for name in ["/a", "../a", "data/../../a", "~/a", "c:\\a", "data\\..\\a", "", "%HomeDrive%\\a", "file:///a"] {
            assert!(outside(name).is_some(), "{name}");
        }
        for name in ["data/a", "data/..a", "data/~a", "data/a:b", "data/%a%"] {
            assert!(outside(name).is_none(), "{name}");
        }
    }

    #[test]
    fn lists_facts_and_what_is_to_be_fetched() {
        let sum = "0".repeat(32);
        let found = list(&format!("{sum}  data/a b\n{sum} *data/c\r\n\n{sum}\t./data/d"), Algorithm(0)).unwrap();
        assert_eq!(found.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["data/a b", "data/c", "data/d"]);
        assert_eq!(
            found.iter().map(|line| (line.starred, line.dotted)).collect::<Vec<_>>()[1..],
            [(true, false), (false, true)]
        );
        for bad in ["x", &format!("{sum}0  a"), &format!("{sum}  ../a"), &sum, "é  a"] {
            assert!(list(bad, Algorithm(0)).is_err(), "{bad}");
        }
        let read = facts("Source: a\n  b\nsource : c\nPayload-Oxum: 12.3\n").unwrap();
        assert_eq!(read["source"], ["a b", "c"]);
        assert_eq!(oxum(&read), Ok(Some((12, 3))));
        assert!(facts(" a").is_err() && facts("a").is_err());
        for wrong in ["12", "+12.3", "12.+3", "12.3.4", "-0.0", "1 2.3", "."] {
            assert!(oxum(&facts(&format!("Payload-Oxum: {wrong}")).unwrap()).is_err(), "{wrong}");
        }
        for odd in ['\u{b}', '\u{c}', '\u{1c}', '\u{85}', '\u{2028}', '\u{2029}'] {
            assert!(facts(&format!("Source: a{odd}b")).is_err(), "{odd:?}");
        }
        assert_eq!(fetched("http://x/ - data/a b\n").unwrap(), [(1, "data/a b".to_owned())]);
        for bad in ["http://x/ data/a", "http://x/ 1 ../a", "http://x/ 1 other/a", "http://x/ x data/a"] {
            assert!(fetched(bad).is_err(), "{bad}");
        }
        for (at, (name, digits, _)) in ALGORITHMS.iter().enumerate() {
            let (algorithm, digits) = (Algorithm(at), *digits);
            assert_eq!(algorithm.start().end().len() * 2, digits);
            assert_eq!(Algorithm::named(&name.to_uppercase()), Some(algorithm));
        }
        let wide: Vec<u8> = "é".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide, Encoding::Utf16Le).as_deref(), Ok("é"));
        assert_eq!(decode(b"\xE9", Encoding::Latin1).as_deref(), Ok("é"));
        assert!(decode(b"\xE9", Encoding::Utf8).is_err() && decode(b"\0", Encoding::Utf16Be).is_err());
    }
}
