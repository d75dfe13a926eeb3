//! What compliance settings may be: each property by its own rule, and what they are together.

use crate::error::{Error, Kind as Failure, Result, quoted};
use crate::jobs::compliance;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Record, Value};
use crate::nouns::scoped::{shown, text, truth};
use crate::smtp::Relay;
use clap::Args;
use std::path::{Component, PathBuf};

/// The adapter that writes the product's XML, under the name its own settings gave it.
pub(super) const XML: &str = "Microsoft.Rtc.Internal.Chat.Server.Compliance.XmlAdapter,compliance";

/// What may be set.
#[derive(Debug, Clone, Default, Args)]
pub struct Properties {
    /// The name of the adapter
    #[arg(long, value_name = "NAME")]
    adapter_name: Option<String>,
    /// The folder the adapter writes to; each adapter has its own
    #[arg(long, value_name = "FOLDER")]
    adapter_output_directory: Option<String>,
    /// The adapter: XML or its .NET type, Actiance, EML or CSV; '' writes nothing [default of a scope: XML]
    #[arg(long, value_name = "TYPE")]
    adapter_type: Option<String>,
    /// Give the adapter more details of rooms [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    add_chat_room_details: Option<bool>,
    /// Give the adapter more details of people [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    add_user_details: Option<bool>,
    /// Write .ATTACH files that list the files in rooms [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    create_file_attachments_manifest: Option<bool>,
    /// The XSLT stylesheet that makes another format of the output; '' for none
    #[arg(long, value_name = "XSLT")]
    custom_configuration: Option<String>,
    /// A file for each room [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    one_chat_room_per_output_file: Option<bool>,
    /// The time from one file to the next, as 00:15:00 or 1.12:00:00; one minute to 30 days [default of a scope:
    /// 00:15:00]
    #[arg(long, value_name = "SPAN")]
    run_interval: Option<String>,
    /// The relay the EML adapter hands its mails to: smtp://HOST[:PORT]?from=ADDRESS&to=ADDRESS; '' for none
    #[arg(long, value_name = "RELAY")]
    smtp: Option<String>,
}

impl Properties {
    pub(super) fn apply(&self, record: &mut Record) -> Result<()> {
        text(record, "AdapterName", &self.adapter_name);
        self.adapter_output_directory.as_deref().map_or(Ok(()), whole)?;
        text(record, "AdapterOutputDirectory", &self.adapter_output_directory);
        text(record, "CustomConfiguration", &self.custom_configuration);
        if let Some(kind) = &self.adapter_type {
            record.set(field::ADAPTER_TYPE, adapter(kind)?);
        }
        truth(record, "AddChatRoomDetails", self.add_chat_room_details);
        truth(record, "AddUserDetails", self.add_user_details);
        truth(record, "CreateFileAttachmentsManifest", self.create_file_attachments_manifest);
        truth(record, "OneChatRoomPerOutputFile", self.one_chat_room_per_output_file);
        text(record, "SmtpRelay", &self.smtp);
        if let Some(relay) = self.smtp.as_deref().filter(|relay| !relay.trim().is_empty()) {
            Relay::parse(relay)?;
        }
        if let Some(interval) = &self.run_interval {
            record.set(field::RUN_INTERVAL, span(interval)?.as_str());
        }
        // What another adapter is told is for that one to understand.
        let sheet = self.custom_configuration.as_deref().filter(|sheet| !sheet.trim().is_empty());
        match sheet.filter(|_| record.at(field::ADAPTER_TYPE) == Some(XML)) {
            Some(sheet) => compliance::sheet::check(sheet),
            None => Ok(()),
        }
    }
}

/// Refuses what a shell leaves of `\\server\share` and `C:\folder`.
fn whole(folder: &str) -> Result<()> {
    let drive = folder.as_bytes().get(1) == Some(&b':') && folder.as_bytes()[0].is_ascii_alphabetic();
    let torn = match drive {
        true => folder.len() > 2 && !folder[2..].starts_with(['\\', '/']),
        false => folder.starts_with('\\') && !folder.starts_with("\\\\"),
    };
    match torn {
        false => Ok(()),
        true => {
            let what = format!("AdapterOutputDirectory {} is not a whole path", quoted(folder));
            Err(Error::new(Failure::Usage, what)
                .hint("a shell takes backslashes away outside of quotes: write '\\\\server\\share' or 'C:\\folder'"))
        }
    }
}

