//! The part of this server's command line that is not about limits: the address.

use std::io::ErrorKind;

use anyhow::{Context, anyhow, bail};
use clap::{Arg, ArgMatches, Command};
use shared_proto::DEFAULT_TCP_ADDRESS;
use shared_server::{Inherited, cli};
use tcp_server::TcpTransport;

#[cfg(feature = "tls")]
pub(crate) use tls::credentials;

pub(crate) const NAME: &str = env!("CARGO_PKG_NAME");

pub(crate) fn command() -> Command {
    let listen = Arg::new("listen")
        .long("listen")
        .value_name("ADDRESS")
        .default_value(DEFAULT_TCP_ADDRESS)
        .help("Where to listen, HOST:PORT; with port 0 the system chooses one");
    let about = "Serves the tutorial's protocol over TCP";
    let command = cli::command(NAME, about).arg(listen);
    #[cfg(feature = "tls")]
    let command = command.args(tls::options());
    command.after_help(cli::SUPERVISED)
}

/// Listens where the arguments say, unless a supervisor has passed listeners on.
pub(crate) fn transport(
    arguments: &ArgMatches,
    mut inherited: Inherited,
) -> anyhow::Result<TcpTransport> {
    let handed_on = TcpTransport::inherited(&mut inherited)
        .context("cannot serve the inherited descriptors")?;
    inherited.finish()?;
    let Some(transport) = handed_on else {
        return bind(arguments);
    };
    match cli::given(arguments, &["listen"]) {
        None => Ok(transport),
        Some(flag) => bail!(
            "{flag} conflicts with an inherited listener, at {}; leave the flag out, or unset \
             LISTEN_FDS",
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

/// Returns where the server listens, in the form that the client accepts.
pub(crate) fn announced(transport: &TcpTransport) -> anyhow::Result<String> {
    let addresses = transport.local_addresses();
    let addresses = addresses.context("cannot tell the address")?;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(addresses.join(" and "))
}

#[cfg(feature = "tls")]
mod tls {
    use anyhow::bail;
    use clap::builder::ValueParser;
    use clap::{Arg, ArgMatches};
    use shared_tls::PemFile;
    use std::path::PathBuf;
    use tcp_server::tls::Credentials;

    pub(crate) fn options() -> [Arg; 3] {
        [
            file("tls-cert").help(
                "Serve over TLS only, with the certificates in this file: the server's own first, \
                 then its authorities'",
            ),
            file("tls-key").help("The private key of that certificate, in PEM, not encrypted"),
            file("tls-client-ca").help(
                "Serve only clients whose certificate is signed by one of these authorities; whoami \
                 names the certificate",
            ),
        ]
    }

    fn file(name: &'static str) -> Arg {
        Arg::new(name)
            .long(name)
            .value_name("PEM")
            .value_parser(ValueParser::path_buf())
            .help_heading("TLS")
    }

    /// The server's identity for its clients; none without TLS.
    pub(crate) fn credentials(arguments: &ArgMatches) -> anyhow::Result<Option<Credentials>> {
        let file = |name, option| {
            let path: Option<&PathBuf> = arguments.get_one(name);
            path.map(|path| PemFile::new(path, option))
        };
        let client_authorities = file("tls-client-ca", "--tls-client-ca");
        let certificate = file("tls-cert", "--tls-cert");
        match (certificate, file("tls-key", "--tls-key")) {
            (Some(certificate), Some(key)) => Ok(Some(Credentials {
                certificate,
                key,
                client_authorities,
            })),
            (Some(certificate), None) => bail!(
                "--tls-cert {} was given without its private key; name the key with --tls-key",
                certificate.path().display()
            ),
            (None, Some(key)) => bail!(
                "--tls-key {} was given without its certificate; name the certificate with --tls-cert",
                key.path().display()
            ),
            (None, None) => match client_authorities {
                None => Ok(None),
                Some(file) => bail!(
                    "--tls-client-ca {} was given without a certificate of the server's own; name \
                     it with --tls-cert, and its key with --tls-key",
                    file.path().display()
                ),
            },
        }
    }
}
