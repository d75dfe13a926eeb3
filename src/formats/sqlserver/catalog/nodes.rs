//! Nodes: categories and rooms, who is in them and what they may do. Group Chat 2010 has categories in categories; they
//! become flat as the product's own move to its successor made them.

use super::super::known::{Dialect, NODE};
use super::super::tables::Tables;
use super::people::{People, whom};
use super::{Made, Outside, with, wrong};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use crate::model::field;
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::unit::RoomHint;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The node everything lies in; it is its own parent.
const ROOT: i64 = 1;
/// Categories may lie in each other this deep.
const DEPTH: usize = 64;
/// The most characters of a name, with the path before it.
const LONGEST: usize = 256;

#[derive(Debug, Clone)]
struct Node {
    guid: String,
    parent: Option<i64>,
    category: bool,
    name: String,
    description: String,
    invite: Option<bool>,
    logged: Option<bool>,
    files: Option<bool>,
    disabled: Option<bool>,
    behavior: Option<i64>,
    visibility: Option<i64>,
    addin: Option<String>,
    added: (Option<i64>, Option<Ticks>),
    updated: (Option<i64>, Option<Ticks>),
}

/// The part a principal plays in a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Member,
    Manager,
    Presenter,
    Creator,
    Allowed,
    Denied,
}

/// The nodes of a database.
pub(super) struct Nodes {
    list: BTreeMap<i64, Node>,
    roles: HashMap<(i64, Role), Vec<i64>>,
    dialect: Dialect,
    /// The numbers of Auditorium and Normal, and of Open, Closed, Secret.
    words: HashMap<(bool, i64), &'static str>,
}

impl Nodes {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn read(tables: &Tables, dialect: Dialect, outside: &Outside, remarks: &mut Remarks) -> Result<Nodes> {
        let mut list = BTreeMap::new();
        let told = |fault| wrong(outside, NODE, fault);
        for row in tables.rows(NODE) {
            let int = |at: usize| row[at].int().map_err(told);
            let bit = |at: usize| row[at].bit().map_err(told);
            let text = |at: usize| row[at].text().map_err(told).map(|text| text.unwrap_or_default().to_owned());
            let ticks = |at: usize| row[at].ticks().map_err(told);
            let (Some(number), Some(guid)) = (int(0)?, row[1].guid().map_err(told)?) else {
                return Err(Error::damaged(
                    Place::file(format!("{}!{NODE}", outside.place)),
                    "a node has no number or no identity",
                ));
            };
            let node = Node {
                guid,
                parent: int(2)?,
                category: bit(3)?.unwrap_or(false),
                name: text(4)?,
                description: text(5)?,
                invite: bit(6)?,
                logged: bit(7)?,
                files: bit(8)?,
                disabled: bit(9)?,
                behavior: int(10)?,
                visibility: int(11)?,
                addin: row[12].guid().map_err(told)?,
                added: (int(13)?, ticks(14)?),
                updated: (int(15)?, ticks(16)?),
            };
            if list.insert(number, node).is_some() {
                let place = Place::file(format!("{}!{NODE}", outside.place));
                return Err(Error::damaged(place, format!("two nodes have the same number {number}")));
            }
        }
        let roots = list.iter().filter(|(number, node)| node.parent == Some(**number)).count();
        if roots > 1 {
            remarks.note("nodes other than the root that are their own parent");
        }
        let words = words(tables, outside, remarks)?;
        let roles = roles(tables, &list, outside, remarks)?;
        Ok(Nodes { list, roles, dialect, words })
    }

    /// The categories a node lies in, the outermost first, without the root. Nothing when they go round in a circle.
    fn path(&self, number: i64) -> Option<Vec<i64>> {
        let mut path = Vec::new();
        let mut at = self.list.get(&number)?.parent;
        while let Some(parent) = at.filter(|parent| *parent != ROOT) {
            let node = self.list.get(&parent).filter(|node| node.category)?;
            if path.contains(&parent) || parent == number || path.len() >= DEPTH {
                return None;
            }
            path.push(parent);
            at = node.parent;
        }
        path.reverse();
        Some(path)
    }

    /// The name of a node with the categories before it that have no place of their own.
    fn name(&self, number: i64, node: &Node, path: &[i64], outside: &Outside) -> Result<String> {
        let deep = match node.category {
            true => !path.is_empty(),
            false => path.len() > 1,
        };
        if self.dialect != Dialect::GroupChat || !deep {
            return Ok(node.name.clone());
        }
        let parts = path.iter().filter_map(|at| self.list.get(at)).map(|node| node.name.as_str());
        let name: Vec<&str> = parts.chain([node.name.as_str()]).collect();
        let name = name.join("/");
        let length = name.chars().count();
        match length > LONGEST {
            true => Err(Error::new(
                Kind::Refused,
                format!("node {number} would have a name of {length} characters with its path; the limit is {LONGEST}"),
            )
            .at(Place::file(format!("{}!{NODE}", outside.place)))
            .hint("shorten the names of the categories it lies in, in the copy of the database")),
            false => Ok(name),
        }
    }

