//! Makes databases of the product of any size, in the form of a package of a data tier: `mgc` and `mgccomp`, with the
//! same messages as JSON Lines, for measuring and for tests. The same options give the same bytes.
//!
//! `cargo run --release --example mgc -- --messages 2000000 --out mgc.bacpac --jsonl history.jsonl`
//!
//! Rules of the bytes: a package has a model, `Origin.xml` with the sum of the model and the number of all rows, and
//! rows in parts. Nothing here comes from a real server.

#[allow(dead_code, reason = "other examples need all of it")]
mod dice;
#[path = "mgc/package.rs"]
mod package;

use dice::Dice;
use package::{Column, Package};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: mgc --messages N --out FILE.bacpac [--compliance FILE.bacpac] [--jsonl FILE] [--rooms R] \
                     [--people P] [--seed 1] [--part ROWS]";
/// 2015-06-01T08:00:00Z in ticks, and a second.
const START: i64 = 635_687_424_000_000_000;
const SECOND: i64 = 10_000_000;

struct Options {
    messages: u64,
    rooms: u64,
    people: u64,
    seed: u64,
    part: u64,
    out: String,
    compliance: Option<String>,
    jsonl: Option<String>,
}

fn main() -> ExitCode {
    let done = options(std::env::args().skip(1)).and_then(|options| make(&options).map_err(|e| e.to_string()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            let _ = writeln!(std::io::stderr(), "mgc: {what}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        messages: 0,
        rooms: 200,
        people: 2_000,
        seed: 1,
        part: 50_000,
        out: String::new(),
        compliance: None,
        jsonl: None,
    };
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} cannot be {value}"));
        match name.as_str() {
            "--messages" => options.messages = number()?,
            "--rooms" => options.rooms = number()?.max(1),
            "--people" => options.people = number()?.max(1),
            "--seed" => options.seed = number()?,
            "--part" => options.part = number()?.max(1),
            "--out" => options.out = value,
            "--compliance" => options.compliance = Some(value),
            "--jsonl" => options.jsonl = Some(value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    if options.out.is_empty() || options.messages < options.rooms {
        return Err("there must be --out, and one message for each room".to_owned());
    }
    Ok(options)
}

const NODE: &[Column] = &[
    ("nodeID", "int", false),
    ("nodeGuid", "uniqueidentifier", false),
    ("parentID", "int", true),
    ("nodeType", "bit", false),
    ("nodeName", "nvarchar(256)", false),
    ("nodeDesc", "nvarchar(256)", false),
    ("invite", "bit", true),
    ("logged", "bit", true),
    ("filePost", "bit", true),
    ("disabled", "bit", false),
    ("behavior", "smallint", false),
    ("visibility", "smallint", false),
    ("siopID", "uniqueidentifier", true),
    ("nodeAddedBy", "int", false),
    ("nodeAddedOn", "bigint", false),
    ("nodeUpdatedBy", "int", false),
    ("nodeUpdatedOn", "bigint", false),
    ("purgedOn", "datetime", true),
];
const PRINCIPAL: &[Column] = &[
    ("prinID", "int", false),
    ("prinGuid", "uniqueidentifier", false),
    ("prinUri", "nvarchar(256)", false),
    ("prinName", "nvarchar(256)", true),
    ("prinDisplayName", "nvarchar(256)", true),
    ("prinCompanyName", "nvarchar(256)", true),
    ("prinEmail", "nvarchar(256)", true),
    ("prinADPath", "nvarchar(384)", true),
    ("prinADUserPrincipalName", "nvarchar(256)", true),
    ("prinDisabled", "smallint", false),
    ("prinTypeID", "smallint", false),
    ("prinPoolID", "int", true),
    ("prinPolicyID", "int", true),
    ("prinAddedBy", "int", true),
    ("prinAddedOn", "bigint", false),
    ("prinUpdatedBy", "int", true),
    ("prinUpdatedOn", "bigint", false),
    ("prinVerifiedOn", "datetime", false),
];
const CHAT: &[Column] = &[
    ("channelId", "int", false),
    ("chatId", "bigint", false),
    ("chatDate", "bigint", false),
    ("userId", "int", false),
    ("isAlert", "bit", false),
    ("content", "nvarchar(max)", false),
    ("rtf", "varchar(max)", true),
];
const LAST: &[Column] = &[("nodeID", "int", false), ("lastChatID", "bigint", false)];
const ROLE_TYPE: &[Column] =
    &[("rtypeID", "int", false), ("rtypeDesc", "nvarchar(256)", false), ("rtypeAllowedPermSet", "bigint", false)];
const ROLE: &[Column] = &[
    ("prinRoleNodeID", "int", false),
    ("prinRolePrinID", "int", false),
    ("prinRoleTypeID", "int", false),
    ("prinRoleUpdatedBy", "int", false),
];
const QUEUE: &[Column] = &[
    ("cmplEventID", "bigint", false),
    ("entryDate", "smalldatetime", false),
    ("cmplType", "int", false),
    ("cmplTime", "bigint", false),
    ("cmplChannelUri", "nvarchar(255)", false),
    ("cmplChatID", "bigint", true),
    ("cmplUserID", "int", false),
    ("cmplUserUri", "nvarchar(255)", false),
    ("cmplMessage", "nvarchar(max)", true),
];
const PARTICIPANT: &[Column] = &[
    ("channelUri", "nvarchar(255)", false),
    ("userId", "int", false),
    ("joinedAt", "bigint", false),
    ("partedAt", "bigint", true),
    ("userUri", "nvarchar(255)", false),
    ("serverID", "int", true),
    ("sessionId", "bigint", true),
];

/// A row in the form of a package, value by value in the order of the columns.
struct Row<'a> {
    out: &'a mut Vec<u8>,
    columns: std::slice::Iter<'static, Column>,
}

impl Row<'_> {
    fn column(&mut self) -> Column {
        self.columns.next().copied().unwrap_or(("", "int", false))
    }

    fn int(&mut self, value: i64) -> &mut Self {
        let (_, kind, nullable) = self.column();
        let width = match kind {
            "bigint" => 8,
            "int" => 4,
            "smallint" => 2,
            _ => 1,
        };
        if nullable || kind == "bit" {
            self.out.push(width as u8);
        }
        self.out.extend_from_slice(&value.to_le_bytes()[..width]);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        let (_, kind, _) = self.column();
        let at = self.out.len();
        let width = if kind.ends_with("(max)") { 8 } else { 2 };
        self.out.extend_from_slice(&[0; 8][..width]);
        for unit in text.encode_utf16() {
            self.out.extend_from_slice(&unit.to_le_bytes());
        }
        let length = (self.out.len() - at - width) as u64;
        self.out[at..at + width].copy_from_slice(&length.to_le_bytes()[..width]);
        self
    }

    fn guid(&mut self, text: &str) -> &mut Self {
        self.column();
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("0"), 16).unwrap_or(0);
        let mut bytes: Vec<u8> = digits.chunks(2).map(pair).collect();
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        self.out.push(16);
        self.out.extend_from_slice(&bytes);
        self
    }

    /// A datetime or smalldatetime of 2016-01-02.
    fn day(&mut self) -> &mut Self {
        let (_, kind, nullable) = self.column();
        if nullable {
            self.out.push(if kind == "datetime" { 8 } else { 4 });
        }
        match kind {
            "datetime" => self.out.extend_from_slice(&[0x2F, 0xA5, 0, 0, 0x10, 0, 0, 0]),
            _ => self.out.extend_from_slice(&[0x2F, 0xA5, 0x3C, 0]),
        }
        self
    }

    fn null(&mut self) -> &mut Self {
        let (_, kind, _) = self.column();
        let width = match kind {
            kind if kind.ends_with("(max)") => 8,
            kind if kind.starts_with("nvarchar") => 2,
            _ => 1,
        };
        self.out.extend_from_slice(&[0xFF; 8][..width]);
        self
    }
}

