//! Compliance XML: characters that other programs write in odd ways, and copies that are none.

use super::{AT, chat, fails, good, sample, talk};

#[test]
fn references_to_halves_are_joined_and_counted_wherever_they_stand() {
    let xml =
        talk(&chat("a&#55357;&#56833;b&#xD83D;c&#0;d&#x110000;", "1", AT)).replace("Trading", "T&#xd83d;&#xDE01;");
    let (remarks, units) = good(xml.as_bytes());
    assert_eq!(units[0].events[0].body, "a\u{1F601}b&#xD83D;c\0d&#x110000;");
    assert_eq!(units[0].hint.title.as_deref(), Some("T\u{1F601}"));
    let counts: Vec<_> = remarks.counts.into_iter().collect();
    assert_eq!(
        counts,
        [
            ("characters written as two references, one for each half, were put together", 2),
            ("references to what is not a character were kept as they are written", 2),
            ("texts with characters that XML does not allow; they were kept", 1),
        ]
    );
    // Between elements they are text that is skipped, never an error with a hint that is wrong.
    let between = talk(&chat("a", "1", AT)).replace("<Messages>", "<Messages>&#xD83D;&#0;&#x110000;");
    let (remarks, units) = good(between.as_bytes());
    assert_eq!((units[0].events.len(), remarks.counts.into_values().collect::<Vec<_>>()), (1, vec![3]));
}

#[test]
fn a_first_message_that_is_no_copy_is_told() {
    let first = |id: &str, before: bool, messages: &str| {
        let copy = chat("x", id, AT).replace("<Message ", "<FirstMessage ").replace("</Message>", "</FirstMessage>");
        let xml = talk(messages);
        match before {
            true => xml.replace("<Messages>", &format!("{copy}<Messages>")),
            false => xml.replace("</Messages>", &format!("</Messages>{copy}")),
        }
    };
    let messages = [chat("a", "7", AT), chat("b", "5", AT + 1), chat("c", "9", AT + 2)].concat();
    for (id, before, times) in [
        ("7", true, 0),
        ("9", true, 0),
        ("4", true, 1),
        ("0", true, 0),
        ("", true, 0),
        ("5", false, 0),
        ("4", false, 1),
    ] {
        let (remarks, units) = good(first(id, before, &messages).as_bytes());
        assert_eq!(units[0].events.len(), 3);
        let told = remarks.counts.iter().filter(|(remark, _)| remark.starts_with("`FirstMessage`"));
        assert_eq!(told.map(|(_, times)| *times).sum::<u64>(), times, "{id} {before}");
    }
}

#[test]
fn a_byte_order_mark_outweighs_what_the_declaration_says() {
    let text = String::from_utf8(sample()).unwrap();
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (remarks, units) = good(&wide);
    assert_eq!(units, good(&sample()).1);
    let told: Vec<_> = remarks.counts.into_keys().collect();
    assert_eq!(told, ["files in UTF-16 whose declaration says UTF-8: the byte order mark decides"]);
    assert!(fails(&wide[2..]).to_string().contains("the declaration says otherwise"));
}
