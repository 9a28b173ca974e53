//! The table behind the book's widget "the state machine" is what the kernel does: every entry is
//! played with real calls. `UPDATE_TABLE=1` writes what was found into the widget.
//!
//! Two sides, each with a socket, and one more once it has accepted. A state is what can be seen of
//! those sockets from outside; from each state that is reached, each call is tried.
#![cfg(target_os = "linux")]

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use pocket_socket::{AF_INET, AF_UNIX, Address, AddressFamily, SOCK_STREAM, Socket, socket};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const CALLS: [&str; 8] = [
    "socket", "bind", "listen", "accept", "connect", "send", "recv", "close",
];
/// How many bytes a call of `send` sends: one message, which must be read before the next.
const MESSAGE: &[u8] = b"hello";

/// One side: its own socket, and the one that it accepted.
#[derive(Default)]
struct Side {
    own: Option<Socket>,
    accepted: Option<Socket>,
    closed: bool,
}

struct World {
    family: AddressFamily,
    addresses: [Address; 2],
    sides: [Side; 2],
    /// Bytes that were sent on a connection that still waits in the queue, where nobody sees them.
    early: bool,
}

impl World {
    fn new(family: AddressFamily, folder: &Path) -> Self {
        // Every world has addresses of its own: all of 127.0.0.0/8 is this machine.
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let number = WORLDS.fetch_add(1, Ordering::SeqCst);
        let process = u8::try_from(std::process::id() % 250).unwrap();
        let [.., high, low] = number.to_be_bytes();
        let address = |side: u8| match family {
            AF_INET => Address::from((
                Ipv4Addr::new(127, 1 + process, high, low),
                7000 + u16::from(side),
            )),
            _ => Address::from(folder.join(format!("{number}-{side}"))),
        };
        Self {
            family,
            addresses: [address(0), address(1)],
            sides: Default::default(),
            early: false,
        }
    }

    /// Makes `call` on `side`; nothing if there is no socket to make it on, or no reason to.
    fn call(&mut self, side: usize, call: &str) -> Option<String> {
        let (own_address, other_address) = (
            self.addresses[side].clone(),
            self.addresses[1 - side].clone(),
        );
        let busy = self.unread(1 - side) > 0 || self.early;
        let accepted_before = [0, 1].map(|side| self.sides[side].accepted.is_some());
        let queued = self.sides[1 - side].accepted.is_none()
            && self.sides[1 - side]
                .own
                .as_ref()
                .is_some_and(|own| rustix::net::sockopt::socket_acceptconn(own).unwrap());
        let family = self.family;
        let this = &mut self.sides[side];
        if call == "socket" {
            if this.own.is_some() || this.closed {
                return None;
            }
            let new = socket(family, SOCK_STREAM).unwrap();
            new.setblocking(false).unwrap();
            this.own = Some(new);
            return Some("ok".to_owned());
        }
        let own = this.own.as_ref()?;
        let talking = this.accepted.as_ref().unwrap_or(own);
        let outcome = match call {
            "bind" => own.bind(own_address).map(|()| "ok".to_owned()),
            "listen" => own.listen(0).map(|()| "ok".to_owned()),
            "accept" if this.accepted.is_some() => return None,
            "accept" => own.accept().map(|(new, _)| {
                new.setblocking(false).unwrap();
                this.accepted = Some(new);
                "ok".to_owned()
            }),
            "connect" => {
                // Over TCP a connect that doesn't block is done in two steps, with other errors. A Unix
                // one may find the queue full.
                own.setblocking(family == AF_INET).unwrap();
                let outcome = own.connect(other_address);
                own.setblocking(false).unwrap();
                outcome.map(|()| "ok".to_owned())
            }
            "send" if busy => return None,
            "send" => talking.send(MESSAGE).map(|sent| sent.to_string()),
            "recv" => talking.recv(1024).map(|data| data.len().to_string()),
            _ => {
                match this.accepted.take().or_else(|| this.own.take()) {
                    Some(last) => last.close().unwrap(),
                    None => return None,
                }
                this.closed = this.own.is_none();
                Ok("ok".to_owned())
            }
        };
        self.early |= queued && call == "send" && outcome.is_ok();
        let accepts = call == "accept" && !accepted_before[side] && outcome.is_ok();
        let hangs_up = call == "close" && self.sides[side].closed && !queued;
        self.early &= !accepts && !hangs_up;
        Some(outcome.unwrap_or_else(|error| errno(&error)))
    }

    fn unread(&self, side: usize) -> u64 {
        let sockets = [&self.sides[side].accepted, &self.sides[side].own];
        let talking = sockets.into_iter().flatten().next();
        talking.map_or(0, |s| rustix::io::ioctl_fionread(s).unwrap_or(0))
    }

    /// All that can be seen of the four sockets, without changing them.
    fn observe(&self) -> String {
        let side = |number: usize| {
            let (side, address) = (&self.sides[number], &self.addresses[number]);
            let own = match &side.own {
                Some(own) => see(own, address, false),
                None if address.path().is_some_and(Path::exists) => "closed-file".to_owned(),
                None if side.closed => "closed".to_owned(),
                None => "none".to_owned(),
            };
            match &side.accepted {
                Some(accepted) => format!("{own}+{}", see(accepted, address, true)),
                None => own,
            }
        };
        let early = if self.early { "|early" } else { "" };
        format!("{}|{}{early}", side(0), side(1))
    }
}

