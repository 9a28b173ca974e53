//! What the command line needs to know of TCP.

use clap::{Arg, ArgMatches};
use shared_client::cli::{Transport, cannot_connect};
use shared_proto::DEFAULT_TCP_ADDRESS;
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
        crate::connect(&self.address, timeout)
            .map_err(|error| cannot_connect(self, &error, timeout))
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
