//! Writes requests while another thread reads their replies.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use shared_proto::{HEADER_BYTES, Message};

use crate::error::Failure;
use crate::stream::{peer_is_gone, timed_out};

/// This many bytes fit into an empty send buffer on every system, so writing them does not wait for
/// the server. If there is more to write, a separate thread writes it while this one reads.
pub(crate) const FITS_UNREAD: usize = 16 * 1024;

/// The length that the largest frame declares, and the total of all bytes.
pub(crate) fn sizes(requests: &[impl Message]) -> Result<(u32, usize), Failure> {
    let (mut largest, mut all) = (0, 0_usize);
    for request in requests {
        let body = request.body().len();
        let length = u32::try_from(body.saturating_add(1)).map_err(|_| Failure::TooLarge(body))?;
        largest = length.max(largest);
        all = all.saturating_add(HEADER_BYTES + body);
    }
    Ok((largest, all))
}

/// How much the writing thread has written.
pub(crate) enum Written {
    Whole,
    /// Not everything: all replies have arrived, or no one is reading them anymore.
    InPart,
}

/// Writes all requests, several to a call. It keeps trying until the reading thread sets `enough`:
/// only that thread knows the deadline.
pub(crate) fn write_all(
    mut stream: impl Write,
    requests: &[impl Message],
    enough: &AtomicBool,
) -> io::Result<Written> {
    let mut requests = requests.iter();
    let mut frames = Vec::new();
    loop {
        frames.clear();
        while frames.len() < FITS_UNREAD
            && let Some(request) = requests.next()
        {
            request.encode(&mut frames);
        }
        if frames.is_empty() {
            return Ok(Written::Whole);
        }
        let mut rest = &frames[..];
        while !rest.is_empty() {
            match stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                // The reader finds out why, and what the peer sent before it left.
                Err(error) if peer_is_gone(&error) => return Ok(Written::InPart),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if timed_out(&error) => {}
                Err(error) => return Err(error),
            }
            if !rest.is_empty() && enough.load(Ordering::Relaxed) {
                return Ok(Written::InPart);
            }
        }
    }
}
