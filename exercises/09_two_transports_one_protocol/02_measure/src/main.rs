//! Measures round trips to a server at a path, and prints their median and their tail.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

fn main() -> io::Result<()> {
    let usage = "usage: ex-09-02 PATH COUNT";
    let path = std::env::args().nth(1).expect(usage);
    let count = std::env::args().nth(2).and_then(|count| count.parse().ok());
    let mut times = measure(&path, count.expect(usage))?;
    let (p50, p99) = quantiles(&mut times);
    println!("{{\"p50_ns\": {p50}, \"p99_ns\": {p99}}}");
    Ok(())
}

/// How long each of `count` round trips took, in nanoseconds.
fn measure(path: &str, count: usize) -> io::Result<Vec<u128>> {
    let mut server = BufReader::new(UnixStream::connect(path)?);
    let mut reply = String::new();
    server.get_mut().write_all(b"ping\n")?;
    server.read_line(&mut reply)?;
    todo!("measure the time of each of {count} exchanges like this one, which returned {reply:?}")
}

/// The time within which half of them finished, and the time within which 99 of 100 finished.
fn quantiles(times: &mut [u128]) -> (u128, u128) {
    todo!(
        "the median and the 99th percentile of {} times",
        times.len()
    )
}
