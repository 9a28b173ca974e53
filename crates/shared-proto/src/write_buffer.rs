//! The bytes that are waiting to be written.

use crate::frame::encode_header;
use crate::message::Message;
use std::io::{self, ErrorKind, IoSlice, Write};

/// A body of at least this size is not copied: a vectored write (`writev(2)`) sends the queued
/// bytes and the body. A smaller body is copied behind its header, which is cheaper.
const WRITTEN_IN_PLACE: usize = 4 * 1024;

#[derive(Debug, Default)]
pub(crate) struct WriteBuffer {
    queued: Vec<u8>,
}

impl WriteBuffer {
    pub(crate) fn capacity(&self) -> usize {
        self.queued.capacity()
    }

    #[inline]
    pub(crate) fn queue(&mut self, message: &impl Message) {
        message.encode(&mut self.queued);
    }

    pub(crate) fn queue_bytes(&mut self, bytes: &[u8]) {
        self.queued.extend_from_slice(bytes);
    }

    /// Writes what is queued and then the message, with one call if the stream accepts all of it.
    #[inline]
    pub(crate) fn send(
        &mut self,
        message: &impl Message,
        stream: &mut impl Write,
    ) -> io::Result<()> {
        let body = message.body();
        if body.len() < WRITTEN_IN_PLACE {
            message.encode(&mut self.queued);
            return self.write_to(stream, &[]);
        }
        self.queue_bytes(&encode_header(message.kind(), body.len()));
        self.write_to(stream, &body)
    }

    /// Writes what is queued, then `body`. If the stream fails, the bytes that it has not accepted
    /// stay queued, including those of `body`.
    pub(crate) fn write_to(&mut self, stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
        let total = self.queued.len() + body.len();
        let mut written = 0;
        let outcome = loop {
            if written == total {
                break Ok(());
            }
            let queued = self.queued.get(written..).unwrap_or_default();
            let rest = &body[written.saturating_sub(self.queued.len())..];
            let taken = match (queued, rest) {
                (queued, []) => stream.write(queued),
                ([], rest) => stream.write(rest),
                (queued, rest) => {
                    stream.write_vectored(&[IoSlice::new(queued), IoSlice::new(rest)])
                }
            };
            match taken {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if outcome.is_err() {
            self.queued.extend_from_slice(body);
        }
        self.queued.drain(..written.min(self.queued.len()));
        outcome
    }
}
