//! Who may be given a role: principals page by page, in the order of their addresses, held against the lists of one
//! category.

use super::SHAPE;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{only_category, only_room};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::person_key;
use crate::model::list::List;
use crate::model::record::Record;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::reads::principals;
use crate::nouns::scoped::shown;
use crate::nouns::verb::{Listing, Pages};
use crate::nouns::{category, policy, room};
use crate::rules::directory::{Directory, Lists, is_active, is_address, is_user, kept};
use crate::rules::rights::{Policies, category_of};
use crate::select::expression::like;
use crate::store::{Corpus, Wanted};
use clap::Args;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Of what somebody is to be a part.
#[derive(Debug, Args)]
pub struct EligibleRequest {
    /// Who may be in this category
    #[arg(long, value_name = "CATEGORY", required_unless_present = "room", conflicts_with_all = ["room", "presenters"])]
    category: Option<String>,
    /// Who may be a member or manager of this room
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Who may be a presenter of it, which must be an Auditorium
    #[arg(long)]
    presenters: bool,
    /// Only users whose SIP address matches this pattern, with * and ?
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// The pool of the category or room
    #[arg(long, value_name = "FQDN")]
    pool: Option<String>,
    /// At most N
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Principals are held against lists so many at a time, and no more than so many bytes of them.
const PAGE: usize = 1_000;
const PAGE_BYTES: usize = 8 << 20;
/// The only list of a principal that says who covers it.
const GROUPS: &str = field::AFFILIATIONS.name;

/// Records in order of their keys: from one key to before another.
struct Cursor {
    next: Option<String>,
    end: Option<&'static str>,
    ready: VecDeque<Record>,
}

impl Cursor {
    fn new(from: &str, end: Option<&'static str>) -> Cursor {
        Cursor { next: Some(from.to_owned()), end, ready: VecDeque::new() }
    }

