//! Who owns which page of a file: trees, the list of free pages, payloads that run over. Every page has one owner, or
//! the file is damaged. One byte of memory for each page.

use super::{Chain, HEAD, Layout, Tree, long, parts};
use crate::error::{Error, Kind, Result};

/// Where pages are read.
pub(in crate::store::sqlite) trait Pages {
    /// Reads so many bytes of a page, from an offset on.
    fn read(&mut self, page: u32, at: usize, into: &mut [u8]) -> Result<()>;
}

/// What a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Role {
    /// Nothing leads to it, so far.
    Nobody,
    /// It is part of a tree.
    Tree(Tree),
    /// It lists free pages.
    Trunk,
    /// It is free.
    Free,
    /// It holds what did not fit elsewhere.
    Overflow,
    /// SQLite locks bytes of it, and never reads or writes it.
    Lock,
}

/// No tree is higher: each level at least doubles the pages.
const HIGHEST: usize = 32;

/// What each page of a file is for.
pub(in crate::store::sqlite) struct Map {
    pub(super) layout: Layout,
    roles: Vec<Role>,
}

/// What is wrong with a page.
pub(super) fn broken(page: u32, why: &str) -> Error {
    Error::new(Kind::Damaged, format!("page {page}: {why}"))
}

impl Map {
    /// Reads the head of a file of so many bytes.
    pub(super) fn new(pages: &mut dyn Pages, bytes: u64) -> Result<Map> {
        let mut head = [0; HEAD];
        pages.read(1, 0, &mut head)?;
        let layout = Layout::read(&head).map_err(|why| broken(1, why))?;
        // The size comes first: memory is taken by it.
        if bytes != u64::from(layout.count) * layout.size as u64 || bytes == 0 {
            return Err(broken(1, "it counts more or fewer pages than the file has"));
        }
        let mut map = Map { layout, roles: vec![Role::Nobody; layout.count as usize] };
        if layout.lock_page() <= layout.count {
            map.claim(layout.lock_page(), Role::Lock)?;
        }
        map.free_list(pages)?;
        Ok(map)
    }

    /// Bytes of a page.
    pub(in crate::store::sqlite) fn page_size(&self) -> usize {
        self.layout.size
    }

    /// What a page is for.
    pub(in crate::store::sqlite) fn role(&self, page: u32) -> Role {
        page.checked_sub(1).and_then(|at| self.roles.get(at as usize)).copied().unwrap_or(Role::Nobody)
    }

    /// The pages that have a role, in order.
    pub(in crate::store::sqlite) fn owned(&self) -> impl Iterator<Item = u32> {
        let owned = self.roles.iter().enumerate().filter(|(_, role)| **role != Role::Nobody);
        owned.map(|(at, _)| at as u32 + 1)
    }

    /// Whether any of a run of pages has a role.
    pub(super) fn any(&self, first: u32, count: usize) -> bool {
        let first = first as usize - 1;
        let run = self.roles.get(first..(first + count).min(self.roles.len()));
        run.is_some_and(|run| run.iter().any(|role| *role != Role::Nobody))
    }

    /// The first page that nothing leads to.
    pub(super) fn stray(&self) -> Option<u32> {
        self.roles.iter().position(|role| *role == Role::Nobody).map(|at| at as u32 + 1)
    }

    fn claim(&mut self, page: u32, role: Role) -> Result<()> {
        let place = page.checked_sub(1).and_then(|at| self.roles.get_mut(at as usize));
        let place = place.ok_or_else(|| broken(page, "something points there, but the file has no such page"))?;
        if *place != Role::Nobody {
            return Err(broken(page, "two things point to it"));
        }
        *place = role;
        Ok(())
    }

    fn free_list(&mut self, pages: &mut dyn Pages) -> Result<()> {
        let (mut trunk, total) = self.layout.free;
        let mut found = 0u32;
        let mut page = vec![0; self.layout.size];
        while trunk > 0 {
            self.claim(trunk, Role::Trunk)?;
            pages.read(trunk, 0, &mut page)?;
            let leaves = long(&page, 4) as usize;
            if leaves > self.layout.most_leaves() {
                return Err(broken(trunk, "it lists more free pages than it has room for"));
            }
            for leaf in 0..leaves {
                self.claim(long(&page, 8 + 4 * leaf), Role::Free)?;
            }
            found += 1 + leaves as u32;
            trunk = long(&page, 0);
        }
        if found != total {
            return Err(broken(1, "it counts more or fewer free pages than are listed"));
        }
        Ok(())
    }

    /// Takes in a tree. Its leaves are not read; who reads them later finds what they are expected to be.
    pub(in crate::store::sqlite) fn tree(&mut self, pages: &mut dyn Pages, root: u32) -> Result<()> {
        let mut page = vec![0; self.layout.size];
        let mut height = 0;
        let mut at = root;
        let leaf = loop {
            if at == 0 || at > self.layout.count {
                return Err(broken(at, "something points there, but the file has no such page"));
            }
            pages.read(at, 0, &mut page)?;
            let kind = Tree::of(&page, at).ok_or_else(|| broken(at, "it is not a page of a tree"))?;
            if kind.is_leaf() {
                break kind;
            }
            let below = parts(&page, at, &self.layout).map_err(|why| broken(at, why))?;
            // There is always one: the rightmost.
            at = below.children.first().copied().unwrap_or_default();
            height += 1;
            if height > HIGHEST {
                return Err(broken(root, "its tree has no end"));
            }
        };
        // All leaves of a tree are equally far from its root.
        let mut left = vec![(root, height)];
        while let Some((at, height)) = left.pop() {
            if height == 0 {
                self.claim(at, Role::Tree(leaf))?;
                continue;
            }
            let interior = if leaf == Tree::IndexLeaf { Tree::IndexInterior } else { Tree::TableInterior };
            self.claim(at, Role::Tree(interior))?;
            pages.read(at, 0, &mut page)?;
            if Tree::of(&page, at) != Some(interior) {
                return Err(broken(at, "it is another kind of page than its tree needs there"));
            }
            let below = parts(&page, at, &self.layout).map_err(|why| broken(at, why))?;
            left.extend(below.children.into_iter().map(|child| (child, height - 1)));
        }
        Ok(())
    }

    /// Follows a payload over its pages, and shows each of them with where it stops being used.
    pub(super) fn chain(
        &mut self,
        pages: &mut dyn Pages,
        chain: Chain,
        show: &mut dyn FnMut(&mut dyn Pages, u32, usize) -> Result<()>,
    ) -> Result<()> {
        let mut at = chain.first;
        let mut next = [0; 4];
        for left in (0..chain.pages).rev() {
            self.claim(at, Role::Overflow)?;
            pages.read(at, 0, &mut next)?;
            show(pages, at, if left == 0 { chain.end as usize } else { self.layout.usable })?;
            if left == 0 && next != [0; 4] {
                return Err(broken(at, "it points to a next page, and its payload ends there"));
            }
            at = long(&next, 0);
        }
        Ok(())
    }
}
