//! Measures round trips to a server at a path, and prints their median and their tail.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

fn main() -> io::Result<()> {
    let usage = "usage: sol-09-02 PATH COUNT";
    let path = std::env::args().nth(1).expect(usage);
    let count = std::env::args().nth(2).and_then(|count| count.parse().ok());
    let mut times = measure(&path, count.expect(usage))?;
    let (p50, p99) = quantiles(&mut times);
    println!("{{\"p50_ns\": {p50}, \"p99_ns\": {p99}}}");
    Ok(())
}

// ANCHOR: measure
/// How long each of `count` round trips took, in nanoseconds.
fn measure(path: &str, count: usize) -> io::Result<Vec<u128>> {
    let mut server = BufReader::new(UnixStream::connect(path)?);
    let mut reply = String::new();
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        reply.clear();
        // Nothing between the two looks at the clock that is not the round trip.
        let start = Instant::now();
        server.get_mut().write_all(b"ping\n")?;
        server.read_line(&mut reply)?;
        times.push(start.elapsed().as_nanos());
        if reply != "pong\n" {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(times)
}
// ANCHOR_END: measure

// ANCHOR: quantiles
/// The time within which half of them finished, and the time within which 99 of 100 finished.
fn quantiles(times: &mut [u128]) -> (u128, u128) {
    times.sort_unstable();
    // The smallest of them that is not less than so large a share: the "nearest rank".
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    (at(50), at(99))
}
// ANCHOR_END: quantiles
