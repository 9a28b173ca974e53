//! The command line of both clients: arguments, output, exit codes.
//!
//! Standard output contains only answers. Errors go to standard error, in one line that names the
//! address and what to try, and the exit code is 1; for invalid arguments it is 2.

mod explain;
mod output;
mod session;

pub use explain::{cannot_connect, cannot_connect_to_any};

use crate::{Client, Failure, Stream};
use anyhow::Context;
use clap::{Arg, ArgMatches, Command, value_parser};
use output::OutputClosed;
use shared_proto::escaped;
use shared_proto::tutorial::{Request, Response};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The most that is read from standard input for one request: 1 GiB.
const LARGEST_INPUT: u64 = 1024 * 1024 * 1024;

/// What differs between `tcp-client` and `unix-client`.
pub trait Transport: Sized {
    /// The connected socket.
    type Stream: Stream;
    /// The name of the client program, such as `tcp-client`.
    const CLIENT: &'static str;
    /// The name of the server program, such as `tcp-server`.
    const SERVER: &'static str;
    /// The option that names the server's address, such as `--connect`.
    const ADDRESS_OPTION: &'static str;
    /// For the error message if the system does not permit the connection: what to try.
    const IF_NOT_PERMITTED: &'static str;
    /// For the error message if the server answers NotAllowed: what to try.
    const IF_NOT_ALLOWED: &'static str;

    /// Returns the command-line options that name a server.
    fn options() -> Vec<Arg>;

    /// Reads the values of those [`options`](Self::options).
    fn from_matches(matches: &ArgMatches) -> Self;

    /// Returns the server's address, for messages.
    fn address(&self) -> String;

    /// Connects to the server within `timeout`.
    ///
    /// # Errors
    ///
    /// One line that names the address and what to try: see [`cannot_connect`].
    fn connect(&self, timeout: Duration) -> anyhow::Result<Self::Stream>;

    /// Explains a stream error that only this transport knows, in one line that names the address
    /// and what to try. Returns `None` for any other error.
    fn explain(&self, _error: &io::Error) -> Option<anyhow::Error> {
        None
    }
}

/// The whole `main` of a client: reads the command line, sends the requests, prints the replies,
/// and returns the exit code.
pub fn main<T: Transport>() -> ExitCode {
    let matches = command::<T>().get_matches();
    let transport = T::from_matches(&matches);
    match run(&transport, &matches) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader of the output is gone: there is no one to report to.
        Err(error) if error.is::<OutputClosed>() => ExitCode::FAILURE,
        Err(error) => {
            tell::<T>(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes one line to standard error. Text from a server can neither split the line nor move the
/// cursor.
fn tell<T: Transport>(message: &str) {
    let line = format!("{}: {}\n", T::CLIENT, escaped(message));
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

fn command<T: Transport>() -> Command {
    let text = |text: Arg| text.required(true).allow_hyphen_values(true);
    Command::new(T::CLIENT)
        .about(format!(
            "Calls {}. Without a command it sends each line of standard input with say.",
            T::SERVER
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(T::options())
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .help("How long to wait for the connection, and for each complete reply")
                .default_value("10s")
                .value_parser(parse_timeout)
                .global(true),
        )
        .subcommands([
            Command::new("say")
                .about("Says some text; prints \"accepted\"")
                .arg(text(Arg::new("text").value_name("TEXT")).help("What to say")),
            Command::new("echo")
                .about("Sends bytes and prints the bytes that come back, unchanged")
                .arg(
                    text(Arg::new("bytes").value_name("TEXT|-"))
                        .help("What to send; - sends all of standard input")
                        .value_parser(value_parser!(OsString)),
                ),
            Command::new("whoami").about("Prints how the server sees this client"),
            Command::new("stats").about("Prints the server's counters"),
            Command::new("close").about("Asks the server to close; prints \"closed\""),
        ])
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() {
        return Err("it must be more than 0, such as 10s or 500ms".to_owned());
    }
    Ok(timeout)
}

/// Returns whether every request got the right answer; if not, the reason has already been
/// reported.
fn run<T: Transport>(transport: &T, matches: &ArgMatches) -> anyhow::Result<bool> {
    let timeout = *matches
        .get_one::<Duration>("timeout")
        .expect("it has a default");
    let bytes;
    let request = match matches.subcommand() {
        None => return session::run(transport, connect(transport, timeout)?),
        Some(("say", say)) => Request::Say(say.get_one::<String>("text").expect("it is required")),
        Some(("echo", echo)) => {
            bytes = what_to_echo(echo.get_one("bytes").expect("it is required"))?;
            Request::Echo(&bytes)
        }
        Some(("whoami", _)) => Request::WhoAmI,
        Some(("stats", _)) => Request::Stats,
        Some((_, _)) => {
            close(transport, connect(transport, timeout)?)?;
            return Ok(true);
        }
    };
    let mut client = connect(transport, timeout)?;
    ask(transport, &mut client, request)
}

fn connect<T: Transport>(transport: &T, timeout: Duration) -> anyhow::Result<Client<T::Stream>> {
    let stream = transport.connect(timeout)?;
    Client::new(transport.address(), stream, timeout)
        .with_context(|| format!("{}: cannot set a timeout", transport.address()))
}

/// Returns the bytes to send. For `-` they are all of standard input, which is read before there is
/// a connection that could time out.
fn what_to_echo(argument: &OsString) -> anyhow::Result<Vec<u8>> {
    if argument != "-" {
        return Ok(argument.as_encoded_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LARGEST_INPUT + 1)
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    anyhow::ensure!(
        bytes.len() as u64 <= LARGEST_INPUT,
        "TooLarge: standard input holds more than {LARGEST_INPUT} bytes; send less"
    );
    Ok(bytes)
}

/// Sends a request and prints its answer, or reports an error that leaves the connection open.
fn ask<T: Transport>(
    transport: &T,
    client: &mut Client<T::Stream>,
    request: Request<'_>,
) -> anyhow::Result<bool> {
    let response = match client.call(&request) {
        Ok(response) => response,
        Err(error) => {
            if let Failure::Error { code, text } = error.failure() {
                tell::<T>(&explain::error_answer(transport, *code, text));
                return Ok(false);
            }
            return Err(explain::failed_call(transport, error.failure()));
        }
    };
    match (&request, &response) {
        (Request::Echo(sent), Response::Echo(came)) if *sent != came.as_ref() => {
            Err(explain::other_bytes(transport, sent, came))
        }
        (Request::Say(_), Response::Accepted)
        | (Request::Echo(_), Response::Echo(_))
        | (Request::WhoAmI, Response::Peer(_))
        | (Request::Stats, Response::Stats(_)) => {
            output::print(&response)?;
            Ok(true)
        }
        _ => Err(explain::not_an_answer(transport, &request, &response)),
    }
}

fn close<T: Transport>(transport: &T, client: Client<T::Stream>) -> anyhow::Result<()> {
    client
        .close()
        .map_err(|error| explain::failed_call(transport, error.failure()))?;
    output::write(b"closed\n")
}
