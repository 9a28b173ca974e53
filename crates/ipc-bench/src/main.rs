//! Measures the transports between processes on your own machine

fn main() {}
