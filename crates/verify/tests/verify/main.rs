//! `cargo verify` at work in small workspaces of its own: one test program, so that the waits of one
//! test are the work of another.

mod authors;
mod proofs;
#[path = "../../../learn/tests/learn/scratch.rs"]
mod scratch;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verify");
