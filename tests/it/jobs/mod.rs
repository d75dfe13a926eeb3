//! Jobs: what the commands do to stores and archives, seen from the command line.

mod anchor;
mod audit;
mod certificate;
mod directory;
mod emptiness;
mod export;
mod formats;
mod holds;
mod import;
mod keys;
mod merge;
mod principals;
mod proof;
mod purge;
mod query;
mod refusals;
mod report;
mod rooms;
mod round_trip;
mod search;
mod seen;
mod selection;
mod verify;
mod words;
