//! The server over TCP

fn main() {}
