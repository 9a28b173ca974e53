//! Two surprises that everyone meets once, produced here on purpose and under a time limit: the 40
//! ms stall caused by two small writes, and the deadlock of two sides that both send first.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use crate::units::time_name;

/// No read or write here waits longer than this, so the program can't hang.
const LIMIT: Duration = Duration::from_secs(2);

pub fn main(out: &mut dyn Write) -> anyhow::Result<()> {
    stalls(out)?;
    writeln!(out)?;
    deadlocks(out)
}

/// What the program needs of a TCP stream and of a Unix stream.
trait Stream: Read + Write + Send + Sized + 'static {
    fn limit(&self, limit: Duration) -> io::Result<()>;
    fn twin(&self) -> io::Result<Self>;
}

impl Stream for TcpStream {
    fn limit(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }

    fn twin(&self) -> io::Result<TcpStream> {
        self.try_clone()
    }
}

impl Stream for UnixStream {
    fn limit(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }

    fn twin(&self) -> io::Result<UnixStream> {
        self.try_clone()
    }
}

fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    Ok((here, listener.accept()?.0))
}

// ---- write, write, read ----

const HEADER: usize = 4;
const BODY: usize = 60;
/// How many rounds are measured. At the start of a connection, the peer acknowledges immediately
/// for a while (quick acks), which hides the stall.
const ROUNDS: usize = 50;
/// A round trip that takes longer than this has stalled. Linux delays an acknowledgment by 40 ms
/// (`TCP_DELACK_MIN`), in case there is data to send it with; without that, no round trip on one
/// machine takes even half as long.
const STALLED: Duration = Duration::from_millis(20);

fn stalls(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "1. Write, write, read: a request of {HEADER} + {BODY} bytes, {ROUNDS} times\n"
    )?;
    writeln!(
        out,
        "   {:<38}{:>10}{:>10}{:>20}",
        "", "median", "slowest", "stalled over 20 ms"
    )?;
    let (here, there) = tcp_pair()?;
    show_rounds(
        out,
        "TCP, header and body in two writes",
        (here, there),
        true,
    )?;
    let (here, there) = tcp_pair()?;
    here.set_nodelay(true)?;
    show_rounds(
        out,
        "TCP, two writes, with TCP_NODELAY",
        (here, there),
        true,
    )?;
    let (here, there) = tcp_pair()?;
    show_rounds(out, "TCP, one write", (here, there), false)?;
    let (here, there) = UnixStream::pair()?;
    show_rounds(out, "Unix stream, two writes", (here, there), true)?;
    writeln!(
        out,
        "
   Nagle's algorithm holds back the second small write until the first one is acknowledged. The
   receiver has only a header and nothing to answer yet, so it delays the acknowledgment, hoping
   to send it along with an answer. Both wait until the receiver's 40 ms timer expires. Write
   each message with one call; where you can't, set TCP_NODELAY. A Unix socket has neither
   Nagle's algorithm nor delayed acknowledgments."
    )?;
    Ok(())
}

fn show_rounds(
    out: &mut dyn Write,
    name: &str,
    (here, there): (impl Stream, impl Stream),
    two: bool,
) -> anyhow::Result<()> {
    let mut took = rounds(here, there, two).with_context(|| name.to_owned())?;
    took.sort();
    let stalled = took.iter().filter(|&&time| time >= STALLED).count();
    let name_of = |time: Duration| time_name(time.as_secs_f64() * 1e9);
    writeln!(
        out,
        "   {name:<38}{:>10}{:>10}{stalled:>14} of {}",
        name_of(took[took.len() / 2]),
        name_of(took[took.len() - 1]),
        took.len()
    )?;
    Ok(())
}

fn rounds(mut here: impl Stream, mut there: impl Stream, two: bool) -> io::Result<Vec<Duration>> {
    here.limit(LIMIT)?;
    there.limit(LIMIT)?;
    let answering = thread::spawn(move || -> io::Result<()> {
        let (mut header, mut body) = ([0; HEADER], [0; BODY]);
        for _ in 0..ROUNDS {
            there.read_exact(&mut header)?;
            there.read_exact(&mut body)?;
            there.write_all(b"k")?;
        }
        Ok(())
    });
    let message = [b'm'; HEADER + BODY];
    let mut took = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        if two {
            here.write_all(&message[..HEADER])?;
            here.write_all(&message[HEADER..])?;
        } else {
            here.write_all(&message)?;
        }
        here.read_exact(&mut [0])?;
        took.push(start.elapsed());
    }
    answering
        .join()
        .map_err(|_| io::Error::other("the answering thread panicked"))??;
    Ok(took)
}

