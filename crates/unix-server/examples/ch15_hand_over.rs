//! Takes over the listener from the server that has it, and passes it on to the next one.
//!
//! Usage: `cargo run -p unix-server --example ch15_hand_over ADDRESS PATH`, and once more

use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or("127.0.0.1:7878".into());
    let path = args.next().unwrap_or("control.sock".into());
    // ANCHOR: take_over
    let (listener, number) = match UnixStream::connect(&path) {
        Ok(predecessor) => take_over(&predecessor)?,
        Err(_) => (TcpListener::bind(address)?, 1),
    };
    let _ = fs::remove_file(&path);
    let successors = UnixListener::bind(&path)?;
    // ANCHOR_END: take_over
    println!("listening on {}, server {number}", listener.local_addr()?);
    let copy = listener.try_clone()?;
    thread::spawn(move || greet(&copy, number));
    let (successor, _) = successors.accept()?;
    hand_over(&successor, &listener, number)
    // The end of this process closes the connection, and its own copies of the listener.
}

fn greet(listener: &TcpListener, number: u8) {
    for client in listener.incoming() {
        let greeted = client.and_then(|mut client| writeln!(client, "hello from server {number}"));
        if let Err(error) = greeted {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
}

// ANCHOR: hand_over
/// Sends the listener with a byte: the number of this server.
fn hand_over(successor: &UnixStream, listener: &TcpListener, number: u8) -> io::Result<()> {
    let files = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&files));
    let byte = [number];
    let bytes = [IoSlice::new(&byte)];
    sendmsg(successor, &bytes, &mut control, SendFlags::empty())?;
    Ok(())
}
// ANCHOR_END: hand_over

// ANCHOR: receive
/// Receives the listener, and waits until its server has gone.
fn take_over(mut predecessor: &UnixStream) -> io::Result<(TcpListener, u8)> {
    let mut number = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [IoSliceMut::new(&mut number)];
    recvmsg(predecessor, &mut bytes, &mut control, CLOSED_ON_EXEC)?;
    let mut files = control.drain().flat_map(|part| match part {
        RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<OwnedFd>>(),
        _ => Vec::new(),
    });
    let listener = files.next();
    let listener = listener.ok_or_else(|| io::Error::other("no listener arrived with the byte"))?;
    predecessor.read_to_end(&mut Vec::new())?;
    Ok((TcpListener::from(listener), number[0] + 1))
}
// ANCHOR_END: receive

#[cfg(not(target_vendor = "apple"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();
