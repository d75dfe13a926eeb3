//! What a case keeps of a search, under new names of pools and domains: rooms and people stand in what was asked by
//! their addresses.

use super::Renames;
use crate::model::field;
use crate::model::ids::RoomKey;
use crate::model::record::Record;
use serde_json::Value as Json;

/// The values of a query that are addresses: of rooms, or of people.
const NAMED: [(&str, bool); 3] = [("room=\"", true), ("from=\"", false), ("present=\"", false)];

impl Renames {
    /// A collection whose question means the same rooms and people under their new names.
    pub(super) fn collection(&self, mut record: Record) -> Record {
        let asked = record.value(field::ASKED).text().and_then(|text| serde_json::from_str::<Json>(text).ok());
        let Some(mut asked) = asked.filter(|_| !self.is_empty()) else { return record };
        for (field, rooms) in [("rooms", true), ("people", false)] {
            for item in asked.get_mut(field).and_then(Json::as_array_mut).into_iter().flatten() {
                if let Json::String(text) = item {
                    *text = self.named(text, rooms);
                }
            }
        }
        if let Some(Json::String(query)) = asked.get_mut("query") {
            *query = self.query(query);
        }
        record.set(field::ASKED, asked.to_string().as_str());
        record
    }

    fn named(&self, text: &str, room: bool) -> String {
        match text.split_once('\\').filter(|_| room) {
            Some((pool, uri)) => self.room(&RoomKey { pool: pool.to_owned(), uri: uri.to_owned() }).to_string(),
            None => self.address(text),
        }
    }

    /// A query that was written out, with its addresses renamed. A quotation mark in a text is doubled, so what looks
    /// like an address inside of one is empty and stays.
    fn query(&self, query: &str) -> String {
        let (mut out, mut rest) = (String::new(), query);
        while let Some((at, mark, room)) =
            NAMED.iter().filter_map(|(mark, room)| Some((rest.find(mark)?, mark, *room))).min()
        {
            let start = at + mark.len();
            let end = rest[start..].find('"').map_or(rest.len(), |end| start + end);
            out.push_str(&rest[..start]);
            out.push_str(&match end > start {
                true => self.named(&rest[start..end], room),
                false => String::new(),
            });
            rest = &rest[end..];
        }
        out + rest
    }
}
