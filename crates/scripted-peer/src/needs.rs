//! What a check needs that not every machine has. A check that is skipped reports the reason.
//!
//! ```no_run
//! # use scripted_peer::needs;
//! if !needs::root() {
//!     return;
//! }
//! ```

use std::fs::OpenOptions;
use std::io::Write as _;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(target_os = "linux")]
use crate::context;
use crate::machine;
use crate::threads::has_proc;

/// Returns whether this is Linux with /proc. If not, the test is noted as skipped: return from it.
#[must_use]
pub fn linux() -> bool {
    if cfg!(target_os = "linux") {
        has_proc() || skip("needs /proc: mount it (`mount -t proc proc /proc`)")
    } else {
        skip("needs Linux")
    }
}

/// Ends the test with a message unless `works`: a tool or a service of the system that the check
/// needs is missing.
pub fn working(works: bool, what: &str) {
    if !works {
        let advice =
            format!("The check needs {what}: install or repair it, and run the check again.");
        machine::no_verdict(what, "it failed", &advice);
    }
}

/// Returns whether the test is run by root on Linux and may switch to other users. If not, the test
/// is noted as skipped: return from it.
#[must_use]
pub fn root() -> bool {
    linux()
        && (rustix::process::geteuid().is_root() || skip("needs root: run it with `sudo -E`"))
        && (acts_for_others()
            || skip(
                "needs a root user that may switch to other users, outside this user namespace",
            ))
}

/// Returns whether this machine has IPv6, with `::1` on its loopback interface. If not, the test is
/// noted as skipped: return from it.
#[must_use]
pub fn ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
        || skip("needs IPv6: bring up ::1 (`sysctl net.ipv6.conf.lo.disable_ipv6=0`)")
}

/// Whether this process may switch to other users. In a user namespace, root may be the only user
/// (user_namespaces(7)).
#[cfg(target_os = "linux")]
fn acts_for_others() -> bool {
    use rustix::process::Uid;
    // In a separate thread: credentials are kept per thread.
    let nobody = Uid::from_raw(65_534);
    let real = rustix::process::getuid();
    let act = move || rustix::thread::set_thread_res_uid(real, nobody, real).is_ok();
    context::spawn("another user", act)
        .join()
        .unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn acts_for_others() -> bool {
    false
}

/// Notes why this test is skipped: on standard error, bypassing libtest's capture, and as a line
/// `PACKAGE TEST REASON` at the end of the file that `CHECK_SKIPS` names. Returns false.
pub fn skip(reason: &str) -> bool {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "skipped: {package} {test}: {reason}");
    if let Some(file) = std::env::var_os("CHECK_SKIPS").filter(|file| !file.is_empty()) {
        let line = format!("{package} {test} {reason}\n");
        let file = OpenOptions::new().create(true).append(true).open(file);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
    false
}

/// Raises this process's soft limit on open descriptors to `count`, or to the hard limit if that is
/// lower. Programs started after that inherit the limit.
pub(crate) fn descriptors(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let current = limit.maximum.map_or(count, |most| most.min(count));
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(current),
                ..limit
            },
        );
    }
}

/// Ends the test unless the check, and a program with the same limit on descriptors, can each hold
/// `count` connections.
pub(crate) fn room_for(count: u64) {
    descriptors(count + 100);
    let limit = getrlimit(Resource::Nofile).current;
    if limit.is_some_and(|limit| limit < count + 10) {
        machine::no_verdict(
            &format!("room for {count} connections"),
            &format!(
                "Too many open files: the limit is {}",
                limit.unwrap_or_default()
            ),
            machine::RESOURCES,
        );
    }
}
