//! Chapter 13: the same server on tokio. It reads like a thread per client, but is one thread: a
//! task costs its own state instead of a stack, and at each `await` another task may run.
//!
//! It still gets wrong what the thread per client gets wrong; and each client keeps its buffers,
//! idle or not.

use shared_proto::tutorial::{Request, Response, Stats};
use shared_proto::{BadMessage, Call, Decode, Message, Reply};
use shared_proto::{DEFAULT_MAX_FRAME, PREAMBLE, check_preamble, split_frame};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, error::Error, time::Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

// ANCHOR: accept
fn main() -> io::Result<()> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_io().build()?.block_on(accept())
}

async fn accept() -> io::Result<()> {
    let path = env::args().nth(1).expect("the path to listen on");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    let all = Arc::new(All(Instant::now(), Mutex::default()));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => start(stream, Client::new(&all)),
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"), // one client
        }
    }
}

fn start(stream: UnixStream, client: Client) {
    tokio::spawn(async move {
        if let Err(error) = serve(stream, &client.0).await {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    });
}
// ANCHOR_END: accept

// ANCHOR: serve
async fn serve(mut stream: UnixStream, all: &All) -> Result<(), Box<dyn Error + Send + Sync>> {
    let who = unix_server::peer_credentials(&stream)?;
    let peer = format!("unix pid={} uid={} gid={}", who.pid, who.uid, who.gid);
    let mut incoming = Vec::with_capacity(8 * 1024); // `read_buf` reads what there is room for
    let mut replies = Vec::new();
    let (mut greeted, mut closes) = (false, false);
    while !closes && stream.read_buf(&mut incoming).await? > 0 {
        let mut taken = 0;
        if !greeted {
            greeted = check_preamble(&incoming)?;
            if !greeted {
                continue;
            }
            taken = PREAMBLE.len();
        }
        while !closes
            && let Some((frame, size)) = split_frame(&incoming[taken..], DEFAULT_MAX_FRAME)?
        {
            let reply = answer(Call::decode(frame), &peer, all);
            reply.encode(&mut replies);
            closes = reply.closes();
            taken += size;
        }
        incoming.drain(..taken);
        stream.write_all(&replies).await?; // one write for everything that one read returned
        replies.clear();
    }
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
/// What all tasks share. The lock is never held across an `await`: no other task could run to
/// release it.
struct All(Instant, Mutex<Stats>);

impl All {
    fn stats(&self) -> MutexGuard<'_, Stats> {
        let mut stats = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        stats.uptime_ms = self.0.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        stats
    }
}

/// One client, counted until it is dropped, however its task ends: even by a panic.
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
