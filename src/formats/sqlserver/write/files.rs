//! The files beside the rows: format files as text and as XML, the statements that make the tables, the script that
//! loads them, and what to type to read them again.

use super::known;
use crate::error::Result;
use crate::formats::sqlserver::known::{Known, declared};
use crate::formats::sqlserver::layout::{Field, Layout};
use crate::formats::sqlserver::types::Type;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The identity at the end of the address of a room; or one made of the address, by version 8 of RFC 9562.
pub(super) fn room_guid(uri: &str) -> String {
    let (_, own) = crate::formats::sqlserver::history::parts(uri);
    own.unwrap_or_else(|| {
        let mut bytes: [u8; 16] = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(uri.to_lowercase())[..16]);
        bytes[6] = bytes[6] & 0x0F | 0x80;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let hex = crate::model::hash::hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    })
}

/// The name of the type of a field in a file.
fn host(field: &Field) -> &'static str {
    match field.kind {
        Type::Int(1) => "SQLTINYINT",
        Type::Int(2) => "SQLSMALLINT",
        Type::Int(4) => "SQLINT",
        Type::Int(_) => "SQLBIGINT",
        Type::Bit => "SQLBIT",
        Type::Float(4) => "SQLFLT4",
        Type::Float(_) => "SQLFLT8",
        Type::Money(4) => "SQLMONEY4",
        Type::Money(_) => "SQLMONEY",
        Type::Decimal => "SQLDECIMAL",
        Type::DateTime => "SQLDATETIME",
        Type::SmallDateTime => "SQLDATETIM4",
        Type::Date => "SQLDATE",
        Type::Time(_) => "SQLTIME",
        Type::DateTime2(_) => "SQLDATETIME2",
        Type::Offset(_) => "SQLDATETIMEOFFSET",
        Type::Guid => "SQLUNIQUEID",
        Type::Text => "SQLNCHAR",
        Type::Binary => "SQLBINARY",
    }
}

/// The most bytes of a field; 0 without a limit.
fn most(known: &Known, field: &Field) -> usize {
    let declared = known.columns.iter().find(|(name, _)| *name == field.name).map(|(_, kind)| declared(kind).1);
    let characters = declared.and_then(|kind| kind.split_once('(')?.1.strip_suffix(')')?.parse::<usize>().ok());
    field.kind.length().or(characters.map(|count| count * 2)).unwrap_or(0)
}

/// A format file as text.
pub(super) fn format_file(known: &Known, layout: &Layout) -> Vec<u8> {
    let mut out = format!("14.0\r\n{}\r\n", layout.fields.len());
    for (at, field) in layout.fields.iter().enumerate() {
        let collation = if field.kind == Type::Text { "SQL_Latin1_General_CP1_CI_AS" } else { "\"\"" };
        let number = at + 1;
        let _ = write!(
            out,
            "{number:<8}{:<20}{:<8}{:<8}\"\"   {number:<6}{:<34}{collation}\r\n",
            host(field),
            field.prefix,
            most(known, field),
            field.name
        );
    }
    out.into_bytes()
}

/// A format file as XML.
pub(super) fn format_xml(known: &Known, layout: &Layout) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\"?>\r\n<BCPFORMAT xmlns=\"http://schemas.microsoft.com/sqlserver/2004/bulkload/format\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n <RECORD>\r\n",
    );
    for (at, field) in layout.fields.iter().enumerate() {
        let kind = if field.kind == Type::Text { "NCharPrefix" } else { "NativePrefix" };
        let most = most(known, field);
        let length =
            if most > 0 && field.kind == Type::Text { format!(" MAX_LENGTH=\"{most}\"") } else { String::new() };
        let id = at + 1;
        let _ =
            write!(out, "  <FIELD ID=\"{id}\" xsi:type=\"{kind}\" PREFIX_LENGTH=\"{}\"{length}/>\r\n", field.prefix);
    }
    out.push_str(" </RECORD>\r\n <ROW>\r\n");
    for (at, field) in layout.fields.iter().enumerate() {
        let kind = if field.kind == Type::Text { "SQLNVARCHAR" } else { host(field) };
        let _ = write!(out, "  <COLUMN SOURCE=\"{}\" NAME=\"{}\" xsi:type=\"{kind}\"/>\r\n", at + 1, field.name);
    }
    out.push_str(" </ROW>\r\n</BCPFORMAT>\r\n");
    out.into_bytes()
}

/// The statements that make the tables.
pub(super) fn create(names: &[&str]) -> Result<Vec<u8>> {
    let mut out = String::from(
        "-- Makes the tables that the files beside this one are loaded into. Run it in an empty database.\r\n",
    );
    for name in names {
        let known = known(name)?;
        let _ = write!(out, "CREATE TABLE [dbo].[{name}] (\r\n");
        for (at, (column, kind)) in known.columns.iter().enumerate() {
            let (_, of) = declared(kind);
            // The text of a message that came without Unicode may hold any character.
            let of = if of == "varchar(max)" { "nvarchar(max)" } else { of };
            let end = if at + 1 == known.columns.len() { "" } else { "," };
            let _ = write!(out, "    [{column}] {of} NULL{end}\r\n");
        }
        out.push_str(");\r\nGO\r\n");
    }
    Ok(out.into_bytes())
}

/// A script that loads the tables.
pub(super) fn load(names: &[&str]) -> Vec<u8> {
    let tables: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "# Loads the tables into a database in which create.sql was run.\r\n\
         #   .\\load.ps1 -Server SRV\\INSTANCE -Database chat\r\n\
         param(\r\n    [Parameter(Mandatory = $true)][string]$Server,\r\n    \
         [Parameter(Mandatory = $true)][string]$Database\r\n)\r\n\
         $ErrorActionPreference = 'Stop'\r\n\
         $tables = @({})\r\n\
         foreach ($table in $tables) {{\r\n    \
         $data = Join-Path $PSScriptRoot \"$table.bcp\"\r\n    \
         $format = Join-Path $PSScriptRoot \"$table.fmt\"\r\n    \
         if ((Test-Path $data) -and (Get-Item $data).Length -gt 0) {{\r\n        \
         & bcp \"$Database.dbo.$table\" in $data -f $format -S $Server -T -k\r\n        \
         if ($LASTEXITCODE -ne 0) {{ throw \"$table was not loaded\" }}\r\n    }}\r\n}}\r\n",
        tables.join(", ")
    )
    .into_bytes()
}

/// What the files are, and what to type to read them again.
pub(super) fn readme(pool: Option<&str>, hosts: &BTreeSet<String>) -> Vec<u8> {
    let domain = match hosts.len() {
        1 => hosts.first().map(|host| format!(" --domain {host}")).unwrap_or_default(),
        _ => String::new(),
    };
    let pool = pool.map(|pool| format!(" --pool {pool}")).unwrap_or_default();
    format!(
        "Tables of Persistent Chat, as bcp -N writes them, each with a format file as text (.fmt) and as XML (.xml).\r\n\
         create.sql makes the tables in an empty database, load.ps1 loads them.\r\n\
         To read them again: pchat import FOLDER{pool}{domain}\r\n"
    )
    .into_bytes()
}
