//! What can be seen of a world without changing it, from the kernel's own lists: sock_diag(7) for
//! TCP, `/proc/net/unix` (where `ss` looked before there was netlink), and `poll(2)`.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddrV4;
use std::os::linux::fs::MetadataExt;

use pocket_socket::{Address, Socket};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Family;
use crate::world::{Place, World, listens};

/// The state of a world as the table writes it: `s|conn|c|what else there is`.
pub fn observe(world: &World) -> String {
    match world.family {
        Family::Tcp => tcp(world),
        Family::Unix => unix(world),
    }
}

/// One end of a connection as the kernel lists it, held by a program or not.
struct Row {
    local: SocketAddrV4,
    remote: SocketAddrV4,
    state: &'static str,
    unread: usize,
    inode: u64,
}

fn tcp(world: &World) -> String {
    let rows = rows(world);
    let here = world.ip();
    let mut held = BTreeSet::new();
    let places = world.places.iter().map(|place| {
        let Some(place) = place else {
            return "-".to_owned();
        };
        let inode = inode(&place.socket);
        held.insert(inode);
        let row = rows.iter().find(|row| row.inode == inode);
        tcp_socket(world, place, row)
    });
    let mut parts = places.collect::<Vec<_>>();
    mark_gone(world, &mut parts);

    let others = rows.iter().filter(|row| !held.contains(&row.inode));
    let left = others.filter_map(|row| {
        let place = match (row.local == here, row.remote == here) {
            (true, false) => "server",
            (false, true) => "client",
            _ => return None,
        };
        let unread = if row.state == "TIME-WAIT" {
            0
        } else {
            row.unread
        };
        Some(format!("{place} {}{}", row.state, bytes(unread)))
    });
    let left = left.collect::<BTreeSet<_>>();
    parts.push(left.into_iter().collect::<Vec<_>>().join(","));
    parts.join("|")
}

fn tcp_socket(world: &World, place: &Place, row: Option<&Row>) -> String {
    let socket = &place.socket;
    let state = row.map_or("CLOSED", |row| row.state);
    let at = at(world, socket);
    if listens(place) {
        return format!("LISTEN{at} {}", waiting(socket));
    }
    let at = if state == "CLOSED" { at } else { "" };
    let unread = rustix::io::ioctl_fionread(socket).unwrap_or(0);
    let unread = bytes(usize::try_from(unread).unwrap());
    let mut flags = flags(socket);
    if state == "CLOSE-WAIT" {
        place.ended.set(true);
    } else if place.ended.get() {
        flags = flags.replace('E', "P");
    }
    format!("{state}{at}{unread}{flags}")
}

/// Those of this world's connections. A state that only lasts until the other side's kernel has
/// acknowledged, which it may put off for 40 ms, is told as the one that follows.
fn rows(world: &World) -> Vec<Row> {
    let here = world.ip();
    let ends = world
        .clients()
        .flat_map(|client| [(here, client), (client, here)]);
    let rows = ends.filter_map(|(local, remote)| {
        let entry = world.sock_diag.tcp(local, remote)?;
        let mut unread = entry.unread;
        let state = match entry.state {
            1 => "ESTAB",
            2 => "SYN-SENT",
            3 => "SYN-RECV",
            4 | 5 => "FIN-WAIT-2",
            6 | 11 => "TIME-WAIT",
            8 => "CLOSE-WAIT",
            9 | 10 => return None, // LAST-ACK: gone; LISTEN: of no connection
            _ => "CLOSED",
        };
        if state == "CLOSE-WAIT" {
            unread = unread.saturating_sub(1); // the end is counted as a byte
        }
        Some(Row {
            local,
            remote,
            state,
            unread: unread.try_into().unwrap(),
            inode: entry.inode.into(),
        })
    });
    rows.collect()
}

fn unix(world: &World) -> String {
    let text = fs::read_to_string("/proc/net/unix").unwrap();
    let places = world.places.iter().map(|place| match place {
        Some(place) => unix_socket(world, place, &text),
        None => "-".to_owned(),
    });
    let mut parts = places.collect::<Vec<_>>();
    mark_gone(world, &mut parts);
    let file = if world.path().exists() { "file" } else { "" };
    parts.push(file.to_owned());
    parts.join("|")
}

fn unix_socket(world: &World, place: &Place, list: &str) -> String {
    let socket = &place.socket;
    let at = at(world, socket);
    if listens(place) {
        let unread = bytes(world.unread_in_queue(place));
        return format!("listening{at} {}{unread}", waiting(socket));
    }
    let inode = inode(socket).to_string();
    let mut rows = list
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|words| words[6] == inode).unwrap();
    let state = match row[5] {
        "01" => "unconnected",
        "03" => "connected",
        other => panic!("state {other}"),
    };
    let unread = rustix::io::ioctl_fionread(socket).unwrap_or(0);
    let unread = bytes(usize::try_from(unread).unwrap());
    format!("{state}{at}{unread}{}", flags(socket))
}

fn mark_gone(world: &World, parts: &mut [String]) {
    if world.client_gone {
        parts[2] = "gone".to_owned();
    }
}

/// What `getsockname` adds: nothing, the server's address, another that the system chose.
fn at(world: &World, socket: &Socket) -> &'static str {
    match socket.getsockname().unwrap() {
        address if address == world.address => " here",
        Address::Unnamed => "",
        Address::Ip(address) if address.port() == 0 => "",
        _ => " elsewhere",
    }
}

/// Whether a connection waits to be accepted: with a backlog of 0, no more than one can.
fn waiting(socket: &Socket) -> u8 {
    ready(socket).contains(PollFlags::IN).into()
}

fn bytes(number: usize) -> String {
    match number {
        0 => String::new(),
        number => format!(":{number}"),
    }
}

/// R: no more will come. H: nor can anything be sent. E: an error is to be told (P: it is `EPIPE`).
fn flags(socket: &Socket) -> String {
    let ready = ready(socket);
    let letters = [
        (PollFlags::RDHUP, "R"),
        (PollFlags::HUP, "H"),
        (PollFlags::ERR, "E"),
    ];
    let set = letters.iter().filter(|(flag, _)| ready.contains(*flag));
    let set = set.map(|(_, letter)| *letter).collect::<String>();
    match set.as_str() {
        "" => set,
        set => format!("+{set}"),
    }
}

fn ready(socket: &Socket) -> PollFlags {
    let interest = PollFlags::IN | PollFlags::OUT | PollFlags::RDHUP;
    let mut fds = [PollFd::new(socket, interest)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&at_once)).unwrap();
    fds[0].revents()
}

fn inode(socket: &Socket) -> u64 {
    let link = format!("/proc/self/fd/{}", socket.fileno());
    fs::metadata(link).unwrap().st_ino()
}
