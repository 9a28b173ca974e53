//! The client over TCP

fn main() {}
