//! The papers of a production. All numbers come from the run.

use super::Facts;
use super::making::{Formats, LISTED, LOG_COLUMNS};
use crate::formats::bates::Bates;
use crate::formats::papers::{Paper, Table};
use crate::jobs::export::Run;
use crate::model::counted::counted;
use crate::model::receipt::Receipt;
use crate::model::time::Ticks;
use std::collections::BTreeMap;

/// What was counted for the papers.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) documents: u64,
    pub(super) attachments: u64,
    pub(super) redacted: u64,
    /// Documents there would be with a copy for everybody who did something in it.
    pub(super) copies: u64,
    /// Files and events by format.
    pub(super) formats: Formats,
    /// The first lines of the privilege log.
    pub(super) log: Vec<Vec<String>>,
    rooms: BTreeMap<String, Room>,
}

#[derive(Debug, Default)]
struct Room {
    events: u64,
    range: Option<(String, String)>,
    times: Option<(Ticks, Ticks)>,
}

impl Counted {
    /// Counts a run of a room.
    pub(super) fn room(&mut self, name: &str, run: &Run) {
        let room = self.rooms.entry(name.to_owned()).or_default();
        room.events += run.events;
        if let Some((first, last)) = &run.range {
            let (from, to) = room.range.take().unwrap_or_else(|| (first.clone(), last.clone()));
            room.range = Some((from.min(first.clone()), to.max(last.clone())));
        }
        if let Some((first, last)) = run.times {
            let (from, to) = room.times.unwrap_or((first, last));
            room.times = Some((from.min(first), to.max(last)));
        }
    }
}

fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// All papers.
pub(super) fn papers(
    facts: &Facts,
    bates: &Bates,
    counted: &Counted,
    receipt: &Receipt,
    (actor, made): (&str, Ticks),
) -> Vec<Paper> {
    let range = format!("{} to {}", facts.production, bates.show(facts.next - 1));
    vec![
        readme(facts, &range),
        custody(facts, counted, &range, (actor, made)),
        index(facts, counted, &range),
        exceptions(facts, receipt),
        privilege(facts, counted),
        certificate(facts, &range, (actor, made)),
    ]
}

fn readme(facts: &Facts, range: &str) -> Paper {
    let mut text = vec![
        format!(
            "This is production {range}: {} in {}. Every file in the folder data is listed with its SHA-256 in \
             manifest-sha256.txt.",
            self::counted(facts.sums.produced, "event"),
            self::counted(facts.documents, "document")
        ),
        "index.csv says for each file which Bates numbers are in it, in every format. Attachments follow the document \
         they belong to, each with a number of its own."
            .to_owned(),
    ];
    for format in &facts.formats {
        text.push(
            match format.as_str() {
                "html" => {
                    "data/html: open index.html with a browser. Nothing is loaded from any network; search.html \
                           searches all pages."
                }
                "rsmf" => "data/rsmf: RSMF 2.0 files, to be loaded into a review platform.",
                "eml" => "data/eml: mails, to be opened with any mail program.",
                "csv" => "data/csv: history.csv, a row for each event and one for each attachment.",
                "dat" => {
                    "data/dat: VOL001/DATA/VOL001.dat is the load file; readme.txt beside it says how it is \
                          written."
                }
                _ => "data/edrm: the load file in EDRM XML; readme.txt beside it says how it is written.",
            }
            .to_owned(),
        );
    }
    Paper {
        name: "README",
        title: format!("Production {range}"),
        text,
        more: vec![
            "To check that every file is as it was made, open a terminal in the folder that holds \
             manifest-sha256.txt. The first command names each file that differs, and nothing when all are the same. \
             The second counts the files. If the production came as a zip, the third checks the zip and unpacks it; \
             in PowerShell, Get-FileHash gives the SHA-256 of a file."
                .to_owned(),
        ],
        commands: vec![
            "sha256sum --check --quiet manifest-sha256.txt".to_owned(),
            "find data -type f | wc -l".to_owned(),
            "unzip -t NAME.zip && unzip NAME.zip".to_owned(),
        ],
        ..Paper::default()
    }
}

fn custody(facts: &Facts, counted: &Counted, range: &str, (actor, made): (&str, Ticks)) -> Paper {
    let mut list = vec![
        fact("Production", range),
        fact("Produced on", made.to_string()),
        fact("Produced by", actor),
        fact("Software", concat!("pchat ", env!("CARGO_PKG_VERSION"))),
        fact("Formats", facts.formats.join(", ")),
        fact("Documents", facts.documents.to_string()),
        fact("Attachments", facts.attachments.to_string()),
        fact("Events redacted", facts.redacted.to_string()),
        fact("One document is", if facts.document == "day" { "a day of a room" } else { "an event" }),
        fact("Days are of the time zone", facts.time_zone.clone()),
    ];
    if let Some(before) = &facts.supplements {
        list.push(fact("Supplements production", before.clone()));
    }
    list.push(fact(
        "Across custodians",
        format!(
            "each document once: {} instead of {} with a copy for everybody who took part",
            facts.documents, counted.copies
        ),
    ));
    let sums = facts.sums.named().map(|(name, number)| vec![name.to_owned(), number.to_string()]);
    Paper {
        name: "custody",
        title: "Chain of custody".to_owned(),
        text: vec![
            "The events were read from one snapshot of the store in which the history is kept, written, and read again \
             before the files got their names. What was counted then is here."
                .to_owned(),
        ],
        facts: list,
        tables: vec![Table {
            title: "Numbers of events".to_owned(),
            columns: columns(&["What", "Events"]),
            rows: sums.to_vec(),
        }],
        more: vec![format!("{}.", facts.sums.line())],
        ..Paper::default()
    }
}

