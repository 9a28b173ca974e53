//! The broker's own thread: it reads what clients send, and routes their messages.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::operation::{self, Message, Operation, Parsed};
use super::state::{Manner, Order, Shared, Subscription};
use crate::address::Address;
use crate::listener::Listener;
use crate::peer::Peer;

/// How often the thread checks whether it should stop, if nothing else happens.
const GLANCE: Duration = Duration::from_millis(100);

pub(super) struct Router {
    listener: Option<Listener>,
    address: Address,
    clients: Vec<Client>,
    shared: Arc<Shared>,
    wake: UnixStream,
    max_payload: usize,
    manner: Manner,
    is_held: bool,
    ignores_pings: bool,
    refusal: Option<String>,
    /// Decides which member of a queue group gets the next message. Members are not served in turn.
    dice: usize,
}

struct Client {
    /// The connection; `None` once it is closed.
    peer: Option<Peer>,
    input: Vec<u8>,
    /// The bytes to send once the broker is no longer held.
    held: Vec<u8>,
    says_ok: bool,
    hears_itself: bool,
    takes_headers: bool,
    wants_no_responders: bool,
}

impl Router {
    pub fn new(
        listener: Listener,
        max_payload: usize,
        shared: Arc<Shared>,
        wake: UnixStream,
    ) -> Self {
        Self {
            address: listener.address().clone(),
            listener: Some(listener),
            clients: Vec::new(),
            shared,
            wake,
            max_payload,
            manner: Manner::Whole,
            is_held: false,
            ignores_pings: false,
            refusal: None,
            dice: 0,
        }
    }

    pub fn run(mut self) {
        loop {
            self.wait();
            let (orders, is_over) = self.shared.orders(&self.wake);
            for order in orders {
                self.obey(order);
                self.shared.obeyed();
            }
            if is_over {
                return;
            }
            self.admit();
            for index in 0..self.clients.len() {
                self.hear(index);
            }
        }
    }

    fn wait(&self) {
        let mut all = vec![PollFd::new(&self.wake, PollFlags::IN)];
        all.extend(
            self.listener
                .iter()
                .map(|listener| PollFd::new(listener, PollFlags::IN)),
        );
        let peers = self
            .clients
            .iter()
            .filter_map(|client| client.peer.as_ref());
        all.extend(peers.map(|peer| PollFd::from_borrowed_fd(peer.as_fd(), PollFlags::IN)));
        let time = Timespec::try_from(GLANCE).ok();
        // Whatever it returns, every client is checked next.
        let _ = poll(&mut all, time.as_ref());
    }

    fn admit(&mut self) {
        let accepted = |listener: &Listener| listener.accept_within(Duration::ZERO);
        while let Some(peer) = self.listener.as_ref().and_then(accepted) {
            let index = self.clients.len();
            self.clients.push(Client {
                peer: Some(peer),
                input: Vec::new(),
                held: Vec::new(),
                says_ok: true,
                hears_itself: true,
                takes_headers: false,
                wants_no_responders: false,
            });
            self.shared.with(|state| state.living.push(true));
            self.answer(index, &self.info(index, false));
        }
    }

    fn info(&self, index: usize, is_leaving: bool) -> Vec<u8> {
        let (port, max_payload) = (self.address.port(), self.max_payload);
        let leaving = if is_leaving { ",\"ldm\":true" } else { "" };
        let info = format!(
            "INFO {{\"server_id\":\"SCRIPTED\",\"version\":\"2.9.10\",\"proto\":1,\"headers\":true,\
             \"host\":\"127.0.0.1\",\"port\":{port},\"max_payload\":{max_payload},\
             \"client_id\":{}{leaving}}}\r\n",
            index + 1
        );
        info.into_bytes()
    }

    fn hear(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(peer) = &mut client.peer else { return };
        let (bytes, ending) = peer.take_now();
        client.input.extend(bytes);
        loop {
            let input = &self.clients[index].input;
            match operation::parse(input, self.max_payload) {
                Parsed::Part => break,
                Parsed::Whole(operation, length) => {
                    self.clients[index].input.drain(..length);
                    self.act(index, operation);
                }
                Parsed::Violation(text) => {
                    self.clients[index].input.clear();
                    self.answer(index, &operation::error(text));
                    return self.hang_up(index);
                }
            }
            if self.clients[index].peer.is_none() {
                return;
            }
        }
        if ending.is_some() {
            self.hang_up(index);
        }
    }

