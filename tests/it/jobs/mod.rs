//! Jobs: what the commands do to stores and archives, seen from the command line.

mod anchor;
mod audit;
mod directory;
mod export;
mod holds;
mod import;
mod keys;
mod merge;
mod principals;
mod proof;
mod purge;
mod refusals;
mod report;
mod rooms;
mod round_trip;
mod selection;
mod verify;
mod words;
