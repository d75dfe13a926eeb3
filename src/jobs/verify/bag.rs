//! Is a BagIt bag what its lists say? Any bag, whoever made it: every list of it, every file, whatever is listed twice
//! or in two ways.

use crate::containers::bagit::{self, Algorithm, Declared, Line, Sum};
use crate::containers::folder::FolderPages;
use crate::containers::manifest::{DECLARATION, INFO};
use crate::containers::{InputLimits, Pages, volumes};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::jobs::archive::is_ours;
use crate::jobs::intake::{STDIN, spool};
use crate::model::counted::counted;
use crate::model::receipt::{Gap, Receipt};
use crate::pipeline::Event;
use crate::select::names::composed;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;

/// Names of files that systems leave behind, and that nobody put into a bag.
const LITTER: [&str; 4] = [".DS_Store", "Thumbs.db", "desktop.ini", ".Spotlight-V100"];

/// Verifies a bag; `-` is a zip of one on standard input.
pub fn bag(cx: &Context<'_>, path: &Path) -> Result<Receipt> {
    if path.as_os_str() != "-" {
        return checked(cx, path);
    }
    let spool = spool(cx)?;
    let held = spool.path().display().to_string();
    let mut receipt = checked(cx, spool.path()).map_err(|error| error.renamed(&held, STDIN))?;
    receipt.facts.iter_mut().for_each(|(_, value)| *value = value.replace(&held, STDIN));
    receipt.gaps.iter_mut().for_each(|gap| gap.place = gap.place.replace(&held, STDIN));
    Ok(receipt)
}

fn checked(cx: &Context<'_>, path: &Path) -> Result<Receipt> {
    let start = (cx.clock)();
    let mut receipt = Receipt::new("verify");
    receipt.fact("Bag", path.display().to_string());
    let mut check = Check::open(path, cx.input)?;
    check.all(cx)?;
    let kind = check.kind();
    receipt.fact("Kind", kind);
    receipt.fact("Files read", format!("{}, {}", counted(check.read.0, "file"), counted(check.read.1, "byte")));
    (receipt.gaps, receipt.gap_count) = (check.found.gaps, check.found.gap_count);
    check.warnings.into_iter().for_each(|(what, times)| receipt.remark(what, times));
    if receipt.gap_count == 0 {
        receipt.fact("Verdict", "sound: every file is what every list says");
    }
    receipt.timings.push(("verify", cx.since(start)));
    Ok(receipt)
}

/// Is a folder that cannot be opened as an archive a bag that others made, with names an archive never has?
pub(super) fn is_of_others(cx: &Context<'_>, path: &Path, error: &Error) -> bool {
    error.kind() == Kind::Damaged
        && path.is_dir()
        && FolderPages::as_it_is(path, cx.input).is_ok_and(|mut pages| !is_ours(&mut pages))
}

/// What somebody else's bag is, for whoever took it for an archive of pchat. Its lists are checked, its files read.
pub(super) fn foreign(cx: &Context<'_>, path: &Path, declined: Error) -> Error {
    let check = Check::open(path, cx.input).and_then(|mut check| check.all(cx).map(|()| check));
    match check {
        Ok(check) if check.found.gap_count == 0 => {
            let what = format!("{} is {}, not a pchat archive; as a bag it is sound", path.display(), check.kind());
            Error::new(Kind::Refused, what).hint(format!("pchat verify --bag {} says so in full", path.display()))
        }
        Ok(check) => {
            let what = format!("{} is {}, not a pchat archive, and {} wrong:", path.display(), check.kind(), {
                counted(check.found.gap_count, "thing is")
            });
            let lines = check.found.gaps.iter().take(20).map(|gap| format!("{}: {}", gap.place, gap.why));
            lines.fold(Error::new(Kind::Damaged, what), Error::detail)
        }
        Err(error) if error.kind() == Kind::Cancelled => error,
        Err(_) => declined,
    }
}

