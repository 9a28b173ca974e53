//! Chapter 18, the second step: the same store, with one map for all workers.
//!
//! ```text
//! cargo run -p key-value --example ch18_one_map -- 127.0.0.1:7879
//! ```

#[path = "../src/messages.rs"]
mod messages;

// ANCHOR: uses
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
// ANCHOR_END: uses

use anyhow::Context as _;
use shared_server::{Answer, Context, Limits, Server, Service, ServiceError, Signals};
use tcp_server::TcpTransport;

use messages::{NO_SUCH_KEY, Request, Response};

// ANCHOR: store
type Values = HashMap<String, Arc<[u8]>>;

/// Each worker has one of these; all of them share the values.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Values>>);

impl Store {
    /// Locks the values. A panic leaves them intact, so the other workers can keep using them.
    fn values(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches a copy of the list, so that no one waits for the lock meanwhile.
    fn search(&self, text: &str) -> u64 {
        let values: Vec<_> = self.values().values().cloned().collect();
        let holds = |value: &&Arc<[u8]>| String::from_utf8_lossy(value).contains(text);
        values.iter().filter(holds).count() as u64
    }
}
// ANCHOR_END: store

impl Service for Store {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(&mut self, request: Request<'a>, _: &'a Context<'_, Self>) -> Answer<Response<'a>> {
        // ANCHOR: call
        let found = match request {
            Request::Get(key) => {
                let value = self.values().get(key).cloned();
                value.map(|value| Response::Value(value.to_vec().into()))
            }
            Request::Set(key, value) => {
                self.values().insert(key.to_owned(), value.into());
                Some(Response::Done)
            }
            Request::Search(text) => Some(Response::Found(self.search(text))),
            Request::Del(key) => self.values().remove(key).map(|_| Response::Done),
        };
        // ANCHOR_END: call
        match found {
            Some(response) => Answer::Now(response),
            None => Answer::Error(ServiceError::new(NO_SUCH_KEY, "there is no such key")),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("give HOST:PORT")?;
    let signals = Signals::catch()?;
    let transport = TcpTransport::bind(&address)?;
    let address = transport.local_address()?;
    let limits = Limits {
        workers: 2_usize.try_into()?,
        ..Limits::default()
    };
    let mut server = Server::new(transport, limits)?;
    server.end_on(&signals)?;
    // ANCHOR: start
    let store = Store::default();
    let server = server.start(|| store.clone())?;
    // ANCHOR_END: start
    println!("listening on {address}");
    server.serve()?;
    Ok(())
}
