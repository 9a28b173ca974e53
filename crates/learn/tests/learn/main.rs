//! `cargo learn` at work in small workspaces of its own: one test program, so that the waits of one
//! test are the work of another.

#[cfg(target_os = "linux")]
mod disks;
mod environments;
mod learner;
mod scratch;
mod settings;
#[cfg(unix)]
mod terminal;
mod watch;

const PROGRAM: &str = env!("CARGO_BIN_EXE_learn");