    /// The users who are neither disabled nor deleted, some at a time.
    fn fill(&mut self, store: &mut impl Corpus) -> Result<()> {
        while self.ready.is_empty() {
            let Some(from) = self.next.take() else { break };
            let mut bytes = 0;
            store.starting_at(&SHAPE, (&from, Some(GROUPS)), &mut |record| {
                let key = record.key();
                if self.end.is_some_and(|end| key.as_str() >= end) {
                    return Ok(ControlFlow::Break(()));
                }
                if self.ready.len() >= PAGE || bytes > PAGE_BYTES {
                    self.next = Some(key);
                    return Ok(ControlFlow::Break(()));
                }
                if is_user(&record) && is_active(&record) {
                    bytes += record.weight();
                    self.ready.push_back(record);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(())
    }
}

/// Users in the order of their addresses, with and without the scheme: those with it lie together.
struct Users {
    with: Cursor,
    without: [Cursor; 2],
}

impl Users {
    fn new() -> Users {
        let without = [Cursor::new("", Some("sip:")), Cursor::new("sip;", None)];
        Users { with: Cursor::new("sip:", Some("sip;")), without }
    }

    fn page(&mut self, store: &mut impl Corpus) -> Result<Vec<Record>> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < PAGE && bytes < PAGE_BYTES {
            let [low, high] = &mut self.without;
            for cursor in [&mut self.with, &mut *low, &mut *high] {
                cursor.fill(store)?;
            }
            let other = if low.ready.is_empty() { high } else { low };
            let key = |cursor: &Cursor| cursor.ready.front().map(|user| person_key(&user.identity()));
            let next = match (key(&self.with), key(other)) {
                (Some(with), Some(without)) if without <= with => other.ready.pop_front(),
                (Some(_), _) => self.with.ready.pop_front(),
                (None, _) => other.ready.pop_front(),
            };
            let Some(next) = next else { break };
            bytes += next.weight();
            page.push(next);
        }
        Ok(page)
    }
}

impl EligibleRequest {
    /// Finds and shows. There may be very many.
    pub(super) fn run(self, cx: &Context<'_>, pages: &mut Pages<'_>) -> Result<Reply> {
        cx.session.read(|store| self.find(store, pages))
    }

    /// A name in the pool that is meant.
    fn in_pool(&self, name: &str) -> String {
        match &self.pool {
            Some(pool) if !name.contains('\\') => format!("{pool}\\{name}"),
            _ => name.to_owned(),
        }
    }

    /// Whose lists decide.
    fn category<'a>(&self, catalog: &'a Catalog) -> Result<&'a Record> {
        if let Some(name) = &self.category {
            return only_category(catalog, &self.in_pool(name));
        }
        let room = only_room(catalog, &self.in_pool(self.room.as_deref().unwrap_or_default()))?;
        if self.presenters && room.at(field::TYPE) != Some("Auditorium") {
            let what = format!("room {} is not an Auditorium and has no presenters", room.identity());
            return Err(Error::new(Kind::Refused, what).hint("pchat room set --type Auditorium makes it one"));
        }
        category_of(catalog, room).ok_or_else(|| {
            Error::new(Kind::NotFound, format!("the category of room {} is not known", room.identity()))
                .hint("pchat room set --category puts it into one")
        })
    }

    fn find(self, store: &mut impl Corpus, pages: &mut Pages<'_>) -> Result<Reply> {
        let shapes = [&category::SHAPE, &policy::SHAPE, &policy::GRANT, &room::SHAPE];
        let room = self.room.as_deref().map(|name| self.in_pool(name));
        let shapes = if room.is_some() { &shapes[..] } else { &shapes[..3] };
        let settings = store.settings(&Wanted { shapes, room: room.as_deref(), named: None, bare: true })?;
        let key = self.category(&settings)?.key();
        // Only this one is read with its lists.
        let category = store.get(&category::SHAPE, &key)?;
        let list = |key: Key<List>| category.as_ref().map_or(List::none(), |category| category.at(key));
        let (allowed, denied) = (list(field::ALLOWED_MEMBERS), list(field::DENIED_MEMBERS));
        let mut lists = Lists::default();
        let part = |list: &List, first| list.iter().skip(first).take(PAGE).map(str::to_owned).collect::<Vec<_>>();
        for first in (0..denied.len()).step_by(PAGE) {
            let entries = part(denied, first);
            lists.deny(&Directory::new(&principals(store, entries.clone())?), &entries);
        }
        for first in (0..allowed.len()).step_by(PAGE) {
            let entries = part(allowed, first);
            lists.allow(&Directory::new(&principals(store, entries.clone())?), &entries, first);
        }
        let mut found = Found {
            filter: self.filter.as_deref(),
            left: self.limit.unwrap_or(usize::MAX),
            policies: Policies::new(&settings),
            listing: Listing::new(empty, pages),
        };
        let mut users = Users::new();
        while found.goes_on() {
            let page = users.page(store)?;
            if page.is_empty() {
                break;
            }
            let names = page.iter().flat_map(|user| {
                let groups = user.at(field::AFFILIATIONS).iter().map(str::to_owned);
                std::iter::once(kept(user).to_owned()).chain(groups)
            });
            let people = principals(store, names.collect())?;
            let directory = Directory::new(&people);
            let mut held = lists.page(&directory);
            found.policies.turn(&people);
            for user in &page {
                if held.user(user) {
                    found.add(kept(user), Some(user))?;
                }
            }
        }
        // Entries nobody is known for stand for themselves.
        let open = lists.open();
        for numbers in open.chunks(PAGE) {
            if !found.goes_on() {
                break;
            }
            let entries: Vec<String> = numbers.iter().map(|number| allowed[*number].to_owned()).collect();
            let people = principals(store, entries.clone())?;
            let directory = Directory::new(&people);
            let mut held = lists.page(&directory);
            found.policies.turn(&people);
            for entry in &entries {
                if held.entry(entry) {
                    found.add(entry, directory.meant_by_list(entry).first().copied())?;
                }
            }
        }
        found.listing.end("no eligible principal", "principal")
    }
}

fn empty() -> Table {
    let columns = vec!["Identity", "DisplayName", "SipAddress", "PersistentChatPrincipalType", "EffectivePolicy"];
    Table { title: "principals", columns, ..Table::default() }
}

/// Those who may, on their way out.
struct Found<'a, 'p> {
    filter: Option<&'a str>,
    left: usize,
    policies: Policies<'a>,
    listing: Listing<'a, 'p>,
}

impl Found<'_, '_> {
    fn goes_on(&self) -> bool {
        self.left > 0 && !self.listing.is_stopped()
    }

    fn add(&mut self, entry: &str, record: Option<&Record>) -> Result<()> {
        let fits = self
            .filter
            .is_none_or(|pattern| is_address(entry) && (like(pattern, entry) || like(pattern, &person_key(entry))));
        if self.left == 0 || !fits {
            return Ok(());
        }
        let policies = &self.policies;
        let shown = self.listing.add(|| {
            let kind = record.and_then(|record| record.at(field::TYPE)).map(str::to_lowercase);
            let kind = kind.unwrap_or_else(|| if is_address(entry) { "user" } else { "unknown" }.to_owned());
            let policy = policies.of(entry).filter(|_| is_address(entry)).map(|policy| shown(&policy.identity()));
            let address = if is_address(entry) { Cell::from(entry) } else { Cell::Empty };
            let text = |key: Key<str>| record.map_or(Cell::Empty, |record| Cell::from(record.value(key)));
            let identity = match text(field::DIRECTORY_PATH) {
                Cell::Empty => Cell::from(entry),
                path => path,
            };
            vec![identity, text(field::DISPLAY_NAME), address, kind.into(), policy.into()]
        })?;
        if shown {
            self.left -= 1;
        }
        Ok(())
    }
}
