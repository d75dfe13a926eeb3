//! A production read again: its files against their list, the events in every format against its numbers, its Bates
//! numbers against the index, and all of that against what the case keeps of it.

use super::choose::these;
use super::{FACTS, Facts, INDEX, LOG, facts_of, recorded};
use crate::containers::manifest::{CUSTODY, MANIFEST};
use crate::containers::zip::SmallZips;
use crate::containers::{Pages, volumes};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::WRITTEN;
use crate::formats::bates::Bates;
use crate::formats::load::{Encoding, Load, Marks};
use crate::formats::write::{Choices, Written};
use crate::jobs::collections::meant;
use crate::jobs::selection::asked_of;
use crate::jobs::verify as bags;
use crate::model::field;
use crate::model::hash;
use crate::model::receipt::{Gap, Receipt};
use crate::proof::seal::digest;
use crate::store::Corpus;
use crate::store::collections::Collections;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The names of the papers.
const PAPERS: [&str; 6] = ["README", "custody", "index", "exceptions", "privilege-log", "certificate-902-14"];

/// The files of a production: one, or its volumes in their order.
fn parts(path: &Path) -> Result<Vec<PathBuf>> {
    let (set, zip) = match volumes::volume_of(path) {
        Some((set, _)) => (set, path.extension().is_some_and(|ext| ext == "zip")),
        None if path.exists() => return Ok(vec![path.to_owned()]),
        None => (path.to_owned(), path.extension().is_some_and(|ext| ext == "zip")),
    };
    let volume = |number: u32| match zip {
        true => set.with_extension(format!("{number:03}.zip")),
        false => PathBuf::from(format!("{}.{number:03}", set.display())),
    };
    let all: Vec<PathBuf> = (1..).map(volume).take_while(|path| path.exists()).collect();
    match all.is_empty() {
        true => Err(Error::new(Kind::NotFound, format!("no production {}", path.display()))
            .hint("name the folder or the zip that pchat produce has written")),
        false => Ok(all),
    }
}

/// Reads everything again. With `store` the case's record is asked, too.
pub fn verify(cx: &Context<'_>, path: &Path, case: Option<&str>) -> Result<Receipt> {
    let start = (cx.clock)();
    let mut receipt = Receipt::new("verify");
    receipt.fact("Production", path.display().to_string());
    let mut open = Vec::new();
    let (mut contents, mut files) = (Vec::new(), 0);
    for part in parts(path)? {
        let bag = bags::bag(cx, &part)?;
        bag.gaps.into_iter().for_each(|gap| receipt.gap(gap));
        let mut pages = volumes::open(&part, cx.input)?;
        files += pages.members().len();
        let list = whole(&mut *pages, MANIFEST)?.unwrap_or_default();
        contents.push(<[u8; 32]>::from(Sha256::digest(list)));
        open.push(pages);
    }
    receipt.fact("Files read", files.to_string());
    let mut check = Check { pages: open, receipt };
    let facts = check.facts(path)?;
    check.custody(&facts, &contents)?;
    check.formats(&facts)?;
    check.numbers(&facts)?;
    check.rest(&facts)?;
    let Check { mut receipt, .. } = check;
    if let Some(case) = case {
        against(cx, case, &facts, &contents, &mut receipt)?;
    }
    if receipt.gap_count == 0 {
        receipt.fact("Verdict", "sound: files, numbers and events are what the production says");
    }
    receipt.timings.push(("verify", cx.since(start)));
    Ok(receipt)
}

/// The name of the production that lies here.
pub fn name(cx: &Context<'_>, path: &Path) -> Result<String> {
    let pages = parts(path)?.iter().map(|part| volumes::open(part, cx.input)).collect::<Result<Vec<_>>>()?;
    let mut check = Check { pages, receipt: Receipt::default() };
    Ok(check.facts(path)?.production)
}

fn whole(pages: &mut dyn Pages, name: &str) -> Result<Option<Vec<u8>>> {
    let found = pages.members().iter().position(|member| member.name == name);
    found.map(|member| pages.raw(member)?.unpack()).transpose()
}

struct Check {
    pages: Vec<Box<dyn Pages>>,
    receipt: Receipt,
}

impl Check {
    fn wrong(&mut self, place: impl Into<String>, why: impl Into<String>) {
        self.receipt.gap(Gap { place: place.into(), why: why.into() });
    }

    fn find(&self, name: &str) -> Option<(usize, usize)> {
        self.pages.iter().enumerate().find_map(|(volume, pages)| {
            pages.members().iter().position(|member| member.name == name).map(|member| (volume, member))
        })
    }

