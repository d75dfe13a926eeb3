//! The small tables at the end of an export: nodes, principals, roles, bounds, add-ins.

use super::ledger::{Person, Tables, identity};
use super::{TOP, known, layout, row, text};
use crate::error::Result;
use crate::formats::sqlserver::known::{NODE, PRINCIPAL};
use crate::formats::sqlserver::layout::Layout;
use crate::formats::sqlserver::value::Value;
use crate::formats::write::{Part, Records, TakeParts};
use crate::model::field;
use crate::model::ids::person_key;
use crate::model::list::List;
use crate::model::record::Record;
use crate::model::time::Ticks;
use std::collections::{BTreeMap, HashMap, HashSet};

type Remarks = BTreeMap<&'static str, u64>;

const ROLE: &str = "tblPrincipalRole";
const BOUND: &str = "tblScopePrincipal";
const MEMBER: &str = "tblPrincipalAffiliations";
/// So many bytes of a table go on at once.
const ENOUGH: usize = 1 << 20;

/// Tables that grow row by row, in the order in which they are met first.
pub(super) struct Out<'a, 'b> {
    take: &'a mut TakeParts<'b>,
    tables: Vec<(&'static str, Layout, Vec<u8>)>,
}

impl<'a, 'b> Out<'a, 'b> {
    pub(super) fn new(take: &'a mut TakeParts<'b>) -> Out<'a, 'b> {
        Out { take, tables: Vec::new() }
    }

    fn table(&mut self, name: &'static str) -> Result<usize> {
        if let Some(at) = self.tables.iter().position(|(known, ..)| *known == name) {
            return Ok(at);
        }
        self.tables.push((name, layout(known(name)?), Vec::new()));
        Ok(self.tables.len() - 1)
    }

    /// Adds rows that are written already, or makes the table without any.
    pub(super) fn add(&mut self, name: &'static str, rows: &[u8]) -> Result<()> {
        let at = self.table(name)?;
        self.tables[at].2.extend_from_slice(rows);
        self.pass(at, ENOUGH)
    }

    fn row(&mut self, name: &'static str, values: &[Value<'_>]) -> Result<()> {
        let at = self.table(name)?;
        let (_, layout, bytes) = &mut self.tables[at];
        row(bytes, layout, values);
        self.pass(at, ENOUGH)
    }

    fn pass(&mut self, at: usize, enough: usize) -> Result<()> {
        let (name, _, bytes) = &mut self.tables[at];
        if bytes.len() < enough {
            return Ok(());
        }
        let bytes = std::mem::take(bytes);
        (self.take)(vec![Part::Append { to: format!("{TOP}{name}.bcp"), bytes }])
    }

    /// Passes on what is left, and says which tables there are.
    pub(super) fn end(mut self) -> Result<Vec<&'static str>> {
        (0..self.tables.len()).try_for_each(|at| self.pass(at, 0))?;
        Ok(self.tables.iter().map(|(name, ..)| *name).collect())
    }
}

/// Roles by the numbers the table of roles gives them here.
const ROLES: [(i64, &str); 4] = [(1, "Member"), (2, "Manager"), (3, "Voiced"), (4, "Creator")];

fn maybe<'a>(value: Option<&'a str>) -> Value<'a> {
    value.map_or(Value::Null, text)
}

fn int(value: Option<i64>) -> Value<'static> {
    value.map_or(Value::Null, Value::Int)
}

fn bit(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Null, Value::Bit)
}

fn ticks(value: Option<Ticks>) -> Value<'static> {
    int(value.map(|at| at.0))
}

fn whole((a, b, c): (i64, i64, i64)) -> [Value<'static>; 4] {
    [Value::Int(a), Value::Int(b), Value::Int(c), Value::Null]
}

