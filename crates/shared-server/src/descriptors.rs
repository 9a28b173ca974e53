//! How many clients the limit on open files allows.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Descriptors for lingering connections, see `connection.rs`.
pub(crate) const LINGERING: usize = 64;
/// Descriptors for everything else: a client that is about to be answered with Busy, files that the
/// service opens.
const SPARE: usize = 8;

/// Descriptors that the servers of this process have promised to their clients.
static PROMISED: AtomicUsize = AtomicUsize::new(0);

/// How many descriptors one server has promised to its clients. Dropping this releases them.
#[derive(Debug, Default)]
pub(crate) struct Promise(usize);

/// Reserves this room, so that no other server of this process counts on it.
pub(crate) fn promise(room: &Room) -> Promise {
    let descriptors = room.clients + room.lingering;
    PROMISED.fetch_add(descriptors, Ordering::SeqCst);
    Promise(descriptors)
}

impl Drop for Promise {
    fn drop(&mut self) {
        PROMISED.fetch_sub(self.0, Ordering::SeqCst);
    }
}

/// How many descriptors the limit on open files leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) clients: usize,
    pub(crate) lingering: usize,
}

/// Raises the soft limit as far as `clients` need, and returns how many clients there is room for.
/// Call it when everything except connections is open.
pub(crate) fn make_room(clients: usize) -> Room {
    let wanted = clients.saturating_add(LINGERING + SPARE);
    // Other servers may still need what they have promised, on top of what is open now.
    let taken = open_descriptors().saturating_add(PROMISED.load(Ordering::SeqCst));
    match raise_limit(taken.saturating_add(wanted)) {
        Some(limit) => share_out(limit.saturating_sub(taken), clients),
        None => Room {
            clients,
            lingering: LINGERING,
        },
    }
}

// ANCHOR: share
fn share_out(room: usize, clients: usize) -> Room {
    if room >= clients.saturating_add(LINGERING + SPARE) {
        return Room {
            clients,
            lingering: LINGERING,
        };
    }
    let lingering = LINGERING.min(room / 4).max(1);
    let spare = SPARE.min(room / 4);
    Room {
        clients: room.saturating_sub(lingering + spare).clamp(1, clients),
        lingering,
    }
}
// ANCHOR_END: share

fn open_descriptors() -> usize {
    std::fs::read_dir("/dev/fd").map_or(16, Iterator::count)
}

/// Raises the soft limit to `wanted`, or as far as the hard limit allows. Returns the soft limit
/// that is then in force; `None` if there is none.
#[cfg(unix)]
fn raise_limit(wanted: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let raised = maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let new = Rlimit {
        current: Some(raised),
        maximum,
    };
    let limit = if raised > current && setrlimit(Resource::Nofile, new).is_ok() {
        raised
    } else {
        current
    };
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn raise_limit(_wanted: usize) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_limit_is_shared_out_and_somebody_is_always_served() {
        let full = Room {
            clients: 1024,
            lingering: 64,
        };
        assert_eq!(share_out(1024 + 72, 1024), full);
        assert_eq!(share_out(1024 + 71, 1024).clients, 1023);
        assert_eq!(
            share_out(12, 1024),
            Room {
                clients: 6,
                lingering: 3
            }
        );
        assert_eq!(
            share_out(0, 1024),
            Room {
                clients: 1,
                lingering: 1
            }
        );
        assert_eq!(
            share_out(60, 5),
            Room {
                clients: 5,
                lingering: 15
            }
        );
    }
}
