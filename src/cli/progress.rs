//! Progress with amounts, rate and time left, drawn only when standard error is a terminal.

use crate::model::counted::grouped;
use crate::pipeline::{Event, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Draws events, and passes on the wish to stop.
pub(super) struct Progress<'a> {
    drawn: bool,
    bar: Mutex<Option<ProgressBar>>,
    /// Events that were met while bytes are counted.
    met: Arc<AtomicU64>,
    cancelled: &'a AtomicBool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(drawn: bool, cancelled: &'a AtomicBool) -> Progress<'a> {
        Progress { drawn, bar: Mutex::new(None), met: Arc::default(), cancelled }
    }

    fn bar(&self, step: &'static str, total: Option<u64>, unit: &'static str) -> ProgressBar {
        let template = if total.is_some() { "{msg} [{bar:20}] {amounts}" } else { "{msg} {spinner} {amounts}" };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
        let met = self.met.clone();
        met.store(0, Ordering::Relaxed);
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("amounts", move |state: &ProgressState, out: &mut dyn Write| {
            let known = Amounts {
                done: state.pos(),
                total,
                unit,
                met: met.load(Ordering::Relaxed),
                elapsed: state.elapsed(),
                left: state.eta(),
            };
            let _written = out.write_str(&known.line());
        }));
        bar.set_message(step);
        // A step that does not count is seen to go on.
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// What is known of a step that is under way.
struct Amounts {
    done: u64,
    total: Option<u64>,
    unit: &'static str,
    met: u64,
    elapsed: Duration,
    left: Duration,
}

impl Amounts {
    /// `197 MiB of 1.2 GiB · 63,000 events/s · 12 s left`
    fn line(&self) -> String {
        let amount = |number| if self.unit == "bytes" { size(number) } else { grouped(number) };
        let seconds = self.elapsed.as_secs_f64();
        let rate = |number: u64| if seconds > 0.2 { (number as f64 / seconds) as u64 } else { 0 };
        let mut parts = Vec::new();
        match (self.total, self.unit) {
            (Some(total), "bytes") => parts.push(format!("{} of {}", amount(self.done), amount(total))),
            (Some(total), unit) => parts.push(format!("{} of {} {unit}", amount(self.done), amount(total))),
            (None, "bytes") if self.done > 0 => parts.push(amount(self.done)),
            (None, unit) if self.done > 0 => parts.push(format!("{} {unit}", amount(self.done))),
            (None, _) => {}
        }
        match (self.met, self.unit) {
            (0, "bytes") if self.done > 0 => parts.push(format!("{}/s", size(rate(self.done)))),
            (0, unit) if self.done > 0 => parts.push(format!("{} {unit}/s", grouped(rate(self.done)))),
            (0, _) => {}
            (met, _) => parts.push(format!("{} events/s", grouped(rate(met)))),
        }
        parts.push(match self.total {
            Some(_) if self.done > 0 => format!("{} left", span(self.left.as_secs())),
            _ => span(self.elapsed.as_secs()),
        });
        parts.join(" · ")
    }
}

/// Bytes in the largest unit of which there is one; a tenth of it is told below ten.
fn size(bytes: u64) -> String {
    let (mut number, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if number < 1024.0 {
            break;
        }
        (number, unit) = (number / 1024.0, larger);
    }
    if number < 10.0 && unit != "B" { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

impl Watch for Progress<'_> {
    fn event(&self, event: Event) {
        if !self.drawn {
            return;
        }
        if let Event::Met(events) = event {
            self.met.fetch_add(events, Ordering::Relaxed);
            return;
        }
        let Ok(mut current) = self.bar.lock() else { return };
        match event {
            Event::Begin { step, total, unit } => *current = Some(self.bar(step, total, unit)),
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
            Event::Met(_) => {}
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_rate_and_time_left() {
        let amounts = Amounts {
            done: 197 << 20,
            total: Some(1_288_490_189),
            unit: "bytes",
            met: 630_000,
            elapsed: Duration::from_secs(10),
            left: Duration::from_secs(12),
        };
        assert_eq!(amounts.line(), "197 MiB of 1.2 GiB · 63,000 events/s · 12 s left");
        let pages = Amounts { done: 5_000, total: Some(20_000), unit: "pages", met: 0, ..amounts };
        assert_eq!(pages.line(), "5,000 of 20,000 pages · 500 pages/s · 12 s left");
        let plan = Amounts { done: 0, total: None, unit: "events", met: 0, ..pages };
        assert_eq!(plan.line(), "10 s");
        assert_eq!(span(3_725), "1 h 2 min");
    }
}
