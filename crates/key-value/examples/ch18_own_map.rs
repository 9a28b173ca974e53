//! Chapter 18, the first step: a key-value store over TCP, in which each worker has its own map.
//!
//! ```text
//! cargo run -p key-value --example ch18_own_map -- 127.0.0.1:7879
//! ```

#[path = "../src/messages.rs"]
// ANCHOR: program
mod messages;

use std::collections::HashMap;

use anyhow::Context as _;
use shared_server::{Answer, Context, Limits, Server, Service, ServiceError, Signals};
use tcp_server::TcpTransport;

use messages::{NO_SUCH_KEY, Request, Response};

#[derive(Default)]
struct Store(HashMap<String, Vec<u8>>);

impl Service for Store {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(&mut self, request: Request<'a>, _: &'a Context<'_, Self>) -> Answer<Response<'a>> {
        let found = match request {
            Request::Get(key) => {
                let value = self.0.get(key).cloned();
                value.map(|value| Response::Value(value.into()))
            }
            Request::Set(key, value) => {
                self.0.insert(key.to_owned(), value.to_vec());
                Some(Response::Done)
            }
            Request::Search(text) => Some(Response::Found(self.search(text))),
            Request::Del(key) => self.0.remove(key).map(|_| Response::Done),
        };
        match found {
            Some(response) => Answer::Now(response),
            None => Answer::Error(ServiceError::new(NO_SUCH_KEY, "there is no such key")),
        }
    }
}

impl Store {
    fn search(&self, text: &str) -> u64 {
        let holds = |value: &&Vec<u8>| String::from_utf8_lossy(value).contains(text);
        self.0.values().filter(holds).count() as u64
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
    let server = server.start(Store::default)?;
    println!("listening on {address}");
    server.serve()?;
    Ok(())
}
// ANCHOR_END: program
