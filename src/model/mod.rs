//! What flows: plain values, no input or output, nothing imported but `error`.

pub mod bounds;
pub mod addresses;
pub mod catalog;
pub mod collected;
pub mod counted;
pub mod dn;
pub mod entry;
pub mod hash;
pub mod ids;
pub mod list;
pub mod message;
pub mod receipt;
pub mod field;
pub mod record;
pub mod reply;
pub mod time;
pub mod unit;
pub mod zone;
