//! The listening socket: who comes in, who is turned away, and what when no descriptor is left.

use crate::connection::Connection;
use crate::event::Event;
use crate::service::Service;
use crate::shared::Slot;
use crate::transport::{Peer, Transport};
use crate::worker::Worker;
use shared_proto::ErrorCode;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// When to try again after a failed accept, unless a connection closes before.
const RETRY: Duration = Duration::from_millis(100);

/// After so many clients it is the turn of those who are in.
const CLIENTS_A_TURN: usize = 64;

/// The listening socket, which lives on the first worker.
pub(crate) struct Door<T: Transport> {
    pub(crate) transport: T,
    /// Somebody may be waiting.
    pub(crate) knocked: bool,
    /// Accepting failed; when to try again.
    pub(crate) retry: Option<Instant>,
    /// To the other workers.
    pub(crate) others: Vec<Sender<Arrival<T::Stream>>>,
    pub(crate) next_worker: usize,
}

/// A client on its way to another worker.
pub(crate) struct Arrival<S> {
    pub(crate) stream: S,
    pub(crate) peer: Peer,
    pub(crate) slot: Slot,
    pub(crate) accepted: Instant,
}

impl<T: Transport> Door<T> {
    pub(crate) fn new(transport: T, others: Vec<Sender<Arrival<T::Stream>>>) -> Self {
        Door {
            transport,
            knocked: false,
            retry: None,
            others,
            next_worker: 0,
        }
    }
}

impl<T: Transport, S: Service> Worker<T, S> {
    /// A connection closed: there may be a descriptor again.
    pub(crate) fn retry_accept(&mut self) {
        if !self.shared.accept_stalled.load(Ordering::Relaxed) {
            return;
        }
        match &mut self.door {
            Some(door) => door.knocked = true,
            None => self.shared.wake(0),
        }
    }

    // ANCHOR: accept
    /// Lets in those who wait.
    pub(crate) fn accept(&mut self) {
        for _ in 0..CLIENTS_A_TURN {
            let Some(door) = &mut self.door else { return };
            match door.transport.accept() {
                Ok((stream, peer)) => {
                    door.retry = None;
                    self.shared.accept_stalled.store(false, Ordering::Relaxed);
                    self.welcome(stream, peer);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    (door.knocked, door.retry) = (false, None);
                    self.shared.accept_stalled.store(false, Ordering::Relaxed);
                    return;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) => {}
                Err(error) => {
                    if !self.shared.accept_stalled.swap(true, Ordering::Relaxed) {
                        self.shared.tell(&Event::CannotAccept(error));
                    }
                    (door.knocked, door.retry) = (false, Some(self.now + RETRY));
                    return;
                }
            }
        }
    }
    // ANCHOR_END: accept

    // ANCHOR: welcome
    fn welcome(&mut self, stream: T::Stream, peer: Peer) {
        let admitted = self
            .door
            .as_ref()
            .is_some_and(|door| door.transport.admits(&peer));
        if !admitted {
            let text = format_args!("this server does not serve {peer}");
            return self.turn_away(stream, peer, ErrorCode::NotAllowed, text);
        }
        let Some(slot) = self.shared.take_slot() else {
            let most = self.limits.max_clients;
            let text = format_args!("the server holds {most} clients already");
            return self.turn_away(stream, peer, ErrorCode::Busy, text);
        };
        let arrival = Arrival {
            stream,
            peer,
            slot,
            accepted: self.now,
        };
        if let Some(arrival) = self.pass_on(arrival) {
            self.admit(arrival);
        }
    }
    // ANCHOR_END: welcome

    // ANCHOR: pass_on
    /// Workers take clients in turn; those that are this one's come back.
    fn pass_on(&mut self, arrival: Arrival<T::Stream>) -> Option<Arrival<T::Stream>> {
        let Some(door) = &mut self.door else {
            return Some(arrival);
        };
        let worker = door.next_worker;
        door.next_worker = (worker + 1) % (door.others.len() + 1);
        let Some(other) = worker.checked_sub(1) else {
            return Some(arrival);
        };
        match door.others[other].send(arrival) {
            Ok(()) => {
                self.shared.wake(worker);
                None
            }
            Err(returned) => Some(returned.0),
        }
    }
    // ANCHOR_END: pass_on

    /// From now on the client is this worker's.
    pub(crate) fn admit(&mut self, arrival: Arrival<T::Stream>) {
        let due = arrival.accepted + self.limits.frame_timeout;
        let connection = Connection::new(arrival.stream, arrival.peer, Some(arrival.slot), due);
        self.add(connection);
    }

    fn turn_away(
        &mut self,
        stream: T::Stream,
        peer: Peer,
        code: ErrorCode,
        text: std::fmt::Arguments<'_>,
    ) {
        let due = self.now + self.limits.reply_timeout;
        if let Some(key) = self.add(Connection::new(stream, peer, None, due)) {
            self.serve(key, |connection, input, desk| {
                connection.turn_away(code, text, input, desk)
            });
        }
    }
}