    fn facts(&mut self, path: &Path) -> Result<Facts> {
        let place = Place::file(path.display().to_string());
        let missing = || Error::damaged(place.clone(), format!("this is not a production: {FACTS} is missing"));
        let (volume, member) = self.find(FACTS).ok_or_else(missing)?;
        let bytes = self.pages[volume].raw(member)?.unpack()?;
        let facts: Facts = serde_json::from_slice(&bytes)
            .map_err(|error| Error::damaged(place.clone(), format!("{FACTS} cannot be read")).because(error))?;
        let range = Bates::new(&facts.prefix, facts.digits, facts.first).ok();
        let range = range.filter(|bates| facts.next > facts.first && bates.show(facts.first) == facts.production);
        let bates = range.ok_or_else(|| Error::damaged(place, format!("the numbers in {FACTS} are invalid")))?;
        self.receipt
            .fact("Bates numbers", format!("{} to {}", facts.production, bates.show(facts.next.saturating_sub(1))));
        if !facts.sums.close() {
            self.wrong(FACTS, format!("the numbers do not add up: {}", facts.sums.line()));
        }
        self.receipt.fact("Numbers", facts.sums.line());
        Ok(facts)
    }

    /// The custody record of each volume is that of this production.
    fn custody(&mut self, facts: &Facts, contents: &[[u8; 32]]) -> Result<()> {
        for (at, content) in contents.iter().enumerate() {
            let record = whole(&mut *self.pages[at], CUSTODY)?.unwrap_or_default();
            let told: serde_json::Value = serde_json::from_slice(&record).unwrap_or_default();
            let last = at + 1 == contents.len();
            if told["content"] != hash::hex(content)
                || told["production"] != facts.production.as_str()
                || last && told["events"] != facts.sums.produced
            {
                let place = self.pages[at].place(CUSTODY);
                self.wrong(place, "the custody record is not that of this production");
            }
        }
        Ok(())
    }

    /// The events in every format.
    fn formats(&mut self, facts: &Facts) -> Result<()> {
        let bates = Bates::new(&facts.prefix, facts.digits, facts.first).ok();
        let marks = Marks::parse(&facts.delimiters).unwrap_or_default();
        let load = Load {
            by_event: facts.document == "event",
            marks,
            encoding: if facts.wide { Encoding::Utf16 } else { Encoding::Utf8 },
            ..Load::default()
        };
        let choices = Choices { load, bates, ..Choices::default() };
        for word in &facts.formats {
            let Some(written) = WRITTEN.iter().copied().find(|format| format.word == word) else {
                self.wrong(FACTS, "it names an unknown format");
                continue;
            };
            for events in self.counted(written, &choices)? {
                match events == facts.sums.produced {
                    true => self.receipt.fact("Counted again", format!("{word}: {events} events")),
                    false => self.wrong(
                        word.as_str(),
                        format!("there are {events} events, and {} were produced", facts.sums.produced),
                    ),
                }
            }
        }
        Ok(())
    }

    /// How many events a format has, in each way they can be counted.
    fn counted(&mut self, written: &'static Written, choices: &Choices) -> Result<Vec<u64>> {
        let mut format = (written.make)();
        format.choose(choices);
        let (zips, mut all, mut faults) = (SmallZips::default(), Vec::new(), Vec::new());
        if let Some(recount) = format.recount() {
            let mut events = 0;
            for pages in &mut self.pages {
                for member in 0..pages.members().len() {
                    let name = pages.members()[member].name.clone();
                    if !(recount.holds)(&name) {
                        continue;
                    }
                    match pages.raw(member)?.unpack().and_then(|bytes| (recount.count)(&bytes, &zips)) {
                        Ok(found) => events += found,
                        Err(error) => faults.push((pages.place(&name), error.what().to_owned())),
                    }
                }
            }
            all.push(events);
        }
        if let Some(grown) = format.grown() {
            let mut events = 0;
            for pages in &mut self.pages {
                let Some(member) = pages.members().iter().position(|member| member.name == grown.name) else {
                    continue;
                };
                let place = pages.place(grown.name);
                match (grown.count)(&mut pages.stream(member)?) {
                    Ok(found) => events += found,
                    Err(error) => faults.push((place, error.to_string())),
                }
            }
            all.push(events);
        }
        faults.into_iter().for_each(|(place, why)| self.wrong(place, why));
        Ok(all)
    }

