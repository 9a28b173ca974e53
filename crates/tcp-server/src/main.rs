//! The server over TCP: reads its arguments, listens, says where, serves.

use anyhow::{Context, anyhow};
use clap::{Arg, ArgMatches};
use shared_proto::DEFAULT_TCP_ADDRESS;
use shared_server::{Running, Server, Signals, TutorialService, cli};
use std::io::ErrorKind;
use std::process::ExitCode;
use tcp_server::TcpTransport;

const NAME: &str = env!("CARGO_PKG_NAME");

fn main() -> ExitCode {
    cli::log_panics();
    let listen = Arg::new("listen")
        .long("listen")
        .value_name("ADDRESS")
        .default_value(DEFAULT_TCP_ADDRESS)
        .help("Where to listen, HOST:PORT; port 0 is one that the system chooses");
    let about = "Serves the tutorial's protocol over TCP";
    let arguments = cli::command(NAME, about).arg(listen).get_matches();
    match start(&arguments) {
        Ok(server) => cli::exit_code(NAME, server.serve()),
        Err(reason) => cli::refuse_to_start(NAME, format_args!("{reason:#}")),
    }
}

fn start(arguments: &ArgMatches) -> anyhow::Result<Running<TcpTransport, TutorialService>> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let address: &String = arguments.get_one("listen").expect("it has a default");
    let transport = TcpTransport::bind(address).map_err(|error| {
        let try_this = match error.kind() {
            ErrorKind::InvalidInput => "give HOST:PORT, such as 127.0.0.1:7878 or [::1]:7878,",
            _ => "choose another address",
        };
        anyhow!("cannot listen on {address}: {error}; {try_this} with --listen")
    })?;
    let address = transport
        .local_address()
        .context("cannot tell the address")?;
    let cannot_start = || format!("cannot start on {address}");
    let mut server = Server::new(transport, cli::limits(arguments)).with_context(cannot_start)?;
    server.on_event(cli::log_event);
    server.end_on(&signals).context("cannot wait for signals")?;
    let server = server
        .start(TutorialService::default)
        .with_context(cannot_start)?;
    cli::announce(address.to_string());
    Ok(server)
}
