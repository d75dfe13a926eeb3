//! r
use crate::model::receipt::Receipt;
/// t
pub fn html(_: &Receipt) -> String {
    String::new()
}
/// t
pub fn json(_: &Receipt) -> String {
    String::new()
}
