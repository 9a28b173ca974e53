//! The words of a step: what they mean here, and how an outcome is written.

use std::time::Duration;

use nix::errno::Errno;
use pocket_socket::{AddressFamily, MSG_DONTWAIT, MsgFlag, Receiving, Sending, SocketKind};

pub fn errno_name(number: i32) -> String {
    format!("{:?}", Errno::from_raw(number))
}

pub fn bytes(word: &str) -> Vec<u8> {
    match word.split_once('*') {
        Some((letter, count)) => letter.repeat(count.parse().unwrap()).into(),
        None if word == "nothing" => Vec::new(),
        None => word.into(),
    }
}

pub fn show(data: &[u8]) -> String {
    if data.len() > 40 {
        return format!("{} bytes", data.len());
    }
    format!("b\"{}\"", str::from_utf8(data).unwrap())
}

pub fn seconds_of(word: &str) -> Option<Duration> {
    word.parse().ok().map(Duration::from_secs_f64)
}

pub fn family_of(name: &str) -> AddressFamily {
    match name {
        "AF_INET" => pocket_socket::AF_INET,
        "AF_INET6" => pocket_socket::AF_INET6,
        "AF_UNIX" => pocket_socket::AF_UNIX,
        _ => panic!("no such family: {name}"),
    }
}

pub fn kind_of(name: &str) -> SocketKind {
    match name {
        "SOCK_STREAM" => pocket_socket::SOCK_STREAM,
        "SOCK_DGRAM" => pocket_socket::SOCK_DGRAM,
        "SOCK_SEQPACKET" => pocket_socket::SOCK_SEQPACKET,
        _ => panic!("no such kind: {name}"),
    }
}

pub fn sending(names: &[&str]) -> MsgFlag<Sending> {
    let one = |name: &&str| match *name {
        "MSG_OOB" => pocket_socket::MSG_OOB.into(),
        "MSG_DONTWAIT" => MSG_DONTWAIT.into(),
        "MSG_EOR" => pocket_socket::MSG_EOR,
        name => panic!("no such flag: {name}"),
    };
    names
        .iter()
        .map(one)
        .reduce(|all, flag| all | flag)
        .unwrap()
}

pub fn receiving(names: &[&str]) -> MsgFlag<Receiving> {
    let one = |name: &&str| match *name {
        "MSG_OOB" => pocket_socket::MSG_OOB.into(),
        "MSG_DONTWAIT" => MSG_DONTWAIT.into(),
        "MSG_PEEK" => pocket_socket::MSG_PEEK,
        "MSG_WAITALL" => pocket_socket::MSG_WAITALL,
        name => panic!("no such flag: {name}"),
    };
    names
        .iter()
        .map(one)
        .reduce(|all, flag| all | flag)
        .unwrap()
}
