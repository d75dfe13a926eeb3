//! Queries that the shell or the parser of options has taken apart: how they are written.

/// Where a query was taken for options or for several arguments: what to write. `unknown` is the word that was not
/// understood.
pub(in crate::cli) fn advice(unknown: &str, words: &[String]) -> Option<String> {
    let has = |word: &str| words.iter().any(|known| known == word);
    let command = match (has("search"), has("find") && has("message")) {
        (_, true) => "message find",
        (true, false) => "search",
        (false, false) => return None,
    };
    let is_short = |word: &&String| word.starts_with('-') && !word.starts_with("--") && word.chars().count() > 2;
    let short = unknown.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    match short.and_then(|flag| words.iter().filter(is_short).find(|word| word.contains(flag))) {
        Some(query) => {
            let query = query.replace('\'', "");
            Some(format!("a query that begins with a minus sign stands behind --: pchat {command} -- '{query}'"))
        }
        None if has("--") && unknown.starts_with('-') => {
            Some(format!("options stand before --, as in: pchat {command} --count -- '-dog'"))
        }
        None if !unknown.starts_with('-') => {
            // The words right behind the command, up to the first option.
            let last = command.rsplit(' ').next().unwrap_or_default();
            let from = words.iter().position(|word| word == last).map_or(0, |at| at + 1);
            let query: Vec<&str> =
                words[from..].iter().map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
            let query = query.join(" ");
            let query = if query.contains(unknown) && !query.contains('\'') { &query } else { "cat dog" };
            Some(format!("a query of several words stands in quotation marks, as in: pchat {command} '{query}'"))
        }
        None => None,
    }
}
