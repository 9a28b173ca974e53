//! `unix-client [--socket PATH] [say TEXT | echo TEXT|- | whoami | stats | close]`

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    shared_client::cli::main::<unix_client::Unix>()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("unix-client needs Unix sockets; on this system, use tcp-client");
    ExitCode::from(2)
}
