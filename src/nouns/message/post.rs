//! What people do in rooms, on their behalf: enter, leave, write, put a file.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::post::{self, What};
use crate::jobs::selection::only_room;
use crate::model::catalog::Catalog;
use crate::model::record::Shape;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::reads::{self, Reads};
use crate::nouns::{addin, category, configuration, hold, policy, pool, roles, room};
use crate::rules::rights::category_of;
use crate::store::Names;

use clap::Args;
use std::path::PathBuf;

/// Where, and who.
#[derive(Debug, Args)]
pub struct Who {
    /// The room, by name, pool\name or address
    room: String,
    /// On whose behalf, by SIP address
    #[arg(long, value_name = "SIP")]
    user: String,
}

/// A message.
#[derive(Debug, Args)]
pub struct PostRequest {
    #[command(flatten)]
    who: Who,
    /// The text, up to 100,000 characters
    #[arg(long, required_unless_present = "text_file")]
    text: Option<String>,
    /// The file that holds the text, in UTF-8; /dev/stdin is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// With high importance
    #[arg(long)]
    alert: bool,
}

/// A file.
#[derive(Debug, Args)]
pub struct UploadRequest {
    #[command(flatten)]
    who: Who,
    /// The file
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// Who must be known to say whether a person may do something in a room: the person, and whom the lists of the room and
/// its category name.
fn concerned(catalog: &Catalog, room: &str, user: &str) -> Names {
    let mut names = vec![user];
    if let Ok(room) = only_room(catalog, room) {
        names.extend(reads::entries(room, &roles::ROLES));
        names.extend(category_of(catalog, room).into_iter().flat_map(|of| reads::entries(of, &roles::OF_CATEGORY)));
    }
    reads::named(names.into_iter())
}

impl Who {
    /// Does it.
    pub(super) fn does(self, cx: &Context<'_>, what: What) -> Result<Reply> {
        let shapes: [&Shape; 8] = [
            &hold::SHAPE,
            &pool::SHAPE,
            &category::SHAPE,
            &room::SHAPE,
            &policy::SHAPE,
            &policy::GRANT,
            &configuration::SHAPE,
            &addin::SHAPE,
        ];
        let (room, user) = (self.room.clone(), self.user.clone());
        let reads = Reads::of(&shapes).room(&self.room).people(move |catalog| concerned(catalog, &room, &user));
        let posted = post::post(cx, &reads.wanted(), &self.room, &self.user, &what)?;
        let number = posted.number.and_then(|number| u64::try_from(number).ok());
        let row = vec![
            posted.room.identity().into(),
            number.map_or(Cell::Empty, Cell::Number),
            posted.event.map(|event| event.to_string()).into(),
            Cell::Time(posted.at),
            Cell::Bool(posted.kept),
        ];
        let table = Table {
            title: "posted",
            columns: vec!["Room", "Number", "Event", "At", "Kept"],
            rows: vec![row],
            ..Table::default()
        };
        let notes = match posted.kept {
            true => Vec::new(),
            false => vec!["the category of the room keeps no history, so nothing was kept".to_owned()],
        };
        Ok(Reply { tables: vec![table], notes, objects: true, ..Reply::default() })
    }
}

impl PostRequest {
    /// Posts.
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let text = match (self.text, self.text_file) {
            (Some(text), _) => text,
            (None, Some(path)) => {
                let text = std::fs::read(&path).map_err(|e| Error::io(path.display(), e))?;
                let text = String::from_utf8(text)
                    .map_err(|_| Error::new(Kind::Damaged, format!("{} is not UTF-8", path.display())))?;
                // The end of the last line is that of the file.
                text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).to_owned()).unwrap_or(text)
            }
            (None, None) => String::new(),
        };
        self.who.does(cx, What::Message { text, alert: self.alert })
    }
}

impl UploadRequest {
    /// Uploads.
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        self.who.does(cx, What::Upload(self.file))
    }
}
