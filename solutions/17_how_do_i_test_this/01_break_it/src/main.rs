//! Talks to a server that echoes frames, and reports whether it keeps its promise.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let server = Server::from_args().expect("usage: sol-17-01 ADDRESS LIMIT one|many DEADLINE_MS");
    match judge(server) {
        Ok(()) => {
            println!("good");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("bad: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Where the server is, and what it has promised.
#[derive(Clone, Copy)]
struct Server {
    address: SocketAddr,
    /// The longest payload.
    limit: u32,
    /// Whether it serves many clients at the same time, or one after another.
    many: bool,
    /// From this moment on, an answer that is missing counts as never sent.
    until: Instant,
}

impl Server {
    fn from_args() -> Option<Self> {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let [address, limit, clients, millis] = args.as_slice() else {
            return None;
        };
        let deadline = Duration::from_millis(millis.parse().ok()?);
        Some(Self {
            address: address.parse().ok()?,
            limit: limit.parse().ok()?,
            many: clients == "many",
            until: Instant::now() + deadline,
        })
    }
}

/// Nothing, or what is wrong.
type Finding = Result<(), String>;

/// One connection, or a few that belong together.
type Scene = fn(Server) -> Finding;

/// With one client at a time.
const SCENES: [Scene; 8] = [
    whole_frames,
    long_frames,
    a_silence_inside,
    one_and_a_half,
    a_half_close,
    ends_inside,
    after_a_reset,
    too_long,
];

/// With several at once.
const CROWDS: [Scene; 2] = [nobody_waits, to_each_their_own];

// ANCHOR: judge
/// The first fault that any scene finds.
fn judge(server: Server) -> Finding {
    if !server.many {
        return SCENES.iter().try_for_each(|scene| scene(server));
    }
    // All at once, so that one deadline is enough for all of them. Threads that still wait end
    // with `main`.
    let (tell, findings) = mpsc::channel();
    for scene in SCENES.iter().chain(&CROWDS) {
        let tell = tell.clone();
        thread::spawn(move || tell.send(scene(server)));
    }
    drop(tell);
    findings.iter().collect()
}
// ANCHOR_END: judge

/// A payload with its length prefix.
fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("no payload here is that long");
    [&length.to_be_bytes()[..], payload].concat()
}

/// So many bytes, none like those around it.
fn long(length: u32) -> Vec<u8> {
    (0..length)
        .map(|at| at.wrapping_mul(193).to_be_bytes()[3])
        .collect()
}

fn whole_frames(server: Server) -> Finding {
    let mut client = Client::connect(server)?;
    let every_byte: Vec<u8> = (0..=255).collect();
    for payload in [&b"hello"[..], b"", &every_byte, b"world"] {
        client.send(&frame(payload));
        let what = format!("a frame of {} bytes", payload.len());
        client.expect(&frame(payload), &what)?;
    }
    client.finish("whole frames")
}

fn long_frames(server: Server) -> Finding {
    /// Nobody needs to try more.
    const ENOUGH: u32 = 1 << 20;
    let mut client = Client::connect(server)?;
    for length in [server.limit.min(ENOUGH), server.limit.min(300)] {
        let frame = frame(&long(length));
        client.send(&frame);
        client.expect(&frame, &format!("a frame of {length} bytes"))?;
    }
    client.finish("long frames")
}

// ANCHOR: silence
/// Cuts a frame inside its length and inside its payload, is silent, and looks for an answer that
/// comes early. What was sent along with a frame has arrived when that frame is answered.
fn a_silence_inside(server: Server) -> Finding {
    let mut client = Client::connect(server)?;
    let [whole, pieces] = [frame(b"whole"), frame(b"in pieces")];
    client.send(&[&whole, &pieces[..2]].concat());
    client.expect(&whole, "a frame and a part of the next")?;
    client.hears_nothing_for(Duration::from_millis(1100), "inside a length")?;
    client.send(&pieces[2..6]);
    client.hears_nothing_for(Duration::from_millis(100), "inside a payload")?;
    client.send(&pieces[6..]);
    client.expect(&pieces, "a frame in pieces")?;
    client.finish("a frame in pieces")
}
// ANCHOR_END: silence

/// Several at once, one of them cut.
fn one_and_a_half(server: Server) -> Finding {
    let mut client = Client::connect(server)?;
    let frames = [long(900), b"second".to_vec(), Vec::new()]
        .map(|payload| frame(&payload))
        .concat();
    let last = frame(b"the last one");
    client.send(&[&frames, &last[..8]].concat());
    client.expect(&frames, "three frames and a half at once")?;
    client.send(&last[8..]);
    client.expect(&last, "the other half of a frame")?;
    client.finish("several frames at once")
}

/// All that was asked before the half-close is answered, and then the stream ends.
fn a_half_close(server: Server) -> Finding {
    let mut client = Client::connect(server)?;
    let frames = [b"one".to_vec(), long(900), b"three".to_vec()]
        .map(|payload| frame(&payload))
        .concat();
    client.send(&frames);
    client.half_close();
    client.expect(&frames, "three frames and a half-close")?;
    client.expect_end("three frames and a half-close")?;
    let mut silent = Client::connect(server)?;
    silent.half_close();
    silent.expect_end("a half-close and nothing else")
}

fn ends_inside(server: Server) -> Finding {
    let whole = frame(b"whole");
    let much = frame(&long(server.limit.min(20_000)));
    // Inside a length, right after it, in a frame that begins like the one before, and in a long one.
    let cuts: [(&[u8], &[u8]); 4] = [
        (b"", &whole[..2]),
        (b"", &whole[..4]),
        (&whole, &whole[..8]),
        (b"", &much[..much.len() - 1]),
    ];
    for (answered, half) in cuts {
        let mut client = Client::connect(server)?;
        client.send(&[answered, half].concat());
        client.half_close();
        client.expect(answered, "a frame and a half")?;
        client.expect_end("half a frame and a half-close")?;
        is_served(server, "half a frame")?;
    }
    Ok(())
}

/// Who closes with bytes unread resets the connection: so wait for the answer, and leave it there.
fn after_a_reset(server: Server) -> Finding {
    let mut client = Client::connect(server)?;
    client.send(&frame(b"never read"));
    client.look("a frame")?;
    drop(client);
    is_served(server, "a reset")
}

fn too_long(server: Server) -> Finding {
    let Some(one_more) = server.limit.checked_add(1) else {
        return Ok(()); // No length is.
    };
    let mut refused = Vec::new();
    let claims = [one_more, one_more.saturating_add(4), 1 << 31, u32::MAX];
    for claim in claims.into_iter().filter(|claim| *claim > server.limit) {
        let mut client = Client::connect(server)?;
        if claim == one_more {
            client.send(&frame(b"before"));
            client.expect(&frame(b"before"), "a frame")?;
        }
        client.send(&claim.to_be_bytes());
        client.expect_gone(&format!("a length of {claim}"))?;
        refused.push(client);
    }
    if one_more < 1 << 20 {
        let mut client = Client::connect(server)?;
        client.send(&frame(&long(one_more)));
        client.expect_gone("a whole frame that is too long")?;
        refused.push(client);
    }
    // They all still keep their ends open.
    is_served(server, "a frame that was too long")
}

/// Somebody comes after what was done to others.
fn is_served(server: Server, after: &str) -> Finding {
    let mut client = Client::connect(server)?;
    client.send(&frame(b"next"));
    client.expect(&frame(b"next"), &format!("the next client after {after}"))
}

/// One says nothing, one half a frame, one takes none of its answers: the next is served.
fn nobody_waits(server: Server) -> Finding {
    let silent = Client::connect(server)?;
    let mut half = Client::connect(server)?;
    let [whole, slow] = [frame(b"whole"), frame(b"takes its time")];
    half.send(&[&whole, &slow[..9]].concat());
    half.expect(&whole, "a frame and a part of the next")?;
    let mut deaf = Client::connect(server)?;
    deaf.send(&whole);
    deaf.look("a frame")?;
    deaf.pours(&frame(&long(server.limit.min(1 << 16))), 1 << 20);
    is_served(server, "three that wait")?;
    half.send(&slow[9..]);
    half.expect(&slow, "the other half, after another client")?;
    drop((silent, deaf));
    Ok(())
}

fn to_each_their_own(server: Server) -> Finding {
    let [one, other] = [frame(b"this is one's"), frame(b"that is the other's")];
    let [mut first, mut second] = [Client::connect(server)?, Client::connect(server)?];
    // One frame around another.
    first.send(&[&other, &one[..7]].concat());
    first.expect(&other, "a frame and a part of the next")?;
    second.send(&other);
    second.expect(&other, "a frame in the middle of another client's")?;
    first.send(&one[7..]);
    first.expect(&one, "a frame around another client's")?;
    // Both at the same time.
    first.send(&one);
    second.send(&other);
    first.expect(&one, "two clients at once")?;
    second.expect(&other, "two clients at once")?;
    first.finish("two clients at once")?;
    second.finish("two clients at once")
}

/// How a connection can end. None is any other.
// ANCHOR: ending
enum Ending {
    End,
    Reset,
    Silence,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "the end of the stream",
            Self::Reset => "a reset",
            Self::Silence => "silence",
        })
    }
}
// ANCHOR_END: ending

