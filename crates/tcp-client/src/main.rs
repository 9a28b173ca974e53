//! `tcp-client [--connect ADDR] [say TEXT | echo TEXT|- | whoami | stats | close]`

use std::process::ExitCode;

fn main() -> ExitCode {
    shared_client::cli::main::<tcp_client::Tcp>()
}
