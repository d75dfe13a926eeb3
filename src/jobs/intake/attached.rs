//! Which of the files that were found are history, and which are attachments of it. What an event names as its
//! attachment is never read as history, in a folder as in a zip, whatever its name, its content and its place in the
//! order.

use super::find::{Found, HEAD, Input, Inside, form_of};
use super::lines::json_lines;
use super::{Form, is_gap};
use crate::containers::{InputLimits, volumes};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::formats::jsonl;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The files that may be history, each with those its events name.
type Candidates<I> = BTreeMap<I, (String, BTreeSet<I>)>;

/// Leaves only history among the inputs, and lays the attachments of zips where the lines look for them.
pub(super) fn sort_out(found: &mut Found, limits: InputLimits, form: Option<Form>, keep_going: bool) -> Result<()> {
    let refused = found.refused.iter().map(|(path, _)| path.as_path());
    let all = || found.inputs.iter().map(Input::path).chain(refused.clone());
    let mut naming: HashMap<PathBuf, BTreeSet<PathBuf>> = HashMap::new();
    // One file alone is history because it was named.
    let first = all().next().map(real);
    if all().any(|path| Some(real(path)) != first) {
        for input in &found.inputs {
            let Input::File(path) = input else { continue };
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let Ok(mut file) = crate::files::open(path) else { continue };
            let resolve = |named: &Path| folder.join(named).canonicalize().ok();
            let names = named(&mut file, &path.display().to_string(), form, limits, &resolve);
            if !names.is_empty() {
                naming.insert(real(path), names);
            }
        }
    }
    // There may be very many files, and mostly none of them names another.
    let attached = match naming.is_empty() {
        true => BTreeSet::new(),
        false => {
            let candidate = |path: &Path| {
                let id = real(path);
                let names = naming.remove(&id).unwrap_or_default();
                (id, (path.display().to_string(), names))
            };
            settle(&all().map(candidate).collect())?
        }
    };
    found.attached += attached.len() as u64;
    if !attached.is_empty() {
        found.inputs.retain(|input| !attached.contains(&real(input.path())));
    }
    for (path, error) in std::mem::take(&mut found.refused) {
        if attached.contains(&real(&path)) {
            continue;
        }
        if !keep_going || !is_gap(&error) {
            return Err(error);
        }
        found.gaps.push(error);
    }
    for input in &mut found.inputs {
        if let Input::Zip(inside) = input {
            found.attached += within(inside, limits, form, keep_going, &mut found.gaps)?;
        }
    }
    Ok(())
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The same inside a zip; gives how many files are attachments.
fn within(
    zip: &mut Inside,
    limits: InputLimits,
    form: Option<Form>,
    keep_going: bool,
    gaps: &mut Vec<Error>,
) -> Result<u64> {
    let mut pages = volumes::open(&zip.path, limits)?;
    let there: HashMap<String, usize> =
        pages.members().iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
    let mut candidates: Candidates<String> = BTreeMap::new();
    for name in &zip.members {
        let place = format!("{}!{name}", zip.path.display());
        let resolve = |path: &Path| beside(name, path).filter(|path| there.contains_key(path));
        let names = match there.get(name) {
            Some(at) => named(&mut *pages.stream(*at)?, &place, form, limits, &resolve),
            None => BTreeSet::new(),
        };
        candidates.insert(name.clone(), (place, names));
    }
    let attached = settle(&candidates)?;
    zip.members.retain(|name| !attached.contains(name));
    candidates.retain(|name, _| !attached.contains(name));
    let wanted: BTreeSet<String> = candidates.into_values().flat_map(|(_, names)| names).collect();
    if !wanted.is_empty() {
        zip.scratch = Some(Arc::new(lay_out(&zip.path, &wanted, limits, keep_going, gaps)?));
    }
    Ok(attached.len() as u64)
}

/// The name of a file of a zip, as a file beside it names it.
fn beside(name: &str, path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

/// The files that the events of a file name, if it is JSON Lines. What is wrong with it is told by whoever reads it.
fn named<I: Ord>(
    file: &mut dyn Read,
    place: &str,
    form: Option<Form>,
    limits: InputLimits,
    resolve: &dyn Fn(&Path) -> Option<I>,
) -> BTreeSet<I> {
    let mut found = BTreeSet::new();
    let mut head = Vec::new();
    if (&mut *file).take(HEAD as u64).read_to_end(&mut head).is_err() {
        return found;
    }
    let form = form.or_else(|| form_of(place, &head).ok());
    if form != Some(Form::JsonLines) {
        return found;
    }
    let Ok(mut lines) = json_lines(head, file, place) else { return found };
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines).take(limits.page.saturating_add(1)).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return found,
            Ok(_) => found.extend(jsonl::attached(&line).iter().filter_map(|path| resolve(path))),
        }
    }
}

/// Which candidates are attachments: those that history names. A file that only attachments name is history, for what
/// stands in an attachment is no event. Files that name each other leave no way to tell.
fn settle<I: Ord + Clone>(candidates: &Candidates<I>) -> Result<BTreeSet<I>> {
    let mut namers: BTreeMap<&I, Vec<&I>> = BTreeMap::new();
    for (id, (_, names)) in candidates {
        for other in names.iter().filter(|other| candidates.contains_key(*other)) {
            namers.entry(other).or_default().push(id);
        }
    }
    // True: an attachment.
    let mut known: BTreeMap<&I, bool> =
        candidates.keys().filter(|id| !namers.contains_key(id)).map(|id| (id, false)).collect();
    loop {
        let mut more = Vec::new();
        for (id, by) in namers.iter().filter(|(id, _)| !known.contains_key(**id)) {
            if by.iter().any(|by| known.get(by) == Some(&false)) {
                more.push((*id, true));
            } else if by.iter().all(|by| known.get(by) == Some(&true)) {
                more.push((*id, false));
            }
        }
        if more.is_empty() {
            break;
        }
        known.extend(more);
    }
    match candidates.iter().find(|(id, _)| !known.contains_key(id)) {
        Some((_, (place, _))) => Err(Error::new(
            Kind::Refused,
            "files name each other as attachments, so it cannot be told which of them is history",
        )
        .at(Place::file(place))
        .hint("import the one that is history alone, by its name")),
        None => Ok(known.into_iter().filter(|(_, attached)| *attached).map(|(id, _)| id.clone()).collect()),
    }
}

/// Unpacks files of a zip into a folder of their own.
fn lay_out(
    zip: &Path,
    wanted: &BTreeSet<String>,
    limits: InputLimits,
    keep_going: bool,
    gaps: &mut Vec<Error>,
) -> Result<files::Scratch> {
    let told = |e| Error::io("a temporary folder", e);
    let scratch = files::scratch("attachments", None).map_err(told)?;
    let mut pages = volumes::open(zip, limits)?;
    for at in 0..pages.members().len() {
        let name = pages.members()[at].name.clone();
        if !wanted.contains(&name) {
            continue;
        }
        let path = scratch.path().join(&name);
        files::folder(path.parent().unwrap_or(scratch.path())).map_err(told)?;
        let mut file = files::create(&path).map_err(told)?;
        let copied = std::io::copy(&mut pages.stream(at)?, &mut file);
        let place = format!("{}!{name}", zip.display());
        match copied.map_err(|error| Error::io("the entry", error).at(Place::file(place))) {
            Ok(_) => {}
            Err(error) if keep_going && is_gap(&error) => {
                drop(std::fs::remove_file(&path));
                gaps.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(scratch)
}
