//! Files that were named one by one, or lie in a folder among others, read as if they lay in one container.

use super::{InputLimits, Member, Pages, Raw};
use crate::error::{Error, Kind, Place, Result};
use std::io::Read;
use std::path::PathBuf;

/// Files that are read together.
pub struct LooseFiles {
    paths: Vec<PathBuf>,
    members: Vec<Member>,
    name: String,
    limits: InputLimits,
}

impl LooseFiles {
    /// These files, under one name.
    pub fn open(name: String, paths: Vec<PathBuf>, limits: InputLimits) -> Result<LooseFiles> {
        let mut members = Vec::with_capacity(paths.len());
        for path in &paths {
            let size = std::fs::metadata(path).map_err(|e| Error::io(path.display(), e))?.len();
            members.push(Member { name: path.display().to_string(), size });
        }
        Ok(LooseFiles { paths, members, name, limits })
    }
}

impl Pages for LooseFiles {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self, name: &str) -> String {
        name.to_owned()
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn raw(&mut self, member: usize) -> Result<Raw> {
        let Member { name, size } = self.members[member].clone();
        if size > self.limits.page {
            let what = format!("the file has {size} bytes; the limit is {}", self.limits.page);
            return Err(Error::new(Kind::Refused, what)
                .at(Place::file(name))
                .hint("if you trust it, raise --max-page"));
        }
        let mut bytes = Vec::new();
        let told = |e| Error::io(&name, e);
        crate::files::open(&self.paths[member])
            .and_then(|file| file.take(size).read_to_end(&mut bytes))
            .map_err(told)?;
        Ok(Raw { place: name, size, bytes, deflated: None })
    }

    fn stream(&mut self, member: usize) -> Result<Box<dyn Read + '_>> {
        let path = &self.paths[member];
        let file = crate::files::open(path).map_err(|e| Error::io(path.display(), e))?;
        Ok(Box::new(std::io::BufReader::with_capacity(1 << 16, file)))
    }
}
