//! Clients that always have more to say, on the server's own loop.
//!
//! The flooders here are not sockets but streams that never run dry, whatever the machine is busy
//! with. Everything else happens while one of them is read from, and so in the worker's own
//! thread: what is counted between two things is the same in every run.

#![cfg(unix)]

use mio::event::Source;
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use shared_server::{Handle, Limits, Outcome, Peer, Received, Server, Transport, TutorialService};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes that come with a read, whole frames of each kind, and more can always be read.
const AT_ONCE: usize = 30_000;

const PREAMBLE: &[u8] = b"PSK\x01";
const SAY: &[u8] = b"\0\0\0\x02\x01a";
const UNKNOWN: &[u8] = b"\0\0\0\x01\x07";

/// What the flooders do altogether.
#[derive(Default)]
struct Flood {
    reads: AtomicUsize,
    writes: AtomicUsize,
    /// Called with the number of each read.
    at_read: Mutex<Option<AtRead>>,
}

type AtRead = Box<dyn FnMut(usize) + Send>;

/// A stream of the server's: a socket, or a flooder.
enum Stream {
    Socket(UnixStream),
    Flooder {
        /// So that there is something to register.
        socket: UnixStream,
        other_end: UnixStream,
        flood: Arc<Flood>,
        own_reads: Arc<AtomicUsize>,
        start: VecDeque<u8>,
        /// Again and again.
        says: &'static [u8],
        heard: Arc<Mutex<Vec<u8>>>,
    },
}