fn index(facts: &Facts, counted: &Counted, range: &str) -> Paper {
    let formats = facts.formats.iter().map(|format| {
        let (files, events) = counted.formats.get(format.as_str()).copied().unwrap_or_default();
        let files = if format == "csv" { 1 } else { files };
        vec![format.clone(), files.to_string(), events.to_string(), range.to_owned()]
    });
    let rooms = counted.rooms.iter().map(|(name, room)| {
        let (first, last) = room.range.clone().unwrap_or_default();
        let (from, to) = room.times.unwrap_or((Ticks::MIN, Ticks::MIN));
        vec![name.clone(), room.events.to_string(), first, last, from.to_string(), to.to_string()]
    });
    Paper {
        name: "index",
        title: "Index of the production".to_owned(),
        text: vec!["Files with their numbers are in index.csv.".to_owned()],
        tables: vec![
            Table {
                title: "Formats".to_owned(),
                columns: columns(&["Format", "Files with numbers", "Events", "Bates numbers"]),
                rows: formats.collect(),
            },
            Table {
                title: "Rooms".to_owned(),
                columns: columns(&["Room", "Events", "Begin", "End", "From", "To"]),
                rows: rooms.collect(),
            },
        ],
        ..Paper::default()
    }
}

fn exceptions(facts: &Facts, receipt: &Receipt) -> Paper {
    let all = receipt.gap_count;
    let rows: Vec<Vec<String>> =
        receipt.gaps.iter().take(LISTED).map(|gap| vec![gap.place.clone(), gap.why.clone()]).collect();
    let mut text = vec![match all {
        0 => "There are none: every format holds every event as it is.".to_owned(),
        _ => format!(
            "{} times a format could not hold something as it is. The event is produced all the same; {} here, and all \
             in exceptions.csv of each format.",
            all,
            match rows.len() as u64 == all {
                true => "all of them are listed".to_owned(),
                false => format!("the first {} are listed", rows.len()),
            }
        ),
    }];
    if facts.redacted > 0 {
        text.push(
            "Attachments of redacted events bear the mark [REDACTED]. Their content is not produced; formats describe \
             them like attachments of which there is no content."
                .to_owned(),
        );
    }
    for (what, times) in &receipt.remarks {
        text.push(format!("{times} × {what}."));
    }
    let tables = match rows.is_empty() {
        true => Vec::new(),
        false => vec![Table { title: "Exceptions".to_owned(), columns: columns(&["Event", "Why"]), rows }],
    };
    Paper { name: "exceptions", title: "Exceptions".to_owned(), text, tables, ..Paper::default() }
}

fn privilege(facts: &Facts, counted: &Counted) -> Paper {
    let rows = counted.log.clone();
    let text = match (facts.sums.withheld, rows.len() as u64) {
        (0, _) => "Nothing was withheld.".to_owned(),
        (all, listed) if all == listed => format!("{} withheld.", self::were(all)),
        (all, listed) => {
            format!("{} withheld; the first {listed} are here, all in privilege-log.csv.", self::were(all))
        }
    };
    let tables = match rows.is_empty() {
        true => Vec::new(),
        false => vec![Table { title: "Withheld".to_owned(), columns: columns(&LOG_COLUMNS), rows }],
    };
    Paper { name: "privilege-log", title: "Privilege log".to_owned(), text: vec![text], tables, ..Paper::default() }
}

fn were(events: u64) -> String {
    format!("{} {}", counted(events, "event"), if events == 1 { "was" } else { "were" })
}

fn certificate(facts: &Facts, range: &str, (actor, made): (&str, Ticks)) -> Paper {
    Paper {
        name: "certificate-902-14",
        title: "Certification under Federal Rule of Evidence 902(14)".to_owned(),
        text: vec![
            "I am qualified by training and experience to state what follows of the electronic records of this \
             production, and I do so under penalty of perjury under 28 U.S.C. § 1746."
                .to_owned(),
            format!(
                "The records bear the Bates numbers {range}. They are {} in {}, with {}. They were copied on {made} by \
                 {actor} with pchat {} from the store in which the history of Persistent Chat is kept.",
                counted(facts.sums.produced, "event"),
                counted(facts.documents, "document"),
                counted(facts.attachments, "attachment"),
                env!("CARGO_PKG_VERSION")
            ),
            "The copy is authenticated by a process of digital identification: when it was made, the SHA-256 hash \
             value of each file was computed and written to manifest-sha256.txt. A hash value is computed from the \
             content of a file; two files with the same value have, for all practical purposes, the same content. \
             Whoever computes the values again and finds them equal has the files as they were made."
                .to_owned(),
            format!(
                "Before the files got their names they were read again, and the events in every format were \
                 counted: {}.",
                facts.sums.line()
            ),
            match facts.redacted {
                0 => "No event was redacted.".to_owned(),
                some => format!("In {} text was replaced by the mark [REDACTED].", counted(some, "event")),
            },
        ],
        blanks: vec!["Name", "Signature"],
        ..Paper::default()
    }
}
