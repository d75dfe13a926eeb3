//! How other programs write distances, endings, exclusions and fields: what is meant there, and what to write here.
//! Taken as words or as punctuation it would silently mean something else.

/// What is wrong, and what to write instead.
pub(in crate::select::query) type Advice = (String, String);

/// What stands before the slash of a distance.
const NAMES: [&str; 7] = ["", "near", "onear", "w", "pre", "within", "adj"];
/// What is counted there beside words.
const UNITS: [&str; 9] = ["s", "p", "sent", "para", "seg", "sentence", "paragraph", "sentences", "paragraphs"];
const QUOTE: &str = "to look for the text itself put it in quotation marks";

/// Advice for what stands between blanks, if it belongs to another language. `next` is what follows it.
pub(in crate::select::query) fn of(text: &str, next: &str) -> Option<Advice> {
    distance(text, next)
        .or_else(|| function(text, next))
        .or_else(|| ending(text))
        .or_else(|| join(text))
        .or_else(|| likeness(text))
}

/// `atleast5(`, `stem(`, `date(`: right before a bracket.
fn function(text: &str, next: &str) -> Option<Advice> {
    if !next.starts_with('(') {
        return None;
    }
    let name = text.to_ascii_lowercase();
    let hint = match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "atleast" => "write the word alone: pchat search report says how often each term occurs",
        "date" | "da" => "write sent:2014-01-01..2014-03-31",
        "stem" | "plural" | "singular" => "write settl* for any ending",
        "fuzzy" | "soundex" | "phonic" => "write a pattern, as in settl* or wo?rd",
        "caps" | "allcaps" | "nocaps" => "write the word alone, and --case-sensitive",
        _ => return None,
    };
    Some((format!("{text}( is how other programs write a function"), format!("{hint}; {QUOTE}")))
}

/// `w/5`, `/s`, `pre/p`, `+s`, `ADJ3`, `w/ 5`.
pub(in crate::select::query) fn distance(text: &str, next: &str) -> Option<Advice> {
    let what = "this is how other programs write a distance".to_owned();
    let unit = |unit: &str| UNITS.contains(&&*unit.to_ascii_lowercase());
    let of_unit = || {
        let hint = "distances in sentences and paragraphs are not supported: write a number of words, as in a \
            NEAR(15) b";
        Some((what.clone(), format!("{hint}; {QUOTE}")))
    };
    if text.strip_prefix('+').is_some_and(unit) {
        return of_unit();
    }
    let numbered = |ordered: bool, number: &str| {
        Some((
            what.clone(),
            match ordered {
                true => format!("write ONEAR({number}): at most that many words between, in this order"),
                false => format!("write NEAR({number}): at most that many other words between"),
            },
        ))
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = text.strip_prefix("ADJ").filter(|rest| rest.is_empty() || is_number(rest)) {
        return numbered(true, if number.is_empty() { "0" } else { number });
    }
    let (name, of) = text.split_once('/')?;
    let name = name.to_ascii_lowercase();
    if matches!(&*name, "notw" | "not" | "nw" | "notwithin") && (is_number(of) || unit(of)) {
        let number = if is_number(of) { of } else { "15" };
        return Some((what, format!("write a NOT (a NEAR({number}) b)")));
    }
    let of = of.strip_prefix('n').filter(|rest| is_number(rest) && name.is_empty()).unwrap_or(of);
    if !NAMES.contains(&&*name) {
        return None;
    }
    let ordered = matches!(&*name, "pre" | "onear" | "adj");
    if of.is_empty() && !name.is_empty() {
        let number: String = next.trim_start().chars().take_while(char::is_ascii_digit).collect();
        return if number.is_empty() { None } else { numbered(ordered, &number) };
    }
    if unit(of) { of_unit() } else { is_number(of).then(|| numbered(ordered, of)).flatten() }
}

/// `settl!` and `!dog`.
fn ending(text: &str) -> Option<Advice> {
    if let Some(root) = text.strip_suffix('!').filter(|root| is_word(root)) {
        let what = "an exclamation mark is how other programs write any ending".to_owned();
        return Some((what, format!("write {root}* for any ending; {QUOTE}")));
    }
    let rest = text.strip_prefix('!')?;
    let shown = if rest.starts_with(char::is_alphanumeric) && rest.chars().count() < 40 { rest } else { "b" };
    (rest.is_empty() || rest.starts_with(char::is_alphanumeric)).then(|| {
        let what = "this is how other programs leave something out".to_owned();
        (what, format!("write NOT {shown}, or a minus sign right before it; {QUOTE}"))
    })
}

/// `a|b`, `&&`, `&`, and the operators that only others have.
fn join(text: &str) -> Option<Advice> {
    let (sign, operator) = match text {
        "&" => ("&", "AND"),
        "XOR" => {
            let what = "XOR is not an operator here".to_owned();
            return Some((what, format!("write (a NOT b) OR (b NOT a); {QUOTE}")));
        }
        "ANDNOT" => return Some(("AND NOT are two words".to_owned(), format!("write a NOT b; {QUOTE}"))),
        _ if text.contains('|') => ("|", "OR"),
        _ if text.contains("&&") => ("&&", "AND"),
        _ => return None,
    };
    Some((format!("{sign} is how other programs write {operator}"), format!("write a {operator} b; {QUOTE}")))
}

/// `word~2`, `word^3`, and a regular expression that stands alone.
fn likeness(text: &str) -> Option<Advice> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let base = text.trim_end_matches(number);
    if base.strip_suffix('~').is_some_and(is_word) {
        let what = "fuzzy search (words that are nearly alike) is not supported".to_owned();
        return Some((what, format!("write a pattern, as in settl* or wo?rd; {QUOTE}")));
    }
    if base.len() < text.len()
        && base.strip_suffix('^').is_some_and(|word| word.chars().count() > 2 && word.chars().all(char::is_alphabetic))
    {
        let what = "words cannot be weighted (boosted)".to_owned();
        return Some((what, format!("leave it out: --sort relevance weighs words by how rare they are; {QUOTE}")));
    }
    let inside = text.strip_prefix('/')?.strip_suffix('/')?;
    (!inside.is_empty()).then(|| {
        let what = "a regular expression is a value of text".to_owned();
        (what, format!("write text:/.../; {QUOTE}"))
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_alphanumeric)
}

/// `~5` right behind a phrase.
pub(super) fn slop(text: &str) -> Option<Advice> {
    let number = text.strip_prefix('~').filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))?;
    let what = "this is how other programs write a distance within a phrase".to_owned();
    Some((what, format!("write each word, as in a NEAR({number}) b")))
}

/// The property here for a name that others have for it.
pub(super) fn property(name: &str) -> Option<&'static str> {
    Some(match name {
        "sender" | "author" | "by" | "user" | "who" | "createdby" => "from",
        "to" | "cc" | "bcc" | "recipient" | "recipients" | "member" | "members" | "with" => "participants",
        "channel" | "chatroom" | "in" | "chat" | "conversation" | "site" => "room",
        "before" | "after" | "since" | "until" | "on" | "received" | "time" | "created" | "day" | "during" => "sent",
        "body" | "content" | "contents" | "message" | "regex" | "regexp" => "text",
        "type" | "itemtype" | "event" => "kind",
        "file" | "filename" | "attachment" | "attachments" | "ext" | "filetype" | "fileextension" => "attachmentnames",
        "has" | "hasattachments" => "hasattachment",
        "title" => "subject",
        "label" | "flag" => "tag",
        "number" | "messageid" | "itemid" => "id",
        "priority" => "importance",
        "bytes" | "length" => "size",
        "case" => "hold",
        _ => return None,
    })
}