impl Stream {
    fn socket(&mut self) -> &mut UnixStream {
        match self {
            Stream::Socket(socket) | Stream::Flooder { socket, .. } => socket,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.read(buffer),
            Stream::Flooder {
                socket,
                other_end,
                flood,
                own_reads,
                start,
                says,
                ..
            } => {
                if !start.is_empty() {
                    return start.read(buffer);
                }
                // The poller names it again, as it does a socket to which more comes.
                let _ = socket.read(&mut [0; 64]);
                let _ = other_end.write(b"!");
                own_reads.fetch_add(1, Ordering::Relaxed);
                let number = flood.reads.fetch_add(1, Ordering::Relaxed);
                if let Some(at_read) = &mut *flood.at_read.lock().unwrap() {
                    at_read(number);
                }
                let whole = buffer[..AT_ONCE].chunks_exact_mut(says.len());
                whole.for_each(|chunk| chunk.copy_from_slice(says));
                Ok(AT_ONCE)
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.write(bytes),
            Stream::Flooder { flood, heard, .. } => {
                flood.writes.fetch_add(1, Ordering::Relaxed);
                *heard.lock().unwrap() = bytes[bytes.len().saturating_sub(200)..].to_vec();
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, with: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.socket().register(with, token, what)
    }

    fn reregister(&mut self, with: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.socket().reregister(with, token, what)
    }

    fn deregister(&mut self, with: &Registry) -> io::Result<()> {
        self.socket().deregister(with)
    }
}

/// Hands out streams that were made before.
struct Prepared {
    bell: UnixStream,
    streams: Arc<Mutex<VecDeque<Stream>>>,
}

impl Transport for Prepared {
    type Stream = Stream;

    fn listener(&mut self) -> &mut dyn Source {
        &mut self.bell
    }

    fn accept(&self) -> io::Result<(Stream, Peer)> {
        let peer = Peer::Unix {
            pid: 1,
            uid: 2,
            gid: 3,
        };
        let next = self.streams.lock().unwrap().pop_front();
        let next = next.ok_or(ErrorKind::WouldBlock)?;
        Ok((next, peer))
    }

    fn admits(&self, _peer: &Peer) -> bool {
        true
    }

    fn receive(stream: &mut Stream, buffer: &mut [u8]) -> io::Result<Received> {
        let bytes = stream.read(buffer)?;
        let may_hold_more = matches!(stream, Stream::Flooder { .. });
        Ok(Received {
            bytes,
            may_hold_more,
        })
    }

    fn shutdown_write(stream: &mut Stream) -> io::Result<()> {
        match stream {
            Stream::Socket(socket) => socket.shutdown(std::net::Shutdown::Write),
            Stream::Flooder { .. } => Ok(()),
        }
    }
}

/// Who waits to be accepted.
#[derive(Clone)]
struct Queue {
    ringing: Arc<UnixStream>,
    streams: Arc<Mutex<VecDeque<Stream>>>,
}

impl Queue {
    /// A client that says nothing by itself.
    fn join(&self) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        self.streams
            .lock()
            .unwrap()
            .push_back(Stream::Socket(theirs));
        (&*self.ringing).write_all(b"!").unwrap();
        ours
    }
}

/// A server beside flooders; every `says` is one.
struct Flooded {
    flood: Arc<Flood>,
    queue: Queue,
    own_reads: Vec<Arc<AtomicUsize>>,
    heard: Vec<Arc<Mutex<Vec<u8>>>>,
    server: Server<Prepared>,
}

impl Flooded {
    fn by(says: &[(&'static [u8], &'static [u8])], limits: Limits) -> Self {
        let flood = Arc::new(Flood::default());
        let streams = Arc::new(Mutex::new(VecDeque::new()));
        let (mut own_reads, mut heard) = (Vec::new(), Vec::new());
        for (start, says) in says {
            // It is ready, so that the poller names it.
            let (socket, mut other_end) = UnixStream::pair().unwrap();
            other_end.write_all(b"ready").unwrap();
            own_reads.push(Arc::default());
            heard.push(Arc::default());
            streams.lock().unwrap().push_back(Stream::Flooder {
                socket,
                other_end,
                flood: Arc::clone(&flood),
                own_reads: Arc::clone(own_reads.last().unwrap()),
                start: [PREAMBLE, start].concat().into(),
                says,
                heard: Arc::clone(heard.last().unwrap()),
            });
        }
        let (bell, mut ringing) = UnixStream::pair().unwrap();
        ringing.write_all(b"somebody waits").unwrap();
        let transport = Prepared {
            bell,
            streams: Arc::clone(&streams),
        };
        let server = Server::new(transport, limits).unwrap();
        Flooded {
            flood,
            queue: Queue {
                ringing: Arc::new(ringing),
                streams,
            },
            own_reads,
            heard,
            server,
        }
    }

    fn at_read(&self, call: impl FnMut(usize) + Send + 'static) {
        *self.flood.at_read.lock().unwrap() = Some(Box::new(call));
    }

    fn run(self) -> (Outcome, Vec<usize>, Vec<Vec<u8>>) {
        let outcome = self.server.run(|| TutorialService).unwrap();
        let reads = self.own_reads.iter();
        let reads = reads.map(|own| own.load(Ordering::Relaxed)).collect();
        let heard = self.heard.iter();
        let heard = heard.map(|own| own.lock().unwrap().clone()).collect();
        (outcome, reads, heard)
    }
}

const ANSWERS: usize = 30;

fn many(says: &'static [u8], flooders: usize) -> Vec<(&'static [u8], &'static [u8])> {
    vec![(b"", says); flooders]
}

/// Asks again and again, one request after the other; returns how many turns of the flooders each answer
/// took.
fn waits_beside(says: &'static [u8], flooders: usize) -> (Vec<usize>, Vec<usize>) {
    let flooded = Flooded::by(&many(says, flooders), Limits::default());
    let handle = flooded.server.handle();
    let mut client = flooded.queue.join();
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let flood = Arc::clone(&flooded.flood);
    let mut asked_at = None;
    let mut reads_at = 0;
    flooded.at_read(move |number| {
        // A turn either reads, or writes what is left of a read: the more of the two.
        let writes = flood.writes.load(Ordering::Relaxed);
        let turns = writes.max(number);
        let mut answer = [0; 64];
        let answered = match client.read(&mut answer) {
            Ok(bytes) => bytes > 0,
            Err(_) => false,
        };
        if answered && let Some(at) = asked_at.take() {
            told.lock().unwrap().push(turns - at);
            if told.lock().unwrap().len() == ANSWERS {
                handle.cut();
            }
        }
        if asked_at.is_none() && number > 50 && number > reads_at {
            let first = told.lock().unwrap().is_empty();
            let request = if first {
                [PREAMBLE, SAY].concat()
            } else {
                SAY.into()
            };
            client.write_all(&request).unwrap();
            (asked_at, reads_at) = (Some(turns), number);
        }
        assert!(
            number < 100_000,
            "{} answers only",
            told.lock().unwrap().len()
        );
    });
    let (outcome, reads, _) = flooded.run();
    assert_eq!(outcome, Outcome::Cut);
    let waits = waits.lock().unwrap().clone();
    (waits, reads)
}

#[test]
fn a_flooding_client_takes_its_share_and_no_more() {
    for (says, flooders) in [(SAY, 1), (SAY, 8), (UNKNOWN, 1), (UNKNOWN, 8)] {
        let (waits, reads) = waits_beside(says, flooders);
        assert_eq!(waits.len(), ANSWERS);
        // One turn of each, the ones in which it asks and looks for the answer; and it may ask when
        // the poller has just been asked.
        // What is answered in several turns is looked at only when it is read from.
        let writes_a_read = if says == SAY { 1 } else { 20 };
        let most = (flooders + 4) * writes_a_read;
        let longest = waits.iter().max().unwrap();
        assert!(*longest <= most, "{longest} turns of {flooders}, {waits:?}");
        // And the flooders share alike.
        let (least, greatest) = (reads.iter().min().unwrap(), reads.iter().max().unwrap());
        assert!(greatest - least <= 1, "{reads:?}");
    }
}

#[test]
fn a_drain_beside_a_flood_ends_at_its_deadline() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let flooded = Flooded::by(&many(UNKNOWN, 8), limits);
    let handle = flooded.server.handle();
    let drained = Arc::new(Mutex::new(None));
    let began = Arc::clone(&drained);
    flooded.at_read(move |number| {
        if number == 100 {
            *began.lock().unwrap() = Some((Instant::now(), 0));
            handle.drain();
        }
        // Since the deadline passed, how many turns?
        if let Some((began, late)) = &mut *began.lock().unwrap()
            && began.elapsed() > Duration::from_millis(200)
        {
            *late += 1;
        }
    });
    let (outcome, ..) = flooded.run();
    assert_eq!(outcome, Outcome::Cut);
    let (_, late) = drained.lock().unwrap().unwrap();
    // Those of the loop in which it passed, and of the next, which sees it.
    assert!(late <= 16, "{late} reads after the deadline");
}

#[test]
fn a_deadline_and_a_newcomer_do_not_wait_for_a_flood() {
    let limits = Limits {
        frame_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let flooded = Flooded::by(&many(SAY, 4), limits);
    let handle: Handle = flooded.server.handle();
    let mut silent = flooded.queue.join();
    let queue = flooded.queue.clone();
    let mut newcomer = None;
    let waited = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&waited);
    let seen = Arc::new(Mutex::new((0, None)));
    let told = Arc::clone(&seen);
    let mut began = None;
    flooded.at_read(move |number| {
        if number == 10 {
            let newcomer = newcomer.insert(queue.join());
            newcomer.write_all(&[PREAMBLE, SAY].concat()).unwrap();
        }
        if let Some(client) = &mut newcomer
            && client.read(&mut [0; 5]).is_ok_and(|bytes| bytes > 0)
        {
            counted.store(number - 10, Ordering::Relaxed);
            newcomer = None;
        }
        let began = *began.get_or_insert_with(Instant::now);
        let mut seen = told.lock().unwrap();
        if began.elapsed() > Duration::from_millis(200) {
            seen.0 += 1;
        }
        let mut answer = [0; 99];
        if seen.1.is_none()
            && let Ok(bytes @ 1..) = silent.read(&mut answer)
        {
            seen.1 = Some((seen.0, answer[..bytes].to_vec()));
        }
        if seen.1.is_some() && counted.load(Ordering::Relaxed) > 0 {
            handle.cut();
        }
        assert!(seen.0 < 1000, "its deadline waits for the flood");
    });
    let (outcome, ..) = flooded.run();
    assert_eq!(outcome, Outcome::Cut);
    let (late, answer) = seen.lock().unwrap().1.clone().unwrap();
    assert_eq!(answer[4..7], [0xFF, 0, 6], "TooSlow");
    // One loop may have begun just before it, and the answer is seen by the next read.
    assert!(late <= 16, "{late} reads after its deadline");
    let waited = waited.load(Ordering::Relaxed);
    assert!(
        (1..=16).contains(&waited),
        "a newcomer waited for {waited} reads"
    );
}

#[test]
fn a_frame_that_floods_past_its_deadline_is_cut() {
    let limits = Limits {
        frame_timeout: Duration::from_millis(20),
        max_frame: NonZeroU32::MAX,
        max_clients: NonZeroUsize::new(4).unwrap(),
        ..Limits::default()
    };
    // 3 GiB of one frame; were they all waited for, it would get another answer.
    let endless: (&[u8], &[u8]) = (b"\xc0\0\0\0\x01", b"x");
    let flooded = Flooded::by(&[endless], limits);
    let watching = flooded.server.handle();
    let heard = Arc::clone(&flooded.heard[0]);
    let watcher = std::thread::spawn(move || {
        let started = Instant::now();
        while heard.lock().unwrap().is_empty() && started.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        watching.cut();
    });
    let (_, _, heard) = flooded.run();
    watcher.join().unwrap();
    assert_eq!(heard[0].get(4..7), Some(&[0xFF, 0, 6][..]), "TooSlow");
}
