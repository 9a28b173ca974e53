//! Chapter 14: a server that ends without a signal: when the program that started it closes its
//! standard input. A server that is part of another program can end this way.

use shared_server::{Limits, Server, TutorialService};
use std::io;
use std::thread;
use tcp_server::TcpTransport;

// ANCHOR: main
fn main() -> io::Result<()> {
    let transport = TcpTransport::bind("127.0.0.1:7878")?;
    let server = Server::new(transport, Limits::default())?.start(TutorialService::default)?;
    let handle = server.handle();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink()); // until its end
        handle.drain();
    });
    println!("listening on 127.0.0.1:7878");
    println!("{:?}", server.serve()?);
    Ok(())
}
// ANCHOR_END: main
