//! Managed objects from the command line: each rule of the product has a test that bears its name.

mod messages;
mod rooms;
