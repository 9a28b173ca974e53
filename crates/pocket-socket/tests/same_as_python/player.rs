//! Plays the table of scenarios through this crate. What the steps mean is told at the top of the
//! table; the other player is `player.py`, function by function.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::thread::JoinHandle;
use std::time::Instant;

use nix::errno::Errno;
use pocket_socket::{
    MSG_DONTWAIT, SHUT_RD, SHUT_RDWR, SHUT_WR, Socket, create_server, create_server_with, has_ipv6,
    send_fds, socket, socket_with, socketpair,
};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::addresses::addresses;
use crate::create::settings_of;
use crate::messages::{receive, receive_into};
use crate::words::{
    bytes, errno_name, family_of, kind_of, protocol_of, receiving, room_of, seconds_of, sending,
    show,
};
use crate::{constants, options};

pub struct Scenario {
    pub folder: tempfile::TempDir,
    sockets: HashMap<String, Socket>,
    drains: HashMap<String, JoinHandle<usize>>,
}

/// What a step says when it succeeds.
pub type Said = io::Result<String>;

/// How a step that uses a closed socket ends. In Rust it is not even a program.
const GONE: Errno = Errno::EBADF;

impl Scenario {
    pub fn new() -> Scenario {
        Scenario {
            folder: tempfile::Builder::new()
                .prefix("pocket-")
                .tempdir()
                .unwrap(),
            sockets: HashMap::new(),
            drains: HashMap::new(),
        }
    }

    pub fn play(&mut self, names: &[&str], verb: &str, words: &[&str]) -> String {
        let shortest = self.sockets.values().filter_map(Socket::gettimeout);
        let shortest = shortest
            .filter(|time| !time.is_zero())
            .min()
            .unwrap_or_default();
        let start = Instant::now();
        match self.step(names, verb, words) {
            Ok(said) => said,
            Err(error) => match (error.raw_os_error(), error.kind()) {
                (Some(number), _) => errno_name(number),
                (None, io::ErrorKind::TimedOut) if start.elapsed() >= shortest => {
                    "timed out".into()
                }
                (None, io::ErrorKind::TimedOut) => "timed out early".into(),
                (None, io::ErrorKind::InvalidInput) if error.to_string().contains("too long") => {
                    "path too long".into()
                }
                (None, io::ErrorKind::InvalidInput) => "invalid".into(),
                (None, _) if error.to_string().contains("lookup") => "name unknown".into(),
                (None, _) => format!("{error:?}"),
            },
        }
    }

    fn step(&mut self, names: &[&str], verb: &str, words: &[&str]) -> Said {
        match (verb, words) {
            ("constant", [name]) => Ok(constants::value(name).to_string()),
            ("getaddrinfo", [host, port]) => addresses(host, port.parse().unwrap()),
            ("file" | "unlink" | "exists", [path]) => self.file(verb, path),
            ("has_ipv6", []) => Ok(has_ipv6.to_string()),
            ("CMSG_LEN" | "CMSG_SPACE", [length]) => {
                Ok(room_of(&format!("{verb}:{length}")).to_string())
            }
            ("socket", [family, kind]) => {
                let s = socket(family_of(family), kind_of(kind))?;
                self.keep(names[0], s, "ok")
            }
            ("socket", [family, kind, protocol]) => {
                let s = socket_with(family_of(family), kind_of(kind), protocol_of(protocol))?;
                self.keep(names[0], s, "ok")
            }
            ("socketpair", [family, kind]) => {
                let (a, b) = socketpair(family_of(family), kind_of(kind))?;
                self.keep(names[0], a, "")?;
                self.keep(names[1], b, "ok")
            }
            ("create_server", [address]) => {
                let s = create_server(self.address(address)?)?;
                self.keep(names[0], s, "ok")
            }
            ("create_server", [address, words @ ..]) => {
                let s = create_server_with(self.address(address)?, settings_of(words))?;
                self.keep(names[0], s, "ok")
            }
            ("create_connection", [address, rest @ ..]) => {
                let s = self.create_connection(self.address(address)?, rest)?;
                self.keep(names[0], s, "ok")
            }
            ("close", [name]) => {
                self.sockets.remove(*name).ok_or(GONE)?.close()?;
                ok()
            }
            ("accept", [name]) => {
                let (conn, address) = self.socket(name)?.accept()?;
                let said = format!("from {}", self.show(&address));
                self.keep(names[0], conn, &said)
            }
            ("dup", [name]) => {
                let copy = self.socket(name)?.dup()?;
                self.keep(names[0], copy, "ok")
            }
            ("recv_fds", [name, size, max]) => self.receive_descriptors(names, name, size, max),
            ("recvmsg" | "recvmsg_into", [name, size, room, flags @ ..]) => {
                let message = match verb {
                    "recvmsg" => receive(self.socket(name)?, size, room, flags)?,
                    _ => receive_into(self.socket(name)?, size, room, flags)?,
                };
                self.message(names, message)
            }
            ("drain" | "drained", [name]) => self.drain(verb, name),
            (_, [name, words @ ..]) => self.call(verb, self.socket(name)?, words),
            _ => panic!("no such step: {verb} {words:?}"),
        }
    }

