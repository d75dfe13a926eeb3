//! The process: the real clock, the real streams, one call, and its exit code.

use pchat::cli::{World, run};
use pchat::context::Streams;
use pchat::model::time::Ticks;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static CANCELLED: AtomicBool = AtomicBool::new(false);
/// Somebody is being asked: nothing was done yet, and nothing is under way.
static ASKING: AtomicBool = AtomicBool::new(false);

#[allow(clippy::disallowed_methods)] // This is the one place where clock, environment and exit are real.
fn main() -> ExitCode {
    // The first interrupt asks to stop; the second does not ask. At a question there is nothing that could be stopped.
    let heard = ctrlc::set_handler(|| {
        if ASKING.load(Ordering::SeqCst) {
            drop(writeln!(std::io::stderr(), "\npchat: interrupted: nothing was done"));
            std::process::exit(130);
        }
        if CANCELLED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let mut err = std::io::stderr();
    if heard.is_err() {
        drop(writeln!(err, "pchat: interrupts cannot be caught; they end the process at once"));
    }
    let clock = || Ticks::from_chrono(chrono::Utc::now()).unwrap_or(Ticks::MAX);
    let random = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map(|()| bytes).map_err(std::io::Error::other)
    };
    let done = std::panic::catch_unwind(|| {
        run(
            std::env::args_os(),
            World {
                clock: &clock,
                random: &random,
                user: whoami::username().unwrap_or_else(|_| "unknown".to_owned()),
                host: gethostname::gethostname().to_string_lossy().into_owned(),
                store: std::env::var_os("PCHAT_STORE"),
                key: std::env::var_os("PCHAT_KEY"),
                programs: std::env::var_os("PATH"),
                password: std::env::var("PCHAT_LDAP_PASSWORD").ok(),
                out: &mut std::io::BufWriter::new(std::io::stdout()),
                err: &mut std::io::stderr(),
                terminal: std::io::stderr().is_terminal(),
                looks: std::io::stdout().is_terminal(),
                width: terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0),
                color: std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
                answer: &|| {
                    let mut line = String::new();
                    if !std::io::stdin().is_terminal() {
                        return None;
                    }
                    ASKING.store(true, Ordering::SeqCst);
                    let read = std::io::stdin().read_line(&mut line);
                    ASKING.store(false, Ordering::SeqCst);
                    read.is_ok_and(|read| read > 0).then_some(line)
                },
                input: &|| {
                    let mut stdin = std::io::stdin();
                    (!stdin.is_terminal()).then(|| std::io::read_to_string(&mut stdin))
                },
                streams: Streams { stdin: &|| Box::new(std::io::stdin()), stdout: &|| Box::new(std::io::stdout()) },
                cancelled: &CANCELLED,
            },
        )
    });
    ExitCode::from(done.unwrap_or(1))
}