/// A bag on its way to a verdict.
struct Check {
    pages: Box<dyn Pages>,
    declared: Declared,
    /// The folder of the payload is there; an empty one of a zip cannot be told.
    has_data: bool,
    /// The files by name.
    files: BTreeMap<String, usize>,
    /// By their names with accents put together.
    composed: HashMap<String, Option<usize>>,
    /// What the lists say of each file.
    wanted: Vec<Vec<(Algorithm, Vec<u8>)>>,
    algorithms: BTreeSet<Algorithm>,
    /// What is wrong.
    found: Receipt,
    warnings: BTreeMap<&'static str, u64>,
    /// Files and bytes read.
    read: (u64, u64),
}

impl Check {
    fn open(path: &Path, limits: InputLimits) -> Result<Check> {
        let mut pages: Box<dyn Pages> = match path.is_dir() {
            true => Box::new(FolderPages::as_it_is(path, limits)?),
            false => volumes::open(path, limits)?,
        };
        let files: BTreeMap<String, usize> =
            pages.members().iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
        let place = Place::file(pages.place(DECLARATION));
        let Some(at) = files.get(DECLARATION) else {
            return Err(Error::damaged(place, "this is not a bag: the file is missing"));
        };
        let text = pages.raw(*at)?.unpack()?;
        let declared = bagit::declaration(&text).map_err(|what| Error::damaged(place, what))?;
        let mut together: HashMap<String, Option<usize>> = HashMap::new();
        for (name, at) in files.iter().filter(|(name, _)| !name.is_ascii()) {
            // Two files with one name, however it is written, are told apart by nobody.
            together.entry(composed(name)).and_modify(|one| *one = None).or_insert(Some(*at));
        }
        Ok(Check {
            wanted: vec![Vec::new(); files.len()],
            has_data: !path.is_dir() || path.join("data").is_dir(),
            pages,
            declared,
            files,
            composed: together,
            algorithms: BTreeSet::new(),
            found: Receipt::default(),
            warnings: BTreeMap::new(),
            read: (0, 0),
        })
    }

    fn kind(&self) -> String {
        let (major, minor) = self.declared.version;
        let names: Vec<&str> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        format!(
            "a BagIt bag {major}.{minor}, {}",
            if names.is_empty() { "without a list".into() } else { names.join(" and ") }
        )
    }

    fn gap(&mut self, place: String, why: impl Into<String>) {
        self.found.gap(Gap { place, why: why.into() });
    }

    fn warn(&mut self, what: &'static str) {
        *self.warnings.entry(what).or_default() += 1;
    }

    /// Reads the lists, then every file once.
    fn all(&mut self, cx: &Context<'_>) -> Result<()> {
        self.lists()?;
        self.names();
        self.facts()?;
        self.hashes(cx)
    }

    /// A tag file as text; what cannot be read is a gap.
    fn text(&mut self, name: &str) -> Result<Option<String>> {
        let Some(at) = self.files.get(name).copied() else { return Ok(None) };
        let place = self.pages.place(name);
        let bytes = match self.pages.raw(at).and_then(|raw| raw.unpack()) {
            Err(error) if error.kind() == Kind::Damaged => {
                self.gap(place, error.what());
                return Ok(None);
            }
            read => read?,
        };
        match bagit::decode(&bytes, self.declared.encoding) {
            Ok(text) => Ok(Some(text)),
            Err(what) => {
                self.gap(place, what);
                Ok(None)
            }
        }
    }

    /// The lists of the payload or of the tag files, by the beginning of their names.
    fn named(&self, before: &str) -> Vec<(String, Option<Algorithm>)> {
        let lists = self.files.keys().filter(|name| !name.contains('/')).filter_map(|name| {
            let algorithm = name.strip_prefix(before)?.strip_suffix(".txt")?;
            Some((name.clone(), Algorithm::named(algorithm)))
        });
        lists.collect()
    }

