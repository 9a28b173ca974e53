//! A program around a worker: flags, signals, the log, exit codes.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event as BrokerEvent};
use clap::{Arg, ArgMatches, Command, value_parser};
use shared_server::{Event, Outcome, Service, Supervisor, cli, log};
use tokio::runtime::Builder;
use tokio::select;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::worker::{Place, Worker, WorkerError};

/// How often a silent broker is pinged. At the third unanswered ping it counts as gone.
const PING: Duration = Duration::from_secs(25);

/// A signal that arrives this soon after the first one is the same signal, sent twice, as for the
/// servers.
const SENT_TWICE: Duration = Duration::from_millis(200);

/// The whole `main` of a worker for any service: reads the flags, joins the queue group, answers
/// requests until a signal arrives, and returns the exit code.
pub fn main<S: Service>(name: &'static str, about: &'static str, service: S) -> ExitCode {
    cli::log_panics();
    let arguments = command(name, about).get_matches();
    let ended = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(service, &arguments)),
        Err(error) => Err(error).context("cannot start"),
    };
    match ended {
        Ok(Outcome::Drained) => cli::exit_code(name, Ok(Outcome::Drained)),
        Ok(_) => {
            let left = "forced to end, with unanswered requests or replies that the broker had not \
                        confirmed";
            cli::end_with(cli::DRAINED_BY_FORCE, name, left)
        }
        Err(reason) => {
            let code = match reason.downcast_ref() {
                Some(WorkerError::Unconfirmed) => cli::DRAINED_BY_FORCE,
                _ => cli::FAILED_WHILE_RUNNING,
            };
            cli::end_with(code, name, format_args!("{reason:#}"))
        }
    }
}

fn command(name: &'static str, about: &'static str) -> Command {
    let flag = |name, value, default| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .default_value(default)
    };
    Command::new(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .args([
            flag("connect", "ADDRESS", "127.0.0.1:4222")
                .help("The broker, HOST:PORT, nats://USER:PASSWORD@HOST:PORT or tls://HOST:PORT"),
            flag("subject", "SUBJECT", "pocket-sockets")
                .help("The subject that requests are sent to"),
            flag("queue", "GROUP", "workers")
                .help("The queue group; each request goes to one of its workers"),
            flag("max-requests", "N", "1024")
                .value_parser(value_parser!(NonZeroUsize))
                .help(
                    "How many requests may wait for an answer that the service gives later; any \
                     further request gets Busy",
                ),
            cli::drain_timeout(),
        ])
        .after_help("Under a supervisor it reports READY and STOPPING (NOTIFY_SOCKET).")
}

async fn run<S: Service>(service: S, arguments: &ArgMatches) -> anyhow::Result<Outcome> {
    let mut signals = signals::Signals::catch().context("cannot catch signals")?;
    let supervisor = Supervisor::from_env();
    let (mut worker, at) = select! {
        joined = join(service, arguments) => joined?,
        () = signals.next() => return Ok(Outcome::Drained),
    };
    worker.on_event(cli::log_event);
    cli::ready(&supervisor, &at);

    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = pin!(worker.serve(stopped));
    select! {
        ended = &mut serving => return ended.map(|()| Outcome::Drained).context(at),
        () = signals.next() => {}
    }
    cli::log_event(&Event::Draining { signaled: true });
    supervisor.stopping();
    drop(stop);
    let drain_timeout = *arguments
        .get_one("drain-timeout")
        .expect("it has a default");
    select! {
        ended = &mut serving => ended.map(|()| Outcome::Drained).context(at),
        () = sleep(drain_timeout) => Ok(Outcome::Cut),
        () = second(&mut signals) => {
            cli::log_event(&Event::Cutting);
            Ok(Outcome::Cut)
        }
    }
}

/// Joins the queue group. Returns the worker, and, for messages, where it gets its requests from.
async fn join<S: Service>(
    service: S,
    arguments: &ArgMatches,
) -> anyhow::Result<(Worker<S>, String)> {
    let text = |name| arguments.get_one::<String>(name).expect("it has a default");
    let max_requests: &NonZeroUsize = arguments.get_one("max-requests").expect("it has a default");
    let (client, broker) = connect(text("connect")).await?;
    let place = Place {
        broker: broker.clone(),
        subject: text("subject").clone(),
        queue: text("queue").clone(),
        max_requests: max_requests.get(),
    };
    let at = format!("{} at {broker}", place.subject);
    match Worker::join(client, place, service).await {
        Ok(worker) => Ok((worker, at)),
        Err(error) => Err(error).context(at),
    }
}

