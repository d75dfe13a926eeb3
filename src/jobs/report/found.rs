//! Hits as a page: room by room, day by day, what was found marked, context quieter. Written piece by piece, so that
//! the page may be larger than memory.

use super::escape::Html;
use super::grouped;
use crate::error::Result;
use crate::formats::report::Report;
use crate::jobs::search::Found;
use crate::model::ids::{EventId, RoomKey};
use crate::model::time::Ticks;
use crate::select::words;

const TITLE: &str = "Search";

/// Where the page is.
#[derive(Debug, Default)]
pub struct Page {
    room: Option<RoomKey>,
    window: u64,
}

impl Page {
    /// The head of the page: what was asked, of which store, when.
    pub fn begin(asked: &[(String, String)], store: &str, now: Ticks) -> Result<String> {
        let mut care = Html::default();
        care.raw("This page shows the text of messages. Treat it with the care the history itself is given.");
        let mut facts = asked.to_vec();
        facts.push(("Word rules".to_owned(), format!("{} {}", words::NAME, words::VERSION)));
        facts.push(("Store".to_owned(), store.to_owned()));
        facts.push(("Searched on".to_owned(), now.to_string()));
        let notes = vec![("important", care.into())];
        Ok(Report { title: TITLE, notes, facts: &facts, ..Report::default() }.around()?.0)
    }

    /// A hit, or a message around one.
    pub fn found(&mut self, found: &Found<'_>, room: &str) -> String {
        let mut page = Html::default();
        if self.room.as_ref() != Some(found.room) {
            page.raw("<h2>");
            page.name(room);
            page.raw("</h2>\n<p class=\"note mono\">");
            page.name(&found.room.to_string());
            page.raw("</p>\n");
            self.room = Some(found.room.clone());
        } else if self.window != found.window {
            page.raw("<p class=\"break\">messages between are not shown</p>\n");
        }
        self.window = found.window;
        page.raw(if found.context { "<article class=\"said context\">" } else { "<article class=\"said\">" });
        page.raw("<header><b>");
        page.name(found.persona.name.as_deref().unwrap_or(&found.persona.uri));
        page.raw("</b><span>");
        page.name(&found.persona.uri);
        page.raw("</span>");
        page.time(Some(found.event.at));
        page.raw("<span>");
        page.text(if found.context { "context" } else { found.event.kind.word() });
        page.raw("</span><span class=\"mono\">");
        page.name(&EventId { room: found.room.clone(), sequence: found.event.sequence }.to_string());
        page.raw("</span></header>\n<div>");
        let body = found.event.body.as_str();
        let mut at = 0;
        for range in found.marks.iter().filter(|mark| mark.text == 0).flat_map(|mark| &mark.bytes) {
            let (Some(before), Some(hit)) = (body.get(at..range.start), body.get(range.clone())) else { continue };
            page.lines(before);
            page.raw("<mark>");
            page.lines(hit);
            page.raw("</mark>");
            at = range.end;
        }
        page.lines(body.get(at..).unwrap_or_default());
        page.raw("</div>\n");
        let files: Vec<&str> = found.event.more().files.iter().filter_map(|file| file.name.as_deref()).collect();
        if !files.is_empty() {
            page.raw("<p class=\"note\">Attachments: ");
            page.name(&files.join(", "));
            page.raw("</p>\n");
        }
        if found.marks.iter().any(|mark| mark.text > 0) {
            page.raw(
                "<p class=\"note\">Found in the name of an attachment, rich text or another key of the event.</p>\n",
            );
        }
        page.raw("</article>\n");
        page.finish()
    }

    /// The end of the page: how much it shows, and of which state.
    pub fn end(hits: u64, context: u64, more: bool, content: &str) -> Result<String> {
        let mut page = Html::default();
        page.raw("<p class=\"verdict good\" role=\"status\"><strong>");
        page.text(&match hits {
            0 => "Nothing was found".to_owned(),
            1 => "1 hit".to_owned(),
            hits => format!("{} hits", grouped(hits)),
        });
        page.raw("</strong><span>");
        if context > 0 {
            let (messages, are) = if context == 1 { ("message", "is") } else { ("messages", "are") };
            page.text(&format!("{} {messages} of context {are} shown beside. ", grouped(context)));
        }
        page.raw(if more { "There are more hits than this page shows." } else { "All hits are on this page." });
        page.raw("</span></p>\n");
        let mut foot = Html::default();
        foot.raw("Times are UTC. Content root: <span class=\"mono\">");
        foot.text(content);
        foot.raw("</span>");
        let foot = Some(foot.into());
        Ok(page.finish() + &Report { title: TITLE, foot, ..Report::default() }.around()?.1)
    }
}
