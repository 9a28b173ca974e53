//! A slice of load: a closed loop over all clients of one server, in one thread.

use std::io;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use crate::interrupt;
use crate::serve_vs::SIZE;
use crate::serve_vs::client::{Client, PATIENCE, Window};
use crate::stats::Recording;

/// A slice counts at least this many windows of each client, however long that takes.
const TURNS: usize = 4;

/// The result of a slice. Only `all_requests` includes its first fifth, the warm-up.
pub struct Slice {
    pub requests_per_s: f64,
    /// The times from sending a window of requests to receiving the last of its replies.
    pub waits: Recording,
    /// How many requests were answered in the whole slice.
    pub all_requests: u64,
}

pub struct Load {
    clients: Vec<Client>,
    poller: OwnedFd,
}

/// The part of a slice that is counted, after the warm-up.
struct Count {
    started: Instant,
    slice: Duration,
    /// The minimum number of windows. With fewer, a slice might consist of nothing but a burst or a
    /// pause.
    least: usize,
    since: Option<Instant>,
    requests: u64,
    waits: Vec<u64>,
    all_requests: u64,
}

impl Load {
    pub fn new(clients: Vec<Client>) -> io::Result<Load> {
        let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, client) in clients.iter().enumerate() {
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poller, client.socket(), data, epoll::EventFlags::IN)?;
        }
        Ok(Load { clients, poller })
    }

    /// Runs a slice: each client sends its next window when the previous one is answered. At the
    /// end all windows are answered, so the next slice finds the server idle.
    pub fn run(&mut self, window: usize, slice: Duration) -> io::Result<Slice> {
        let in_window = window as u64;
        let window = Window::new(window, SIZE);
        let mut buffer = vec![0; window.replies.len()];
        let mut count = Count::new(slice, self.clients.len());
        for client in &mut self.clients {
            client.send(&window.requests)?;
        }
        let mut unanswered = self.clients.len();
        let mut events = Vec::with_capacity(1024);
        let mut over = None;
        while unanswered > 0 {
            self.wait(&mut events)?;
            for event in events.drain(..) {
                let number = usize::try_from(event.data.u64()).map_err(io::Error::other)?;
                let client = &mut self.clients[number];
                if !client.receive(&window, &mut buffer)? {
                    continue;
                }
                count.all_requests += in_window;
                if over.is_none() {
                    over = count.note(client.waited(), in_window);
                }
                if over.is_none() {
                    client.send(&window.requests)?;
                } else {
                    unanswered -= 1;
                }
            }
        }
        count.slice(over.unwrap_or_else(Instant::now))
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) -> io::Result<()> {
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        match epoll::wait(&self.poller, spare_capacity(events), Some(&patience)) {
            Ok(0) => {
                let limit = PATIENCE.as_secs();
                Err(io::Error::other(format!(
                    "no reply on any connection within {limit} s"
                )))
            }
            Ok(_) => Ok(()),
            Err(Errno::INTR) => interrupt::check().map_err(io::Error::other),
            Err(error) => Err(error.into()),
        }
    }
}

impl Count {
    fn new(slice: Duration, clients: usize) -> Count {
        Count {
            started: Instant::now(),
            slice,
            least: TURNS * clients,
            since: None,
            requests: 0,
            waits: Vec::new(),
            all_requests: 0,
        }
    }

    /// Counts a window that was answered. If it was the last one to count, returns the time.
    fn note(&mut self, waited: Duration, requests: u64) -> Option<Instant> {
        let now = Instant::now();
        if self.since.is_some() {
            self.requests += requests;
            self.waits
                .push(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        } else if now - self.started >= self.slice / 5 {
            self.since = Some(now);
        }
        (now - self.started >= self.slice && self.waits.len() >= self.least).then_some(now)
    }

    fn slice(self, end: Instant) -> io::Result<Slice> {
        let nothing = || io::Error::other("no request was answered in a whole slice");
        let length = end - self.since.ok_or_else(nothing)?;
        Ok(Slice {
            requests_per_s: self.requests as f64 / length.as_secs_f64(),
            waits: Recording::of(&self.waits).ok_or_else(nothing)?,
            all_requests: self.all_requests,
        })
    }
}
