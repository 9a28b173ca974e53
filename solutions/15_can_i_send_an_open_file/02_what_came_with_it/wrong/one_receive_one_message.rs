//! Caught by: each_file_belongs_to_its_message, the_whole_file_wherever_it_stands,
//! what_nobody_asked_for_is_closed, closed_on_exec, no_room_is_told
//! Told: one receive may return several messages
//!
//! Treats the bytes of one receive as one message with its file, and discards the rest.

use std::fs::File;
use std::io::{self, IoSliceMut, Write};
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
    let path = std::env::args().nth(1).expect("usage: PATH");
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

fn start(client: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(move || {
        if let Err(error) = client() {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    });
    thread.map(drop)
}

// ANCHOR: serve
fn serve(mut client: &UnixStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let (got, files) = receive(client, &mut buffer)?;
        let Some((header, name)) = buffer[..got.bytes].split_at_checked(5) else {
            return Ok(());
        };
        let length = header[3] as usize - 1;
        let name = &name[..length.min(name.len())];
        let cut = got.flags.contains(ReturnFlags::CTRUNC);
        client.write_all(answer(header[4], name, files, cut).as_bytes())?;
    }
}
// ANCHOR_END: serve

fn answer(kind: u8, name: &[u8], files: Vec<OwnedFd>, cut: bool) -> String {
    let name = String::from_utf8_lossy(name);
    let mut files = files.into_iter().map(File::from);
    match (kind, files.next()) {
        (0, _) => format!("{name}\n"),
        (_, Some(file)) => match size_and_sum(&file) {
            Ok((size, sum)) => format!("{name} {size} {sum}\n"),
            Err(_) => "-not a file\n".to_owned(),
        },
        (_, None) if cut => "-no room\n".to_owned(),
        (_, None) => "-no file\n".to_owned(),
    }
}

fn size_and_sum(file: &File) -> io::Result<(u64, u64)> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut buffer = vec![0; 64 << 10];
    let (mut size, mut sum) = (0, 0);
    loop {
        let length = file.read_at(&mut buffer, size)?;
        if length == 0 {
            return Ok((size, sum));
        }
        size += length as u64;
        sum += buffer[..length].iter().copied().map(u64::from).sum::<u64>();
    }
}

fn receive(client: &UnixStream, buffer: &mut [u8]) -> io::Result<(RecvMsg, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(buffer)];
    let got = recvmsg(client, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = part {
            files.extend(some);
        }
    }
    Ok((got, files))
}
