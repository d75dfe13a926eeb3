//! Which mails of the compliance service a relay has taken. Mails belong to runs; a run that delivers mails to a relay
//! has one row for each. Before mails are handed over they are claimed, so that what a kill leaves behind is told from
//! what was never begun.

use crate::error::Result;
use crate::model::receipt::FileFact;
use crate::store::Entry;
use crate::store::delivery::Run;

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// It is to be handed over.
    Waiting,
    /// It is being handed over.
    Claimed,
    /// The relay has taken it.
    Accepted,
    /// The relay has said that it never will.
    Refused,
}

/// A mail of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its name below the folder of the run.
    pub name: String,
    /// What became of it.
    pub state: MailState,
    /// How often it was claimed.
    pub tries: u64,
    /// It was handed over once without a reply: the relay may have taken it then.
    pub doubt: bool,
}

/// How many mails are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailCounts {
    /// Not taken yet.
    pub waiting: u64,
    /// Refused.
    pub refused: u64,
    /// Taken, and perhaps twice.
    pub doubtful: u64,
}

/// Mails of runs.
pub trait Mails {
    /// How many mails are where, under these settings. Reads only what is open, refused or doubtful.
    fn mail_counts(&mut self, compliance: &str) -> Result<MailCounts>;
    /// Runs that have their name and mails that wait or are claimed, the oldest first.
    fn mail_runs(&mut self, compliance: &str) -> Result<Vec<Run>>;
    /// Mails of a run in this state, by name, at most so many.
    fn mails(&mut self, run: i64, state: MailState, most: u64) -> Result<Vec<Mail>>;
    /// Every mail of a run that is not simply taken, and how many it has.
    fn open_mails(&mut self, run: i64) -> Result<(u64, Vec<Mail>)>;
    /// Claims mails that wait: they are about to be handed over.
    fn claim_mails(&mut self, run: i64, names: &[String], entry: Entry) -> Result<()>;
    /// Notes what became of mails that were claimed, and what the list of replies is by now.
    fn note_mails(&mut self, run: i64, mails: &[Mail], list: &FileFact, entry: Entry) -> Result<()>;
    /// Lets mails that were refused wait again; says how many.
    fn resend_mails(&mut self, compliance: &str, entry: Entry) -> Result<u64>;
}
