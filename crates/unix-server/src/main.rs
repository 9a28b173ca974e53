//! The server over a Unix socket

fn main() {}
