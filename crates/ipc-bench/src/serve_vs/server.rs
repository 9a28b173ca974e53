//! What can be learned about a server from outside: its process, its memory, its CPU time. That
//! depends on what the system allows: for another user's process it is `None`, and the report says
//! so.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::bail;

use crate::interrupt;
use crate::serve_vs::client::{Address, Client, Named};

pub struct Server {
    pub address: Address,
    pub pid: Option<u32>,
}

impl Server {
    /// Connects and sends one request, so that a server that isn't running, or speaks another
    /// protocol, is reported before anything is measured. Of several addresses, the first one that
    /// answers is used.
    pub fn visit(named: &Named) -> anyhow::Result<Server> {
        let mut reasons = Vec::new();
        for address in &named.addresses {
            interrupt::check()?;
            match Client::connect(address) {
                Ok(_) => return Ok(Server::at(address)),
                Err(error) => reasons.push((address.to_string(), error)),
            }
        }
        let name = &named.name;
        let reasons: Vec<String> = reasons
            .into_iter()
            .map(|(address, error)| match address == *name {
                true => error.to_string(),
                false => format!("{address}: {error}"),
            })
            .collect();
        let reasons = reasons.join("; ");
        bail!("{name}: no server to measure (is it running?): {reasons}")
    }

    fn at(address: &Address) -> Server {
        let pid = match address {
            Address::Unix(path) => unix_pid(path),
            Address::Tcp(address) => tcp_pid(*address),
        };
        Server {
            address: address.clone(),
            pid,
        }
    }

    /// Returns the CPUs that the server may use, as `/proc/PID/status` lists them.
    pub fn processors(&self) -> Option<String> {
        self.status("Cpus_allowed_list:")
    }

    pub fn threads(&self) -> Option<u64> {
        self.status("Threads:")?.parse().ok()
    }

    /// Returns the resident memory in KiB. It is computed by walking the pages, because the value
    /// in `status` lags behind.
    pub fn memory_kib(&self) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid?)).ok()?;
        field(&text, "Rss:")?.split(' ').next()?.parse().ok()
    }

    /// Returns the CPU time of all its current threads, in nanoseconds
    /// (`/proc/PID/task/*/schedstat`).
    pub fn processor_time(&self) -> Option<u64> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid?)).ok()?;
        let times = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Some(times.sum())
    }

    pub fn since(&self, before: Option<u64>) -> Option<u64> {
        self.processor_time()?.checked_sub(before?)
    }

    fn status(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid?)).ok()?;
        field(&text, name).map(str::to_owned)
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

/// Returns the process that called `listen`: the kernel remembers it for each connection
/// (`SO_PEERCRED`, unix(7)).
fn unix_pid(path: &Path) -> Option<u32> {
    let stream = UnixStream::connect(path).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Returns the process that has the listening socket open. The socket's inode is in
/// `/proc/net/tcp`, and the server is the process that has this inode among its descriptors.
fn tcp_pid(address: SocketAddr) -> Option<u32> {
    let table = if address.is_ipv4() {
        "/proc/net/tcp"
    } else {
        "/proc/net/tcp6"
    };
    let inode = listening_inode(&fs::read_to_string(table).ok()?, address.port())?;
    let link = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| {
            holds(*pid, &link).unwrap_or(false) // another user's: not ours to look into
        })
}

fn holds(pid: u32, link: &str) -> io::Result<bool> {
    let mut descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten();
    Ok(descriptors.any(|d| fs::read_link(d.path()).is_ok_and(|to| to.as_os_str() == link)))
}

fn listening_inode(table: &str, port: u16) -> Option<String> {
    let here = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
        (local.ends_with(&here) && *state == "0A").then(|| (*inode).to_owned()) // 0A: TCP_LISTEN
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_tcp_listener_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(
            tcp_pid(listener.local_addr().unwrap()),
            Some(std::process::id())
        );
    }

    #[test]
    fn a_server_is_found_at_a_further_address_of_its_name() {
        use crate::serve_vs::client::Window;
        use std::io::{Read, Write};

        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        let refusing = nobody.local_addr().unwrap();
        drop(nobody);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap();
        let window = Window::new(1, 1);
        let serve = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let length = shared_proto::PREAMBLE.len() + window.requests.len();
            client.read_exact(&mut vec![0; length]).unwrap();
            client.write_all(&window.replies).unwrap();
        });
        let named = Named {
            name: "a-name:7878".to_owned(),
            addresses: vec![Address::Tcp(refusing), Address::Tcp(there)],
        };
        let server = Server::visit(&named).unwrap();
        assert_eq!(server.address.to_string(), there.to_string());
        serve.join().unwrap();
    }

    #[test]
    fn our_own_figures_can_be_read() {
        let address = Address::Unix("unused".into());
        let own = Server {
            address,
            pid: Some(std::process::id()),
        };
        assert!(own.memory_kib().unwrap() > 100);
        assert!(own.threads().unwrap() >= 1);
        assert!(own.since(own.processor_time()).is_some());
        assert!(own.processors().is_some());
    }
}
