//! Chapter 10: a thread per client. A silent client blocks only its own thread.
//!
//! What it still gets wrong: no limit on threads, no deadline, no way to stop; it spins when it is
//! out of descriptors, and it hangs up without a word on a client that breaks the protocol.

use shared_proto::tutorial::{Request, Response, Stats};
use shared_proto::{BadMessage, Call, Connection, ConnectionError, Decode, Reply};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{env, thread};

// ANCHOR: accept
fn main() -> io::Result<()> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:7878".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let all = Arc::new(All(Instant::now(), Mutex::default()));
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| start(stream, Client::new(&all))) {
            let _ = writeln!(io::stderr(), "a client was lost: {error}"); // one client
        }
    }
    Ok(())
}

fn start(stream: TcpStream, client: Client) -> io::Result<()> {
    let serving = move || {
        if let Err(error) = serve(&stream, &client.0) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    };
    thread::Builder::new().spawn(serving)?; // `thread::spawn` would panic if none is left
    Ok(())
}
// ANCHOR_END: accept

// ANCHOR: serve
fn serve(stream: &TcpStream, all: &All) -> Result<(), ConnectionError> {
    stream.set_nodelay(true)?;
    let peer = format!("tcp {}", stream.peer_addr()?);
    let mut connection = Connection::server(stream);
    let mut over = false;
    while !over {
        let came = connection.answer(|frame, to| {
            let reply = answer(Call::decode(frame), &peer, all);
            over = reply.closes();
            to.send(&reply)
        })?;
        over |= !came;
    }
    connection.flush()?; // answers wait for later ones, and after a Close there are none
    Ok(())
}
// ANCHOR_END: serve

fn answer<'a>(
    call: Result<Call<Request<'a>>, BadMessage>,
    peer: &'a str,
    all: &All,
) -> Reply<'a, Response<'a>> {
    all.stats().requests += 1;
    Reply::Response(match call {
        Ok(Call::Request(Request::Say(_))) => Response::Accepted,
        Ok(Call::Request(Request::Echo(bytes))) => Response::Echo(bytes.into()),
        Ok(Call::Request(Request::WhoAmI)) => Response::Peer(peer.into()),
        Ok(Call::Request(Request::Stats)) => Response::Stats(*all.stats()),
        Ok(Call::Close) => return Reply::Closed,
        Err(bad) => return bad.into(),
    })
}

// ANCHOR: shared
/// What all threads share. A thread that panics while holding the lock poisons it; these numbers
/// are never half changed, so the others may keep using them.
struct All(Instant, Mutex<Stats>);

impl All {
    fn stats(&self) -> MutexGuard<'_, Stats> {
        let mut stats = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        stats.uptime_ms = self.0.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        stats
    }
}

/// One client, counted until it is dropped, however its thread ends: even by a panic.
struct Client(Arc<All>);

impl Client {
    fn new(all: &Arc<All>) -> Client {
        all.stats().connections_now += 1;
        all.stats().connections_ever += 1;
        Client(Arc::clone(all))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.stats().connections_now -= 1;
    }
}
// ANCHOR_END: shared
