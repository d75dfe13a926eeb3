//! The test that two people can use a room, and what must be there for it.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::post::{self, Trial};
use crate::jobs::settings::Decision;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::{fold, is_address, person_key};
use crate::model::record::Record;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::change::{Manner, Stamp, prepared};
use crate::nouns::reads::{self, Reads};
use crate::nouns::roles;
use crate::nouns::verb::{Consent, Prepared};
use crate::nouns::{category, policy, pool, principal, room};
use crate::rules::directory::Directory;
use clap::Args;

/// What is made for tests, where no room is named.
const NAME: &str = "Persistent Chat test";
const POLICY: &str = "tag:PersistentChatTest";

/// Who tests what.
#[derive(Debug, Args)]
pub struct TestRequest {
    /// Who writes first, by SIP address
    #[arg(long, value_name = "SIP", required_unless_present = "setup")]
    sender: Option<String>,
    /// Who answers, by SIP address
    #[arg(long, value_name = "SIP", required_unless_present = "setup")]
    receiver: Option<String>,
    /// The account of the sender; it must be that of the address, as far as the store knows
    #[arg(long, value_name = "ACCOUNT")]
    sender_account: Option<String>,
    /// The account of the receiver, in the same way
    #[arg(long, value_name = "ACCOUNT")]
    receiver_account: Option<String>,
    /// The room [default: the first in which both may write]
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// The server under test; if it is a pool of the store, the room is one of its rooms
    #[arg(long, value_name = "FQDN")]
    target: Option<String>,
    /// Make what a test needs: two users, a policy for them, a category and a room
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    setup: bool,
    /// The first user, for --setup
    #[arg(long, value_name = "SIP", requires = "setup")]
    user1: Option<String>,
    /// The second user, for --setup
    #[arg(long, value_name = "SIP", requires = "setup")]
    user2: Option<String>,
}

