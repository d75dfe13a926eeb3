//! What tells monitors and the system how the service is: a file for the collector of node_exporter, a command that is
//! run when a run fails, and messages to systemd.

use super::Standing;
use crate::context::Clock;
use crate::error::{Error, Kind, Result, quoted};
use crate::files;
use crate::pipeline::{Event, Watch, wait};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Writes how the services are, as OpenMetrics. The file is replaced as a whole.
pub fn metrics(path: &Path, all: &[(String, Standing)]) -> Result<()> {
    let told = |e| Error::io(path.display(), e);
    let mut text = String::new();
    let mut family = |name: &str, help: &str, value: &dyn Fn(&Standing) -> Option<u64>| {
        text.push_str(&format!("# TYPE pchat_compliance_{name} gauge\n# HELP pchat_compliance_{name} {help}\n"));
        for (identity, standing) in all {
            let label = identity.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            if let Some(value) = value(standing) {
                text.push_str(&format!("pchat_compliance_{name}{{configuration=\"{label}\"}} {value}\n"));
            }
        }
    };
    let is = |state: &'static str| move |standing: &Standing| Some(u64::from(standing.state == state));
    family("up", "1 when an adapter is set and the last run did not fail.", &|standing| {
        Some(u64::from(matches!(standing.state, "current" | "behind")))
    });
    family("failed", "1 when the last run failed.", &is("failed"));
    family("behind", "1 when something waits for more than two intervals.", &is("behind"));
    family("mails_waiting", "Mails that are not with the relay yet.", &|standing| Some(standing.mails.waiting));
    family("mails_refused", "Mails the relay has refused.", &|standing| Some(standing.mails.refused));
    family("lag_events", "Events that are not delivered yet.", &|standing| Some(standing.backlog.events));
    family("lag_seconds", "Seconds since the last run, while something waits.", &|standing| standing.lag);
    family("runs", "The number of the last run.", &|standing| standing.last.as_ref().map(|run| run.run));
    family("last_run_timestamp_seconds", "When the last run began.", &|standing| {
        let at = standing.last.as_ref()?.begun_on.unix_millis() / 1000;
        u64::try_from(at).ok()
    });
    text.push_str("# EOF\n");
    let mut draft = files::draft("metrics", path).map_err(told)?;
    draft.write_all(text.as_bytes()).map_err(told)?;
    // node_exporter is another user.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        draft.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(told)?;
    }
    draft.persist(path).map(|_| ()).map_err(|e| told(e.error))
}

/// So long may a command take that is run because a run failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Fails when there is no such program: an alarm that cannot ring is found out before it is needed.
pub fn ready(command: &str, path: Option<&OsStr>) -> Result<()> {
    let named = Path::new(command);
    let runs = |path: &Path| {
        #[cfg(unix)]
        let may = |facts: &Metadata| std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o111 != 0;
        #[cfg(not(unix))]
        let may = |_: &Metadata| true;
        std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && may(&facts))
    };
    let ends = |path: &Path| runs(path) || cfg!(windows) && runs(&path.with_extension("exe"));
    let found = match named.components().count() > 1 {
        true => ends(named),
        false => path.is_some_and(|path| std::env::split_paths(path).any(|folder| ends(&folder.join(named)))),
    };
    match found && !command.is_empty() {
        true => Ok(()),
        false => Err(Error::new(Kind::NotFound, format!("--on-failure: there is no program {}", quoted(command)))
            .hint("give the path of one program, without arguments; a script of its own can call others")),
    }
}

/// Runs a command because a run failed. It gets the settings and the reason as arguments, not as part of a line.
pub fn call(command: &str, identity: &str, what: &str, watch: &dyn Watch) -> Result<()> {
    let failed = |what: String| Error::new(Kind::Io, format!("--on-failure {}: {what}", quoted(command)));
    let told = |e: std::io::Error| failed("cannot be run".to_owned()).because(e);
    let mut child = Command::new(command).args([identity, what]).stdin(Stdio::null()).spawn().map_err(told)?;
    let status = ended(&mut child, LIMIT, watch).map_err(told)?;
    let by_hand = "try it by hand";
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failed(format!("ended with {status}")).hint(by_hand)),
        None => Err(failed(format!("was ended after {} s", LIMIT.as_secs())).hint(by_hand)),
    }
}

/// Waits for a child for so long, or until the work should end; then it is ended, and nothing is given.
pub(super) fn ended(child: &mut Child, limit: Duration, watch: &dyn Watch) -> std::io::Result<Option<ExitStatus>> {
    let (mut waited, step) = (Duration::ZERO, Duration::from_millis(20));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if waited >= limit || !wait(step, watch, &mut |_| {}) {
            drop(child.kill());
            drop(child.wait());
            return Ok(None);
        }
        waited += step;
    }
}

/// Tells systemd how a service is, when it listens at this address.
#[cfg(unix)]
pub fn notify(address: Option<&str>, state: &str) {
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(address) = address else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    let sent = match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name).and_then(|address| socket.send_to_addr(state.as_bytes(), &address))
        }
        _ => SocketAddr::from_pathname(address).and_then(|address| socket.send_to_addr(state.as_bytes(), &address)),
    };
    // Nobody who listens is none of the work's business.
    drop(sent);
}

/// Looks at long work like another watch, and tells systemd every few seconds that it goes on.
pub struct Heartbeat<'a> {
    watch: &'a dyn Watch,
    clock: Clock<'a>,
    address: Option<&'a str>,
    told: AtomicI64,
}

impl<'a> Heartbeat<'a> {
    /// In place of this watch.
    pub fn new(watch: &'a dyn Watch, clock: Clock<'a>, address: Option<&'a str>) -> Heartbeat<'a> {
        Heartbeat { watch, clock, address, told: AtomicI64::new(0) }
    }

    fn beat(&self) {
        if self.address.is_none() {
            return;
        }
        let now = (self.clock)().0;
        // A clock that was set back is another time, too.
        if self.told.load(Ordering::Relaxed).abs_diff(now) >= 50_000_000 {
            self.told.store(now, Ordering::Relaxed);
            notify(self.address, "WATCHDOG=1");
        }
    }
}

impl Watch for Heartbeat<'_> {
    fn event(&self, event: Event) {
        self.beat();
        self.watch.event(event);
    }

    fn cancelled(&self) -> bool {
        self.beat();
        self.watch.cancelled()
    }
}

/// Nobody listens elsewhere.
#[cfg(not(unix))]
pub fn notify(_address: Option<&str>, _state: &str) {}
