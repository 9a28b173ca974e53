//! Failures of this machine. A check that fails because of the machine ends with a sentence about
//! the machine, never with the explanation written for the learner's program.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::context;
use crate::failure::Failure;
use crate::watchdog::fail;

/// How long a connection from 127.0.0.1 to itself may take. The kernel makes it immediately, or not
/// at all.
const LOOPBACK: Duration = Duration::from_secs(2);

/// The advice for most shortages of resources.
pub(crate) const RESOURCES: &str = "The system did not give the check a socket: it lacks \
                                    descriptors (`ulimit -Hn`), ports, memory, or the network \
                                    that the check needs. Fix that, and run the check again.";

/// Ends the test: `expected` is what the check needs, `got` what the system says, and `advice` what
/// the reader can do about it.
pub(crate) fn no_verdict(expected: &str, got: &str, advice: &str) -> ! {
    fail(
        &context::current(),
        &Failure::of_machine(expected, got, advice),
    )
}

/// The failure to report if the learner's program can't be started.
pub(crate) fn cannot_start(path: &str, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => {
            "There is no program to check. Build it with `cargo build`, or name another one in \
             CHECK_PROGRAM."
        }
        io::ErrorKind::PermissionDenied => {
            "The system does not allow the program to be executed. If its folder is on a disk that \
             forbids execution (mounted with `noexec`), set CARGO_TARGET_DIR to a folder on \
             another disk."
        }
        _ => {
            "The system could not start the program. If it is short of memory or processes, stop \
             other programs and run the check again."
        }
    };
    Failure::of_machine(&format!("{path} to start"), &error.to_string(), advice)
}

/// Ends the test if this machine can't listen on the host of `address`, or can't connect to it. An
/// address that isn't `HOST:PORT` is not tested.
pub(crate) fn can_listen_at(address: &str) {
    let plain = address.strip_prefix("tcp:").unwrap_or(address);
    let Some((host, port)) = plain.rsplit_once(':') else {
        return;
    };
    if plain.contains('/') || port.parse::<u16>().is_err() {
        return;
    }
    static KNOWN: Mutex<Option<HashMap<String, Option<String>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    let host = host.to_owned();
    let error = known.entry(host.clone()).or_insert_with(|| probe(&host));
    if let Some(error) = error.clone() {
        no_verdict(
            &format!("to listen on {host}, and to connect to it"),
            &error,
            "The check talks to your program over this address. In a container or a network \
             namespace, bring up the loopback interface (`ip link set lo up`); a name must be in \
             /etc/hosts, and an IPv6 address needs IPv6.",
        );
    }
}

fn probe(host: &str) -> Option<String> {
    let talk = || {
        let listener = TcpListener::bind(format!("{host}:0"))?;
        let addresses = listener.local_addr()?.to_socket_addrs()?;
        for address in addresses {
            TcpStream::connect_timeout(&address, LOOPBACK)?;
        }
        io::Result::Ok(())
    };
    talk().err().map(|error| error.to_string())
}

/// Whether this is an error of `socket` or `connect` that only this machine can cause, never the
/// program on the other side.
pub(crate) fn is_to_blame(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    let own = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::AFNOSUPPORT,
        Errno::ADDRNOTAVAIL,
        Errno::NETUNREACH,
        Errno::NETDOWN,
        Errno::HOSTUNREACH,
    ];
    errno.is_some_and(|errno| own.contains(&errno))
}
