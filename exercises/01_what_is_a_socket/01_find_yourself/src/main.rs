//! Connects to an address and prints the two ends of the connection.
//!
//! `127.0.0.1:7878` is a TCP address; an argument with a `/` is the path of a Unix socket.

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-01-01 ADDRESS");
    todo!("connect to {address}, then print `local …` and `peer …`")
}
