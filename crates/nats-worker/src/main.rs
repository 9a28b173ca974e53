//! `nats-worker [--connect ADDRESS] [--subject SUBJECT] [--queue GROUP]`: the tutorial's service
//! behind a broker.

use std::process::ExitCode;

use shared_server::TutorialService;

fn main() -> ExitCode {
    let about = "Answers the tutorial's requests behind a NATS broker";
    nats_worker::main(env!("CARGO_PKG_NAME"), about, TutorialService)
}
