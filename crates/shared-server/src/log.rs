//! The log: one line an event, on standard error.

use std::fmt;
use std::io::Write;

/// Writes one line, with what a peer sent [escaped](shared_proto::escaped). A log that cannot be
/// written is no reason to stop serving.
pub fn line(event: fmt::Arguments<'_>) {
    let mut text = shared_proto::escaped(&event.to_string());
    text.push('\n');
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
