//! Values of options of export and import, as they are typed.

use super::ImportRequest;
use crate::formats::sqlserver::pages::Page;
use crate::jobs::intake::{Form, Told};
use crate::model::hash;
use crate::rules::merge::OnConflict;
use clap::ValueEnum;

/// The formats an import reads.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ImportFormat {
    /// Compliance XML
    Compliance,
    /// JSON Lines history
    Jsonl,
    /// Files of the product's database: packages, bcp, scripts, CSV
    #[value(name = "sqlserver")]
    SqlServer,
}

/// What to do with settings that exist with other values.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ConflictChoice {
    /// Import nothing, and say what differs
    Fail,
    /// Keep what the store has
    Keep,
    /// Take what comes in
    Replace,
}

/// A digest of a content.
pub(super) fn digest(text: &str) -> Result<[u8; 32], String> {
    let found = hash::parse(text.trim());
    found.ok_or_else(|| "give the digest of a content: 64 hex digits".to_owned())
}

/// An old and a new name.
pub(super) fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("give the old and the new name as OLD=NEW".to_owned()),
    }
}

/// A domain.
pub(crate) fn domain(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if good { Ok(text.to_lowercase()) } else { Err("give the domain alone, as contoso.com".to_owned()) }
}

/// A code page.
pub(crate) fn code_page(text: &str) -> Result<Page, String> {
    Page::parse(text).ok_or_else(|| "give the number of a code page, as 437, 850, 1252 or 65001".to_owned())
}

impl ImportFormat {
    /// The form of files.
    pub fn form(self) -> Form {
        match self {
            ImportFormat::Compliance => Form::Compliance,
            ImportFormat::Jsonl => Form::JsonLines,
            ImportFormat::SqlServer => Form::SqlServer,
        }
    }
}

impl ConflictChoice {
    /// What is done.
    pub fn choice(self) -> OnConflict {
        match self {
            ConflictChoice::Fail => OnConflict::Fail,
            ConflictChoice::Keep => OnConflict::Keep,
            ConflictChoice::Replace => OnConflict::Replace,
        }
    }
}

impl ImportRequest {
    /// What is said about databases.
    pub(super) fn told(&self) -> Told {
        Told {
            pool: self.pool.clone(),
            domain: self.domain.clone(),
            page: self.code_page,
            store: self.file_store.clone(),
        }
    }
}
