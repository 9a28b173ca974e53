//! The flags that both servers share, what they print, and how they exit.

use crate::event::Event;
use crate::limits::{LONGEST, Limits};
use crate::log;
use crate::output::line_on_stdout;
use crate::shared::Outcome;
use crate::supervisor::Supervisor;
use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, ErrorKind};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

/// The exit code of a program that failed while running.
pub const FAILED_WHILE_RUNNING: u8 = 1;
const REFUSED_TO_START: u8 = 2;
/// The exit code of a program that a drain deadline or a second signal ended with work unfinished.
pub const DRAINED_BY_FORCE: u8 = 3;

const MOST_WORKERS: usize = 1024;

/// The last paragraph of the help text of a server that serves inherited listeners and reports to
/// its supervisor.
pub const SUPERVISED: &str = "\
When started by a supervisor, it serves the listeners that it inherits (LISTEN_FDS) instead of
opening its own, and reports when it is ready, stopping and still alive (NOTIFY_SOCKET, WATCHDOG_USEC).";

/// Returns the command line of the server `name`, with a flag for each field of [`Limits`].
#[must_use]
pub fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .next_help_heading("Limits") // below the address, which the servers add
        .args([
            flag("max-clients", "N", "1024")
                .value_parser(parse_count)
                .help("How many clients are served at the same time; any further client gets Busy"),
            flag("max-frame", "SIZE", "256KiB")
                .value_parser(parse_size)
                .help("The largest frame (kind and body), in bytes, KiB or MiB"),
            flag("frame-timeout", "TIME", "10s")
                .value_parser(ValueParser::new(parse_time))
                .help("How long a frame may take to arrive, from its first byte to its last"),
            flag("reply-timeout", "TIME", "10s")
                .value_parser(ValueParser::new(parse_time))
                .help(
                    "How long a client has to read its pending replies, counted from the first \
                     write that its socket could not take completely",
                ),
            flag("idle-timeout", "TIME", "5m")
                .value_parser(ValueParser::new(parse_duration))
                .help("How long a client may be silent; 0 means forever"),
            drain_timeout(),
            flag("workers", "N", "1")
                .value_parser(parse_workers)
                .help("Threads that serve clients"),
        ])
        .next_help_heading(None)
}

/// Returns the flag `--drain-timeout`: how long a drain may take.
#[must_use]
pub fn drain_timeout() -> Arg {
    flag("drain-timeout", "TIME", "5s")
        .value_parser(ValueParser::new(parse_time))
        .help("How long a drain may take, counted from the signal")
}

fn flag(name: &'static str, value: &'static str, default: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .default_value(default)
}

/// Returns the limits from the flags of [`command`].
///
/// # Panics
///
/// If `arguments` were not parsed by [`command`].
#[must_use]
pub fn limits(arguments: &ArgMatches) -> Limits {
    let time = |name| {
        *arguments
            .get_one::<Duration>(name)
            .expect("it has a default")
    };
    let count = |name| *arguments.get_one(name).expect("it has a default");
    Limits {
        max_clients: count("max-clients"),
        max_frame: *arguments.get_one("max-frame").expect("it has a default"),
        frame_timeout: time("frame-timeout"),
        reply_timeout: time("reply-timeout"),
        idle_timeout: Some(time("idle-timeout")).filter(|limit| !limit.is_zero()),
        drain_timeout: time("drain-timeout"),
        workers: count("workers"),
    }
}

/// Returns the first of `flags` that was given on the command line, in a form such as `--listen
/// 127.0.0.1:0`; `None` if none was. A server that has inherited a listener refuses to start if an
/// address was given as well.
#[must_use]
pub fn given(arguments: &ArgMatches, flags: &[&str]) -> Option<String> {
    let given = |flag: &&&str| arguments.value_source(flag) == Some(ValueSource::CommandLine);
    let flag = flags.iter().find(given)?;
    let values = arguments.get_raw(flag).into_iter().flatten();
    let words: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
    Some(format!("--{flag} {}", words.join(" ")))
}

/// Prints `listening on ADDRESS`, the only line that a server writes to standard output. Call it
/// when clients can connect.
///
/// Like the log, it never waits for a reader. If standard output is closed or has no room, the line
/// goes to the log instead, and the server serves anyway. A standard output that was closed when the
/// program started looks like one that its starter connected to `/dev/null` for reading and writing,
/// so in that case, too, the line goes to the log; after a shell's `>/dev/null` it does not.
pub fn announce(address: impl AsRef<OsStr>) {
    let address = address.as_ref();
    let line = [b"listening on ", address.as_encoded_bytes(), b"\n"].concat();
    let reason = match line_on_stdout(&line) {
        Ok(()) => return,
        Err(error) if error.kind() == ErrorKind::WouldBlock => "it has no room".to_owned(),
        Err(error) => error.to_string(),
    };
    log::line(format_args!(
        "listening on {}, which could not be printed on standard output: {reason}",
        address.display()
    ));
}

