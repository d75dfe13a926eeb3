//! The product's own database, `mgc` and `mgccomp`, as SQL Server gives it away: packages of a data tier, files of
//! `bcp`, scripts of INSERT statements, CSV. Bytes become rows, rows become rooms, people and events.
//!
//! It knows neither zips nor folders: whoever reads them hands in bytes.

pub mod catalog;
pub mod encode;
pub mod format_file;
pub mod given;
pub mod grid;
pub mod history;
pub mod known;
pub mod layout;
pub mod model;
pub mod origin;
pub mod pages;
pub mod reader;
pub mod recognize;
pub mod script;
pub mod settle;
pub mod tables;
pub mod types;
pub mod value;
pub mod write;

pub use write::{TOP, WRITTEN};
