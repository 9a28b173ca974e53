//! How many clients the limit on open files allows, and how the servers of one process share it.

use std::io;

/// Descriptors for lingering connections, see `connection.rs`.
const LINGERING: usize = 64;
/// Descriptors for everything else: a client that is about to be answered with Busy, files that the
/// service opens.
const SPARE: usize = 8;
/// The fewest descriptors with which a server can work: a client's, and a lingering connection's.
const FEWEST: usize = 2;

/// How many descriptors one server may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) clients: usize,
    pub(crate) lingering: usize,
}

/// Raises the soft limit as far as a server with this many clients needs, and this many descriptors
/// besides.
pub(crate) fn make_room(others: usize, clients: usize) {
    let needed = others.saturating_add(need(clients));
    raise_limit(open_descriptors().saturating_add(needed));
}

/// Divides the limit on open files among servers that want this many clients each, and whose
/// clients hold `held` descriptors now. Raises the soft limit as far as they need. Call it when
/// everything except connections is open.
///
/// # Errors
///
/// If not every server could hold a client.
pub(crate) fn divide(wanted: &[usize], held: usize) -> io::Result<Vec<Room>> {
    let needs = wanted.iter().map(|clients| need(*clients));
    let needs: Vec<usize> = needs.collect();
    let taken = open_descriptors().saturating_sub(held);
    let all = needs.iter().copied().fold(taken, usize::saturating_add);
    let limit = raise_limit(all).unwrap_or(all);
    let shares = share_out(limit.saturating_sub(taken), &needs);
    let rooms = shares.into_iter().zip(wanted);
    let rooms: Option<Vec<Room>> = rooms.map(|(share, most)| room(share, *most)).collect();
    rooms.ok_or_else(|| {
        let needed = taken + FEWEST * wanted.len();
        io::Error::other(format!(
            "the limit on open files, {limit}, leaves no room for clients: raise the hard limit to \
             {needed} or more (ulimit -Hn)"
        ))
    })
}

/// How many descriptors a server needs for this many clients.
fn need(clients: usize) -> usize {
    clients.saturating_add(LINGERING + SPARE)
}

// ANCHOR: share
/// Gives each server what it needs. Where there is too little for that, those that need more than
/// an equal part get equal parts.
fn share_out(room: usize, needs: &[usize]) -> Vec<usize> {
    let mut smallest_first: Vec<usize> = (0..needs.len()).collect();
    smallest_first.sort_by_key(|at| needs[*at]);
    let (mut left, mut shares) = (room, vec![0; needs.len()]);
    for (served, at) in smallest_first.into_iter().enumerate() {
        shares[at] = needs[at].min(left / (needs.len() - served));
        left -= shares[at];
    }
    shares
}

/// Divides one server's share; `None` if it is too small for even one client.
fn room(share: usize, most: usize) -> Option<Room> {
    if share < FEWEST {
        return None;
    }
    if share >= need(most) {
        return Some(Room {
            clients: most,
            lingering: LINGERING,
        });
    }
    let lingering = LINGERING.min(share / 4).max(1);
    let spare = SPARE.min(share / 4);
    let clients = (share - lingering - spare).min(most);
    Some(Room { clients, lingering })
}
// ANCHOR_END: share

/// Adds what to do to an error for lack of descriptors.
pub(crate) fn with_advice(error: io::Error) -> io::Error {
    if is_lack(&error) {
        let told = format!("{error}; raise the hard limit on open files (ulimit -Hn)");
        return io::Error::new(error.kind(), told);
    }
    error
}

/// Returns how many descriptors are open, or a guess if this system does not say. If so many are
/// open that they cannot be counted, that is as many as the soft limit allows.
fn open_descriptors() -> usize {
    const GUESS: usize = 16;
    match std::fs::read_dir("/dev/fd") {
        Ok(all) => all.count().saturating_sub(1), // without the one that counts them
        Err(error) if is_lack(&error) => soft_limit().unwrap_or(GUESS),
        Err(_) => GUESS,
    }
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

#[cfg(unix)]
fn soft_limit() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Whether this error means that the process may not open more descriptors.
#[cfg(unix)]
fn is_lack(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
}

#[cfg(not(unix))]
fn raise_limit(_wanted: usize) -> Option<usize> {
    None
}

#[cfg(not(unix))]
fn soft_limit() -> Option<usize> {
    None
}

#[cfg(not(unix))]
fn is_lack(_error: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_share_is_divided_and_one_that_holds_no_client_is_none() {
        let of = |share, most| room(share, most).map(|room| (room.clients, room.lingering));
        assert_eq!(of(1024 + 72, 1024), Some((1024, 64)));
        assert_eq!(of(1024 + 71, 1024), Some((1023, 64)));
        assert_eq!(of(12, 1024), Some((6, 3)));
        assert_eq!(of(60, 5), Some((5, 15)));
        assert_eq!(of(3, 1024), Some((2, 1)));
        assert_eq!(of(2, 1024), Some((1, 1)));
        assert_eq!(of(1, 1024), None);
        assert_eq!(of(0, 1024), None);
    }

    #[test]
    fn servers_share_equally_but_none_gets_more_than_it_needs() {
        assert_eq!(share_out(3000, &[1096, 1096]), [1096, 1096]);
        assert_eq!(share_out(1000, &[1096]), [1000]);
        assert_eq!(share_out(1000, &[1096, 1096]), [500, 500]);
        assert_eq!(share_out(1000, &[1096, 100, 1096]), [450, 100, 450]);
        assert_eq!(share_out(3, &[1096, 1096]), [1, 2]);
    }
}
