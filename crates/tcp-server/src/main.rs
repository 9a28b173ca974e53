//! The server over TCP: reads its arguments, listens, says where, serves.

mod arguments;

use anyhow::Context;
use arguments::NAME;
use clap::ArgMatches;
use shared_server::{InheritError, Inherited, Running, Server, Signals};
use shared_server::{Supervisor, TutorialService, cli};
use std::process::ExitCode;
use tcp_server::TcpTransport;

fn main() -> ExitCode {
    let inherited = Inherited::from_env(); // before anything is opened
    cli::log_panics();
    let arguments = arguments::command().get_matches();
    match start(&arguments, inherited) {
        Ok(server) => cli::exit_code(NAME, server.serve()),
        Err(reason) => cli::refuse_to_start(NAME, format_args!("{reason:#}")),
    }
}

fn start(
    arguments: &ArgMatches,
    inherited: Result<Inherited, InheritError>,
) -> anyhow::Result<Running<TcpTransport, TutorialService>> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let supervisor = Supervisor::from_env();
    let transport = arguments::transport(arguments, inherited?)?;
    let address = arguments::announced(&transport)?;
    let cannot_start = || format!("cannot start on {address}");
    let mut server = Server::new(transport, cli::limits(arguments)).with_context(cannot_start)?;
    supervisor.follow(&mut server, cli::log_event);
    server.end_on(&signals).context("cannot wait for signals")?;
    let server = server
        .start(TutorialService::default)
        .with_context(cannot_start)?;
    cli::ready(&supervisor, address);
    Ok(server)
}