    fn act(&mut self, index: usize, operation: Operation) {
        self.shared
            .with(|state| state.operations.push((index, operation.clone())));
        match operation {
            Operation::Connect(json) => return self.greet(index, &json),
            Operation::Ping if self.ignores_pings => return,
            Operation::Ping => return self.answer(index, b"PONG\r\n"),
            Operation::Pong => return self.shared.with(|state| state.pongs.push(index)),
            Operation::Subscribe {
                subject,
                queue,
                sid,
            } => self.shared.with(|state| {
                state.subscriptions.push(Subscription {
                    client: index,
                    subject,
                    queue,
                    sid,
                    left: None,
                    delivered: 0,
                });
            }),
            Operation::Unsubscribe { sid, after } => self.shared.with(|state| {
                for one in &mut state.subscriptions {
                    if one.client == index && one.sid == sid {
                        one.left = Some(after.unwrap_or_default().saturating_sub(one.delivered));
                    }
                }
                state.subscriptions.retain(|one| one.left != Some(0));
            }),
            Operation::Publish(message) => {
                let delivered = self.route(Some(index), &message);
                if let Some(reply) = message.reply.filter(|_| delivered == 0)
                    && self.clients[index].wants_no_responders
                {
                    self.route(None, &operation::no_responders(&reply));
                }
            }
        }
        if self.clients[index].says_ok {
            self.answer(index, b"+OK\r\n");
        }
    }

    fn greet(&mut self, index: usize, json: &str) {
        if let Some(text) = self.refusal.clone() {
            self.answer(index, &operation::error(&text));
            return self.hang_up(index);
        }
        let client = &mut self.clients[index];
        client.says_ok = operation::flag(json, "verbose", true);
        client.hears_itself = operation::flag(json, "echo", true);
        client.takes_headers = operation::flag(json, "headers", false);
        client.wants_no_responders =
            client.takes_headers && operation::flag(json, "no_responders", false);
        if client.says_ok {
            self.answer(index, b"+OK\r\n");
        }
    }

    /// Sends a message to each subscriber outside a queue group and to one member of each group.
    /// Returns the number of recipients.
    fn route(&mut self, from: Option<usize>, message: &Message) -> usize {
        let deaf = from.filter(|index| !self.clients[*index].hears_itself);
        self.dice = self.dice.wrapping_mul(5).wrapping_add(7);
        let dice = self.dice >> 3;
        let (chosen, kept) = self
            .shared
            .with(|state| state.choose(message, deaf, from, dice));
        for (client, sid) in &chosen {
            let mut message = message.clone();
            if !self.clients[*client].takes_headers {
                message.headers.clear();
            }
            self.answer(*client, &operation::deliver(sid, &message));
        }
        chosen.len() + usize::from(kept)
    }

    /// Sends what the broker sends by itself: if the broker is held, once it is released.
    fn answer(&mut self, index: usize, bytes: &[u8]) {
        if self.is_held {
            self.clients[index].held.extend_from_slice(bytes);
        } else {
            self.say(index, bytes);
        }
    }

    fn say(&mut self, index: usize, bytes: &[u8]) {
        let Some(peer) = &mut self.clients[index].peer else {
            return;
        };
        match self.manner {
            Manner::Whole => peer.send(bytes),
            Manner::Drip => peer.drip(bytes),
        };
    }

    fn hang_up(&mut self, index: usize) {
        if let Some(peer) = self.clients[index].peer.take() {
            peer.close();
        }
        self.shared.with(|state| {
            state.living[index] = false;
            state.subscriptions.retain(|one| one.client != index);
        });
    }

    fn obey(&mut self, order: Order) {
        let everyone = 0..self.clients.len();
        match order {
            Order::Hold => self.is_held = true,
            Order::Release => {
                self.is_held = false;
                for index in everyone {
                    let held = std::mem::take(&mut self.clients[index].held);
                    if !held.is_empty() {
                        self.say(index, &held);
                    }
                }
            }
            Order::Manner(manner) => self.manner = manner,
            Order::Refuse(text) => self.refusal = text,
            Order::MaxPayload(most) => self.max_payload = most,
            Order::IgnorePings => self.ignores_pings = true,
            Order::Say(bytes) => everyone.for_each(|index| self.say(index, &bytes)),
            Order::Leave => {
                for index in everyone {
                    let info = self.info(index, true);
                    self.say(index, &info);
                }
            }
            Order::Route(message) => drop(self.route(None, &message)),
            Order::Deliver(index, sid, message) => {
                self.say(index, &operation::deliver(&sid, &message));
            }
            Order::Drop => everyone.for_each(|index| self.hang_up(index)),
            Order::Listen(true) => {
                let address = &self.address;
                self.listener
                    .get_or_insert_with(|| Listener::on_address(address));
            }
            Order::Listen(false) => {
                if let Some(listener) = self.listener.take() {
                    listener.close();
                }
            }
            Order::Nothing => {}
        }
    }
}