    /// The calls on one socket that make no other.
    fn call(&self, verb: &str, s: &Socket, words: &[&str]) -> Said {
        match (verb, words) {
            ("bind", [address]) => s.bind(self.address(address)?).and_then(|()| ok()),
            ("listen", [backlog]) => s.listen(backlog.parse().unwrap()).and_then(|()| ok()),
            ("connect", [address]) => s.connect(self.address(address)?).and_then(|()| ok()),
            ("connect_ex", [address]) => {
                let number = s.connect_ex(self.address(address)?)?;
                Ok(if number == 0 {
                    "0".into()
                } else {
                    errno_name(number)
                })
            }
            ("send", [data]) => Ok(s.send(&bytes(data))?.to_string()),
            ("send", [data, flags @ ..]) => {
                Ok(s.send_with(&bytes(data), sending(flags))?.to_string())
            }
            ("sendall", [data]) => s.sendall(&bytes(data)).and_then(|()| ok()),
            ("sendall", [data, flags @ ..]) => s
                .sendall_with(&bytes(data), sending(flags))
                .and_then(|()| ok()),
            ("sendto", [data, address]) => {
                Ok(s.sendto(&bytes(data), self.address(address)?)?.to_string())
            }
            ("sendto", [data, address, flags @ ..]) => {
                let address = self.address(address)?;
                Ok(s.sendto_with(&bytes(data), sending(flags), address)?
                    .to_string())
            }
            ("sendmsg", [data, words @ ..]) => self.send_message(s, data, words),
            ("recv", [size]) => Ok(show(&s.recv(size.parse().unwrap())?)),
            ("recv", [size, flags @ ..]) => {
                Ok(show(&s.recv_with(size.parse().unwrap(), receiving(flags))?))
            }
            ("recv_into", [size, flags @ ..]) => {
                let mut buffer = vec![0; size.parse().unwrap()];
                let n = match flags {
                    [] => s.recv_into(&mut buffer)?,
                    flags => s.recv_into_with(&mut buffer, receiving(flags))?,
                };
                Ok(show(&buffer[..n]))
            }
            ("recvfrom", [size, flags @ ..]) => {
                let (data, address) = match flags {
                    [] => s.recvfrom(size.parse().unwrap())?,
                    flags => s.recvfrom_with(size.parse().unwrap(), receiving(flags))?,
                };
                Ok(format!("{} from {}", show(&data), self.show(&address)))
            }
            ("recvfrom_into", [size, flags @ ..]) => {
                let mut buffer = vec![0; size.parse().unwrap()];
                let (n, address) = match flags {
                    [] => s.recvfrom_into(&mut buffer)?,
                    flags => s.recvfrom_into_with(&mut buffer, receiving(flags))?,
                };
                Ok(format!(
                    "{} from {}",
                    show(&buffer[..n]),
                    self.show(&address)
                ))
            }
            ("shutdown", ["SHUT_RD"]) => s.shutdown(SHUT_RD).and_then(|()| ok()),
            ("shutdown", ["SHUT_WR"]) => s.shutdown(SHUT_WR).and_then(|()| ok()),
            ("shutdown", ["SHUT_RDWR"]) => s.shutdown(SHUT_RDWR).and_then(|()| ok()),
            ("settimeout", [seconds]) => s.settimeout(seconds_of(seconds)).and_then(|()| ok()),
            ("gettimeout", []) => Ok(s
                .gettimeout()
                .map_or("none".into(), |time| time.as_secs_f64().to_string())),
            ("setblocking", [word]) => s.setblocking(*word == "true").and_then(|()| ok()),
            ("getblocking", []) => Ok(s.getblocking().to_string()),
            ("os_set_blocking", []) => {
                rustix::io::ioctl_fionbio(s, false)?;
                ok()
            }
            ("getsockname", []) => Ok(self.show(&s.getsockname()?)),
            ("getpeername", []) => Ok(self.show(&s.getpeername()?)),
            ("peer_is", [other]) => {
                Ok((s.getpeername()? == self.socket(other)?.getsockname()?).to_string())
            }
            ("setsockopt", [_, option, value]) => {
                options::set(s, option, value).and_then(|()| ok())
            }
            ("getsockopt", [_, option]) => options::get(s, option),
            ("fileno", []) => Ok(if s.fileno() > 2 { "open" } else { "closed" }.into()),
            ("send_fds", [data, passed @ ..]) => {
                let passed: io::Result<Vec<_>> = passed
                    .iter()
                    .map(|name| Ok(self.socket(name)?.as_fd()))
                    .collect();
                Ok(send_fds(s, &[&bytes(data)], &passed?)?.to_string())
            }
            ("fill", []) => until_full(|| s.send_with(&[0; 4096], MSG_DONTWAIT)),
            ("fill_to", [address]) => {
                let address = self.address(address)?;
                until_full(|| s.sendto_with(b"x", MSG_DONTWAIT, &address))
            }
            ("wait", [event]) => {
                let event = if *event == "in" {
                    PollFlags::IN
                } else {
                    PollFlags::OUT
                };
                let limit = Timespec {
                    tv_sec: 10,
                    tv_nsec: 0,
                };
                let ready = rustix::event::poll(&mut [PollFd::new(s, event)], Some(&limit))?;
                Ok(if ready > 0 { "ready" } else { "not ready" }.into())
            }
            _ => panic!("no such step: {verb} {words:?}"),
        }
    }

