//! Caught by: the_server_may_end_first
//! Told: The server has ended its
//!
//! The main thread listens, another one talks; when the server has said all, main returns, and what is
//! typed after that goes nowhere.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    thread::spawn(move || {
        io::copy(&mut io::stdin(), &mut writer)?;
        writer.shutdown(Shutdown::Write)
    });
    io::copy(&mut stream, &mut io::stdout())?;
    Ok(())
}
