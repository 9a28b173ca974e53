//! What the command line needs to know about TCP.

use crate::ConnectError;
use anyhow::anyhow;
use clap::{Arg, ArgMatches};
use humantime::format_duration;
use shared_client::cli::{Transport, cannot_connect, cannot_connect_to_any};
use shared_proto::DEFAULT_TCP_ADDRESS;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

/// A server's address, as it was given.
#[derive(Debug, Clone)]
pub struct Tcp {
    address: String,
}

impl Transport for Tcp {
    type Stream = TcpStream;
    const CLIENT: &'static str = "tcp-client";
    const SERVER: &'static str = "tcp-server";
    const ADDRESS_OPTION: &'static str = "--connect";
    const IF_NOT_PERMITTED: &'static str = "a firewall or a route forbids it: ask who set it";
    const IF_NOT_ALLOWED: &'static str = "ask whoever runs the server";

    fn options() -> Vec<Arg> {
        vec![
            Arg::new("connect")
                .long("connect")
                .value_name("ADDR")
                .help("The server's address, HOST:PORT")
                .default_value(DEFAULT_TCP_ADDRESS)
                .value_parser(parse_address)
                .global(true),
        ]
    }

    fn from_matches(matches: &ArgMatches) -> Self {
        let address = matches.get_one("connect");
        Tcp {
            address: String::clone(address.expect("it has a default")),
        }
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    fn connect(&self, timeout: Duration) -> anyhow::Result<TcpStream> {
        crate::connect(&self.address, timeout).map_err(|error| self.explain(&error, timeout))
    }
}

impl Tcp {
    fn explain(&self, error: &ConnectError, timeout: Duration) -> anyhow::Error {
        let address = &self.address;
        match error {
            ConnectError::LookUp(late) if late.kind() == ErrorKind::TimedOut => anyhow!(
                "the name in {address} was not looked up within {}; its name server may be down: \
                 give an address in numbers with --connect, or wait longer with --timeout",
                format_duration(timeout)
            ),
            ConnectError::Unreachable(reasons) => match &reasons[..] {
                [(only, reason)] if only.to_string() == *address => {
                    cannot_connect(self, reason, timeout)
                }
                _ => cannot_connect_to_any(self, error.kind(), &error.to_string(), timeout),
            },
            error => anyhow!("cannot connect to {address}: {error}; name another with --connect"),
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

    /// What is said of `name:7878`, whose two addresses failed so.
    fn told(kinds: [ErrorKind; 2]) -> String {
        let addresses = ["[::1]:7878", "127.0.0.1:7878"].map(|address| address.parse().unwrap());
        let reasons = addresses.into_iter().zip(kinds.map(io::Error::from));
        let tcp = Tcp {
            address: "name:7878".to_owned(),
        };
        tcp.explain(&ConnectError::Unreachable(reasons.collect()), TIMEOUT)
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
                "took no connection within 4s",
            ),
            ([TimedOut, TimedOut], "took no connection within 4s"),
            (
                [PermissionDenied, AddrNotAvailable],
                "a firewall or a route",
            ),
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
        let Tcp { address } = &Tcp {
            address: "127.0.0.1:7878".to_owned(),
        };
        let numeric = address.parse().unwrap();
        for kind in [
            ErrorKind::PermissionDenied,
            ErrorKind::ConnectionRefused,
            ErrorKind::TimedOut,
            ErrorKind::NotFound,
        ] {
            let only = vec![(numeric, io::Error::from(kind))];
            let tcp = Tcp {
                address: address.clone(),
            };
            let one = tcp.explain(&ConnectError::Unreachable(only), TIMEOUT);
            for told in [one.to_string(), told([kind, kind])] {
                for not_tcps in ["--mode", "--socket", "-uid", "unix"] {
                    assert!(!told.contains(not_tcps), "{told}");
                }
            }
        }
    }

    #[test]
    fn a_name_server_that_does_not_answer_is_told_as_one() {
        let tcp = Tcp {
            address: "name:7878".to_owned(),
        };
        let late = ConnectError::LookUp(ErrorKind::TimedOut.into());
        let told = tcp.explain(&late, TIMEOUT).to_string();
        assert!(
            told.contains("name:7878 was not looked up within 4s"),
            "{told}"
        );
    }
}