/// Calls [`announce`], and tells the supervisor that clients can connect (`READY=1`). If that
/// message cannot be sent, the log says so, and the server serves anyway.
pub fn ready(supervisor: &Supervisor, address: impl AsRef<OsStr>) {
    announce(address);
    if let Err(error) = supervisor.ready() {
        log::line(format_args!(
            "READY=1 could not be sent to the supervisor, which may keep waiting for it: {error}"
        ));
    }
}

/// Writes an event as one line of the log: for [`Server::on_event`](crate::Server::on_event).
pub fn log_event(event: &Event) {
    log::line(format_args!("{event}"));
}

/// Writes to the log, in one line, why the program `name` does not start, and returns exit code 2.
pub fn refuse_to_start(name: &str, reason: impl fmt::Display) -> ExitCode {
    end_with(REFUSED_TO_START, name, reason)
}

/// Writes to the log, in one line, why the program `name` ends, then how many log lines were lost,
/// if any. Returns `code` as the exit code.
pub fn end_with(code: u8, name: &str, reason: impl fmt::Display) -> ExitCode {
    log::line(format_args!("{name}: {reason}"));
    log::finish();
    code.into()
}

/// Writes to the log how serving ended, if it was not a complete drain, then how many log lines
/// were lost, if any. Returns the exit code: 0, [`FAILED_WHILE_RUNNING`] or [`DRAINED_BY_FORCE`].
pub fn exit_code(name: &str, outcome: io::Result<Outcome>) -> ExitCode {
    let code = match outcome {
        Ok(Outcome::Drained) => ExitCode::SUCCESS,
        Ok(Outcome::Cut) => {
            log::line(format_args!(
                "{name}: connections were cut with work unfinished"
            ));
            DRAINED_BY_FORCE.into()
        }
        Err(error) => {
            log::line(format_args!("{name}: serving failed: {error}"));
            FAILED_WHILE_RUNNING.into()
        }
    };
    log::finish();
    code
}

/// Makes each panic one line in the log, as each event is, and opens the log now: on Linux, the log
/// takes a descriptor of its own if standard error is a pipe or a terminal. Call it at the beginning
/// of `main`, before descriptors can run out. [`log::line`] works without this call: the first line
/// then opens the log.
pub fn log_panics() {
    log::open();
    std::panic::set_hook(Box::new(|panic| log::line(format_args!("{panic}"))));
}

fn parse_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("it must be more than 0".into()),
        time => Ok(time),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "give a number and a unit, such as 500ms, 10s or 5m".to_owned())?;
    match duration {
        duration if duration > LONGEST => Err("it must be less than a hundred years".into()),
        duration => Ok(duration),
    }
}

fn parse_size(text: &str) -> Result<NonZeroU32, String> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit: u64 = match text[digits.len()..].trim_start() {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        _ => return Err("give a number of bytes, KiB or MiB, such as 512, 64KiB or 1MiB".into()),
    };
    let number = digits.parse().ok();
    let bytes = number.and_then(|number: u64| number.checked_mul(unit));
    bytes
        .and_then(|bytes| u32::try_from(bytes).ok())
        .and_then(NonZeroU32::new)
        .ok_or_else(|| "it must be from 1 byte to under 4 GiB".into())
}

fn parse_count(text: &str) -> Result<std::num::NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "give a whole number, 1 or more".into())
}

fn parse_workers(text: &str) -> Result<std::num::NonZeroUsize, String> {
    match parse_count(text)? {
        workers if workers.get() > MOST_WORKERS => Err(format!("at most {MOST_WORKERS}")),
        workers => Ok(workers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_flags_are_those_of_the_library() {
        let arguments = command("server", "").get_matches_from(["server"]);
        assert_eq!(limits(&arguments), Limits::default());
    }

    #[test]
    fn zero_is_never_for_the_idle_timeout_and_refused_elsewhere() {
        let arguments =
            |flag, value| command("server", "").try_get_matches_from(["server", flag, value]);
        assert_eq!(
            limits(&arguments("--idle-timeout", "0").unwrap()).idle_timeout,
            None
        );
        for flag in [
            "--frame-timeout",
            "--reply-timeout",
            "--drain-timeout",
            "--max-clients",
            "--max-frame",
            "--workers",
        ] {
            assert!(arguments(flag, "0").is_err(), "{flag}");
        }
        assert!(arguments("--frame-timeout", "0s").is_err());
    }

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("5m"), Ok(Duration::from_secs(300)));
        for wrong in [
            "",
            "10",
            "-1s",
            "1 fortnight",
            "200years",
            "99999999999999999999s",
        ] {
            assert!(parse_time(wrong).is_err(), "{wrong:?}");
        }
        for (text, bytes) in [
            ("512", 512),
            ("64KiB", 65_536),
            ("1MiB", 1 << 20),
            ("3GiB", 3 << 30),
        ] {
            assert_eq!(parse_size(text).map(NonZeroU32::get), Ok(bytes), "{text}");
        }
        for wrong in [
            "",
            "KiB",
            "1KB",
            "4GiB",
            "-1",
            "1.5MiB",
            "99999999999999999999",
        ] {
            assert!(parse_size(wrong).is_err(), "{wrong:?}");
        }
    }
}
