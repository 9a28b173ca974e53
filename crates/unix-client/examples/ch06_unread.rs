//! A server replies with a mebibyte and closes without having read all that the client sent. How
//! much of the reply does the client get, over TCP and over a Unix socket?
//!
//! Usage: `cargo run -p unix-client --example ch06_unread`

#[cfg(not(unix))]
fn main() {
    eprintln!("Unix sockets need a Unix system; on Windows, work in WSL");
}

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    println!("TCP:  {}", exchange(client, server)?);
    let (client, server) = UnixStream::pair()?;
    println!("Unix: {}", exchange(client, server)?);
    Ok(())
}

#[cfg(unix)]
fn exchange<S>(mut client: S, mut server: S) -> std::io::Result<String>
where
    S: std::io::Read + std::io::Write + Send + 'static,
{
    // ANCHOR: server
    client.write_all(b"a question, and something that the server does not read")?;
    let server = std::thread::spawn(move || {
        server.read_exact(&mut [0; 10])?; // "a question"
        server.write_all(&vec![b'x'; 1 << 20])
    }); // and here it is closed
    // ANCHOR_END: server
    // A client that is slow to read: it begins when the server is done, or stuck in its write.
    let start = std::time::Instant::now();
    while !server.is_finished() && start.elapsed().as_secs() < 1 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut reply = Vec::new();
    let end = match client.read_to_end(&mut reply) {
        Ok(_) => "the end of the stream".to_owned(),
        Err(error) => error.to_string(),
    };
    server.join().expect("it does not panic")?;
    Ok(format!("{} of {} bytes, then {end}", reply.len(), 1 << 20))
}
