//! What the audit log says about an action: who did what to what, and how it ended.

use crate::model::time::Ticks;

/// All actions there are records of, in the order of their names.
pub const ACTIONS: &[&str] = &[
    "accept older",
    "addin new",
    "addin remove",
    "addin set",
    "approval give",
    "approval request",
    "approval set",
    "approval withdraw",
    "audit anchor",
    "audit prove",
    "case close",
    "case new",
    "case sample new",
    "case sample remove",
    "case search compare",
    "case search new",
    "case search remove",
    "case search run",
    "case set",
    "case tag add",
    "case tag remove",
    "category new",
    "category remove",
    "category set",
    "clock is right",
    "compliance new",
    "compliance remove",
    "compliance run",
    "compliance set",
    "configuration new",
    "configuration remove",
    "configuration set",
    "disable exported rooms",
    "endpoint new",
    "endpoint remove",
    "export",
    "hold new",
    "hold release",
    "hold set",
    "import",
    "import catalog",
    "import collections",
    "import restore-purged",
    "message join",
    "message part",
    "message post",
    "message remove",
    "message test",
    "message test setup",
    "message upload",
    "policy grant",
    "policy new",
    "policy remove",
    "policy set",
    "principal import",
    "principal sync",
    "produce",
    "purge",
    "purge certificate",
    "purge deleted",
    "refused",
    "retention remove",
    "retention set",
    "room clear",
    "room new",
    "room remove",
    "room set",
    "search",
    "search report",
    "server set",
    "state set",
    "store alias add",
    "store alias remove",
    "store new",
    "store reindex",
    "store upgrade",
];

/// What the audit log says about a change: who did what to which object, with which result.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Ticks,
    /// Operating-system user, host, and the operator if one was named.
    pub actor: Actor,
    /// The action in the words of the command: `import`, `store new`.
    pub action: &'static str,
    /// What it was done to.
    pub object: String,
    /// Named details and counts; never message text.
    pub details: Vec<(&'static str, String)>,
    /// How it ended.
    pub outcome: Ended,
    /// The request for approval that this carries out, where a second person is wanted.
    pub approval: Option<String>,
}

impl Entry {
    /// The same with another end.
    #[must_use]
    pub fn ended(mut self, outcome: Ended) -> Entry {
        self.outcome = outcome;
        self
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ended {
    /// It was done.
    #[default]
    Done,
    /// A rule, a limit or a hold forbade it.
    Refused,
    /// It was begun and could not be completed.
    Failed,
}

impl Ended {
    /// As records say it.
    pub fn word(self) -> &'static str {
        match self {
            Ended::Done => "done",
            Ended::Refused => "refused",
            Ended::Failed => "failed",
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Operating-system user.
    pub user: String,
    /// Computer.
    pub host: String,
    /// Named operator.
    pub operator: Option<String>,
}

impl Actor {
    /// User and computer.
    pub fn account(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// The person, as far as two are told apart: the operator, or the account.
    pub fn person(&self) -> String {
        self.operator.clone().unwrap_or_else(|| self.account())
    }

    /// Who it was, in one line: the operator, if one was named, and the user of the computer.
    pub fn name(&self) -> String {
        match &self.operator {
            Some(operator) => format!("{operator} ({}@{})", self.user, self.host),
            None => format!("{}@{}", self.user, self.host),
        }
    }
}
