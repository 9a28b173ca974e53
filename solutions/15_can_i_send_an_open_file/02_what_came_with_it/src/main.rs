//! Receives messages, some of them with an open file, and reports each file's size and sum.

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, RecvMsg, ReturnFlags, recvmsg,
};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: sol-15-02 PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for client in listener.incoming() {
        let started = client.and_then(|client| start(move || serve(&client)));
        if let Err(error) = started {
            // Perhaps no descriptor is left: one may become free soon.
            let _ = writeln!(io::stderr(), "could not start serving a client: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// Serves a client on its own thread.
fn start(client: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(move || {
        if let Err(error) = client() {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    });
    thread.map(drop)
}

/// A message, and the files that arrived with its first byte.
struct Message {
    kind: u8,
    name: String,
    /// None, one, or more than the message needs.
    files: Vec<OwnedFd>,
    /// There was no room for a file that was sent, so the kernel discarded it.
    cut: bool,
}

/// Answers each message with a line.
fn serve(mut client: &UnixStream) -> io::Result<()> {
    while let Some(message) = next(client)? {
        client.write_all(answer(message).as_bytes())?;
    }
    Ok(())
}

// ANCHOR: next
/// The next message; `None` at the end of the stream.
fn next(mut client: &UnixStream) -> io::Result<Option<Message>> {
    let mut header = [0; 5];
    // This byte by itself: what comes with it is this message's, and no other's.
    let (got, files) = receive(client, &mut header[..1])?;
    if got.bytes == 0 {
        return Ok(None);
    }
    // A plain read takes no descriptors: what comes with these bytes, the kernel closes.
    client.read_exact(&mut header[1..])?;
    let [length @ .., kind] = header;
    let length = u32::from_be_bytes(length).saturating_sub(1);
    let mut name = String::new();
    client.take(length.into()).read_to_string(&mut name)?;
    let cut = got.flags.contains(ReturnFlags::CTRUNC);
    Ok(Some(Message {
        kind,
        name,
        files,
        cut,
    }))
}
// ANCHOR_END: next

/// What to say to a message. The files are closed at its end, those too that nobody asked for.
fn answer(message: Message) -> String {
    let name = message.name;
    let mut files = message.files.into_iter().map(File::from);
    match (message.kind, files.next()) {
        (0, _) => format!("{name}\n"),
        (_, Some(file)) => match size_and_sum(&file) {
            Ok((size, sum)) => format!("{name} {size} {sum}\n"),
            Err(_) => "-not a file\n".to_owned(),
        },
        (_, None) if message.cut => "-no room\n".to_owned(),
        (_, None) => "-no file\n".to_owned(),
    }
}

// ANCHOR: size_and_sum
/// How many bytes are in this file, and what they add up to.
fn size_and_sum(file: &File) -> io::Result<(u64, u64)> {
    // A read from a pipe can last forever, and so can one from a device.
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut buffer = vec![0; 64 << 10];
    let (mut size, mut sum) = (0, 0);
    loop {
        // The sender has the same position as we do. So leave it alone, and say where to read.
        let length = file.read_at(&mut buffer, size)?;
        if length == 0 {
            return Ok((size, sum));
        }
        size += length as u64;
        sum += buffer[..length].iter().copied().map(u64::from).sum::<u64>();
    }
}
// ANCHOR_END: size_and_sum

// ANCHOR: receive
/// Receives once: bytes, and the descriptors that came with them.
fn receive(client: &UnixStream, buffer: &mut [u8]) -> io::Result<(RecvMsg, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(buffer)];
    let got = recvmsg(client, &mut into, &mut control, CLOSED_ON_EXEC)?;
    let mut files = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = part {
            files.extend(some);
        }
    }
    Ok((got, files))
}

#[cfg(not(target_vendor = "apple"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
// ANCHOR_END: receive
/// macOS has no such flag, and so a gap until fcntl(2) can set it on what came.
#[cfg(target_vendor = "apple")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();
