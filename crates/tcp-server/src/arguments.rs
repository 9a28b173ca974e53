//! The part of this server's command line that is not about limits: the address.

use std::io::ErrorKind;

use anyhow::{Context, anyhow, bail};
use clap::{Arg, ArgMatches, Command};
use shared_proto::DEFAULT_TCP_ADDRESS;
use shared_server::{Inherited, cli};
use tcp_server::TcpTransport;

pub(crate) const NAME: &str = env!("CARGO_PKG_NAME");

pub(crate) fn command() -> Command {
    let listen = Arg::new("listen")
        .long("listen")
        .value_name("ADDRESS")
        .default_value(DEFAULT_TCP_ADDRESS)
        .help("Where to listen, HOST:PORT; with port 0 the system chooses one");
    let about = "Serves the tutorial's protocol over TCP";
    cli::command(NAME, about)
        .arg(listen)
        .after_help(cli::SUPERVISED)
}

/// Listens where the arguments say; not where a supervisor has done so already.
pub(crate) fn transport(
    arguments: &ArgMatches,
    mut inherited: Inherited,
) -> anyhow::Result<TcpTransport> {
    let handed_on = TcpTransport::inherited(&mut inherited).context("cannot serve what came")?;
    inherited.finish()?;
    let Some(transport) = handed_on else {
        return bind(arguments);
    };
    match cli::given(arguments, &["listen"]) {
        None => Ok(transport),
        Some(flag) => bail!(
            "{flag} was given beside a listener that was inherited, at {}; leave the flag out, or \
             unset LISTEN_FDS",
            announced(&transport)?
        ),
    }
}

fn bind(arguments: &ArgMatches) -> anyhow::Result<TcpTransport> {
    let address: &String = arguments.get_one("listen").expect("it has a default");
    TcpTransport::bind(address).map_err(|error| {
        let try_this = match error.kind() {
            ErrorKind::InvalidInput => "give HOST:PORT, such as 127.0.0.1:7878 or [::1]:7878,",
            _ => "choose another address",
        };
        anyhow!("cannot listen on {address}: {error}; {try_this} with --listen")
    })
}

/// Where it listens, in the form that the client accepts.
pub(crate) fn announced(transport: &TcpTransport) -> anyhow::Result<String> {
    let addresses = transport.local_addresses();
    let addresses = addresses.context("cannot tell the address")?;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(addresses.join(" and "))
}