fn row<'a>(out: &'a mut Vec<u8>, columns: &'static [Column]) -> Row<'a> {
    Row { out, columns: columns.iter() }
}

fn guid(kind: u64, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

const WORDS: [&str; 24] = [
    "the", "desk", "price", "closes", "at", "noon", "please", "check", "order", "for", "client", "today", "settled",
    "waiting", "Zürich", "€", "limit", "risk", "ok", "thanks", "again", "report", "desk's", "line",
];

/// A text of some words; now and then with line ends, tabs and other scripts.
fn said(dice: &mut Dice, out: &mut String) {
    out.clear();
    let count = 3 + dice.below(18);
    for at in 0..count {
        if at > 0 {
            out.push(if dice.chance(0.01) { '\n' } else { ' ' });
        }
        out.push_str(dice.pick(&WORDS));
    }
    if dice.chance(0.01) {
        out.push_str("\tsee \"annex\" \u{1F600}");
    }
}

fn make(options: &Options) -> std::io::Result<()> {
    let mut package = Package::new(&options.out)?;
    let mut out = Vec::new();
    let stamp = |row: &mut Row<'_>| {
        row.int(1).int(START).int(1).int(START);
    };
    let mut node = row(&mut out, NODE);
    node.int(1).guid(&guid(1, 1)).int(1).int(1).text("Root").text("").int(1).int(1).int(1).int(0).int(4).int(6).null();
    stamp(&mut node);
    node.null();
    let mut node = row(&mut out, NODE);
    node.int(2).guid(&guid(1, 2)).int(1).int(1).text("Trading").text("all desks").int(1).int(1).int(1).int(0).int(4);
    node.int(6).null();
    stamp(&mut node);
    node.null();
    for room in 0..options.rooms {
        let number = (room + 3) as i64;
        let mut node = row(&mut out, NODE);
        node.int(number).guid(&guid(1, room + 3)).int(2).int(0).text(&format!("Room {number}")).text("made for tests");
        node.null().null().null().int(0).int(4).int(6).null();
        stamp(&mut node);
        if room % 7 == 0 {
            node.day()
        } else {
            node.null()
        };
    }
    package.table("tblNode", NODE, options.rooms + 2, &out)?;
    out.clear();
    for person in 0..options.people {
        let number = (person + 5) as i64;
        let mut prin = row(&mut out, PRINCIPAL);
        prin.int(number).guid(&guid(2, person)).text(&format!("sip:user{number}@litwareinc.com"));
        prin.text(&format!("user{number}")).text(&format!("User {number}")).text("Litware");
        prin.text(&format!("user{number}@litwareinc.com")).null().null().int(0).int(5).null().null().null();
        prin.int(START).null().int(START).day();
    }
    package.table("tblPrincipal", PRINCIPAL, options.people, &out)?;
    out.clear();
    for (number, word) in [(1, "Member"), (2, "Manager"), (3, "Voiced"), (4, "Creator")] {
        row(&mut out, ROLE_TYPE).int(number).text(word).int(0);
    }
    package.table("tblRoleType", ROLE_TYPE, 4, &out)?;
    out.clear();
    for room in 0..options.rooms {
        row(&mut out, ROLE).int((room + 3) as i64).int(5 + (room % options.people) as i64).int(2).int(1);
    }
    package.table("tblPrincipalRole", ROLE, options.rooms, &out)?;
    package.tables.push(("tblChat", CHAT));
    let mut lines = options.jsonl.as_ref().map(File::create).transpose()?.map(|f| BufWriter::with_capacity(1 << 20, f));
    let mut line = String::new();
    let mut dice = Dice::new(options.seed, 0x6d67);
    out.clear();
    let (mut rows, mut part, mut text) = (0, 0, String::new());
    let mut last = Vec::new();
    for room in 0..options.rooms {
        // The first has almost half of all messages, the others share the rest.
        let rest = options.messages - options.messages * 44 / 100;
        let count = match (options.rooms, room) {
            (1, _) => options.messages,
            (_, 0) => options.messages * 44 / 100,
            (rooms, room) => rest / (rooms - 1) + u64::from(room <= rest % (rooms - 1)),
        };
        let mut at = START + (room as i64) * SECOND;
        for chat in 1..=count {
            at += SECOND + dice.below(600) as i64 * SECOND + dice.below(10_000_000) as i64;
            said(&mut dice, &mut text);
            let user = 5 + dice.below(options.people as usize) as i64;
            let alert = dice.chance(0.005);
            let mut chat_row = row(&mut out, CHAT);
            chat_row.int((room + 3) as i64).int(chat as i64).int(at).int(user).int(i64::from(alert)).text(&text);
            if dice.chance(0.02) {
                chat_row.text("{\\rtf1 made}")
            } else {
                chat_row.null()
            };
            rows += 1;
            if rows == options.part {
                package.part("tblChat", part, rows, &out)?;
                (rows, part) = (0, part + 1);
                out.clear();
            }
            if let Some(lines) = &mut lines {
                line.clear();
                let escaped = text.replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
                let _ = writeln!(
                    line,
                    "{{\"pool\":\"litwareinc.com\",\"room\":\"ma-chan://litwareinc.com/{}\",\"room_title\":\"Room {}\",\
                     \"user\":\"sip:user{user}@litwareinc.com\",\"user_number\":{user},\"time\":\"{}\",\"id\":{chat},\
                     \"alert\":{alert},\"text\":\"{escaped}\"}}",
                    guid(1, room + 3),
                    room + 3,
                    rfc(at)
                );
                lines.write_all(line.as_bytes())?;
            }
        }
        last.push((room + 3, count));
    }
    if rows > 0 {
        package.part("tblChat", part, rows, &out)?;
    }
    out.clear();
    for (node, count) in &last {
        row(&mut out, LAST).int(*node as i64).int(*count as i64);
    }
    package.table("tblLastChatId", LAST, options.rooms, &out)?;
    package.finish("mgc")?;
    if let Some(path) = &options.compliance {
        compliance(path, options)?;
    }
    lines.map_or(Ok(()), |mut lines| lines.flush())
}

