//! What the check and the broker's thread share: orders to the thread, and what clients sent.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, PoisonError};

use super::operation::{self, Message, Operation};

/// How the subjects begin on which the check receives replies to its own requests.
pub(super) const INBOX: &str = "_INBOX.check.";

/// A client's subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The client's number, counted from 0 in the order in which clients connected.
    pub client: usize,
    /// The subject that the client subscribed to.
    pub subject: String,
    /// The subscription's queue group, if it has one.
    pub queue: Option<String>,
    /// The number that the client chose for this subscription.
    pub sid: String,
    /// How many more messages the subscription receives, if the client set a limit.
    pub(super) left: Option<usize>,
    pub(super) delivered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Whole,
    Drip,
}

/// An order of the check to the broker's thread.
pub(super) enum Order {
    Hold,
    Release,
    Manner(Manner),
    Refuse(Option<String>),
    MaxPayload(usize),
    IgnorePings,
    Say(Vec<u8>),
    Leave,
    Route(Message),
    Deliver(usize, String, Message),
    Drop,
    Listen(bool),
    /// Does nothing. Between two of these orders the thread has read everything sent before the
    /// first.
    Nothing,
}

#[derive(Default)]
pub(super) struct State {
    pub orders: Vec<Order>,
    pub given: usize,
    pub obeyed: usize,
    pub is_over: bool,
    /// Everything that clients sent, in order.
    pub operations: Vec<(usize, Operation)>,
    /// The current subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Whether each client's connection is open.
    pub living: Vec<bool>,
    pub pongs: Vec<usize>,
    /// The subjects that the check itself is subscribed to; and, in the next field, the messages to
    /// them that no verb has returned yet.
    pub listened: Vec<String>,
    pub kept: Vec<Message>,
    /// The payloads of replies, each with the inbox that it was sent to.
    pub answers: Vec<(String, Vec<u8>)>,
    pub requests: usize,
}

pub(super) struct Shared {
    pub state: Mutex<State>,
    pub changed: Condvar,
    pub wake: UnixStream,
}

impl State {
    /// Returns who gets a message, as pairs of client and subscription number, and whether the
    /// check itself gets it.
    pub fn choose(
        &mut self,
        message: &Message,
        deaf: Option<usize>,
        from: Option<usize>,
        dice: usize,
    ) -> (Vec<(usize, String)>, bool) {
        let meant = |one: &Subscription| {
            Some(one.client) != deaf && operation::matches(&one.subject, &message.subject)
        };
        // Identified by their first members. Subscribers of one queue are one group if they have
        // the same subject.
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, one) in self.subscriptions.iter().enumerate() {
            let together = |members: &&mut Vec<usize>| {
                let first = &self.subscriptions[members[0]];
                one.queue.is_some() && (&first.queue, &first.subject) == (&one.queue, &one.subject)
            };
            match groups.iter_mut().find(together) {
                _ if !meant(one) => {}
                Some(members) => members.push(at),
                None => groups.push(vec![at]),
            }
        }
        let mut chosen = Vec::new();
        for members in groups {
            let one = &mut self.subscriptions[members[dice % members.len()]];
            one.delivered += 1;
            one.left = one.left.map(|left| left.saturating_sub(1));
            chosen.push((one.client, one.sid.clone()));
        }
        self.subscriptions.retain(|one| one.left != Some(0));
        (chosen, from.is_some() && self.keep(message))
    }

    fn keep(&mut self, message: &Message) -> bool {
        if message.subject.starts_with(INBOX) {
            let answer = (message.subject.clone(), message.payload.clone());
            self.answers.push(answer);
            return true;
        }
        let is_mine = self
            .listened
            .iter()
            .any(|one| operation::matches(one, &message.subject));
        if is_mine {
            self.kept.push(message.clone());
        }
        is_mine
    }
}

impl Shared {
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let value = act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
        value
    }

    pub fn orders(&self, mut wake: &UnixStream) -> (Vec<Order>, bool) {
        let _ = wake.read(&mut [0; 64]);
        self.with(|state| (std::mem::take(&mut state.orders), state.is_over))
    }

    pub fn obeyed(&self) {
        self.with(|state| state.obeyed += 1);
    }

    pub fn wake(&self) {
        let _ = (&self.wake).write(&[0]);
    }
}