    /// The index: every file is there, and the numbers of every format go from the first to the last without a hole.
    fn numbers(&mut self, facts: &Facts) -> Result<()> {
        let Some((volume, member)) = self.find(INDEX) else {
            self.wrong(INDEX, "the file is missing");
            return Ok(());
        };
        let bates = Bates::new(&facts.prefix, facts.digits, facts.first)
            .map_err(|why| Error::new(Kind::Damaged, format!("the numbers are invalid: {why}")))?;
        let mut ranges: BTreeMap<String, (Vec<(u64, u64)>, u64)> = BTreeMap::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut faults = Vec::new();
        let read = lines(&mut *self.pages[volume], member, &mut |number, cells| {
            let Some([format, file, begin, end, events]) = cells.first_chunk::<5>() else {
                faults.push(format!("line {number} has too few values"));
                return;
            };
            let range = bates.read(begin).zip(bates.read(end)).filter(|(begin, end)| begin <= end);
            let (Some(range), Ok(events)) = (range, events.parse::<u64>()) else {
                faults.push(format!("line {number} has no Bates numbers of this production"));
                return;
            };
            let known = ranges.entry(format.clone()).or_default();
            known.0.push(range);
            known.1 += events;
            names.insert(file.clone());
        });
        read?;
        for name in names {
            if self.find(&name).is_none() {
                faults.push(format!("{name} is listed but missing"));
            }
        }
        for word in &facts.formats {
            let (mut all, events) = ranges.remove(word).unwrap_or_default();
            all.sort_unstable();
            let mut next = facts.first;
            let single = matches!(word.as_str(), "dat" | "edrm");
            for (begin, end) in all {
                if begin > next || single && begin != next {
                    faults.push(format!("{word}: {} is missing or stands twice", bates.show(next)));
                    next = begin;
                }
                next = next.max(end + 1);
            }
            if next != facts.next {
                faults.push(format!("{word}: the numbers end before {}", bates.show(next)));
            }
            if events != facts.sums.produced {
                faults.push(format!("{word}: {events} events are listed, and {} produced", facts.sums.produced));
            }
        }
        if faults.is_empty() {
            self.receipt.fact("Index", format!("no gap from {} to {}", facts.production, bates.show(facts.next - 1)));
        }
        faults.into_iter().for_each(|why| self.wrong(INDEX, why));
        Ok(())
    }

    /// The privilege log and the papers.
    fn rest(&mut self, facts: &Facts) -> Result<()> {
        let mut entries = 0;
        match self.find(LOG) {
            Some((volume, member)) => lines(&mut *self.pages[volume], member, &mut |_, _| entries += 1)?,
            None => self.wrong(LOG, "the file is missing"),
        }
        match entries == facts.sums.withheld {
            true => self.receipt.fact("Privilege log", format!("{entries} entries")),
            false => self.wrong(LOG, format!("{entries} entries, and {} events were withheld", facts.sums.withheld)),
        }
        for name in PAPERS.iter().flat_map(|name| ["html", "txt"].map(|end| format!("data/papers/{name}.{end}"))) {
            if self.find(&name).is_none() {
                self.wrong(name, "this document is missing");
            }
        }
        Ok(())
    }
}

/// The lines of a list after its first. Every value is in quotes, and none has a line break.
fn lines(pages: &mut dyn Pages, member: usize, take: &mut dyn FnMut(u64, Vec<String>)) -> Result<()> {
    let place = pages.place(&pages.members()[member].name.clone());
    let failed = |error| Error::io(&place, error);
    let mut read = BufReader::new(pages.stream(member)?);
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        (&mut read).take(1 << 20).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            return Ok(());
        }
        number += 1;
        if number > 1 {
            let line = String::from_utf8_lossy(&line);
            let cells = line.trim_end().trim_start_matches('"').trim_end_matches('"').split("\",\"");
            take(number, cells.map(|cell| cell.replace("\"\"", "\"")).collect());
        }
    }
}

/// What the case keeps of it.
fn against(cx: &Context<'_>, case: &str, facts: &Facts, contents: &[[u8; 32]], receipt: &mut Receipt) -> Result<()> {
    let (record, salt, there) = cx.session.read(|store| {
        let catalog = store.catalog(&asked_of(cx.shapes))?;
        let record = recorded(&catalog, case, &facts.production).ok_or_else(|| {
            Error::new(Kind::NotFound, format!("case \"{case}\" has no production \"{}\"", facts.production))
                .hint(format!("pchat produce get --case \"{case}\" lists them"))
        })?;
        let events = store.collected(&record.key())?;
        let there = meant(store, &these(&events))?;
        Ok((record.clone(), store.collection_salt(&record.key())?, there.len()))
    })?;
    let mut wrong = |why: String| receipt.gap(Gap { place: record.identity(), why });
    if facts_of(&record)? != *facts {
        wrong("the case has recorded other numbers for this production".to_owned());
    }
    let mut told = Vec::new();
    match salt {
        Some(salt) => {
            let sum = hash::hex(&Sha256::digest(format!("{salt}{}", hash::hex(&digest(contents)))));
            match record.at(field::DIGEST) == Some(sum.as_str()) {
                true => told.push("every byte is what was produced".to_owned()),
                false => wrong("the files are not those that were produced".to_owned()),
            }
        }
        None => told.push("a purge destroyed the salt, so the bytes cannot be compared".to_owned()),
    }
    match there == facts.sums.produced {
        true => told.push(format!("all {there} events are in the store")),
        false => told.push(format!("{there} of {} events are still in the store", facts.sums.produced)),
    }
    receipt.fact("Against the store", told.join("; "));
    Ok(())
}
