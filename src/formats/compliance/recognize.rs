//! Which file this is, by its first bytes.
//!
//! It looks only as far as the root element and never fails; the reader says what is wrong.

use super::attributes::{is_name, is_space};
use super::input::decode_head;

/// True when the first few kilobytes are those of a compliance file: XML, UTF-8 or UTF-16, whose
/// root element is `Conversations`.
pub fn looks_like(head: &[u8]) -> bool {
    root(&decode_head(head)) == Some("Conversations")
}

/// True when this is what the published stylesheet makes of a compliance file: XML whose root
/// element is `FileDump`. It has lost names, message numbers and time below a millisecond, and
/// reads like posts what was a look at the history; it is no source of history.
pub fn is_stylesheet_output(head: &[u8]) -> bool {
    root(&decode_head(head)) == Some("FileDump")
}

/// The name of the root element; with a document type, the name that it announces.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8));
        if let Some(inside) = rest.strip_prefix("<!--") {
            rest = inside.split_once("-->")?.1;
        } else if let Some(inside) = rest.strip_prefix("<?") {
            rest = inside.split_once("?>")?.1;
        } else {
            let name = rest.strip_prefix("<!DOCTYPE").map(str::trim_start).or_else(|| rest.strip_prefix('<'))?;
            let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '['))?;
            return is_name(&name[..end]).then(|| &name[..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_decides() {
        assert!(looks_like(b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- x -->\r\n<Conversations>"));
        assert!(looks_like(b"<Conversations/>"));
        assert!(looks_like(b"<!DOCTYPE Conversations [<!ENTITY"));
        let wide: Vec<u8> = "\u{FEFF}<Conversations >".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(looks_like(&wide));
        assert!(is_stylesheet_output(b"<?xml version=\"1.0\"?><FileDump xmlns:xsi=\"x\">"));
        for other in
            ["", "<", "{}", "<Conversation>", "<ConversationsX>", "<?xml", "<!-- <Conversations>", "<<Conversations>"]
        {
            assert!(!looks_like(other.as_bytes()), "{other}");
            assert!(!is_stylesheet_output(other.as_bytes()), "{other}");
        }
    }
}
