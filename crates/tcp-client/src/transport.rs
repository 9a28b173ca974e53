//! What the command line needs to know about TCP.

#[cfg(feature = "tls")]
mod tls;

use crate::ConnectError;
use anyhow::anyhow;
use clap::{Arg, ArgMatches};
use humantime::format_duration;
use shared_client::cli::{Transport, cannot_connect, cannot_connect_to_any};
use shared_proto::DEFAULT_TCP_ADDRESS;
use std::io::ErrorKind;
#[cfg(not(feature = "tls"))]
use std::net::TcpStream as Channel;
use std::time::Duration;
#[cfg(feature = "tls")]
use std::time::Instant;
#[cfg(feature = "tls")]
use tls::{Channel, Tls};

/// A server's address, as it was given.
#[derive(Debug, Clone)]
pub struct Tcp {
    address: String,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Transport for Tcp {
    type Stream = Channel;
    const CLIENT: &'static str = "tcp-client";
    const SERVER: &'static str = "tcp-server";
    const ADDRESS_OPTION: &'static str = "--connect";
    const IF_NOT_PERMITTED: &'static str = "it is blocked by a firewall rule or a prohibit route: \
                                             ask whoever administers this network";
    const IF_NOT_ALLOWED: &'static str = "ask the server's administrator";

    fn options() -> Vec<Arg> {
        let connect = Arg::new("connect")
            .long("connect")
            .value_name("ADDR")
            .help("The server's address, HOST:PORT")
            .default_value(DEFAULT_TCP_ADDRESS)
            .value_parser(parse_address)
            .global(true);
        [
            vec![connect],
            #[cfg(feature = "tls")]
            tls::options().to_vec(),
        ]
        .concat()
    }

    fn from_matches(matches: &ArgMatches) -> Self {
        let address: &String = matches.get_one("connect").expect("it has a default");
        Tcp {
            #[cfg(feature = "tls")]
            tls: Tls::from_matches(matches, address),
            address: address.clone(),
        }
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    #[cfg(not(feature = "tls"))]
    fn connect(&self, timeout: Duration) -> anyhow::Result<Channel> {
        crate::connect(&self.address, timeout).map_err(|error| self.why_not(&error, timeout))
    }

    #[cfg(feature = "tls")]
    fn connect(&self, timeout: Duration) -> anyhow::Result<Channel> {
        let started = Instant::now();
        let tls = self.tls.as_ref();
        let tls = tls.map(|tls| Ok::<_, anyhow::Error>((tls, tls.connector()?)));
        let tls = tls.transpose()?;
        let socket = crate::connect(&self.address, timeout);
        let socket = socket.map_err(|error| self.why_not(&error, timeout))?;
        let Some((tls, (connector, name))) = tls else {
            return Ok(Channel::Plain(socket));
        };
        let left = timeout.saturating_sub(started.elapsed());
        let stream = connector.connect(&name, socket, left);
        stream
            .map(Channel::Tls)
            .map_err(|error| tls.cannot_connect(&self.address, &error, timeout))
    }

    #[cfg(feature = "tls")]
    fn explain(&self, error: &std::io::Error) -> Option<anyhow::Error> {
        self.tls.as_ref()?.explain(&self.address, error)
    }
}

impl Tcp {
    fn why_not(&self, error: &ConnectError, timeout: Duration) -> anyhow::Error {
        let address = &self.address;
        match error {
            ConnectError::LookUp(late) if late.kind() == ErrorKind::TimedOut => anyhow!(
                "the name in {address} was not looked up within {}; its name server may be down: \
                                  give a numeric address with --connect, or wait longer with --timeout",
                format_duration(timeout)
            ),
            ConnectError::Unreachable(reasons) => match &reasons[..] {
                [(only, reason)] if only.to_string() == *address => {
                    cannot_connect(self, reason, timeout)
                }
                _ => cannot_connect_to_any(self, error.kind(), &error.to_string(), timeout),
            },
            error => {
                anyhow!("cannot connect to {address}: {error}; name another address with --connect")
            }
        }
    }
}

fn parse_address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    match parts.map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(1..))) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "expected HOST:PORT, such as {DEFAULT_TCP_ADDRESS} or [::1]:7878"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    const TIMEOUT: Duration = Duration::from_secs(4);

    fn at(address: &str) -> Tcp {
        Tcp {
            address: address.to_owned(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The message about `name:7878`, whose two addresses failed in these ways.
    fn told(kinds: [ErrorKind; 2]) -> String {
        let addresses = ["[::1]:7878", "127.0.0.1:7878"].map(|address| address.parse().unwrap());
        let reasons = addresses.into_iter().zip(kinds.map(io::Error::from));
        let tcp = at("name:7878");
        tcp.why_not(&ConnectError::Unreachable(reasons.collect()), TIMEOUT)
            .to_string()
    }

    #[test]
    fn each_address_of_a_name_is_named_on_one_line() {
        use ErrorKind::{AddrNotAvailable, ConnectionRefused, PermissionDenied, TimedOut};
        for (kinds, says) in [
            ([AddrNotAvailable, ConnectionRefused], "nobody listens at"),
            ([ConnectionRefused, AddrNotAvailable], "nobody listens at"),
            (
                [ConnectionRefused, TimedOut],
                "did not accept a connection within 4s",
            ),
            (
                [TimedOut, TimedOut],
                "did not accept a connection within 4s",
            ),
            ([PermissionDenied, AddrNotAvailable], "a firewall rule"),
            ([AddrNotAvailable, AddrNotAvailable], "cannot connect to"),
        ] {
            let told = told(kinds);
            for word in [says, "name:7878", "[::1]:7878: ", "127.0.0.1:7878: "] {
                assert!(told.contains(word), "{told:?} should contain {word:?}");
            }
            assert!(!told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn tcp_users_are_not_advised_what_tcp_lacks() {
        let address = "127.0.0.1:7878";
        let numeric = address.parse().unwrap();
        for kind in [
            ErrorKind::PermissionDenied,
            ErrorKind::ConnectionRefused,
            ErrorKind::TimedOut,
            ErrorKind::NotFound,
        ] {
            let only = vec![(numeric, io::Error::from(kind))];
            let tcp = at(address);
            let one = tcp.why_not(&ConnectError::Unreachable(only), TIMEOUT);
            for told in [one.to_string(), told([kind, kind])] {
                for not_tcps in ["--mode", "--socket", "-uid", "unix"] {
                    assert!(!told.contains(not_tcps), "{told}");
                }
            }
        }
    }

    #[test]
    fn a_name_server_that_does_not_answer_is_told_as_one() {
        let tcp = at("name:7878");
        let late = ConnectError::LookUp(ErrorKind::TimedOut.into());
        let told = tcp.why_not(&late, TIMEOUT).to_string();
        assert!(
            told.contains("name:7878 was not looked up within 4s"),
            "{told}"
        );
    }
}
