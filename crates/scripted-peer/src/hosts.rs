//! Two hosts with a cable between them, on one machine: network namespaces and a pair of virtual
//! Ethernet devices ([network_namespaces(7)](https://man7.org/linux/man-pages/man7/network_namespaces.7.html),
//! [veth(4)](https://man7.org/linux/man-pages/man4/veth.4.html)).
//!
//! Nothing outlives the test, even if the test is killed: the namespaces have no names, and each of
//! them exists only as long as a shell whose standard input comes from the test.

mod shell;

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::actor::Actor;
use crate::address::Address;
use crate::context;
use crate::folder::{Folder, folder};
use crate::listener::Listener;
use crate::machine;
use crate::needs;
use crate::peer::Peer;
use crate::program::Program;
use crate::verdict::Verdict;
use shell::{COMMAND, Failed, Shell};

/// The name of the network device at each end of the cable.
const CABLE: &str = "cable";

/// Two hosts, `left` and `right`, that know each other by these names, and a cable between them.
///
/// This needs root on Linux, util-linux and iproute2. If one of these is missing, or the system
/// doesn't permit it, the test is noted as skipped, with the reason.
///
/// ```no_run
/// use scripted_peer::{Hosts, Program, line};
///
/// let Some(hosts) = Hosts::new() else { return };
/// let server = Program::new("server").on(&hosts.left).listen_on(hosts.left.any_port()).now();
/// let mut peer = hosts.right.connect(server.address());
/// peer.send(line("hello")).expect(line("hello")).now();
/// hosts.pull_cable();
/// server.prints("gone").or_explain(
///     "You kept waiting for a client that is gone. Turn on keepalive to find out.",
///     "",
/// );
/// hosts.plug_cable();
/// ```
pub struct Hosts {
    /// The host to run the program on. When the cable is pulled, this host keeps its address and
    /// its route, like a machine that doesn't notice.
    pub left: Host,
    /// The other host. The cable is pulled at this end.
    pub right: Host,
    actor: Actor,
    _names: Folder,
}

/// One of two [`Hosts`].
pub struct Host {
    name: &'static str,
    address: Ipv4Addr,
    address_v6: Option<Ipv6Addr>,
    shell: Arc<Mutex<Shell>>,
    pid: u32,
}

impl Hosts {
    /// Creates two connected hosts. Returns `None` if that isn't possible here; the test is then
    /// noted as skipped.
    #[must_use]
    pub fn new() -> Option<Self> {
        if !needs::root() {
            return None;
        }
        match Self::connect() {
            Ok(hosts) => Some(hosts),
            Err(reason) => {
                needs::skip(&format!("needs network namespaces: {reason}"));
                None
            }
        }
    }

    fn connect() -> Result<Self, String> {
        let names = folder();
        let list =
            "127.0.0.1 localhost\n10.77.0.1 left\n10.77.0.2 right\nfd77::1 left\nfd77::2 right\n";
        let file = names.join("hosts");
        fs::write(&file, list).map_err(|error| error.to_string())?;
        let bind = format!(
            "mount --bind {} /etc/hosts && ip link set lo up",
            file.display()
        );
        let (mut left, mut right) = (Host::new("left", 1)?, Host::new("right", 2)?);
        left.run(&bind)?;
        right.run(&bind)?;
        let (one, other) = (left.pid, right.pid);
        left.run(&format!(
            "ip link add {CABLE} type veth peer name {CABLE} netns {other}"
        ))?;
        for host in [&mut left, &mut right] {
            host.run(&format!(
                "ip addr add {}/24 dev {CABLE} && ip link set {CABLE} up",
                host.address
            ))?;
            host.add_v6_address();
        }
        left.wait_for_carrier()?;
        right.wait_for_carrier()?;
        // The command that a program is started with.
        let enters = Command::new("nsenter")
            .args(["-t", &one.to_string(), "-n", "-m", "true"])
            .output()
            .map_err(|error| format!("nsenter: {error}"))?;
        if !enters.status.success() {
            return Err(String::from_utf8_lossy(&enters.stderr).trim().to_owned());
        }
        let actor = Actor::aside();
        actor.note(format!(
            "two hosts, left ({}) and right ({}), and a cable between them",
            left.address, right.address
        ));
        Ok(Self {
            left,
            right,
            actor,
            _names: names,
        })
    }

    /// Pulls the cable: from now on nothing arrives at the other host, and the sender gets no
    /// error.
    pub fn pull_cable(&self) {
        self.right.must_run(&format!("ip link set {CABLE} down"));
        self.actor.note("the cable is pulled");
    }

    /// Plugs the cable back in.
    pub fn plug_cable(&self) {
        self.right.must_run(&format!("ip link set {CABLE} up"));
        if self.right.address_v6.is_some() {
            // These disappear when the link goes down.
            self.right.must_run(&self.right.v6_command());
        }
        self.actor.note("the cable is plugged in");
    }
}