impl Tables {
    /// Writes the tables row by row; gives what had no place in them.
    pub(super) fn small(&mut self, settings: &mut dyn Records, out: &mut Out<'_, '_>) -> Result<Remarks> {
        let mut remarks = Remarks::new();
        for name in [NODE, PRINCIPAL, "tblRoleType", ROLE, BOUND, MEMBER, "tblSiopWhiteList", "tblLastChatId"] {
            out.add(name, &[])?;
        }
        for (number, word) in ROLES {
            out.row("tblRoleType", &[Value::Int(number), text(word), Value::Int(0)])?;
        }
        settings.each("category", &mut |record| {
            let node = self.category(record.at(field::NAME).unwrap_or_default());
            self.list(out, node, record.at(field::CREATORS), 4)?;
            let lists = [(record.at(field::ALLOWED_MEMBERS), false), (record.at(field::DENIED_MEMBERS), true)];
            for (item, denied) in
                lists.into_iter().flat_map(|(items, denied)| items.iter().map(move |item| (item, denied)))
            {
                let values = [Value::Int(node), Value::Int(self.person(item, None)), Value::Bit(denied), Value::Null];
                out.row(BOUND, &values)?;
            }
            Ok(())
        })?;
        settings.each("room", &mut |record| {
            let node = self.rooms.get(&record.key()).copied().unwrap_or_default();
            self.list(out, node, record.at(field::MEMBERS), 1)?;
            self.list(out, node, record.at(field::MANAGERS), 2)?;
            self.list(out, node, record.at(field::PRESENTERS), 3)
        })?;
        settings.each("principal", &mut |record| {
            let uri = record.at(field::URI).unwrap_or_default();
            let of = self.person(uri, None);
            if let Some(person) = self.people.get_mut(&person_key(uri)) {
                person.is_principal = true;
            }
            for (index, item) in (0..).zip(record.at(field::AFFILIATIONS)) {
                out.row(MEMBER, &whole((of, self.person(item, None), index)))?;
            }
            Ok(())
        })?;
        let mut addins: HashMap<String, String> = HashMap::new();
        settings.each("addin", &mut |record| {
            let own = |value: Option<&str>| Value::Text(value.unwrap_or_default().to_owned().into());
            addins.insert(record.at(field::NAME).unwrap_or_default().to_owned(), identity(record));
            let values = [Value::Guid(identity(record)), own(record.at(field::NAME)), own(record.at(field::URL))];
            out.row("tblSiopWhiteList", &values)
        })?;
        self.nodes(settings, &addins, &mut remarks, out)?;
        self.principals(settings, &mut remarks, out)?;
        for (node, last) in &self.last {
            out.row("tblLastChatId", &[Value::Int(*node), Value::Int(*last)])?;
        }
        Ok(remarks)
    }

    fn list(&mut self, out: &mut Out<'_, '_>, node: i64, items: &List, kind: i64) -> Result<()> {
        items.iter().try_for_each(|item| out.row(ROLE, &whole((node, self.person(item, None), kind))))
    }