impl TestRequest {
    /// Tests, or makes what a test needs.
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        if self.setup {
            let (Some(first), Some(second)) = (&self.user1, &self.user2) else {
                return Err(Error::new(Kind::Usage, "--setup needs two users")
                    .hint("name them with --user1 and --user2 (-TestUser1SipAddress, -TestUser2SipAddress)"));
            };
            let users = [first.clone(), second.clone()];
            return self.set_up(cx, users);
        }
        Prepared::to_do(move |cx| self.run(cx))
    }

    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        // Of what lists name, what holds many people; of people only those of the test, with all groups they are in.
        let named = [&self.sender, &self.receiver, &self.sender_account, &self.receiver_account];
        let named: Vec<String> = named.into_iter().flatten().cloned().collect();
        let reads = Reads::no_people(cx).people(move |catalog| {
            let categories = catalog.of("category").flat_map(|category| reads::entries(category, &roles::OF_CATEGORY));
            let rooms = catalog.of("room").flat_map(|room| reads::entries(room, &roles::ROLES));
            let wide = categories.chain(rooms).filter(|entry| !is_address(entry) && !entry.contains('@'));
            reads::named(named.iter().map(String::as_str).chain(wide))
        });
        let catalog = reads.read(cx)?;
        let directory = Directory::new(&catalog);
        let (sender, receiver) = (self.sender.clone().unwrap_or_default(), self.receiver.clone().unwrap_or_default());
        let accounts = [(&sender, &self.sender_account), (&receiver, &self.receiver_account)];
        for (address, account) in accounts {
            if let Some(account) = account
                && let Ok(owner) = directory.entry(account, true)
                && person_key(&owner) != person_key(&directory.entry(address, false)?)
            {
                return Err(Error::new(Kind::Denied, "the account does not belong to this SIP address")
                    .hint("pchat principal get shows which account has which address"));
            }
        }
        let target = self.target.clone();
        let trial = Trial { room: self.room, target: self.target, sender, receiver };
        let tried = post::trial(cx, &reads.wanted(), &trial)?;
        let mut row: Vec<Cell> = vec![target.or(tried.room.clone()).into()];
        row.push(if tried.failed.is_none() { "Success" } else { "Failure" }.into());
        row.push(span(tried.ticks).into());
        row.push(tried.failed.as_ref().map(|error| error.what().to_owned()).into());
        row.push(tried.failed.as_ref().and_then(|error| error.hint_text().map(str::to_owned)).into());
        row.push(tried.room.into());
        let columns = vec!["Target Fqdn", "Result", "Latency", "Error Message", "Diagnosis", "Room"];
        let table = Table { title: "test", columns, rows: vec![row], ..Table::default() };
        let status = tried.failed.map_or(Status::Done, |error| Status::Failed(error.kind()));
        Ok(Reply { tables: vec![table], status, objects: true, ..Reply::default() })
    }

    fn set_up(self, cx: &Context<'_>, users: [String; 2]) -> Result<Prepared> {
        let stamp = Stamp::new(cx)?;
        let manner = Manner { action: "message test setup", destroys: false, consent: Consent::default(), shows: None };
        let done = format!("room {} and its two users are ready for tests", self.room.as_deref().unwrap_or(NAME));
        let names = users.to_vec();
        let reads = Reads::no_people(cx).people(move |catalog| {
            let lists = catalog.of("category").flat_map(|category| reads::entries(category, &roles::OF_CATEGORY));
            reads::named(names.iter().map(String::as_str).chain(lists))
        });
        prepared(cx, reads, manner, "Create the room and users for the test?", done, move |catalog| {
            self.needed(catalog, &stamp, &users)
        })
    }

    /// What a test needs and is not there.
    fn needed(&self, catalog: &Catalog, stamp: &Stamp, users: &[String; 2]) -> Result<Decision> {
        let directory = Directory::new(catalog);
        let people = users.iter().map(|user| directory.entry(user, false)).collect::<Result<Vec<_>>>()?;
        if person_key(&people[0]) == person_key(&people[1]) {
            return Err(Error::new(Kind::Usage, "a test needs two different users"));
        }
        let (named_pool, name) = self.room.as_deref().map_or((None, NAME), pool::split);
        let (pool, new_pool) = pool::meant(catalog, named_pool.or(self.target.as_deref()))?;
        let about = Some(format!("{pool}\\{name}"));
        let mut decision = Decision { puts: new_pool.into_iter().collect(), about, ..Decision::default() };
        let is = |record: &&Record, field, value: &str| record.get(field).text().map(fold) == Some(fold(value));
        let in_pool = |noun| {
            let mut all = catalog.of(noun).filter(|record| is(record, "Pool", &pool));
            all.find(|record| is(record, "Name", name))
        };
        let category = in_pool("category").cloned().unwrap_or_else(|| {
            let empty = Record::new(&category::SHAPE).with(field::POOL, pool.as_str()).with(field::NAME, name);
            stamp.made(empty.with(field::CHAT_HISTORY, true))
        });
        let mut allowed = category.at(field::ALLOWED_MEMBERS).to_vec();
        for person in &people {
            if !allowed.iter().any(|item| directory.covers(item, person)) {
                allowed.push(person.clone());
            }
            let known = catalog.of("principal").any(|p| p.at(field::URI).map(person_key) == Some(person_key(person)));
            if !known {
                decision
                    .puts
                    .push(Record::new(&principal::SHAPE).with(field::URI, person.as_str()).with(field::TYPE, "User"));
            }
            let grant = Record::new(&policy::GRANT).with(field::IDENTITY, person.as_str()).with(field::POLICY, POLICY);
            decision.puts.push(grant);
        }
        decision.puts.push(category.with(field::ALLOWED_MEMBERS, allowed));
        if in_pool("room").is_none() {
            let made = Record::new(&room::SHAPE)
                .with(field::POOL, pool.as_str())
                .with(field::NAME, name)
                .with(field::URI, format!("ma-chan://{pool}/{}", stamp.guid()).as_str())
                .with(field::CATEGORY, name)
                .with(field::TYPE, "Normal")
                .with(field::PRIVACY, "Closed")
                .with(field::ROOM_INVITATIONS, "False")
                .with(field::DISABLED, false);
            decision.puts.push(stamp.made(made));
        }
        let policy =
            Record::new(&policy::SHAPE).with(field::IDENTITY, POLICY).with(field::ENABLE_PERSISTENT_CHAT, true);
        decision.puts.push(policy);
        Ok(decision)
    }
}

/// Ticks as a duration: `00:00:00.0123456`.
fn span(ticks: i64) -> String {
    let ticks = ticks.max(0);
    let (seconds, rest) = (ticks / 10_000_000, ticks % 10_000_000);
    format!("{:02}:{:02}:{:02}.{rest:07}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
