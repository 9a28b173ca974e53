//! Requests out, replies back, in order and in time.

use crate::error::CallError;
use crate::stream::{Bounded, Stream, peer_is_gone, timed_out};
use shared_proto::{
    Connection, DEFAULT_MAX_FRAME, ErrorCode, HEADER_BYTES, Message, Request, Response,
};
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// So many bytes fit into the empty send buffer of every system: writing them does not wait for
/// the server. More than that is written from a thread of its own, while this one reads.
const FITS_UNREAD: usize = 16 * 1024;

/// One connection to a server.
///
/// A reply is waited for no longer than the timeout, counted from when its wait begins: after its
/// request was sent, or after the reply before it. No server can stretch that, neither by sending
/// its reply in drips, nor by not reading the request, nor by reading it in sips behind its reply.
///
/// Replies that nobody asked for are none: what lies behind the last reply when the next request is
/// about to be sent, or comes when no more are, is an error that closes, or it is
/// [`CallError::NotThisProtocol`].
#[derive(Debug)]
pub struct Client<S> {
    connection: Connection<Bounded<S>>,
    given_up: bool,
}

impl<S: Stream> Client<S> {
    /// Takes a connected stream. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Those of setting the stream's timeouts, also that `timeout` is zero.
    pub fn new(stream: S, timeout: Duration) -> io::Result<Self> {
        Ok(Client {
            connection: Connection::client(Bounded::new(stream, timeout)?),
            given_up: false,
        })
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        self.connection.stream().stream()
    }