    /// The number of whoever did something, where that is a principal.
    fn by(&self, who: Option<&str>, remarks: &mut Remarks) -> Value<'static> {
        let Some(who) = who else { return Value::Null };
        if let Some(number) = who.strip_prefix("principal ").and_then(|number| number.parse().ok()) {
            return Value::Int(number);
        }
        match self.people.get(&person_key(who)).filter(|person| person.is_principal) {
            Some(person) => Value::Int(person.number),
            None => {
                *remarks.entry("creators and editors who are not principals; left out").or_default() += 1;
                Value::Null
            }
        }
    }

    /// Who made and changed it, and when.
    fn stamps(&self, record: &Record, remarks: &mut Remarks) -> [Value<'static>; 4] {
        [
            self.by(record.at(field::CREATED_BY), remarks),
            ticks(record.at(field::CREATED_ON)),
            self.by(record.at(field::UPDATED_BY), remarks),
            ticks(record.at(field::UPDATED_ON)),
        ]
    }

    fn nodes(
        &mut self,
        settings: &mut dyn Records,
        addins: &HashMap<String, String>,
        remarks: &mut Remarks,
        out: &mut Out<'_, '_>,
    ) -> Result<()> {
        fn node(
            out: &mut Out<'_, '_>,
            (number, guid, parent): (i64, &str, i64),
            (category, name): (bool, &str),
            rest: [Value<'_>; 13],
        ) -> Result<()> {
            let first = [
                Value::Int(number),
                Value::Guid(guid.to_owned()),
                Value::Int(parent),
                Value::Bit(category),
                text(name),
            ];
            let values: Vec<Value<'_>> = first.into_iter().chain(rest).collect();
            out.row(NODE, &values)
        }
        let none = || -> [Value<'static>; 13] { std::array::from_fn(|_| Value::Null) };
        node(out, (1, &super::files::room_guid("root"), 1), (true, "Root"), none())?;
        // Categories that only rooms name get a node, too.
        settings.each("room", &mut |room| {
            room.at(field::CATEGORY).map(|name| self.category(name));
            Ok(())
        })?;
        let named: Vec<String> = self.others.values().filter_map(|(.., category)| category.clone()).collect();
        for name in named {
            self.category(&name);
        }
        let mut described: HashSet<String> = HashSet::new();
        settings.each("category", &mut |record| {
            let name = record.at(field::NAME).unwrap_or_default();
            let number = self.category(name);
            described.insert(name.to_owned());
            let [by, on, changed_by, changed_on] = self.stamps(record, remarks);
            let rest = [
                text(record.at(field::DESCRIPTION).unwrap_or_default()),
                bit(record.at(field::INVITATIONS)),
                bit(record.at(field::CHAT_HISTORY)),
                bit(record.at(field::FILE_UPLOAD)),
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Null,
                by,
                on,
                changed_by,
                changed_on,
                Value::Null,
            ];
            node(out, (number, &identity(record), 1), (true, name), rest)
        })?;
        for (name, number) in self.categories.iter().filter(|(name, _)| !described.contains(*name)) {
            let guid = super::files::room_guid(&format!("category {name}"));
            node(out, (*number, &guid, 1), (true, name), none())?;
        }
        settings.each("room", &mut |record| {
            let number = self.rooms.get(&record.key()).copied().unwrap_or_default();
            let category = record.at(field::CATEGORY).and_then(|name| self.categories.get(name)).copied();
            let [by, on, changed_by, changed_on] = self.stamps(record, remarks);
            let of_type = match record.at(field::TYPE) {
                Some("Normal") => Some(4),
                Some("Auditorium") => Some(5),
                _ => None,
            };
            let privacy = match record.at(field::PRIVACY) {
                Some("Open") => Some(6),
                Some("Closed") => Some(3),
                Some("Secret") => Some(2),
                _ => None,
            };
            let addin = record.at(field::ADDIN).and_then(|name| addins.get(name));
            let rest = [
                text(record.at(field::DESCRIPTION).unwrap_or_default()),
                bit((record.at(field::ROOM_INVITATIONS) == Some("False")).then_some(false)),
                Value::Null,
                Value::Null,
                bit(record.at(field::DISABLED)),
                int(of_type),
                int(privacy),
                addin.map_or(Value::Null, |guid| Value::Guid(guid.clone())),
                by,
                on,
                changed_by,
                changed_on,
                Value::Null,
            ];
            let name = record.at(field::NAME).unwrap_or_default();
            node(out, (number, &identity(record), category.unwrap_or(1)), (false, name), rest)
        })?;
        for (number, (key, title, category)) in &self.others {
            let parent = category.as_ref().and_then(|name| self.categories.get(name)).copied();
            let (guid, name) = (super::files::room_guid(&key.uri), title.as_deref().unwrap_or(&key.uri));
            node(out, (*number, &guid, parent.unwrap_or(1)), (false, name), none())?;
        }
        Ok(())
    }

    /// Principals as they are described, then whoever else is named, in order of the numbers.
    fn principals(&mut self, settings: &mut dyn Records, remarks: &mut Remarks, out: &mut Out<'_, '_>) -> Result<()> {
        settings.each("principal", &mut |record| {
            let key = person_key(record.at(field::URI).unwrap_or_default());
            let Some(person) = self.people.get_mut(&key) else { return Ok(()) };
            if std::mem::replace(&mut person.has_row, true) {
                return Ok(());
            }
            match self.people.get(&key) {
                Some(person) => self.principal(&key, person, Some(record), remarks, out),
                None => Ok(()),
            }
        })?;
        let mut others: Vec<(&String, &Person)> = self.people.iter().filter(|(_, person)| !person.has_row).collect();
        others.sort_by_key(|(_, person)| person.number);
        others.into_iter().try_for_each(|(key, person)| self.principal(key, person, None, remarks, out))
    }

    fn principal(
        &self,
        key: &str,
        person: &Person,
        record: Option<&Record>,
        remarks: &mut Remarks,
        out: &mut Out<'_, '_>,
    ) -> Result<()> {
        let at = |of: field::Key<str>| maybe(record.and_then(|record| record.at(of)));
        let kind = match record.and_then(|record| record.at(field::TYPE)) {
            Some("SystemUser") => 4,
            Some("User") => 5,
            Some("DC") => 8,
            Some("Group") => 9,
            Some("Folder") => 10,
            _ if person.uri.starts_with("ma-grp") => 9,
            _ => 5,
        };
        let own = record.and_then(|record| record.at(field::GUID));
        let guid = own.and_then(crate::formats::sqlserver::value::read_guid);
        let pool = record.and_then(|record| record.at(field::POOL)).and_then(|pool| pool.parse().ok());
        let stamps = record.map(|record| self.stamps(record, remarks));
        let [by, on, changed_by, changed_on] = stamps.unwrap_or([Value::Null, Value::Null, Value::Null, Value::Null]);
        let values = [
            Value::Int(person.number),
            Value::Guid(guid.unwrap_or_else(|| super::files::room_guid(key))),
            text(record.and_then(|record| record.at(field::URI)).unwrap_or(&person.uri)),
            at(field::NAME),
            at(field::DISPLAY_NAME),
            at(field::COMPANY),
            at(field::EMAIL),
            at(field::DIRECTORY_PATH),
            at(field::USER_PRINCIPAL_NAME),
            Value::Int(record.and_then(|record| record.at(field::ACCOUNT_STATE)).unwrap_or(0)),
            Value::Int(kind),
            int(pool),
            Value::Null,
            by,
            on,
            changed_by,
            changed_on,
            record.and_then(|record| record.at(field::VERIFIED_ON)).map_or(Value::Null, |at| Value::Time(at.0)),
        ];
        out.row(PRINCIPAL, &values)
    }
}
