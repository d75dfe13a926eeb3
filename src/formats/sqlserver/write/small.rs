//! The small tables at the end of an export: nodes, principals, roles, bounds, add-ins.

use super::ledger::{Tables, identity};
use super::{known, layout, row, text};
use crate::error::Result;
use crate::formats::sqlserver::known::{NODE, PRINCIPAL};
use crate::formats::sqlserver::value::Value;
use crate::model::field;
use crate::model::ids::person_key;
use crate::model::record::Record;
use crate::model::time::Ticks;
use std::collections::{BTreeMap, HashMap};

type Remarks = BTreeMap<&'static str, u64>;
type Files = Vec<(&'static str, Vec<u8>)>;

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

impl Tables {
    /// The tables, each with its rows, and what had no place in them.
    pub(super) fn small(&mut self) -> Result<(Files, Remarks)> {
        let mut remarks = Remarks::new();
        let records = std::mem::take(&mut self.records);
        let mut files = Files::new();
        let mut roles: Vec<(i64, i64, i64)> = Vec::new();
        let mut bounds: Vec<(i64, i64, bool)> = Vec::new();
        let mut affiliations: Vec<(i64, i64, i64)> = Vec::new();
        let principals: HashMap<String, &Record> = records
            .iter()
            .filter(|record| record.shape.noun == "principal")
            .map(|record| (person_key(record.at(field::URI).unwrap_or_default()), record))
            .collect();
        for record in &records {
            let mut list = |tables: &mut Tables, node: i64, items: &[String], kind: i64| {
                roles.extend(items.iter().map(|item| (node, tables.person(item, None), kind)));
            };
            match record.shape.noun {
                "category" => {
                    let node = self.category(record.at(field::NAME).unwrap_or_default());
                    list(self, node, record.at(field::CREATORS), 4);
                    for (items, denied) in
                        [(record.at(field::ALLOWED_MEMBERS), false), (record.at(field::DENIED_MEMBERS), true)]
                    {
                        bounds.extend(items.iter().map(|item| (node, self.person(item, None), denied)));
                    }
                }
                "room" => {
                    let node = self.rooms.get(&record.key()).copied().unwrap_or_default();
                    list(self, node, record.at(field::MEMBERS), 1);
                    list(self, node, record.at(field::MANAGERS), 2);
                    list(self, node, record.at(field::PRESENTERS), 3);
                }
                "principal" => {
                    let of = self.person(record.at(field::URI).unwrap_or_default(), None);
                    for (index, item) in record.at(field::AFFILIATIONS).iter().enumerate() {
                        affiliations.push((of, self.person(item, None), index as i64));
                    }
                }
                _ => {}
            }
        }
        files.push((NODE, self.nodes(&records, &principals, &mut remarks)?));
        files.push((PRINCIPAL, self.principals(&principals, &mut remarks)?));
        let mut table = |name: &'static str, rows: Vec<Vec<Value<'_>>>| -> Result<()> {
            let layout = layout(known(name)?);
            let mut out = Vec::new();
            for values in rows {
                row(&mut out, &layout, &values);
            }
            files.push((name, out));
            Ok(())
        };
        let kinds = ROLES.map(|(number, word)| vec![Value::Int(number), text(word), Value::Int(0)]);
        table("tblRoleType", kinds.into())?;
        let whole = |(a, b, c): (i64, i64, i64)| vec![Value::Int(a), Value::Int(b), Value::Int(c), Value::Null];
        table("tblPrincipalRole", roles.into_iter().map(whole).collect())?;
        let bound = |(a, b, c): (i64, i64, bool)| vec![Value::Int(a), Value::Int(b), Value::Bit(c), Value::Null];
        table("tblScopePrincipal", bounds.into_iter().map(bound).collect())?;
        table("tblPrincipalAffiliations", affiliations.into_iter().map(whole).collect())?;
        let addins = records.iter().filter(|record| record.shape.noun == "addin");
        let addin = |record: &Record| {
            let own = |value: Option<&str>| Value::Text(value.unwrap_or_default().to_owned().into());
            vec![Value::Guid(identity(record)), own(record.at(field::NAME)), own(record.at(field::URL))]
        };
        table("tblSiopWhiteList", addins.map(addin).collect())?;
        let last = self.last.iter().map(|(node, last)| vec![Value::Int(*node), Value::Int(*last)]);
        table("tblLastChatId", last.collect())?;
        self.records = records;
        Ok((files, remarks))
    }

    /// The number of whoever did something, where that is a principal.
    fn by(&self, who: Option<&str>, principals: &HashMap<String, &Record>, remarks: &mut Remarks) -> Value<'static> {
        let Some(who) = who else { return Value::Null };
        if let Some(number) = who.strip_prefix("principal ").and_then(|number| number.parse().ok()) {
            return Value::Int(number);
        }
        let key = person_key(who);
        match self.people.get(&key).filter(|_| principals.contains_key(&key)) {
            Some((number, _)) => Value::Int(*number),
            None => {
                *remarks.entry("creators and editors who are not principals; left out").or_default() += 1;
                Value::Null
            }
        }
    }

    fn nodes(
        &mut self,
        records: &[Record],
        principals: &HashMap<String, &Record>,
        remarks: &mut Remarks,
    ) -> Result<Vec<u8>> {
        let layout = layout(known(NODE)?);
        let addins: HashMap<&str, String> = records
            .iter()
            .filter(|record| record.shape.noun == "addin")
            .map(|record| (record.at(field::NAME).unwrap_or_default(), identity(record)))
            .collect();
        let root = super::files::room_guid("root");
        let mut out = Vec::new();
        let mut node = |number: i64, guid: &str, parent: i64, category: bool, name: &str, rest: [Value<'_>; 13]| {
            let first = [
                Value::Int(number),
                Value::Guid(guid.to_owned()),
                Value::Int(parent),
                Value::Bit(category),
                text(name),
            ];
            let values: Vec<Value<'_>> = first.into_iter().chain(rest).collect();
            row(&mut out, &layout, &values);
        };
        let none = || -> [Value<'static>; 13] { std::array::from_fn(|_| Value::Null) };
        node(1, &root, 1, true, "Root", none());
        let described: HashMap<&str, &Record> = records
            .iter()
            .filter(|record| record.shape.noun == "category")
            .map(|record| (record.at(field::NAME).unwrap_or_default(), record))
            .collect();
        // Categories that only rooms name get a node, too.
        let named = records.iter().filter_map(|room| room.at(field::CATEGORY)).map(str::to_owned);
        let named: Vec<String> =
            named.chain(self.others.values().filter_map(|(.., category)| category.clone())).collect();
        for name in named {
            self.category(&name);
        }
        let stamps = |record: &Record, remarks: &mut Remarks, tables: &Tables| {
            [
                tables.by(record.at(field::CREATED_BY), principals, remarks),
                ticks(record.at(field::CREATED_ON)),
                tables.by(record.at(field::UPDATED_BY), principals, remarks),
                ticks(record.at(field::UPDATED_ON)),
            ]
        };
        for (name, number) in &self.categories {
            let Some(record) = described.get(name.as_str()) else {
                node(*number, &super::files::room_guid(&format!("category {name}")), 1, true, name, none());
                continue;
            };
            let [by, on, changed_by, changed_on] = stamps(record, remarks, self);
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
            node(*number, &identity(record), 1, true, name, rest);
        }
        for record in records.iter().filter(|record| record.shape.noun == "room") {
            let number = self.rooms.get(&record.key()).copied().unwrap_or_default();
            let category = record.at(field::CATEGORY).and_then(|name| self.categories.get(name)).copied();
            let [by, on, changed_by, changed_on] = stamps(record, remarks, self);
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
            node(number, &identity(record), category.unwrap_or(1), false, name, rest);
        }
        for (number, (key, title, category)) in &self.others {
            let parent = category.as_ref().and_then(|name| self.categories.get(name)).copied();
            let name = title.as_deref().unwrap_or(&key.uri);
            node(*number, &super::files::room_guid(&key.uri), parent.unwrap_or(1), false, name, none());
        }
        Ok(out)
    }

    fn principals(&self, principals: &HashMap<String, &Record>, remarks: &mut Remarks) -> Result<Vec<u8>> {
        let layout = layout(known(PRINCIPAL)?);
        let mut out = Vec::new();
        let mut people: Vec<(&String, &(i64, String))> = self.people.iter().collect();
        people.sort_by_key(|(_, (number, _))| *number);
        for (key, (number, uri)) in people {
            let record = principals.get(key);
            let at = |of: field::Key<str>| maybe(record.and_then(|record| record.at(of)));
            let kind = match record.and_then(|record| record.at(field::TYPE)) {
                Some("SystemUser") => 4,
                Some("User") => 5,
                Some("DC") => 8,
                Some("Group") => 9,
                Some("Folder") => 10,
                _ if uri.starts_with("ma-grp") => 9,
                _ => 5,
            };
            let own = record.and_then(|record| record.at(field::GUID));
            let guid = own.and_then(crate::formats::sqlserver::value::read_guid);
            let pool = record.and_then(|record| record.at(field::POOL)).and_then(|pool| pool.parse().ok());
            let by = |of: field::Key<str>, remarks: &mut Remarks| {
                self.by(record.and_then(|record| record.at(of)), principals, remarks)
            };
            let values = [
                Value::Int(*number),
                Value::Guid(guid.unwrap_or_else(|| super::files::room_guid(key))),
                text(record.and_then(|record| record.at(field::URI)).unwrap_or(uri)),
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
                by(field::CREATED_BY, remarks),
                ticks(record.and_then(|record| record.at(field::CREATED_ON))),
                by(field::UPDATED_BY, remarks),
                ticks(record.and_then(|record| record.at(field::UPDATED_ON))),
                record.and_then(|record| record.at(field::VERIFIED_ON)).map_or(Value::Null, |at| Value::Time(at.0)),
            ];
            row(&mut out, &layout, &values);
        }
        Ok(out)
    }
}