/// A queue with a few events of each room, and who came and went.
fn compliance(path: &str, options: &Options) -> std::io::Result<()> {
    let mut package = Package::new(path)?;
    let (mut queue, mut there) = (Vec::new(), Vec::new());
    for room in 0..options.rooms {
        let uri = format!("ma-chan://litwareinc.com/{}", guid(1, room + 3));
        let number = 5 + (room % options.people) as i64;
        let user = format!("sip:user{number}@litwareinc.com");
        for (at, kind) in [2, 9].into_iter().enumerate() {
            let event = (room * 2) as i64 + at as i64 + 1;
            let mut cmpl = row(&mut queue, QUEUE);
            cmpl.int(event)
                .day()
                .int(kind)
                .int(START + event * SECOND)
                .text(&uri)
                .null()
                .int(number)
                .text(&user)
                .null();
        }
        let came = START + (room as i64) * SECOND;
        let mut one = row(&mut there, PARTICIPANT);
        one.text(&uri).int(number).int(came);
        if room % 2 == 0 {
            one.int(came + 3_600 * SECOND)
        } else {
            one.null()
        };
        one.text(&user).int(1).null();
    }
    package.table("tblComplianceData", QUEUE, options.rooms * 2, &queue)?;
    package.table("tblComplianceParticipant", PARTICIPANT, options.rooms, &there)?;
    package.finish("mgccomp")
}

/// The text of an instant.
fn rfc(ticks: i64) -> String {
    let (days, rest) = (ticks / (86_400 * SECOND), ticks % (86_400 * SECOND));
    // Days are counted from 0000-03-01, so that the leap day ends a year.
    let days = days + 306;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let second = rest / SECOND;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:07}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        rest % SECOND
    )
}
