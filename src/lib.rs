//! pchat keeps, exports, imports and verifies Persistent Chat history and configuration.
//!
//! The map is `docs/architecture.md`. Modules are listed from the bottom up: each may use those
//! above it in this list, never those below, and never its neighbours of the same row.

// Row 0: what flows.
pub mod error;
pub mod model;

// Row 1: which, why to believe it, and files that only their owner reads.
pub mod files;
pub mod proof;
pub mod select;

// Row 2: how it moves, and what the law is.
pub mod pipeline;
pub mod rules;

// Row 3: where it lives, what it becomes, where it lands, who is asked.
pub mod containers;
pub mod formats;
pub mod ldap;
pub mod smtp;
pub mod store;

// Row 4: steps between, and what work is given.
pub mod context;

// Row 5: what is done.
pub mod jobs;

// Row 6: what is managed.
pub mod nouns;

// Row 7: how it is asked.
pub mod cli;