    fn people(&self, people: &People, number: i64, role: Role, remarks: &mut Remarks) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for principal in self.roles.get(&(number, role)).into_iter().flatten() {
            match people.uri(*principal).filter(|uri| !uri.is_empty()) {
                Some(uri) if found.iter().any(|known| known == uri) => {}
                Some(uri) => found.push(uri.to_owned()),
                None => remarks.note("roles of principals that do not exist"),
            }
        }
        found
    }

    pub(super) fn make(
        &self,
        people: &People,
        addins: &HashMap<String, String>,
        (category, room): (&'static Shape, &'static Shape),
        outside: &Outside,
        made: &mut Made,
    ) -> Result<()> {
        let doubled = people.without_own_address();
        if doubled > 0 {
            made.remarks.counts.insert("principals without an address of their own; they were left out", doubled);
        }
        let old = self.dialect == Dialect::GroupChat;
        let mut unaddressed = 0;
        for (number, node) in self.list.iter().filter(|(number, _)| **number != ROOT) {
            let path = self.path(*number);
            let stamps = |record: Record| {
                let record = record
                    .with(field::GUID, node.guid.as_str())
                    .with(field::CREATED_BY, people.by(node.added.0))
                    .with(field::UPDATED_BY, people.by(node.updated.0));
                let record = with(record, field::CREATED_ON, node.added.1);
                with(record, field::UPDATED_ON, node.updated.1)
            };
            let name = self.name(*number, node, path.as_deref().unwrap_or(&[]), outside)?;
            let description = Some(node.description.clone()).filter(|text| !text.is_empty());
            let mut list = |role| self.people(people, *number, role, &mut made.remarks);
            if node.category {
                let record = Record::new(category)
                    .with(field::POOL, outside.pool())
                    .with(field::NAME, name.as_str())
                    .with(field::DESCRIPTION, description)
                    .with(field::ALLOWED_MEMBERS, list(Role::Allowed))
                    .with(field::DENIED_MEMBERS, list(Role::Denied))
                    .with(field::CREATORS, list(Role::Creator));
                let record = with(record, field::INVITATIONS, node.invite);
                let record = with(record, field::FILE_UPLOAD, node.files);
                let record = with(record, field::CHAT_HISTORY, node.logged);
                made.records.push(stamps(record));
                continue;
            }
            let (members, presenters) = (list(Role::Member), list(Role::Presenter));
            let mut managers = list(Role::Manager);
            if list(Role::Allowed).len() + list(Role::Denied).len() > 0 {
                made.remarks.note("limits on members of rooms, which only categories have; they were left out");
            }
            let inside =
                path.as_ref().and_then(|path| path.last()).and_then(|at| self.list.get(at).map(|node| (at, node)));
            let title = match inside {
                Some((at, parent)) => {
                    let path = self.path(*at).unwrap_or_default();
                    Some(self.name(*at, parent, &path, outside)?)
                }
                None => {
                    made.remarks
                        .note("rooms without a category: their parent does not exist, or categories form a loop");
                    None
                }
            };
            let mut invitations = match node.invite {
                Some(false) => "False",
                None => "Inherit",
                Some(true) => {
                    if !old {
                        made.remarks.note("rooms with invitations turned on, which only categories can do");
                    }
                    "Inherit"
                }
            };
            if old {
                // What the move to the successor did: root managers manage every room, and what a category forbids its
                // rooms forbid.
                for uri in self.people(people, ROOT, Role::Manager, &mut made.remarks) {
                    if !managers.contains(&uri) {
                        managers.push(uri);
                    }
                }
                let forbids = |at: &i64| self.list.get(at).and_then(|node| node.invite) == Some(false);
                if invitations != "False" && path.iter().flatten().next_back().is_some_and(forbids) {
                    made.remarks.note("rooms whose invitations were turned off, because their category has none");
                    invitations = "False";
                }
            }
            let key = outside.room(&node.guid);
            unaddressed += u64::from(key.uri == node.guid);
            let addin = match &node.addin {
                Some(guid) => match addins.get(guid) {
                    Some(name) => Some(name.clone()),
                    None => {
                        made.remarks.note("rooms whose add-in does not exist");
                        None
                    }
                },
                None => None,
            };
            let mut word = |visibility: bool, number: Option<i64>| {
                let number = number?;
                let found = self.words.get(&(visibility, number)).copied();
                if found.is_none() {
                    made.remarks.note("rooms whose type or privacy has an unknown number; it was left empty");
                }
                found
            };
            let (of_type, privacy) = (word(false, node.behavior), word(true, node.visibility));
            let record = Record::new(room)
                .with(field::POOL, key.pool.as_str())
                .with(field::NAME, name.as_str())
                .with(field::URI, key.uri.as_str())
                .with(field::DESCRIPTION, description)
                .with(field::CATEGORY, title.clone())
                .with(field::TYPE, of_type.map(str::to_owned))
                .with(field::PRIVACY, privacy.map(str::to_owned))
                .with(field::ROOM_INVITATIONS, invitations)
                .with(field::ADDIN, addin)
                .with(field::MEMBERS, members)
                .with(field::MANAGERS, managers)
                .with(field::PRESENTERS, presenters);
            let record = with(record, field::DISABLED, node.disabled);
            made.records.push(stamps(record));
            let hint = RoomHint { title: Some(name), category: title, ..RoomHint::default() };
            made.names.rooms.insert(*number, (Arc::new(key), hint));
        }
        if unaddressed > 0 {
            made.remarks.counts.insert(
                "rooms known by their identity only: the domain of their addresses is not in these files; --domain \
                 says it",
                unaddressed,
            );
        }
        Ok(())
    }
}