    /// Starts a thread that receives until the end of stream; asks how much it has received.
    fn drain(&mut self, verb: &str, name: &str) -> Said {
        if verb == "drained" {
            return Ok(self
                .drains
                .remove(name)
                .unwrap()
                .join()
                .unwrap()
                .to_string());
        }
        let copy = self.socket(name)?.dup()?;
        let thread = std::thread::spawn(move || {
            let mut total = 0;
            loop {
                match copy.recv(65536).unwrap().len() {
                    0 => return total,
                    n => total += n,
                }
            }
        });
        self.drains.insert(name.into(), thread);
        ok()
    }

    fn file(&self, verb: &str, word: &str) -> Said {
        let path = self.path(word);
        match verb {
            "file" => std::fs::File::create_new(path).and_then(|_| ok()),
            "unlink" => std::fs::remove_file(path).and_then(|()| ok()),
            _ => Ok(path.symlink_metadata().is_ok().to_string()),
        }
    }

    pub fn keep(&mut self, name: &str, socket: Socket, said: &str) -> Said {
        self.sockets.insert(name.into(), socket);
        Ok(said.into())
    }

    pub fn socket(&self, name: &str) -> io::Result<&Socket> {
        self.sockets.get(name).ok_or_else(|| GONE.into())
    }
}

fn until_full(mut send: impl FnMut() -> io::Result<usize>) -> Said {
    loop {
        match send() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok("full".into()),
            Err(error) => return Err(error),
        }
    }
}

fn ok() -> Said {
    Ok("ok".into())
}
