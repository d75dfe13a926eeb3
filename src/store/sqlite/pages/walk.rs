//! Counts the bytes of a file that belong to nothing, and those among them that are not zero. One pass over the pages
//! in their order, on workers, once it is known what each page is for; then payloads that run over are followed.

use super::map::{Map, Pages, Role, broken};
use super::{Chain, Layout, Tree, long, not_zero, parts};
use crate::error::{Error, Result};
use crate::pipeline::{self, Emit, Event, Limits, Sink, Source, Stage, Watch};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes that are read at once; a whole number of pages.
const PIECE: usize = 1 << 20;

/// A page with bytes that belong to nothing and are not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Dirty {
    /// Its number.
    pub(in crate::store::sqlite) page: u32,
    /// From where on it belongs to nothing; of a page of a tree only its cells can say that.
    from: Option<u32>,
}

/// What a walk has found.
#[derive(Debug, Default)]
pub(in crate::store::sqlite) struct Found {
    /// Bytes that belong to nothing.
    pub(in crate::store::sqlite) loose: u64,
    /// Those of them that are not zero.
    pub(in crate::store::sqlite) not_zero: u64,
    /// The pages they are on.
    pub(in crate::store::sqlite) dirty: Vec<Dirty>,
}

impl Found {
    fn add(&mut self, page: u32, from: Option<u32>, bytes: usize, not_zero: u64) {
        self.loose += bytes as u64;
        self.not_zero += not_zero;
        if not_zero > 0 {
            self.dirty.push(Dirty { page, from });
        }
    }
}

/// A file as pages.
struct Direct<'a> {
    file: &'a File,
    size: usize,
}

impl Pages for Direct<'_> {
    fn read(&mut self, page: u32, at: usize, into: &mut [u8]) -> Result<()> {
        let offset = u64::from(page.saturating_sub(1)) * self.size as u64 + at as u64;
        let read = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.read_exact(into));
        read.map_err(|error| Error::io(format!("page {page}"), error))
    }
}

/// What of a page belongs to nothing, whatever it is for, and what goes on elsewhere.
fn look(map: &Map, page: &[u8], at: u32, found: &mut Found, chains: &mut Vec<Chain>) -> Result<()> {
    let from = match map.role(at) {
        Role::Nobody | Role::Overflow => return Ok(()),
        Role::Tree(kind) => {
            if Tree::of(page, at) != Some(kind) {
                return Err(broken(at, "it is another kind of page than its tree needs there"));
            }
            let parts = parts(page, at, &map.layout).map_err(|why| broken(at, why))?;
            chains.extend(parts.chains);
            let bytes = parts.loose.iter().map(Range::len).sum();
            let not_zero = parts.loose.into_iter().map(|range| not_zero(&page[range])).sum();
            found.add(at, None, bytes, not_zero);
            return Ok(());
        }
        Role::Free | Role::Lock => 0,
        Role::Trunk => 8 + 4 * (long(page, 4) as usize).min(map.layout.most_leaves()),
    };
    let rest = &page[from..];
    let not_zero = not_zero(rest);
    if not_zero > 0 && map.role(at) == Role::Lock {
        return Err(broken(at, "SQLite never writes there, and something is there"));
    }
    found.add(at, Some(from as u32), rest.len(), not_zero);
    Ok(())
}

/// Follows payloads that run over.
fn follow(map: &mut Map, pages: &mut dyn Pages, chains: &[Chain], found: &mut Found) -> Result<()> {
    let size = map.layout.size;
    let mut rest = vec![0; size];
    for chain in chains {
        map.chain(pages, *chain, &mut |pages, page, end| {
            let rest = &mut rest[end.min(size)..];
            if !rest.is_empty() {
                pages.read(page, end, rest)?;
                found.add(page, Some(end as u32), rest.len(), not_zero(rest));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What of a page belongs to nothing.
fn ranges(map: &Map, dirty: &Dirty, page: &[u8]) -> Result<Vec<Range<usize>>> {
    match dirty.from {
        Some(from) => Ok(std::iter::once((from as usize).min(page.len())..page.len()).collect()),
        None => Ok(parts(page, dirty.page, &map.layout).map_err(|why| broken(dirty.page, why))?.loose),
    }
}

/// Makes zero what of a page belongs to nothing; false when it was already.
pub(in crate::store::sqlite) fn clear(map: &Map, dirty: &Dirty, page: &mut [u8]) -> Result<bool> {
    let mut any = false;
    for range in ranges(map, dirty, page)? {
        if let Some(bytes) = page.get_mut(range).filter(|bytes| not_zero(bytes) > 0) {
            bytes.fill(0);
            any = true;
        }
    }
    Ok(any)
}

/// A run of whole pages, and the number of the first.
type Piece = (u32, Vec<u8>);

/// The pages of the file in their order, but for runs of which none is wanted.
struct InOrder<'a> {
    file: &'a File,
    layout: Layout,
    wanted: &'a (dyn Fn(u32, usize) -> bool + Sync),
}

impl Source for InOrder<'_> {
    type Item = Piece;

    fn read(&mut self, emit: &mut Emit<'_, Piece>) -> Result<()> {
        let layout = self.layout;
        let run = PIECE / layout.size;
        let mut first = 1;
        while first <= layout.count {
            let count = run.min((layout.count - first + 1) as usize);
            if (self.wanted)(first, count) {
                let mut bytes = vec![0; count * layout.size];
                Direct { file: self.file, size: layout.size }.read(first, 0, &mut bytes)?;
                let weight = bytes.len();
                if emit((first, bytes), weight).is_break() {
                    return Ok(());
                }
            }
            first = first.saturating_add(run as u32);
        }
        Ok(())
    }
}

struct Look<'a>(&'a Map);

impl Stage for Look<'_> {
    type In = Piece;
    type Out = (u64, Found, Vec<Chain>);

    fn apply(&self, (first, bytes): Piece) -> Result<Self::Out> {
        let (mut found, mut chains) = (Found::default(), Vec::new());
        for (n, page) in bytes.chunks_exact(self.0.layout.size).enumerate() {
            look(self.0, page, first + n as u32, &mut found, &mut chains)?;
        }
        Ok((bytes.len() as u64, found, chains))
    }
}

struct Collect<'a> {
    watch: &'a dyn Watch,
    most: usize,
    found: Found,
    chains: Vec<Chain>,
}

