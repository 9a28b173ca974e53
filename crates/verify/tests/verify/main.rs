//! `cargo verify` at work in small workspaces of its own, and the solutions of this one: one test
//! program, so that one test can wait while another works.

mod authors;
#[path = "../../../learn/tests/learn/environments.rs"]
mod environments;
mod proofs;
#[path = "../../../learn/tests/learn/scratch.rs"]
mod scratch;
mod settings;
mod solutions;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verify");