fn errno(error: &io::Error) -> String {
    use nix::errno::Errno;
    if error.kind() == io::ErrorKind::WouldBlock {
        return "waits".to_owned();
    }
    let number = error
        .raw_os_error()
        .unwrap_or_else(|| panic!("no errno: {error}"));
    format!("{:?}", Errno::from_raw(number))
}

/// What can be seen of a socket whose side has the address `own`.
fn see(s: &Socket, own: &Address, accepted: bool) -> String {
    let mut fds = [PollFd::new(
        s,
        PollFlags::IN | PollFlags::OUT | PollFlags::RDHUP,
    )];
    poll(
        &mut fds,
        Some(&Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        }),
    )
    .unwrap();
    let events = fds[0].revents();
    let at = match s.getsockname().unwrap() {
        address if address == *own => "bound",
        Address::Unnamed => "unbound",
        Address::Ip(address) if address.port() == 0 => "unbound",
        _ => "elsewhere", // an address that the system chose
    };
    if rustix::net::sockopt::socket_acceptconn(s).unwrap() {
        let name = if at == "bound" {
            "listening"
        } else {
            "listening-elsewhere"
        };
        let waiting = if events.contains(PollFlags::IN) { 1 } else { 0 };
        return format!("{name}:{waiting}");
    }
    let mut text = if s.getpeername().is_ok() {
        if at == "bound" && !accepted {
            "connected-bound"
        } else {
            "connected"
        }
    } else {
        at
    }
    .to_owned();
    let unread = rustix::io::ioctl_fionread(s).unwrap_or(0);
    if unread > 0 {
        let _ = write!(text, ":{unread}");
    }
    for (flag, name) in [
        (PollFlags::RDHUP, ":end"),
        (PollFlags::HUP, ":hup"),
        (PollFlags::ERR, ":error"),
    ] {
        if events.contains(flag) {
            text += name;
        }
    }
    text
}

/// Every state that calls lead to, and from each what each call does.
fn explore(family: AddressFamily) -> Vec<(String, Vec<(String, usize)>)> {
    let folder = tempfile::tempdir().unwrap();
    let start = World::new(family, folder.path()).observe();
    let mut numbers = HashMap::from([(start.clone(), 0)]);
    let mut states = vec![(start, Vec::new())];
    let mut queue = VecDeque::from([Vec::<(usize, &str)>::new()]);
    let mut at = 0;
    while let Some(path) = queue.pop_front() {
        for side in 0..2 {
            for call in CALLS {
                let mut world = World::new(family, folder.path());
                for (side, call) in &path {
                    world.call(*side, call).unwrap();
                }
                assert_eq!(world.observe(), states[at].0, "after {path:?}");
                let Some(result) = world.call(side, call) else {
                    states[at].1.push((String::new(), at));
                    continue;
                };
                let seen = world.observe();
                let next = *numbers.entry(seen.clone()).or_insert_with(|| {
                    queue.push_back(path.iter().copied().chain([(side, call)]).collect());
                    states.push((seen, Vec::new()));
                    states.len() - 1
                });
                states[at].1.push((result, next));
            }
        }
        at += 1;
        assert!(at < 3000, "too many states");
    }
    states
}

/// Calls in any order, far longer than the shortest way: a state remembers nothing that isn't seen.
fn walk(family: AddressFamily, states: &[(String, Vec<(String, usize)>)]) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = 0x9e37_79b9_u32;
    for _ in 0..400 {
        let (mut world, mut at, mut path) = (World::new(family, folder.path()), 0, Vec::new());
        for _ in 0..30 {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let choice = usize::try_from(random % 16).unwrap();
            let (side, call) = (choice / 8, CALLS[choice % 8]);
            if call == "close" && random & 0x7000 != 0 {
                continue; // else all would be over soon
            }
            let (result, next) = &states[at].1[choice];
            path.push(format!("{side} {call}"));
            let found = world.call(side, call).unwrap_or_default();
            assert_eq!(found, *result, "in {} after {path:?}", states[at].0);
            assert_eq!(world.observe(), states[*next].0, "after {path:?}");
            at = *next;
        }
    }
}

fn table(family: AddressFamily) -> String {
    let mut text = String::new();
    let states = explore(family);
    walk(family, &states);
    for (state, calls) in states {
        let calls: Vec<String> = calls
            .iter()
            .map(|(result, next)| match result.as_str() {
                "" => String::new(),
                result => format!("{result}>{next}"),
            })
            .collect();
        let _ = writeln!(text, "      \"{state} {}\",", calls.join(","));
    }
    text
}

fn widget() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/widgets/state-machine.js")
}

#[test]
fn the_widgets_table_is_what_the_kernel_does() {
    let found = format!(
        "    tcp: [\n{}    ],\n    unix: [\n{}    ],\n",
        table(AF_INET),
        table(AF_UNIX)
    );
    let text = std::fs::read_to_string(widget()).unwrap();
    let (before, rest) = text.split_once("// TABLE\n").unwrap();
    let (shown, after) = rest.split_once("    // END OF TABLE").unwrap();
    if std::env::var_os("UPDATE_TABLE").is_some() {
        let new = format!("{before}// TABLE\n{found}    // END OF TABLE{after}");
        std::fs::write(widget(), new).unwrap();
        return;
    }
    for (number, (shown, found)) in shown.lines().zip(found.lines()).enumerate() {
        assert_eq!(
            shown, found,
            "line {number} of the table; UPDATE_TABLE=1 mends it"
        );
    }
    assert_eq!(shown.lines().count(), found.lines().count());
}
