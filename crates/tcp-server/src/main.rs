//! The server over TCP: reads its arguments, listens, prints its address, serves.

mod arguments;

use anyhow::Context;
use arguments::NAME;
use clap::ArgMatches;
use shared_server::{InheritError, Inherited, Outcome, Running, Server, Signals};
use shared_server::{Supervisor, Transport, TutorialService, cli};
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let inherited = Inherited::from_env(); // before anything is opened
    cli::log_panics();
    let arguments = arguments::command().get_matches();
    match serve(&arguments, inherited) {
        Ok(outcome) => cli::exit_code(NAME, outcome),
        Err(reason) => cli::refuse_to_start(NAME, format_args!("{reason:#}")),
    }
}

/// Serves over TCP, or over TLS on top of TCP. An error is the reason why the server does not
/// start.
fn serve(
    arguments: &ArgMatches,
    inherited: Result<Inherited, InheritError>,
) -> anyhow::Result<io::Result<Outcome>> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let supervisor = Supervisor::from_env();
    let transport = arguments::transport(arguments, inherited?)?;
    let address = arguments::announced(&transport)?;
    #[cfg(feature = "tls")]
    if let Some(credentials) = arguments::credentials(arguments)? {
        let transport = tcp_server::tls::TlsTransport::new(transport, &credentials)?;
        return Ok(start(transport, address, arguments, &signals, &supervisor)?.serve());
    }
    Ok(start(transport, address, arguments, &signals, &supervisor)?.serve())
}

fn start<T: Transport + 'static>(
    transport: T,
    address: String,
    arguments: &ArgMatches,
    signals: &Signals,
    supervisor: &Supervisor,
) -> anyhow::Result<Running<T, TutorialService>> {
    let cannot_start = || format!("cannot start on {address}");
    let mut server = Server::new(transport, cli::limits(arguments)).with_context(cannot_start)?;
    supervisor.follow(&mut server, cli::log_event);
    server.end_on(signals).context("cannot wait for signals")?;
    let server = server
        .start(TutorialService::default)
        .with_context(cannot_start)?;
    cli::ready(supervisor, address);
    Ok(server)
}