    fn lists(&mut self) -> Result<()> {
        let payload: BTreeSet<usize> =
            self.files.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, at)| *at).collect();
        let fetched = self.fetched()?;
        let (mut listed, mut known) = (BTreeSet::new(), 0);
        for (name, algorithm) in self.named("manifest-") {
            let Some(algorithm) = algorithm else {
                self.warn("lists in an algorithm pchat does not know were not checked");
                continue;
            };
            known += 1;
            self.algorithms.insert(algorithm);
            let found = self.list(&name, algorithm, true, &fetched)?;
            if self.declared.version >= (1, 0) {
                for at in payload.difference(&found).copied().collect::<Vec<_>>() {
                    let place = self.pages.place(&self.pages.members()[at].name.clone());
                    self.gap(place, format!("the file is there but not listed in {name}"));
                }
            }
            listed.extend(found);
        }
        if !self.has_data {
            let place = self.pages.place("data");
            self.gap(place, "the folder of the payload is missing");
        }
        if known == 0 {
            let place = self.pages.name().to_owned();
            self.gap(place, "no list of the payload is there, or none in an algorithm pchat knows");
        } else if self.declared.version < (1, 0) {
            for at in payload.difference(&listed).copied().collect::<Vec<_>>() {
                let place = self.pages.place(&self.pages.members()[at].name.clone());
                self.gap(place, "the file is there but not listed");
            }
        }
        for (name, algorithm) in self.named("tagmanifest-") {
            match algorithm {
                Some(algorithm) => {
                    self.list(&name, algorithm, false, &BTreeSet::new())?;
                }
                None => self.warn("lists in an algorithm pchat does not know were not checked"),
            }
        }
        Ok(())
    }

    /// Reads one list; gives the files it has.
    fn list(
        &mut self,
        name: &str,
        algorithm: Algorithm,
        payload: bool,
        fetched: &BTreeSet<String>,
    ) -> Result<BTreeSet<usize>> {
        let mut found = BTreeSet::new();
        let Some(text) = self.text(name)? else { return Ok(found) };
        let place = self.pages.place(name);
        let lines = match bagit::list(&text, algorithm) {
            Ok(lines) => lines,
            Err((number, what)) => {
                self.gap(format!("{place}:{number}"), what);
                return Ok(found);
            }
        };
        let mut folded: HashMap<String, String> = HashMap::new();
        for line in lines {
            let at_line = format!("{place}:{}", line.number);
            if line.starred {
                self.warn("names in a list have the `*` of md5sum and its kin before them");
            }
            if line.dotted {
                self.warn("names in a list begin with `./`");
            }
            if payload != line.name.starts_with("data/") {
                let what = if payload {
                    "a file outside of data/ is in the list of the payload"
                } else {
                    "a file of the payload is in a list of tag files"
                };
                self.gap(at_line, what);
                continue;
            }
            if let Some(other) = folded.insert(composed(&line.name).to_lowercase(), line.name.clone())
                && other != line.name
            {
                self.warn("names in a list differ only in upper and lower case, or in how accents are written");
            }
            let Some(at) = self.find(&line) else {
                let what = match fetched.contains(&line.name) {
                    true => "the file is still to be fetched, so the bag is not complete",
                    false => "the file is listed but missing",
                };
                let place = self.pages.place(&line.name);
                self.gap(place, what);
                continue;
            };
            let known = self.wanted[at].iter().find(|(other, _)| *other == algorithm && found.contains(&at));
            match known.map(|(_, sum)| *sum == line.sum) {
                Some(true) => self.warn("files are listed twice with the same checksum"),
                Some(false) => self.gap(at_line, "the file is listed twice with different checksums"),
                None => self.wanted[at].push((algorithm, line.sum)),
            }
            found.insert(at);
        }
        Ok(found)
    }

    /// The file a line means.
    fn find(&mut self, line: &Line) -> Option<usize> {
        let meant = bagit::meant(&line.name, self.declared.version);
        if let Some((number, at)) = meant.iter().enumerate().find_map(|(n, name)| Some((n, *self.files.get(name)?))) {
            let bare = line.name.split('%').skip(1).any(|rest| !bagit::is_escape(rest));
            if (number > 0 || bare) && self.declared.version >= (1, 0) {
                self.warn("a `%` in a name is not written as `%25`");
            }
            return Some(at);
        }
        let at = meant.iter().find_map(|name| *self.composed.get(&composed(name))?)?;
        self.warn("names in a list write accents otherwise than the files they name");
        Some(at)
    }

    /// The files that are to be fetched.
    fn fetched(&mut self) -> Result<BTreeSet<String>> {
        let Some(text) = self.text("fetch.txt")? else { return Ok(BTreeSet::new()) };
        let place = self.pages.place("fetch.txt");
        match bagit::fetched(&text) {
            Ok(found) => {
                for (number, name) in &found {
                    if !bagit::meant(name, self.declared.version).iter().any(|name| self.files.contains_key(name)) {
                        self.gap(
                            format!("{place}:{number}"),
                            "the file is still to be fetched, so the bag is not complete",
                        );
                    }
                }
                Ok(found.into_iter().map(|(_, name)| name).collect())
            }
            Err((number, what)) => {
                self.gap(format!("{place}:{number}"), what);
                Ok(BTreeSet::new())
            }
        }
    }

    /// What is allowed and will make trouble.
    fn names(&mut self) {
        let names: Vec<String> = self.files.keys().filter(|name| name.starts_with("data/")).cloned().collect();
        let mut folded = BTreeSet::new();
        for name in &names {
            if !folded.insert(composed(name).to_lowercase()) {
                self.warn("names of files differ only in upper and lower case, or in how accents are written");
            }
            let last = name.rsplit('/').next().unwrap_or_default();
            if LITTER.iter().any(|litter| litter.eq_ignore_ascii_case(last)) || last.starts_with("._") {
                self.warn("files that systems leave behind are in the payload");
            }
        }
    }

    fn facts(&mut self) -> Result<()> {
        // It had another name before version 0.96.
        for name in [INFO, "package-info.txt"] {
            let Some(text) = self.text(name)? else { continue };
            let place = self.pages.place(name);
            let told = match bagit::facts(&text) {
                Ok(facts) => bagit::oxum(&facts).map_err(str::to_owned),
                Err((number, what)) => Err(format!("line {number}: {what}")),
            };
            let members = self.pages.members().iter().filter(|member| member.name.starts_with("data/"));
            let there = members.fold((0u64, 0u64), |sum, member| (sum.0.saturating_add(member.size), sum.1 + 1));
            match told {
                Ok(Some(told)) if told != there => {
                    let what =
                        format!("Payload-Oxum is {}.{}, and the payload is {}.{}", told.0, told.1, there.0, there.1);
                    self.gap(place, what);
                }
                Ok(_) => {}
                Err(what) => self.gap(place, what),
            }
        }
        Ok(())
    }

    /// Every file that is listed has the checksums its lists have.
    fn hashes(&mut self, cx: &Context<'_>) -> Result<()> {
        let total = self.pages.members().iter().map(|member| member.size).sum();
        cx.watch.event(Event::Begin { step: "verifying", total: Some(total), unit: "bytes" });
        let mut buffer = vec![0; 1 << 16];
        for at in 0..self.wanted.len() {
            let wanted = std::mem::take(&mut self.wanted[at]);
            if wanted.is_empty() {
                continue;
            }
            let place = self.pages.place(&self.pages.members()[at].name.clone());
            let mut sums: Vec<(Sum, &(Algorithm, Vec<u8>))> =
                wanted.iter().map(|wanted| (wanted.0.start(), wanted)).collect();
            let mut failed = None;
            {
                let mut file = self.pages.stream(at)?;
                loop {
                    if cx.watch.cancelled() {
                        return Err(Error::new(Kind::Cancelled, "interrupted"));
                    }
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(count) => {
                            sums.iter_mut().for_each(|(sum, _)| sum.update(&buffer[..count]));
                            self.read.1 += count as u64;
                            cx.watch.event(Event::Advance(count as u64));
                        }
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                            failed = Some(error.to_string());
                            break;
                        }
                        Err(error) => return Err(Error::io(&place, error)),
                    }
                }
            }
            self.read.0 += 1;
            if let Some(what) = failed {
                self.gap(place, what);
                continue;
            }
            for (sum, (algorithm, wanted)) in sums {
                if sum.end() != *wanted {
                    let why = format!("the file does not match its {}", algorithm.name());
                    self.gap(place.clone(), why);
                }
            }
        }
        cx.watch.event(Event::End);
        Ok(())
    }
}
