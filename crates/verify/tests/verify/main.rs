//! `cargo verify` at work in small workspaces of its own: one test program, so that the waits of one
//! test are the work of another.

mod authors;
#[path = "../../../learn/tests/learn/environments.rs"]
mod environments;
mod proofs;
#[path = "../../../learn/tests/learn/scratch.rs"]
mod scratch;
mod settings;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verify");