impl Sink for Collect<'_> {
    type Item = (u64, Found, Vec<Chain>);
    type Receipt = (Found, Vec<Chain>);

    fn take(&mut self, (bytes, mut found, chains): Self::Item) -> Result<()> {
        self.watch.event(Event::Advance(bytes));
        self.found.loose += found.loose;
        self.found.not_zero += found.not_zero;
        self.found.dirty.append(&mut found.dirty);
        self.chains.extend(chains);
        // Each of them needs a page of its own.
        if self.chains.len() > self.most {
            return Err(broken(1, "there are more overflow chains than pages"));
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Receipt> {
        Ok((self.found, self.chains))
    }
}

/// Walks over a whole file, whose trees have these roots. Nobody may write to it meanwhile.
pub(in crate::store::sqlite) fn walk(
    file: &File,
    roots: &[u32],
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<(Map, Found)> {
    let bytes = file.metadata().map_err(|error| Error::io("the store", error))?.len();
    let mut head = [0; 18];
    Direct { file, size: 0 }.read(1, 0, &mut head)?;
    // A size that makes no sense is refused with the rest of the head.
    let size = (usize::from(head[16]) << 8 | usize::from(head[17])).max(2);
    let mut pages = Direct { file, size: if size == 2 { 65_536 } else { size } };
    let mut map = Map::new(&mut pages, bytes)?;
    pages.size = map.layout.size;
    for root in roots {
        map.tree(&mut pages, *root)?;
    }
    watch.event(Event::Begin { step: "checking the file", total: Some(bytes), unit: "bytes" });
    let sink = Collect { watch, most: map.layout.count as usize, found: Found::default(), chains: Vec::new() };
    let (mut found, chains) = {
        let source = InOrder { file, layout: map.layout, wanted: &|first, count| map.any(first, count) };
        pipeline::run(source, Look(&map), sink, limits, watch)?
    };
    follow(&mut map, &mut pages, &chains, &mut found)?;
    watch.event(Event::End);
    found.dirty.sort_unstable_by_key(|dirty| dirty.page);
    match map.stray() {
        Some(page) => Err(broken(page, "nothing points to it")),
        None => Ok((map, found)),
    }
}

/// Those of some pages that lie in a piece, each with where it begins in it.
fn inside<'a>(dirty: &'a [Dirty], (first, bytes): &Piece, size: usize) -> impl Iterator<Item = (&'a Dirty, usize)> {
    let (first, behind) = (*first, *first + (bytes.len() / size) as u32);
    let from = &dirty[dirty.partition_point(|dirty| dirty.page < first)..];
    let spots = from.iter().take_while(move |dirty| dirty.page < behind);
    spots.map(move |dirty| (dirty, (dirty.page - first) as usize * size))
}

/// Does any of some pages lie in a run?
fn any_of(dirty: &[Dirty]) -> impl Fn(u32, usize) -> bool + Sync {
    |first, count| {
        let at = dirty.partition_point(|dirty| dirty.page < first);
        dirty.get(at).is_some_and(|dirty| ((dirty.page - first) as usize) < count)
    }
}

/// Looks once more at what was made zero, in the file, and counts what is not.
struct Again<'a>(&'a Map, &'a [Dirty]);

impl Stage for Again<'_> {
    type In = Piece;
    type Out = u64;

    fn apply(&self, piece: Piece) -> Result<u64> {
        let Again(map, dirty) = self;
        let mut left = 0;
        for (spot, at) in inside(dirty, &piece, map.layout.size) {
            let page = &piece.1[at..at + map.layout.size];
            left += ranges(map, spot, page)?.into_iter().map(|range| not_zero(&page[range])).sum::<u64>();
        }
        Ok(left)
    }
}

struct Sum(u64);

impl Sink for Sum {
    type Item = u64;
    type Receipt = u64;

    fn take(&mut self, count: u64) -> Result<()> {
        self.0 += count;
        Ok(())
    }

    fn finish(self) -> Result<u64> {
        Ok(self.0)
    }
}

/// Reads the pages of a walk that were made zero since, and counts the bytes that are not. Nothing else may have been
/// written to the file.
pub(in crate::store::sqlite) fn again(
    file: &File,
    map: &Map,
    dirty: &[Dirty],
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<u64> {
    let wanted = any_of(dirty);
    pipeline::run(InOrder { file, layout: map.layout, wanted: &wanted }, Again(map, dirty), Sum(0), limits, watch)
}

/// Looks at some trees of a file of so many bytes, and at the list of free pages.
pub(in crate::store::sqlite) fn some(pages: &mut dyn Pages, bytes: u64, roots: &[u32]) -> Result<(Map, Found)> {
    let mut map = Map::new(pages, bytes)?;
    for root in roots {
        map.tree(pages, *root)?;
    }
    let (mut found, mut chains) = (Found::default(), Vec::new());
    let mut page = vec![0; map.layout.size];
    for at in map.owned().filter(|at| map.role(*at) != Role::Lock) {
        pages.read(at, 0, &mut page)?;
        look(&map, &page, at, &mut found, &mut chains)?;
    }
    follow(&mut map, pages, &chains, &mut found)?;
    Ok((map, found))
}
