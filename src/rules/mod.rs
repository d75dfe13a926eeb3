//! What the law is: who may do what, what a hold protects, what a merge keeps, what a rule lets go, and when two events
//! are one. Pure and the same for every store: values in, decisions out; no SQL, no files, no clock.

pub mod approval;
pub mod completeness;
pub mod differ;
pub mod directory;
pub mod holds;
pub mod merge;
pub mod people;
pub mod retention;
pub mod rights;
pub mod same;