// ---- send, send ----

/// More bytes than the buffers of both ends together can hold.
const MUCH: usize = 64 << 20;
const STUCK: Duration = Duration::from_millis(500);

fn deadlocks(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "2. Both sides send {} MiB before they read\n",
        MUCH >> 20
    )?;
    both_send_first(out, "TCP", tcp_pair()?)?;
    both_send_first(out, "Unix stream", UnixStream::pair()?)?;
    writeln!(out)?;
    one_listens_meanwhile(out, "TCP", tcp_pair()?)?;
    one_listens_meanwhile(out, "Unix stream", UnixStream::pair()?)?;
    writeln!(
        out,
        "
   A write returns when the kernel has accepted the bytes. When the buffers are full, it waits
   until the other side reads. The other side doesn't read, because it is waiting for the same
   thing. No timeout is set by default, so both wait forever, without an error and without using
   any CPU time. Read while you write (with a thread, or a loop over both), or agree on which side
   sends first, and how much."
    )?;
    Ok(())
}

fn both_send_first<S: Stream>(
    out: &mut dyn Write,
    name: &str,
    (here, there): (S, S),
) -> anyhow::Result<()> {
    // Neither may hang up before the other has also given up: that would look like an error.
    let end = Arc::new(Barrier::new(2));
    let sides = [here, there].map(|stream| {
        let end = Arc::clone(&end);
        thread::spawn(move || {
            let outcome = send_until_stuck(&stream);
            end.wait();
            outcome
        })
    });
    let mut sent = Vec::new();
    for side in sides {
        sent.push(
            side.join()
                .map_err(|_| anyhow!("a sending thread panicked"))??,
        );
    }
    let verdict = if sent.contains(&MUCH) {
        "no deadlock?"
    } else {
        "deadlock"
    };
    writeln!(
        out,
        "   {name:<12} {verdict}: one side sent {} KiB, the other {} KiB, then nothing moved for \
         {:.1} s",
        sent[0] / 1024,
        sent[1] / 1024,
        STUCK.as_secs_f64()
    )?;
    Ok(())
}

/// Sends until nothing has moved for [`STUCK`], and returns how many bytes were sent.
fn send_until_stuck(stream: &impl Stream) -> io::Result<usize> {
    stream.limit(STUCK)?;
    let mut stream = stream.twin()?;
    let piece = vec![b'm'; 64 * 1024];
    let mut sent = 0;
    while sent < MUCH {
        match stream.write(&piece) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break, // SO_SNDTIMEO, socket(7)
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

fn one_listens_meanwhile<S: Stream>(
    out: &mut dyn Write,
    name: &str,
    (here, there): (S, S),
) -> anyhow::Result<()> {
    here.limit(LIMIT)?;
    there.limit(LIMIT)?;
    let start = Instant::now();
    let mut hearing = here.twin()?;
    let threads = [
        thread::spawn(move || send_all(here)),
        thread::spawn(move || receive_all(&mut hearing)),
        thread::spawn(move || {
            let mut hearing = there.twin()?;
            send_all(there)?;
            receive_all(&mut hearing)
        }),
    ];
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a thread panicked"))??;
    }
    writeln!(
        out,
        "   {name:<12} the same, but one side reads in a second thread: done in {}",
        time_name(start.elapsed().as_secs_f64() * 1e9)
    )?;
    Ok(())
}

fn send_all(mut stream: impl Stream) -> io::Result<()> {
    let piece = vec![b'm'; 64 * 1024];
    for _ in 0..MUCH / piece.len() {
        stream.write_all(&piece)?;
    }
    Ok(())
}

fn receive_all(stream: &mut impl Stream) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    for _ in 0..MUCH / piece.len() {
        stream.read_exact(&mut piece)?;
    }
    Ok(())
}