/// Waits for a second signal, one that is not the first signal sent twice.
async fn second(signals: &mut signals::Signals) {
    let earliest = Instant::now() + SENT_TWICE;
    loop {
        signals.next().await;
        if Instant::now() >= earliest {
            return;
        }
    }
}

/// The client, and the broker's address without a password, for messages.
async fn connect(address: &str) -> anyhow::Result<(Client, String)> {
    let Ok(server) = address.parse::<async_nats::ServerAddr>() else {
        // Without a password.
        let place = address.rsplit('@').next().unwrap_or_default();
        return Err(anyhow!(
            "{place} is not a broker's address; give HOST:PORT, such as 127.0.0.1:4222, with --connect"
        ));
    };
    let broker = match server.host() {
        v6 if v6.contains(':') => format!("[{v6}]:{}", server.port()),
        host => format!("{host}:{}", server.port()),
    };
    let log = BrokerLog::of(&broker);
    let options = ConnectOptions::new().ping_interval(PING);
    let options = options.event_callback(move |event| {
        log.tell(&event);
        std::future::ready(())
    });
    let connected = options.connect(server).await;
    let client = connected.map_err(|error| {
        let try_this = match error.kind() {
            ConnectErrorKind::AuthorizationViolation => "give nats://USER:PASSWORD@HOST:PORT",
            _ => "start it (nats-server), or name another",
        };
        anyhow!("cannot reach the broker at {broker}: {error}; {try_this} with --connect")
    })?;
    Ok((client, broker))
}

/// Logs what happens to the connection, one line each, once.
struct BrokerLog {
    broker: String,
    is_gone: AtomicBool,
    dropped: AtomicU64,
}

impl BrokerLog {
    fn of(broker: &str) -> Self {
        Self {
            broker: broker.to_owned(),
            is_gone: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        }
    }

    fn tell(&self, event: &BrokerEvent) {
        let broker = &self.broker;
        match event {
            BrokerEvent::Disconnected => {
                self.is_gone.store(true, Ordering::Relaxed);
                log::line(format_args!("lost the broker at {broker}; trying again"));
            }
            BrokerEvent::Connected if self.is_gone.swap(false, Ordering::Relaxed) => {
                log::line(format_args!("connected to the broker at {broker} again"));
            }
            BrokerEvent::LameDuckMode => {
                log::line(format_args!("the broker at {broker} is about to stop"));
            }
            BrokerEvent::SlowConsumer(_) => self.tell_of_a_dropped_request(),
            BrokerEvent::ServerError(error) => {
                log::line(format_args!("the broker at {broker} reports: {error}"));
            }
            // The first connection, each failed attempt to reconnect, and what the worker itself
            // did.
            _ => {}
        }
    }

    fn tell_of_a_dropped_request(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        // They arrive by the thousand: a line for 1, 2, 4, 8 … is enough.
        if dropped.is_power_of_two() {
            log::line(format_args!(
                "requests arrive faster than they are answered: {dropped} have been dropped so far"
            ));
        }
    }
}

#[cfg(unix)]
mod signals {
    use std::io;

    use nix::sys::signal::{SigSet, Signal};
    use tokio::select;
    use tokio::signal::unix::{self, SignalKind};

    /// SIGINT and SIGTERM.
    pub(super) struct Signals(unix::Signal, unix::Signal);

    impl Signals {
        /// Catches them whatever the program that started this one did with them.
        pub(super) fn catch() -> io::Result<Self> {
            let catch = |kind| unix::signal(kind);
            let caught = Self(
                catch(SignalKind::interrupt())?,
                catch(SignalKind::terminate())?,
            );
            let both: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
            both.thread_unblock()?;
            Ok(caught)
        }

        pub(super) async fn next(&mut self) {
            select! {
                _ = self.0.recv() => {}
                _ = self.1.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;

    /// Ctrl-C.
    pub(super) struct Signals(tokio::signal::windows::CtrlC);

    impl Signals {
        pub(super) fn catch() -> io::Result<Self> {
            tokio::signal::windows::ctrl_c().map(Self)
        }

        pub(super) async fn next(&mut self) {
            self.0.recv().await;
        }
    }
}
