//! What is managed: one file per noun. Here is the one list of them: their commands, the records they keep, their
//! cmdlets. Whatever needs all nouns takes it from here, and no noun does.

pub mod addin;
pub mod alias;
pub mod approval;
pub mod audit;
pub mod case;
pub mod category;
pub mod change;
pub mod cmdlet;
pub mod compliance;
pub mod configuration;
pub mod data;
pub mod diff;
pub mod endpoint;
pub mod hold;
pub mod inspect;
pub mod message;
pub mod policy;
pub mod pool;
pub mod principal;
pub mod produce;
pub mod purge;
pub mod reads;
pub mod retention;
pub mod roles;
pub mod room;
pub mod scoped;
pub mod search;
pub mod server;
pub mod state;
pub mod stats;
pub mod store;
pub mod values;
pub mod verb;
pub mod which;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::record::Shape;
use cmdlet::Cmdlet;
use verb::{Prepared, Verb};

/// Makes of the list of nouns what needs all of them. `records` names their shapes and `cmdlets` their cmdlets, each
/// with its place in the order of archives and reports, and of the list of cmdlets.
macro_rules! nouns {
    (without commands: records { $($other:literal $more:path),+ };
    $(
        $(#[$how:meta])* $name:ident($verb:ty)
        $(records { $($place:literal $shape:path),+ })?
        $(cmdlets { $at:literal $cmdlets:path })?;
    )+) => {
        /// A command, as the command line says it.
        #[derive(Debug, clap::Subcommand)]
        pub enum Command {
            $(#[allow(missing_docs)] $(#[$how])* $name($verb),)+
        }

        impl Verb for Command {
            fn change(&self) -> Option<&'static str> {
                match self { $(Command::$name(verb) => verb.change(),)+ }
            }

            fn signs(&self) -> bool {
                match self { $(Command::$name(verb) => verb.signs(),)+ }
            }

            fn while_failed_over(&self) -> bool {
                match self { $(Command::$name(verb) => verb.while_failed_over(),)+ }
            }

            fn takes_stdout(&self) -> bool {
                match self { $(Command::$name(verb) => verb.takes_stdout(),)+ }
            }

            fn refused(&self, cx: &Context<'_>, error: &Error) {
                match self { $(Command::$name(verb) => verb.refused(cx, error),)+ }
            }

            fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
                match self { $(Command::$name(verb) => verb.prepare(cx),)+ }
            }
        }

        /// Every noun that is kept as a record, in the order archives and reports follow.
        pub static SHAPES: &[&Shape] = &in_order([$($($(($place, &$shape),)+)?)+ $(($other, &$more),)+]);

        /// The cmdlets of each noun.
        static CMDLETS: &[&[Cmdlet]] = &in_order([$($(($at, $cmdlets),)?)+]);
    };
}

nouns! {
    without commands: records { 3 pool::SHAPE, 16 alias::SHAPE };
    Export(Box<data::ExportRequest>) cmdlets { 4 data::CMDLETS };
    Produce(Box<produce::ProduceRequest>);
    Import(data::ImportRequest);
    Inspect(inspect::InspectRequest);
    Verify(data::VerifyRequest);
    Diff(diff::DiffRequest);
    Search(Box<search::SearchRequest>);
    Stats(Box<stats::StatsRequest>);
    Purge(Box<purge::PurgeRequest>);
    #[command(subcommand)] Store(store::StoreVerb);
    #[command(subcommand)] Certificate(purge::CertificateVerb);
    #[command(subcommand)] Audit(audit::AuditVerb);
    #[command(subcommand)] Approval(approval::ApprovalVerb);
    #[command(subcommand)] Case(case::CaseVerb) records { 2 case::SHAPE, 16 case::COLLECTION };
    // Holds come first wherever the order matters for safety.
    #[command(subcommand)] Hold(hold::HoldVerb) records { 1 hold::SHAPE };
    #[command(subcommand)] Retention(retention::RetentionVerb) records { 15 retention::SHAPE };
    #[command(subcommand)] Message(message::MessageVerb) cmdlets { 3 message::CMDLETS };
    #[command(subcommand)] Room(room::RoomVerb) records { 6 room::SHAPE } cmdlets { 1 room::CMDLETS };
    #[command(subcommand)] Category(category::CategoryVerb)
        records { 4 category::SHAPE } cmdlets { 2 category::CMDLETS };
    #[command(subcommand)] Configuration(configuration::ConfigurationVerb)
        records { 10 configuration::SHAPE } cmdlets { 6 configuration::CMDLETS };
    #[command(subcommand)] Compliance(compliance::ComplianceVerb)
        records { 11 compliance::SHAPE } cmdlets { 5 compliance::CMDLETS };
    #[command(subcommand)] Policy(policy::PolicyVerb)
        records { 8 policy::SHAPE, 9 policy::GRANT } cmdlets { 7 policy::CMDLETS };
    #[command(subcommand)] Addin(addin::AddinVerb) records { 5 addin::SHAPE } cmdlets { 8 addin::CMDLETS };
    #[command(subcommand)] Endpoint(endpoint::EndpointVerb)
        records { 12 endpoint::SHAPE } cmdlets { 9 endpoint::CMDLETS };
    #[command(subcommand)] State(state::StateVerb) records { 13 state::SHAPE } cmdlets { 10 state::CMDLETS };
    #[command(subcommand)] Server(server::ServerVerb) records { 14 server::SHAPE } cmdlets { 11 server::CMDLETS };
    #[command(subcommand)] Principal(principal::PrincipalVerb)
        records { 7 principal::SHAPE } cmdlets { 12 principal::CMDLETS };
}

/// All cmdlets.
pub fn cmdlets() -> impl Iterator<Item = &'static Cmdlet> {
    CMDLETS.iter().copied().flatten()
}

/// The items in the order of their places.
const fn in_order<T: Copy, const N: usize>(mut items: [(u8, T); N]) -> [T; N] {
    let mut sorted = [items[0].1; N];
    let mut at = 0;
    while at < N {
        let (mut least, mut other) = (at, at + 1);
        while other < N {
            if items[other].0 < items[least].0 {
                least = other;
            }
            other += 1;
        }
        let item = items[least];
        items[least] = items[at];
        items[at] = item;
        sorted[at] = item.1;
        at += 1;
    }
    sorted
}