    /// Sends one request and waits for its reply, which lies in this client's buffer until the
    /// next call.
    ///
    /// # Errors
    ///
    /// As [`CallError`] says. An error that leaves the connection open is a reply like others.
    pub fn call(&mut self, request: Request<'_>) -> Result<Response<'_>, CallError> {
        self.send_and(&[request], Self::wait)?;
        self.take()
    }

    /// Sends all requests, without waiting for a reply before the next one, and gives each reply to
    /// `each`, in the order of the requests.
    ///
    /// A server may stop reading while its replies wait. So replies are read while requests are
    /// still being written, by a thread if they are more than a socket takes at once: however
    /// many they are, both sides move on.
    ///
    /// # Errors
    ///
    /// As [`CallError`] says. Replies that came before it were given to `each`.
    pub fn call_many(
        &mut self,
        requests: &[Request<'_>],
        mut each: impl FnMut(Response<'_>),
    ) -> Result<(), CallError> {
        self.send_and(requests, |client| {
            for _ in requests {
                client.wait()?;
                each(client.take()?);
            }
            Ok(())
        })
    }

    /// Tells the server that no more requests come, and waits until it closes. Every request has
    /// its reply already, so nothing more may come.
    ///
    /// # Errors
    ///
    /// As [`CallError`] says; the whole of it takes no longer than the timeout. An error that
    /// closes may come in place of the end; any other reply is
    /// [`CallError::NotThisProtocol`].
    pub fn finish(mut self) -> Result<(), CallError> {
        if self.given_up {
            return Err(CallError::GivenUp);
        }
        self.flush()?;
        // It fails where the peer has closed already, which the next read tells more about.
        let _ = self.stream().shutdown(Shutdown::Write);
        self.expect_end()
    }

    /// Waits for the end of the stream, or for the error that says why it comes.
    fn expect_end(&mut self) -> Result<(), CallError> {
        self.connection.stream_mut().start();
        if !self.next_is_whole()? {
            return Ok(());
        }
        let kind = self.take()?.kind();
        self.given_up = true;
        Err(CallError::NotThisProtocol(format!(
            "it sent a reply of kind {kind:02x} that nobody asked for"
        )))
    }

    /// Sends the requests and runs `read`, at the same time if need be.
    fn send_and(
        &mut self,
        requests: &[Request<'_>],
        read: impl FnOnce(&mut Self) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        if self.given_up {
            return Err(CallError::GivenUp);
        }
        if self.connection.has_more() {
            self.expect_end()?;
            self.given_up = true;
            return Err(CallError::Ended);
        }
        let largest = requests.iter().map(length).try_fold(0, |largest, length| {
            length.map(|length| u32::max(largest, length))
        })?;
        // The server's limit may be above the default; a reply is then as large as its request.
        self.connection
            .set_max_frame(largest.max(DEFAULT_MAX_FRAME));
        let bytes = requests.iter().map(frame_bytes);
        if bytes.fold(0, usize::saturating_add) > FITS_UNREAD {
            return self.while_writing(requests, read);
        }
        for request in requests {
            self.connection.queue(request);
        }
        self.flush()?;
        read(self)
    }

    /// Writes what is queued. That the peer is gone is no error yet: it may have said why.
    fn flush(&mut self) -> Result<(), CallError> {
        match self.connection.flush() {
            Err(error) if !peer_is_gone(&error) => Err(self.give_up(error)),
            _ => Ok(()),
        }
    }

    /// Waits until a whole reply has come.
    fn wait(&mut self) -> Result<(), CallError> {
        self.connection.stream_mut().start();
        if self.next_is_whole()? {
            return Ok(());
        }
        self.given_up = true;
        Err(CallError::Ended)
    }

    fn next_is_whole(&mut self) -> Result<bool, CallError> {
        let timeout = self.connection.stream().timeout();
        self.connection.wait().map_err(|error| {
            self.given_up = true;
            CallError::from_connection(error, timeout)
        })
    }

    /// Takes the reply that was waited for.
    fn take(&mut self) -> Result<Response<'_>, CallError> {
        let timeout = self.connection.stream().timeout();
        let frame = match self.connection.receive() {
            Ok(frame) => frame.ok_or(CallError::Ended)?,
            Err(error) => return Err(CallError::from_connection(error, timeout)),
        };
        match Response::decode(frame) {
            Ok(Response::Error { code, text }) if closes(code) => {
                self.given_up = true;
                let text = text.into_owned();
                Err(CallError::Refused { code, text })
            }
            Ok(response) => Ok(response),
            Err(error) => {
                self.given_up = true;
                Err(CallError::NotThisProtocol(error.to_string()))
            }
        }
    }

    /// Runs `read` while a thread writes `requests`.
    fn while_writing(
        &mut self,
        requests: &[Request<'_>],
        read: impl FnOnce(&mut Self) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        self.flush()?;
        let stream = match self.stream().try_clone() {
            Ok(stream) => stream,
            Err(error) => return Err(self.give_up(error)),
        };
        let enough = AtomicBool::new(false);
        let (done, written) = mpsc::channel();
        thread::scope(|scope| {
            let enough = &enough;
            let write = move || done.send(write_all(stream, requests, enough));
            if let Err(error) = thread::Builder::new().spawn_scoped(scope, write) {
                return Err(self.give_up(error));
            }
            let outcome = read(self);
            enough.store(true, Ordering::Relaxed);
            // An honest server has read the whole request before it answers, so all is written.
            // For any other the time is up when it would be for the reply.
            let left = match outcome {
                Ok(()) => self.connection.stream().left(),
                Err(_) => Duration::ZERO,
            };
            if !matches!(written.recv_timeout(left), Ok(Ok(Written::Whole))) {
                self.given_up = true;
                // Wakes the writer, for whom nobody will make room any more.
                let _ = self.stream().shutdown(Shutdown::Both);
            }
            outcome
        })
    }

    fn give_up(&mut self, error: io::Error) -> CallError {
        self.given_up = true;
        CallError::from_io(error, self.connection.stream().timeout())
    }
}

fn closes(code: ErrorCode) -> bool {
    let text = "".into();
    Response::Error { code, text }.closes()
}

/// What a request's frame declares.
fn length(request: &Request<'_>) -> Result<u32, CallError> {
    let body = request.body().len();
    u32::try_from(body.saturating_add(1)).map_err(|_| CallError::TooLarge(body))
}

fn frame_bytes(request: &Request<'_>) -> usize {
    HEADER_BYTES + request.body().len()
}

/// How far the writer came.
enum Written {
    Whole,
    /// The replies are there, or nobody reads any more.
    InPart,
}

/// Writes all requests, several to a call. It waits as long as its reader does: the reader alone
/// knows the deadline, and says when there has been `enough`.
fn write_all(
    mut stream: impl Write,
    requests: &[Request<'_>],
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
                // The reader finds out why, and what the peer said before it went.
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
