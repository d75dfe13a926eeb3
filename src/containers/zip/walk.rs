//! A zip that was just written, read again from the front to the end, with its directory beside it: what whoever reads
//! from the front finds must be what whoever reads the directory finds. Nothing of either is kept.

use super::directory::{self, End, damaged};
use super::read::{Exact, raw};
use super::window::Window;
use crate::containers::{InputLimits, Member, Raw, Walk};
use crate::error::Result;
use std::fs::File;
use std::io::Read;

/// A zip that is walked through.
pub(super) struct ZipWalk {
    name: String,
    /// One window for the directory and one for the entries.
    listed: Window,
    entries: Window,
    end: End,
    /// Where the next record of the directory lies, where the next entry, and how many there have been.
    at: u64,
    free: u64,
    count: u64,
    /// The one folder everything lies in.
    top: Option<String>,
    current: Option<(Member, directory::Entry)>,
}

impl ZipWalk {
    /// `name` stands in errors.
    pub(super) fn of(name: String, file: File) -> Result<ZipWalk> {
        let other = file.try_clone().map_err(|e| crate::error::Error::io(&name, e))?;
        let (mut listed, entries) = (Window::new(name.clone(), file)?, Window::new(name.clone(), other)?);
        let end = directory::end(&mut listed, &name)?;
        let at = end.start;
        Ok(ZipWalk { name, listed, entries, end, at, free: 0, count: 0, top: None, current: None })
    }

    fn current(&self) -> Result<&(Member, directory::Entry)> {
        self.current.as_ref().ok_or_else(|| damaged(&self.name))
    }
}

impl Walk for ZipWalk {
    fn next(&mut self) -> Result<Option<Member>> {
        let last = self.end.start + self.end.size;
        if self.at >= last {
            let whole = self.at == last && self.free == self.end.start && self.count == self.end.count;
            return if whole { Ok(None) } else { Err(damaged(&self.name)) };
        }
        let one = directory::one(&mut self.listed, &mut self.entries, &self.name, (self.at, last), self.free)?;
        (self.at, self.free) = (one.next, one.free);
        if self.free > self.end.start {
            return Err(damaged(&self.name));
        }
        self.count += 1;
        let mut member = one.member;
        let top = member.name.split_once('/').map(|(top, _)| top.len()).ok_or_else(|| damaged(&self.name))?;
        let known = self.top.get_or_insert_with(|| member.name[..top].to_owned());
        if *known != member.name[..top] {
            return Err(damaged(&self.name));
        }
        member.name.drain(..=top);
        self.current = Some((member.clone(), one.entry));
        Ok(Some(member))
    }

    fn raw(&mut self) -> Result<Raw> {
        let (member, entry) = self.current()?.clone();
        raw(&mut self.entries, &self.name, &member, entry, &InputLimits::NONE)
    }

    fn stream(&mut self) -> Result<Box<dyn Read + '_>> {
        let (Member { size, .. }, entry) = self.current()?.clone();
        Exact::of(&mut self.entries, size, entry)
    }
}
