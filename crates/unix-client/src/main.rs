//! The client over a Unix socket

fn main() {}
