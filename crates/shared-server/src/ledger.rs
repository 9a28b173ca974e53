//! The servers of this process, among which the limit on open files is divided.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::descriptors;
use crate::shared::Shared;

static SERVERS: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// A server's claim to a share of the descriptors. Dropping it leaves them to the others.
#[derive(Debug)]
pub(crate) struct Claim(Arc<Shared>);

impl Claim {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        servers().push(Arc::clone(shared));
        Self(Arc::clone(shared))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        servers().retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

/// Divides the limit anew, among all servers with a claim. Call it before a server starts, when
/// everything of it except its connections is open: the shares of servers that are serving may
/// shrink.
///
/// # Errors
///
/// If not every server could hold a client. Then the shares stay as they were.
pub(crate) fn divide() -> io::Result<()> {
    let all = servers();
    let wanted: Vec<usize> = all.iter().map(|server| server.wanted_clients).collect();
    let held = all.iter().map(|server| server.clients_now()).sum();
    let rooms = descriptors::divide(&wanted, held)?;
    for (server, room) in all.iter().zip(rooms) {
        server.set_room(room);
    }
    let told = all.clone();
    drop(all); // an observer may end a server
    for server in told {
        server.tell_of_fewer_clients();
    }
    Ok(())
}

fn servers() -> MutexGuard<'static, Vec<Arc<Shared>>> {
    SERVERS.lock().unwrap_or_else(PoisonError::into_inner)
}
