//! Users by number, and the one number that does not identify a user.
//!
//! A user namespace may map only some of the system's users (`user_namespaces(7)`). In it, the
//! kernel shows all unmapped users as one number, the overflow uid, which is 65534 by default. A
//! program cannot tell these users apart; even its own user looks like them if that user isn't
//! mapped. So a program may print the overflow uid, but must not base a decision on it.

use std::fmt;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::{fs, io, path::Path};

/// Returns whether `uid` is the overflow uid, which the kernel shows for every user that this
/// process's user namespace does not map (`user_namespaces(7)`): it may stand for any of these
/// users. Always `false` if all users are mapped. Code that bases a decision on a uid must check
/// this first; only a person can decide to trust such a uid.
#[must_use]
pub fn is_nobody(uid: u32) -> bool {
    overflow_uid() == Some(uid)
}

/// The overflow uid; `None` if every user is mapped.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn overflow_uid() -> Option<u32> {
    let map = fs::read_to_string("/proc/self/uid_map");
    let every_user_is_known = match &map {
        Ok(map) => is_whole(map),
        // A kernel without user namespaces has no such file. Without /proc, nothing is known.
        Err(error) => {
            error.kind() == io::ErrorKind::NotFound && Path::new("/proc/self/status").exists()
        }
    };
    if every_user_is_known {
        return None;
    }
    let told = fs::read_to_string("/proc/sys/kernel/overflowuid");
    let told = told.ok().and_then(|uid| uid.trim().parse().ok());
    Some(told.unwrap_or(65_534))
}

/// Other systems have no user namespaces.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn overflow_uid() -> Option<u32> {
    None
}

/// Whether a uid map (lines of inside, outside, count, which never overlap) has room for every
/// user: all numbers but the last one, which means "no change" to `chown(2)`.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_whole(map: &str) -> bool {
    let counts = map.lines().map(|line| {
        let count = line.split_whitespace().nth(2)?;
        count.parse::<u64>().ok()
    });
    counts.sum::<Option<u64>>() == Some(u64::from(u32::MAX))
}

/// A user, to be printed in a message: as `uid 1000`, or, if [`is_nobody`], as a user that cannot
/// be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User(pub u32);

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let User(uid) = self;
        if is_nobody(*uid) {
            return write!(
                f,
                "a user that cannot be named in this user namespace (all of them show as uid {uid})"
            );
        }
        write!(f, "uid {uid}")
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn only_a_map_of_every_user_is_whole() {
        for whole in [
            "         0          0 4294967295\n",
            "0 0 65536\n65536 65536 4294901759\n",
        ] {
            assert!(is_whole(whole), "{whole:?}");
        }
        for part in [
            "",
            "\n",
            "0 1000 1\n",
            "0 0 65536\n",
            "0 0 4294967294\n",
            "0 1000 1\n1 100000 65536\n",
            "not a map\n",
        ] {
            assert!(!is_whole(part), "{part:?}");
        }
    }

    #[test]
    fn who_has_a_name_is_somebody() {
        assert!(!is_nobody(0));
        assert_eq!(User(0).to_string(), "uid 0");
    }
}
