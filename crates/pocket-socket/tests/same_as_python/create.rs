//! `create_server` and `create_connection` with what Python calls keyword arguments.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use pocket_socket::{ServerSettings, Socket, create_connection, create_connection_with};

use crate::addresses::Place;
use crate::player::Scenario;
use crate::words::{family_of, seconds_of};

impl Scenario {
    pub fn create_connection(&self, address: Place, rest: &[&str]) -> io::Result<Socket> {
        let timeout = rest.first().and_then(|seconds| seconds_of(seconds));
        let address: Vec<SocketAddr> = match address {
            Place::Host(host, port) => (host, port).to_socket_addrs()?.collect(),
            Place::Address(address) => address.to_socket_addrs()?.collect(),
        };
        match rest {
            [_, source] => create_connection_with(&address[..], timeout, self.address(source)?),
            _ => create_connection(&address[..], timeout),
        }
    }
}

/// The keyword arguments of `create_server`.
pub fn settings_of(words: &[&str]) -> ServerSettings {
    let mut settings = ServerSettings::default();
    for word in words {
        match word.split_once('=').unwrap() {
            ("family", name) => settings.family = family_of(name),
            ("backlog", number) => settings.backlog = number.parse().unwrap(),
            ("reuse_port", number) => settings.reuse_port = number == "1",
            ("dualstack_ipv6", number) => settings.dualstack_ipv6 = number == "1",
            _ => panic!("no such setting: {word}"),
        }
    }
    settings
}