impl Program {
    /// Makes the program run on this host: in the host's network, and with its `/etc/hosts`. Start
    /// the program with [`listen_on`](Self::listen_on), and connect to it with [`Host::connect`]:
    /// it can't be reached from outside the two hosts.
    pub fn on(self, host: &Host) -> Self {
        Actor::aside().note(format!("a program on {}:", host.name));
        // Through a shell that changes back to this folder: nsenter(1) leaves it when it enters the
        // mount namespace.
        let enter = format!("nsenter -t {} -n -m sh -c", host.pid);
        self.inside(&format!("{enter} 'cd -- \"$0\" && exec \"$@\"' \"$PWD\""))
            .elsewhere()
    }
}

impl Host {
    fn new(name: &'static str, number: u8) -> Result<Self, String> {
        let shell = Shell::start().map_err(|error| format!("sh: {error}"))?;
        let pid = shell.child.id();
        let host = Self {
            name,
            address: Ipv4Addr::new(10, 77, 0, number),
            address_v6: Some(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, number.into())),
            shell: Arc::new(Mutex::new(shell)),
            pid,
        };
        host.run("true")?;
        Ok(host)
    }

    /// Returns the host's name, which both hosts can look up.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Returns the host's IPv4 address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address.into()
    }

    /// Returns the host's IPv6 address, if this machine has IPv6.
    #[must_use]
    pub fn address_v6(&self) -> Option<IpAddr> {
        self.address_v6.map(IpAddr::from)
    }

    /// Returns the host's IPv4 address with port 0, for a program to listen on.
    #[must_use]
    pub fn any_port(&self) -> Address {
        Address::Tcp(SocketAddr::new(self.address(), 0))
    }

    /// Connects to `address` from this host; if that fails, the test ends.
    #[must_use]
    pub fn connect(&self, address: &Address) -> Peer {
        self.try_connect(address).now()
    }

    /// Connects to `address` from this host.
    pub fn try_connect(&self, address: &Address) -> Verdict<Peer> {
        let address = address.clone();
        self.here(move || Peer::try_connect(&address))
    }

    /// Creates a listener on a free port of this host's IPv4 address.
    #[must_use]
    pub fn listener(&self) -> Listener {
        let address = self.any_port();
        self.here(move || Listener::on_address(&address))
    }

    /// Creates a listener on a free port of this host's IPv6 address, if it has one.
    #[must_use]
    pub fn listener_v6(&self) -> Option<Listener> {
        let any = Address::Tcp(SocketAddr::new(self.address_v6()?, 0));
        Some(self.here(move || Listener::on_address(&any)))
    }

    /// Runs a shell command on this host, and returns what it printed.
    ///
    /// # Errors
    ///
    /// If the command fails, the error is what it printed.
    pub fn run(&self, command: &str) -> Result<String, String> {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        shell.run(command).map_err(|error| match error {
            Failed::Command(text) => format!("{command}: {}", text.trim()),
            Failed::Shell(error) => format!("no namespace for {}: {error}", self.name),
        })
    }

    fn must_run(&self, command: &str) {
        if let Err(error) = self.run(command) {
            machine::no_verdict(
                "the cable between two hosts",
                &error,
                "The check could not set up or change its network namespaces. Run it again; if it \
                 fails again, the line above says what the system lacks.",
            );
        }
    }

    /// Calls `act` on a thread that is in this host's network. A socket belongs to the network of
    /// the thread that creates it, and stays there.
    fn here<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> T {
        let (pid, timeline) = (self.pid, context::current());
        timeline.note(None, format!("on {}:", self.name));
        let act = move || {
            context::join(&timeline);
            if let Err(error) = enter(pid) {
                machine::no_verdict(
                    "a thread in a network namespace",
                    &error.to_string(),
                    "The check is not allowed to enter a namespace that it created. Run it as root, \
                     outside any container that forbids that.",
                );
            }
            act()
        };
        context::spawn("another host", act)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn add_v6_address(&mut self) {
        if self.run(&self.v6_command()).is_err() {
            self.address_v6 = None;
        }
    }

    fn v6_command(&self) -> String {
        let address = self.address_v6.unwrap_or(Ipv6Addr::UNSPECIFIED);
        // Skips the second in which the kernel checks whether the address is already in use
        // (nodad).
        format!("ip -6 addr replace {address}/64 dev {CABLE} nodad")
    }

    fn wait_for_carrier(&self) -> Result<(), String> {
        let until = Instant::now() + COMMAND;
        while !self
            .run(&format!("ip -o link show {CABLE}"))?
            .contains("state UP")
        {
            if Instant::now() > until {
                return Err("the cable does not come up".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn enter(pid: u32) -> io::Result<()> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd as _;
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn enter(pid: u32) -> io::Result<()> {
    File::open(format!("/proc/{pid}/ns/net")).map(drop)
}
