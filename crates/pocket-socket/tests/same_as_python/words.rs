//! The words of a step: what they mean here, and how an outcome is written.

use std::time::Duration;

use nix::errno::Errno;
use pocket_socket::{
    AddressFamily, MSG_DONTWAIT, MsgFlag, Protocol, Receiving, Sending, SocketKind,
};

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
        "SOCK_RAW" => pocket_socket::SOCK_RAW,
        _ => match name.rsplit_once('|') {
            Some((kind, "SOCK_NONBLOCK")) => kind_of(kind) | pocket_socket::SOCK_NONBLOCK,
            Some((kind, "SOCK_CLOEXEC")) => kind_of(kind) | pocket_socket::SOCK_CLOEXEC,
            _ => panic!("no such kind: {name}"),
        },
    }
}

pub fn protocol_of(name: &str) -> Protocol {
    match name {
        "IPPROTO_IP" => pocket_socket::IPPROTO_IP.into(),
        "IPPROTO_IPV6" => pocket_socket::IPPROTO_IPV6.into(),
        "IPPROTO_TCP" => pocket_socket::IPPROTO_TCP.into(),
        "IPPROTO_UDP" => pocket_socket::IPPROTO_UDP,
        "IPPROTO_ICMP" => pocket_socket::IPPROTO_ICMP,
        number => number.parse::<i32>().unwrap().into(),
    }
}

/// Bytes of room for ancillary data: a number, or the function that computes it.
pub fn room_of(word: &str) -> usize {
    match word.split_once(':') {
        Some(("CMSG_LEN", length)) => pocket_socket::CMSG_LEN(length.parse().unwrap()),
        Some(("CMSG_SPACE", length)) => pocket_socket::CMSG_SPACE(length.parse().unwrap()),
        _ => word.parse().unwrap(),
    }
}

/// The names after a mark: `fds:a,b`.
pub fn after<'word>(mark: &str, words: &[&'word str]) -> Vec<&'word str> {
    let lists = words.iter().filter_map(|word| word.strip_prefix(mark));
    lists.flat_map(|list| list.split(',')).collect()
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
        .fold(MsgFlag::none().into(), |all, flag| all | flag)
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
        .fold(MsgFlag::none().into(), |all, flag| all | flag)
}
