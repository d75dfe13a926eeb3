//! Shows what would happen and asks. Without somebody to ask, only `--yes` is a yes.

use super::look::Look;
use super::print::{self, Output};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::approval;
use crate::model::reply::Reply;
use crate::nouns::verb::{Action, Pages, Prepared};
use std::io::Write;

/// Does what was prepared, if that is wanted.
pub(super) fn perform(
    cx: &Context<'_>,
    prepared: Prepared,
    answer: &dyn Fn() -> Option<String>,
    quiet: bool,
    (look, err): (Look, &mut dyn Write),
    pages: &mut Pages<'_>,
) -> Result<Reply> {
    let Action { preview, question, consent, act, destroys, parts } = match prepared {
        Prepared::Answer(reply) => return Ok(reply),
        Prepared::Do(_) | Prepared::Stream(_) if cx.approve_by.is_some() => return Err(approval::unasked()),
        Prepared::Do(act) => return act(cx),
        Prepared::Stream(flow) => return flow(cx, pages),
        Prepared::Act(action) => action,
    };
    if consent.what_if {
        return Ok(preview);
    }
    if !destroys && !consent.confirm {
        approval::settle(cx, &[], &question, &preview)?;
        return act(cx);
    }
    if !consent.yes || !quiet {
        let told = |error| Error::io("standard error", error);
        for note in &preview.notes {
            writeln!(err, "{}", print::visible(note)).map_err(told)?;
        }
        print::reply(&preview, Output::Table, look, err).map_err(told)?;
    }
    let approved = approval::settle(cx, &parts, &question, &preview)?;
    if !consent.yes {
        // What destroys asks for the whole word: a finger that rests on a key is no decision.
        let choice = if destroys { "Type yes to do it:" } else { "[yes/no]" };
        drop(write!(err, "{} {choice} ", print::visible(&question)).and_then(|()| err.flush()));
        let answer = answer();
        let Some(answer) = answer else {
            drop(writeln!(err));
            return Err(Error::new(
                Kind::Unconfirmed,
                "confirmation is needed, and standard input is not a terminal; nothing was done",
            )
            .hint("--yes does it without asking; --what-if only shows what would happen"));
        };
        if cx.watch.cancelled() {
            return Err(Error::new(Kind::Cancelled, "interrupted; nothing was done"));
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "yes" => {}
            "y" if !destroys => {}
            "y" => {
                return Err(Error::new(Kind::Unconfirmed, "not confirmed; nothing was done")
                    .hint("run the command again and type the whole word"));
            }
            _ => return Err(Error::new(Kind::Unconfirmed, "nothing was done")),
        }
    }
    act(&Context { approval: approved.as_deref(), ..*cx })
}
