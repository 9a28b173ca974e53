//! Error messages of one line: the address, the cause, what to try.

use super::Transport;
use crate::{ErrorCode, Failure};
use anyhow::{Error, anyhow};
use humantime::format_duration;
use shared_proto::Message;
use shared_proto::tutorial::{Request, Response};
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Returns the error message for a failed connection, if only one address was tried.
pub fn cannot_connect<T: Transport>(transport: &T, error: &io::Error, timeout: Duration) -> Error {
    no_connection(transport, error.kind(), &error.to_string(), "", timeout)
}

/// Returns the error message for a failed connection, if several addresses were tried. `kind` is
/// that of the most telling error, and `reasons` lists each address with its error.
pub fn cannot_connect_to_any<T: Transport>(
    transport: &T,
    kind: ErrorKind,
    reasons: &str,
    timeout: Duration,
) -> Error {
    no_connection(transport, kind, reasons, &format!(" ({reasons})"), timeout)
}

fn no_connection<T: Transport>(
    transport: &T,
    kind: ErrorKind,
    reason: &str,
    of_silence: &str,
    timeout: Duration,
) -> Error {
    let address = transport.address();
    let (server, option) = (T::SERVER, T::ADDRESS_OPTION);
    match kind {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => anyhow!(
            "{address} did not accept a connection within {}{of_silence}; the server may be \
             overloaded: try again later, or wait longer with --timeout",
            format_duration(timeout)
        ),
        ErrorKind::ConnectionRefused => anyhow!(
            "nobody listens at {address}: {reason}; start a server with `cargo run -p \
             {server}`, or name another address with {option}"
        ),
        ErrorKind::NotFound => anyhow!(
            "there is nothing at {address}: {reason}; start a server with \
             `cargo run -p {server}`, or name another address with {option}"
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "this user has no permission to use {address}: {reason}; {}, \
             or name another address with {option}",
            T::IF_NOT_PERMITTED
        ),
        _ => anyhow!("cannot connect to {address}: {reason}; name another address with {option}"),
    }
}

/// Why a call failed.
pub(super) fn failed_call<T: Transport>(transport: &T, failure: &Failure) -> Error {
    let address = transport.address();
    match failure {
        Failure::Timeout(timeout) => anyhow!(
            "{address} sent no complete reply within {}; try again later, or wait longer with \
             --timeout",
            format_duration(*timeout)
        ),
        Failure::Refused { code, text } => anyhow!(
            "{address} refused with {code}: {text}; {}",
            what_to_try::<T>(*code)
        ),
        Failure::AlreadyEnded => anyhow!(
            "{address} had already closed the connection, and nothing was sent to it; see its log, \
             and try again"
        ),
        Failure::ReplyTooLarge { length, max_frame } => anyhow!(
            "{address} sent a reply of {length} bytes, and this client accepts {max_frame}; is it \
             a {}? Name another address with {}",
            T::SERVER,
            T::ADDRESS_OPTION
        ),
        Failure::Ended => anyhow!(
            "{address} closed the connection before its reply was complete; see its log, and try \
             again"
        ),
        Failure::NotThisProtocol(how) => anyhow!(
            "{address} does not speak this protocol: {how}; is it a {}? \
             Name another address with {}",
            T::SERVER,
            T::ADDRESS_OPTION
        ),
        Failure::TooLarge(bytes) => anyhow!(
            "TooLarge: {bytes} bytes do not fit into a frame, and nothing was sent to {address}; \
             send less"
        ),
        Failure::Io(error) if let Some(told) = transport.explain(error) => told,
        other => anyhow!("cannot exchange messages with {address}: {other}; try again"),
    }
}

/// An error that leaves the connection open.
pub(super) fn error_answer<T: Transport>(transport: &T, code: ErrorCode, text: &str) -> String {
    format!(
        "{} answered {code}: {text}; {}",
        transport.address(),
        what_to_try::<T>(code)
    )
}

/// Returns the error message for a complete response that does not belong to the request.
pub(super) fn not_an_answer<T: Transport>(
    transport: &T,
    request: &Request<'_>,
    response: &Response<'_>,
) -> Error {
    let how = format!(
        "it replied to a request of kind {:02x} with kind {:02x}",
        request.kind(),
        response.kind()
    );
    failed_call(transport, &Failure::NotThisProtocol(how))
}

/// Returns the error message for an echo with the wrong bytes. They aren't printed, because they
/// could contain control sequences for the terminal.
pub(super) fn other_bytes<T: Transport>(transport: &T, sent: &[u8], came: &[u8]) -> Error {
    let differs = sent.iter().zip(came).position(|(sent, came)| sent != came);
    let how = match differs {
        Some(at) => format!("its echo differs from what was sent at byte {at}"),
        None => format!(
            "its echo has {} bytes, {} were sent",
            came.len(),
            sent.len()
        ),
    };
    failed_call(transport, &Failure::NotThisProtocol(how))
}

fn what_to_try<T: Transport>(code: ErrorCode) -> String {
    let server = T::SERVER;
    match code {
        ErrorCode::BadPreamble => format!("use the client that came with this {server}"),
        ErrorCode::TooLarge => format!("send less, or start {server} with a larger --max-frame"),
        ErrorCode::Malformed | ErrorCode::Unknown(_) => {
            format!("check that this {server} supports this request")
        }
        ErrorCode::Service(_) => {
            format!("see the documentation of the service that this {server} runs")
        }
        ErrorCode::NotText => "send text in UTF-8, or other bytes with echo".to_owned(),
        ErrorCode::Busy => {
            format!("try again later, or start {server} with a larger --max-clients")
        }
        ErrorCode::TooSlow => {
            format!("try again, or start {server} with a longer --frame-timeout")
        }
        ErrorCode::Draining => format!("it is shutting down: start {server} again"),
        ErrorCode::NotAllowed => T::IF_NOT_ALLOWED.to_owned(),
        // Internal, and codes that a later version may add.
        _ => "see its log".to_owned(),
    }
}