/// What the numbers of type and privacy mean: as published, unless the table of words says otherwise.
fn words(tables: &Tables, outside: &Outside, remarks: &mut Remarks) -> Result<HashMap<(bool, i64), &'static str>> {
    let mut words: HashMap<(bool, i64), &'static str> = HashMap::from([
        ((false, 4), "Normal"),
        ((false, 5), "Auditorium"),
        ((true, 6), "Open"),
        ((true, 3), "Closed"),
        ((true, 2), "Secret"),
    ]);
    for row in tables.rows("tblEnumValue") {
        let told = |fault| wrong(outside, "tblEnumValue", fault);
        let (Some(number), Some(word)) = (row[0].int().map_err(told)?, row[2].text().map_err(told)?) else { continue };
        let known = [(false, "Normal"), (false, "Auditorium"), (true, "Open"), (true, "Closed"), (true, "Secret")];
        let Some((visibility, word)) = known.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(word.trim()))
        else {
            continue;
        };
        if words.insert((visibility, number), word).is_none_or(|old| old != word) {
            remarks.note("types and privacy values whose numbers differ from those published; the table decides");
        }
    }
    Ok(words)
}

fn roles(
    tables: &Tables,
    list: &BTreeMap<i64, Node>,
    outside: &Outside,
    remarks: &mut Remarks,
) -> Result<HashMap<(i64, Role), Vec<i64>>> {
    let mut words: HashMap<i64, Option<Role>> = HashMap::new();
    for row in tables.rows("tblRoleType") {
        let told = |fault| wrong(outside, "tblRoleType", fault);
        let (Some(number), Some(word)) = (row[0].int().map_err(told)?, row[1].text().map_err(told)?) else { continue };
        let role = match word.trim().to_ascii_lowercase().as_str() {
            "member" => Some(Role::Member),
            "manager" => Some(Role::Manager),
            "voiced" => Some(Role::Presenter),
            "creator" => Some(Role::Creator),
            _ => None,
        };
        words.insert(number, role);
    }
    let mut roles: HashMap<(i64, Role), Vec<i64>> = HashMap::new();
    let table = "tblPrincipalRole";
    for row in tables.rows(table) {
        let int = |at: usize| whom(&row[at], outside, table);
        let (Some(node), Some(principal), Some(kind)) = (int(0)?, int(1)?, int(2)?) else { continue };
        if words.is_empty() {
            remarks.note("roles that were left out: tblRoleType, which gives the meaning of their numbers, is missing");
            continue;
        }
        let Some(role) = words.get(&kind).copied().flatten() else {
            remarks.note("roles of an unknown type; they were left out");
            continue;
        };
        let Some(of) = list.get(&node) else {
            remarks.note("roles in rooms and categories that do not exist");
            continue;
        };
        let fits = match role {
            Role::Creator => of.category,
            Role::Manager => !of.category || node == ROOT,
            _ => !of.category,
        };
        if !fits {
            remarks.note("roles that pchat has for rooms only, or for categories only; they were left out");
            continue;
        }
        roles.entry((node, role)).or_default().push(principal);
    }
    let table = "tblScopePrincipal";
    for row in tables.rows(table) {
        let int = |at: usize| whom(&row[at], outside, table);
        let (Some(node), Some(principal)) = (int(0)?, int(1)?) else { continue };
        let denied = row[2].bit().map_err(|fault| wrong(outside, table, fault))?.unwrap_or(false);
        if !list.contains_key(&node) {
            remarks.note("limits on members of categories that do not exist");
            continue;
        }
        roles.entry((node, if denied { Role::Denied } else { Role::Allowed })).or_default().push(principal);
    }
    Ok(roles)
}
