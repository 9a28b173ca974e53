//! A network on which nobody answers: it takes a namespace of its own.

use std::io;
use std::process::Command;

use crate::Situation;

pub const NO_NEIGHBOR: &str = "`connect` to an address of your own network that no machine has";

pub const SITUATIONS: &[Situation] = &[Situation {
    entry: "EHOSTUNREACH",
    text: NO_NEIGHBOR,
    happens: |_| {
        let connect = "import socket; print(socket.socket().connect_ex((\"10.0.0.2\", 9)))";
        // The kernel tells itself by ICMP, over the loopback.
        let script = format!(
            "ip link set lo up && ip link add here type veth peer name there && ip link set there up && \
             ip address add 10.0.0.1/24 dev here && ip link set here up && \
             echo 20 >/proc/sys/net/ipv4/neigh/here/retrans_time_ms && \
             exec python3 -c '{connect}'"
        );
        let output = namespace(&script).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        match printed.trim().parse() {
            Ok(number) => io::Error::from_raw_os_error(number),
            Err(_) => io::Error::other(format!("{output:?}")),
        }
    },
}];

/// Whether this machine lets us make a network and lay a cable in it.
pub fn is_available() -> bool {
    let script = "ip link add here type veth peer name there && exec python3 -c ''";
    let output = namespace(script).output();
    output.is_ok_and(|output| output.status.success())
}

fn namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--net", "sh", "-c", script]);
    command
}
