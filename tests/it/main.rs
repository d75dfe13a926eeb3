//! One test binary; modules are named like the sources.

// Tests stop at the first surprise; helpers of tests count as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cmdlets;
mod docs;
mod files;
mod formats;
mod harness;
mod help;
mod hostile;
mod house;
mod jobs;
mod nouns;
mod pipeline;
mod process;
mod script;
mod select;
mod store;
