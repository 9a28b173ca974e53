//! What the command line needs to know about TLS.

use crate::tls::{Credentials, PemFile, ServerName, TlsConnector, TlsStream};
use anyhow::{Context, anyhow};
use clap::builder::ValueParser;
use clap::{Arg, ArgMatches};
use humantime::format_duration;
use rustls::{AlertDescription, Error};
use shared_client::Stream;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// The TLS options, as given.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    name: String,
    credentials: Credentials,
}

pub(super) fn options() -> [Arg; 4] {
    let option = |name: &'static str| Arg::new(name).long(name).global(true).help_heading("TLS");
    let file = |name: &'static str| {
        option(name)
            .value_name("PEM")
            .value_parser(ValueParser::path_buf())
    };
    [
        file("tls-ca").help(
            "Use TLS, and accept only servers whose certificate chains to one of these authorities",
        ),
        option("tls-name")
            .value_name("NAME")
            .requires("tls-ca")
            .help(
                "The name that the server's certificate must have [default: the host of --connect]",
            ),
        file("tls-cert")
            .requires_all(["tls-ca", "tls-key"])
            .help("This client's certificate, for a server that asks for one"),
        file("tls-key")
            .requires_all(["tls-ca", "tls-cert"])
            .help("The private key of that certificate, not encrypted"),
    ]
}

impl Tls {
    /// `None` if TLS was not requested.
    pub(super) fn from_matches(matches: &ArgMatches, address: &str) -> Option<Self> {
        let file = |name, option| {
            let path: Option<&PathBuf> = matches.get_one(name);
            path.map(|path| PemFile::new(path, option))
        };
        let authorities = file("tls-ca", "--tls-ca")?;
        let own = file("tls-cert", "--tls-cert").zip(file("tls-key", "--tls-key"));
        let name: Option<&String> = matches.get_one("tls-name");
        Some(Self {
            name: name.map_or_else(|| host(address).to_owned(), Clone::clone),
            credentials: Credentials { authorities, own },
        })
    }

    /// Checks the options and reads the files, before there is a connection to any server.
    pub(super) fn connector(&self) -> anyhow::Result<(TlsConnector, ServerName<'static>)> {
        let name = ServerName::try_from(self.name.clone()).with_context(|| {
            format!(
                "{} is not a name that a certificate can have; give the server's name with \
                 --tls-name",
                self.name
            )
        })?;
        Ok((TlsConnector::new(&self.credentials)?, name))
    }

    /// Why there is no connection, in one line.
    pub(super) fn cannot_connect(
        &self,
        address: &str,
        error: &io::Error,
        timeout: Duration,
    ) -> anyhow::Error {
        match error.kind() {
            ErrorKind::TimedOut => anyhow!(
                "{address} did not finish the TLS handshake within {}; does it speak TLS? Try \
                 again later, or wait longer with --timeout",
                format_duration(timeout)
            ),
            _ => self.explain(address, error).unwrap_or_else(|| {
                anyhow!(
                    "{address} ended the connection inside the TLS handshake: {error}; see its log"
                )
            }),
        }
    }

    /// Explains an error of TLS.
    pub(super) fn explain(&self, address: &str, error: &io::Error) -> Option<anyhow::Error> {
        if error.kind() == ErrorKind::UnexpectedEof {
            return Some(anyhow!(
                "{address}: {error}, so the stream may be truncated; try again, or ask the \
                 server's administrator"
            ));
        }
        let inner = error.get_ref()?.downcast_ref::<Error>()?;
        let authorities = self.credentials.authorities.path().display();
        Some(match inner {
            Error::InvalidCertificate(reason) => match reason {
                rustls::CertificateError::UnknownIssuer => anyhow!(
                    "{address} is not trusted, and nothing was sent to it: no authority in \
                     {authorities} vouches for its certificate; name the authority that does with \
                     --tls-ca"
                ),
                rustls::CertificateError::NotValidForName
                | rustls::CertificateError::NotValidForNameContext { .. } => anyhow!(
                    "{address} is not {}, and nothing was sent to it: {reason}; if it is the \
                     server you mean, give its name with --tls-name",
                    self.name
                ),
                _ => anyhow!(
                    "{address} is not trusted, and nothing was sent to it: its certificate: \
                     {reason}; ask the server's administrator"
                ),
            },
            Error::AlertReceived(alert) => match self.credentials.own {
                _ if !is_of_a_certificate(*alert) => {
                    anyhow!("{address} ended TLS with the alert {alert:?}; see its log")
                }
                None => anyhow!(
                    "{address} requires a client certificate (its alert: {alert:?}); give this \
                     client's certificate with --tls-cert, and its key with --tls-key"
                ),
                Some((ref certificate, _)) => anyhow!(
                    "{address} does not accept the certificate in {} (its alert: {alert:?}); give a \
                     certificate that it trusts with --tls-cert, and its key with --tls-key",
                    certificate.path().display()
                ),
            },
            Error::InvalidMessage(_) => anyhow!(
                "{address} does not speak TLS: {inner}; name another address with --connect, or \
                                  leave out --tls-ca if the connection needs no encryption"
            ),
            _ => anyhow!("TLS with {address} failed: {inner}; see its log"),
        })
    }
}

fn is_of_a_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::AccessDenied
            | A::BadCertificate
            | A::CertificateExpired
            | A::CertificateRequired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::DecryptError
            | A::NoCertificate
            | A::UnknownCA
            | A::UnsupportedCertificate
    )
}

/// Returns the host of `HOST:PORT`, an IPv6 address without its brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host)
}

/// A connection with or without TLS.
#[derive(Debug)]
#[allow(missing_docs, reason = "the two say it")]
pub enum Channel {
    Plain(TcpStream),
    Tls(TlsStream),
}

macro_rules! either {
    ($channel:expr, $stream:ident => $what:expr) => {
        match $channel {
            Channel::Plain($stream) => $what,
            Channel::Tls($stream) => $what,
        }
    };
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.read(buffer))
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        either!(self, stream => stream.flush())
    }
}

impl Stream for Channel {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        either!(self, stream => Stream::set_read_timeout(stream, timeout))
    }

    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        either!(self, stream => Stream::set_write_timeout(stream, timeout))
    }

    fn has_ended(&self) -> io::Result<bool> {
        either!(self, stream => Stream::has_ended(stream))
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Channel::Plain(stream) => Channel::Plain(Stream::try_clone(stream)?),
            Channel::Tls(stream) => Channel::Tls(stream.try_clone()?),
        })
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        either!(self, stream => Stream::shutdown(stream, how))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_the_name_to_look_for() {
        for (address, name) in [
            ("pocket.test:7878", "pocket.test"),
            ("127.0.0.1:7878", "127.0.0.1"),
            ("[::1]:7878", "::1"),
        ] {
            assert_eq!(host(address), name);
        }
    }
}
