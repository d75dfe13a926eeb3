//! What was found wrong with the log, or that it is intact.

use super::{facts, range};
use crate::error::{Error, Kind};
use crate::jobs::audit::verify;
use crate::model::hash::hex;
use crate::model::reply::Reply;

pub(super) fn intact(found: &verify::Findings) -> Reply {
    let anchored = found.anchored.as_ref().map_or(0, |(size, _)| *size);
    let mut rows =
        vec![("Records", found.records.into()), ("Root", hex(&found.root).into()), ("Anchored", range(1, anchored))];
    if let Some((_, place)) = &found.anchored {
        rows.push(("Anchored by", place.as_str().into()));
    }
    for stamp in &found.stamps {
        let how = if stamp.checked { "" } else { ", its signature not checked" };
        rows.push(("Time stamp", format!("records 1 to {}: {}{how}", stamp.size, stamp.at).into()));
    }
    rows.push((
        "Last seen",
        match &found.seen {
            Some(size) => range(1, *size),
            None => "nothing is recorded beside the key, or the key is not here".into(),
        },
    ));
    rows.extend([
        ("Signed, not anchored", range(anchored + 1, found.signed)),
        ("Neither", range(anchored.max(found.signed) + 1, found.records)),
        ("Verdict", "intact".into()),
    ]);
    let mut reply = facts(rows);
    if found.stamps.iter().any(|stamp| !stamp.checked) {
        reply.notes.push("who can write the store can write such time stamps: --ca checks their signatures".to_owned());
    } else if anchored == 0 {
        reply
            .notes
            .push("nothing outside the store vouches for it: give copies of checkpoints with --against".to_owned());
    }
    reply
}

/// The findings as one error.
pub(super) fn wrong(found: &verify::Findings) -> Error {
    let verdicts: Vec<String> = found.verdicts().iter().map(ToString::to_string).collect();
    let what = format!("the audit log is not intact: {}", verdicts.join(", "));
    let lines = found.wrong.iter().map(|f| format!("{}: {}: {}", f.verdict, f.place, f.why));
    let more = (found.more > 0).then(|| format!("and {} more", found.more));
    let anchored = found.anchored.as_ref();
    let anchored = anchored.map(|(size, place)| format!("anchored all the same: records 1 to {size}, by {place}"));
    lines.chain(more).chain(anchored).fold(Error::new(Kind::Damaged, what), Error::detail)
}