/// The type of an adapter as it is kept.
pub(super) fn adapter(kind: &str) -> Result<Option<String>> {
    let folded = fold(kind.trim());
    if ["akonix", "assentor", "facetime"].contains(&folded.as_str()) {
        return Err(Error::new(
            Failure::Refused,
            format!("AdapterType {} is a vendor's adapter, which pchat does not include", kind.trim()),
        )
        .hint("AdapterType XML writes Lync's own format"));
    }
    if folded == "xml" || folded == fold(XML) {
        return Ok(Some(XML.to_owned()));
    }
    let own = match compliance::adapter(kind) {
        Some("actiance") => Some("Actiance"),
        Some("eml") => Some("EML"),
        Some("csv") => Some("CSV"),
        _ => None,
    };
    if let Some(own) = own {
        return Ok(Some(own.to_owned()));
    }
    // Those of others are named by their .NET type.
    let named = kind.contains(['.', ',']) && kind.trim().starts_with(char::is_alphabetic);
    if !kind.trim().is_empty() && (!named || kind.contains(char::is_control)) {
        return Err(Error::new(Failure::Refused, format!("AdapterType {:?} is not an adapter of pchat", kind.trim()))
            .hint("AdapterType is XML, Actiance, EML or CSV, or the .NET type of another adapter"));
    }
    Ok(Some(kind.trim().to_owned()).filter(|kind| !kind.is_empty()))
}

/// A duration `days.hours:minutes:seconds` as it is kept.
pub(super) fn span(text: &str) -> Result<String> {
    let wrong = || {
        Error::new(Failure::Refused, format!("RunInterval {text:?} must be from 00:01:00 to 30.00:00:00"))
            .hint("write days.hours:minutes:seconds, as 00:15:00 or 1.12:00:00")
    };
    let (days, clock) = text.trim().split_once('.').map_or(("0", text.trim()), |(days, clock)| (days, clock));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let parts = clock.split(':').map(number).collect::<Option<Vec<u64>>>().ok_or_else(wrong)?;
    let (Some(days), &[hours, minutes, seconds]) = (number(days), parts.as_slice()) else { return Err(wrong()) };
    if hours > 23 || minutes > 59 || seconds > 59 || days > 30 {
        return Err(wrong());
    }
    if !(60..=30 * 86_400).contains(&(days * 86_400 + hours * 3600 + minutes * 60 + seconds)) {
        return Err(wrong());
    }
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    Ok(if days > 0 { format!("{days}.{clock}") } else { clock })
}

pub(super) fn defaults(record: &mut Record) {
    record.set(field::ADAPTER_TYPE, XML);
    for field in ["AddChatRoomDetails", "AddUserDetails", "CreateFileAttachmentsManifest", "OneChatRoomPerOutputFile"] {
        record.set(field, Value::Bool(false));
    }
    record.set(field::RUN_INTERVAL, "00:15:00");
}

/// A folder, however it is written: `./a/`, `a/b/..` and the whole path are one.
fn plain(path: &str) -> PathBuf {
    let folded = fold(path.trim_end_matches(['/', '\\']));
    let whole = std::path::absolute(&folded).unwrap_or_else(|_| PathBuf::from(&folded));
    whole.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
        plain
    })
}

/// Two adapters that write to one folder would mix their files.
pub(super) fn check(record: &Record, catalog: &Catalog) -> Result<()> {
    let folder = |record: &Record| record.at(field::ADAPTER_OUTPUT_DIRECTORY).map(plain);
    let Some(own) = folder(record) else { return Ok(()) };
    let mut others = catalog.of("compliance").filter(|other| other.key() != record.key());
    match others.find(|other| folder(other).as_ref() == Some(&own)) {
        None => Ok(()),
        Some(other) => {
            let what = format!("compliance {} already uses this AdapterOutputDirectory", shown(&other.identity()));
            Err(Error::new(Failure::Refused, what).hint("AdapterOutputDirectory must be different for each scope"))
        }
    }
}