struct Client {
    stream: TcpStream,
    until: Instant,
}

impl Client {
    fn connect(server: Server) -> Result<Self, String> {
        let stream = TcpStream::connect_timeout(&server.address, left(server.until))
            .map_err(|error| format!("cannot connect: {error}"))?;
        // What is sent in pieces leaves in pieces. Where it can't, nothing is wrong with the server.
        let _ = stream.set_nodelay(true);
        let until = server.until;
        Ok(Self { stream, until })
    }

    /// Whatever becomes of it: what is expected next tells.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.set_write_timeout(Some(left(self.until)));
        let _ = self.stream.write_all(bytes);
    }

    /// Sends this again and again, up to so many bytes, and reads nothing; until no more is taken.
    fn pours(&mut self, bytes: &[u8], most: usize) {
        let soon = Instant::now() + Duration::from_millis(200);
        let _ = self
            .stream
            .set_write_timeout(Some(left(self.until.min(soon))));
        for _ in 0..most / bytes.len() {
            if self.stream.write_all(bytes).is_err() {
                return;
            }
        }
    }

    fn half_close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    // ANCHOR: read
    /// Some of what comes next, or how it ended.
    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, Ending> {
        loop {
            let _ = self.stream.set_read_timeout(Some(left(until)));
            return match self.stream.read(buffer) {
                Ok(0) => Err(Ending::End),
                Ok(length) => Ok(length),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => continue,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Ending::Silence),
                    _ => Err(Ending::Reset),
                },
            };
        }
    }
    // ANCHOR_END: read

    // ANCHOR: expect
    /// These bytes come, in whatever pieces. A byte that is another one decides at once.
    fn expect(&mut self, wanted: &[u8], after: &str) -> Finding {
        let mut got = vec![0; wanted.len()];
        let mut length = 0;
        while length < wanted.len() {
            match self.read(&mut got[length..], self.until) {
                Ok(more) => length += more,
                Err(ending) => {
                    let all = wanted.len();
                    return Err(format!("{after}: {length} of {all} bytes, then {ending}"));
                }
            }
            if got[..length] != wanted[..length] {
                return Err(format!("{after}: the answer has other bytes"));
            }
        }
        Ok(())
    }
    // ANCHOR_END: expect

    /// Waits for an answer without taking it.
    fn look(&mut self, after: &str) -> Finding {
        let _ = self.stream.set_read_timeout(Some(left(self.until)));
        match self.stream.peek(&mut [0]) {
            Ok(1..) => Ok(()),
            _ => Err(format!("{after}: no answer")),
        }
    }

    /// Nothing comes for so long. Where the deadline is sooner, that was not found out.
    fn hears_nothing_for(&mut self, time: Duration, when: &str) -> Finding {
        let until = Instant::now() + time;
        match self.read(&mut [0], until.min(self.until)) {
            Err(Ending::Silence) if until <= self.until => Ok(()),
            Err(ending) => Err(format!("{when}: {ending}")),
            Ok(_) => Err(format!("{when}: an answer")),
        }
    }

    /// It says that it is done, and so does the server, after no more answers.
    fn finish(mut self, what: &str) -> Finding {
        self.half_close();
        self.expect_end(&format!("{what} and a half-close"))
    }

    fn expect_end(&mut self, after: &str) -> Finding {
        match self.read(&mut [0], self.until) {
            Err(Ending::End) => Ok(()),
            Err(ending) => Err(format!("{after}: {ending}, and not the end of the stream")),
            Ok(_) => Err(format!("{after}: an answer too many")),
        }
    }

    /// A refusal may leave bytes unread, and then a reset is how it arrives.
    fn expect_gone(&mut self, after: &str) -> Finding {
        match self.read(&mut [0], self.until) {
            Err(Ending::End | Ending::Reset) => Ok(()),
            Err(Ending::Silence) => Err(format!("{after}: the connection stays open")),
            Ok(_) => Err(format!("{after}: an answer")),
        }
    }
}

/// What is left until then. There is no timeout of 0.
fn left(until: Instant) -> Duration {
    let left = until.saturating_duration_since(Instant::now());
    left.max(Duration::from_millis(1))
}
