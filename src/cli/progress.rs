//! Progress bars with rate and time left, drawn only when standard error is a terminal.

use crate::pipeline::{Event, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Draws events, and passes on the wish to stop.
pub(super) struct Progress<'a> {
    drawn: bool,
    bar: Mutex<Option<ProgressBar>>,
    cancelled: &'a AtomicBool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(drawn: bool, cancelled: &'a AtomicBool) -> Progress<'a> {
        Progress { drawn, bar: Mutex::new(None), cancelled }
    }
}

fn bar(step: &'static str, total: Option<u64>, unit: &str) -> ProgressBar {
    let (count, rate) = match unit {
        "bytes" => ("{bytes}/{total_bytes}", "{bytes_per_sec}"),
        _ => ("{human_pos}/{human_len}", "{per_sec}"),
    };
    let template = match total {
        Some(_) => format!("{{msg:10}} [{{bar:30}}] {count} {unit} {rate} {{eta}} left"),
        None => format!("{{msg:10}} {{spinner}} {} {unit} {rate}", count.split('/').next().unwrap_or_default()),
    };
    let bar = match total {
        Some(total) => ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5)),
        None => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5)),
    };
    bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(step);
    bar
}

impl Watch for Progress<'_> {
    fn event(&self, event: Event) {
        if !self.drawn {
            return;
        }
        let Ok(mut current) = self.bar.lock() else { return };
        match event {
            Event::Begin { step, total, unit } => *current = Some(bar(step, total, unit)),
            Event::Advance(n) => {
                if let Some(bar) = current.as_ref() {
                    bar.inc(n);
                }
            }
            Event::End => {
                if let Some(bar) = current.take() {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
