//! One test binary; modules are named like the sources.

// Tests stop at the first surprise; helpers of tests count as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod docs;
mod formats;
mod harness;
mod house;
mod jobs;
mod pipeline;
mod select;
mod store;
