//! Sends one request to the workers behind a broker, and prints the answer.
//!
//! ```text
//! cargo run -p nats-worker --example nats_ask -- --connect 127.0.0.1:4333 say hello
//! ```
//!
//! It isn't a transport of `shared-client`, whose requests and replies follow each other on a
//! stream: here each request has its own reply subject, and the broker reports when there are no
//! workers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use async_nats::ConnectOptions;
use async_nats::client::RequestErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};
use shared_proto::envelope::Reply;
use shared_proto::tutorial::{Request, Response};
use shared_proto::{Decode, Frame, Message, escaped};

/// How long to wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match ask().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("nats_ask: {}", escaped(&format!("{reason:#}")));
            ExitCode::FAILURE
        }
    }
}

async fn ask() -> anyhow::Result<()> {
    let arguments = command().get_matches();
    let text = |name| arguments.get_one::<String>(name).expect("it is there");
    let (address, subject) = (text("connect"), text("subject"));
    let request = request(&arguments);
    let payload = [&[request.kind()], &*request.body()].concat();

    let options = ConnectOptions::new().request_timeout(Some(TIMEOUT));
    let client = options.connect(address).await;
    let client =
        client.map_err(|error| anyhow!("cannot reach the broker at {address}: {error}"))?;
    let reply = match client.request(subject.clone(), payload.into()).await {
        Ok(message) => message.payload,
        Err(error) => match error.kind() {
            RequestErrorKind::NoResponders => bail!("no worker answers {subject}: start one"),
            RequestErrorKind::TimedOut => bail!(
                "no answer within {TIMEOUT:?}; it is unknown whether the request was carried out"
            ),
            _ => return Err(error.into()),
        },
    };
    let (&kind, body) = reply.split_first().context("an answer of 0 bytes")?;
    match Reply::<Response<'_>>::decode(Frame { kind, body })? {
        Reply::Response(Response::Accepted) => println!("accepted"),
        Reply::Response(Response::Echo(bytes)) => {
            println!("{}", escaped(&String::from_utf8_lossy(&bytes)));
        }
        Reply::Response(Response::Peer(who)) => println!("{}", escaped(&who)),
        Reply::Response(Response::Stats(stats)) => println!("{} requests", stats.requests),
        Reply::Closed => println!("closed"),
        Reply::Error(error) => bail!("{}: {}", error.code, escaped(&error.text)),
    }
    Ok(())
}

fn command() -> Command {
    let flag = |name, default| Arg::new(name).long(name).default_value(default);
    let text = |name| {
        Arg::new(name)
            .required(true)
            .value_parser(value_parser!(String))
    };
    Command::new("nats_ask")
        .about("Asks the workers behind a NATS broker")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .args([
            flag("connect", "127.0.0.1:4222"),
            flag("subject", "pocket-sockets"),
        ])
        .subcommands([
            Command::new("say").arg(text("text")),
            Command::new("echo").arg(text("text")),
            Command::new("whoami"),
            Command::new("stats"),
        ])
}

fn request(arguments: &ArgMatches) -> Request<'_> {
    match arguments.subcommand() {
        Some(("say", say)) => Request::Say(say.get_one::<String>("text").expect("it is required")),
        Some(("echo", echo)) => {
            let text: &String = echo.get_one("text").expect("it is required");
            Request::Echo(text.as_bytes())
        }
        Some(("whoami", _)) => Request::WhoAmI,
        _ => Request::Stats,
    }
}
