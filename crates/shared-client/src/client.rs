//! Sends requests and receives their replies, in order and within a deadline.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared_proto::envelope::{CLOSE, CLOSED};
use shared_proto::{
    BadMessage, Call, Connection, DEFAULT_MAX_FRAME, Decode, ErrorReply, Frame, HEADER_BYTES,
    Message, Reply,
};

use crate::error::{CallError, Failure};
use crate::stream::{DeadlineStream, Stream, peer_is_gone, timed_out};

/// This many bytes fit into an empty send buffer on every system, so writing them does not wait for
/// the server. If there is more to write, a separate thread writes it while this one reads.
const FITS_UNREAD: usize = 16 * 1024;

/// One connection to a server, for any messages.
///
/// The client waits for each reply no longer than the timeout, counted from the end of sending the
/// request or from the previous reply. A server cannot extend this time by sending its reply in
/// small pieces, by not reading the request, or by reading the request slowly after replying.
///
/// A reply without a request is not an answer. If such a reply has arrived when the next request is
/// about to be sent, or arrives during [`finish`](Self::finish), it must be an error after which
/// the server closes the connection, and that error is returned. Any other reply is
/// [`Failure::NotThisProtocol`].
#[derive(Debug)]
pub struct Client<S> {
    connection: Connection<DeadlineStream<S>>,
    address: String,
    given_up: Cell<bool>,
}

/// One reply of [`Client::call_many`], not decoded yet.
#[derive(Debug, Clone, Copy)]
pub struct ReplyFrame<'a> {
    frame: Frame<'a>,
    address: &'a str,
    given_up: &'a Cell<bool>,
}

impl<'a> ReplyFrame<'a> {
    /// Decodes the response that this reply contains.
    ///
    /// # Errors
    ///
    /// [`Failure::Error`] if the server answered with an error, and [`Failure::NotThisProtocol`] if
    /// the reply is not one of the responses `R`.
    pub fn decode<R: Decode<'a>>(self) -> Result<R, CallError> {
        let failure = match Reply::decode(self.frame) {
            Ok(Reply::Response(response)) => return Ok(response),
            Ok(Reply::Error(error)) => Failure::error(error),
            Ok(Reply::Closed) => {
                let how = format!("it sent kind {CLOSED:02x}, Closed, without being asked");
                Failure::NotThisProtocol(how)
            }
            Err(bad) => Failure::NotThisProtocol(bad.to_string()),
        };
        if let Failure::NotThisProtocol(_) = failure {
            self.given_up.set(true);
        }
        Err(failure.at(self.address))
    }
}

impl<S: Stream> Client<S> {
    /// Creates a client on a connected stream. `address` names the server in errors, and `timeout`
    /// limits the wait for each reply. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the stream's timeouts cannot be set, for example because `timeout` is zero.
    pub fn new(address: impl Into<String>, stream: S, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            connection: Connection::client(DeadlineStream::new(stream, timeout)?),
            address: address.into(),
            given_up: Cell::new(false),
        })
    }

    /// Returns the server's address, as it was given to [`new`](Self::new).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the underlying stream.
    pub fn stream(&self) -> &S {
        self.connection.stream().stream()
    }

    /// Sends one request and waits for its response, which may borrow from this client's buffer
    /// until the next call.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. After [`Failure::Error`] the connection stays open.
    pub fn call<'a, R: Decode<'a>>(
        &'a mut self,
        request: &(impl Message + Sync),
    ) -> Result<R, CallError> {
        match self.exchange(std::slice::from_ref(request), Self::wait) {
            Ok(()) => self.take()?.decode(),
            Err(failure) => Err(failure.at(&self.address)),
        }
    }

    /// Sends all requests, without waiting for one reply before the next request, and passes each
    /// reply to `each`, in the order of the requests. The first error that `each` returns ends the
    /// call.
    ///
    /// A server may stop reading requests until its replies have been read. So if there are more
    /// requests than a socket's send buffer is certain to hold (16 KiB), a separate thread writes
    /// them while this one reads the replies. However many requests there are, neither side gets
    /// stuck.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. If `each` returns an error, that error is returned, and the connection
    /// can't be used anymore.
    pub fn call_many(
        &mut self,
        requests: &[impl Message + Sync],
        mut each: impl FnMut(ReplyFrame<'_>) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        let mut refused = None;
        let outcome = self.exchange(requests, |client| {
            for _ in requests {
                client.wait()?;
                if let Err(error) = client.take().and_then(&mut each) {
                    client.given_up.set(true);
                    refused = Some(error);
                    return Err(Failure::GivenUp);
                }
            }
            Ok(())
        });
        match refused {
            Some(error) => Err(error),
            None => outcome.map_err(|failure| failure.at(&self.address)),
        }
    }

    /// Asks the server to close the connection, and waits for its reply, Closed.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn close(mut self) -> Result<(), CallError> {
        let close = [Call::<ErrorReply<'_>>::Close];
        if let Err(failure) = self.exchange(&close, Self::wait) {
            return Err(failure.at(&self.address));
        }
        let ReplyFrame { frame, address, .. } = self.take()?;
        let failure = match Reply::<AnyFrame>::decode(frame) {
            Ok(Reply::Closed) => return Ok(()),
            Ok(Reply::Error(error)) => Failure::error(error),
            _ => Failure::NotThisProtocol(format!(
                "it replied to a request of kind {CLOSE:02x} with kind {:02x}",
                frame.kind
            )),
        };
        Err(failure.at(address))
    }

    /// Tells the server that no more requests will follow, by a half-close (`shutdown(2)`), and
    /// waits until the server closes its side as well. Every request already has its reply, so
    /// nothing but the end of the stream should arrive.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. The whole call takes no longer than the timeout. If the server sends an
    /// error that closes the connection, that error is returned; any other reply is
    /// [`Failure::NotThisProtocol`].
    pub fn finish(mut self) -> Result<(), CallError> {
        let outcome = self.half_close();
        outcome.map_err(|failure| failure.at(&self.address))
    }

    fn half_close(&mut self) -> Result<(), Failure> {
        if self.given_up.get() {
            return Err(Failure::GivenUp);
        }
        self.flush()?;
        // It fails if the peer has already closed; the next read tells more about that.
        let _ = self.stream().shutdown(Shutdown::Write);
        self.expect_end()
    }

    /// Waits for the end of the stream, or for the error that gives the reason for it.
    fn expect_end(&mut self) -> Result<(), Failure> {
        self.connection.stream_mut().start();
        if !self.next_is_whole()? {
            return Ok(());
        }
        self.given_up.set(true);
        let frame = self.receive()?;
        match Reply::<AnyFrame>::decode(frame) {
            Ok(Reply::Error(error)) if error.code.closes() => Err(Failure::error(error)),
            _ => Err(Failure::NotThisProtocol(format!(
                "it sent an unrequested reply of kind {:02x}",
                frame.kind
            ))),
        }
    }

    /// Sends the requests, then runs `read` to read the replies; does both at the same time if
    /// necessary.
    fn exchange<M: Message + Sync>(
        &mut self,
        requests: &[M],
        read: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.given_up.get() {
            return Err(Failure::GivenUp);
        }
        if self.connection.has_more() {
            self.expect_end()?;
            self.given_up.set(true);
            return Err(Failure::Ended);
        }
        let (largest, all) = sizes(requests)?;
        // The server's limit may be above the default; a reply is then as large as its request.
        self.connection
            .set_max_frame(largest.max(DEFAULT_MAX_FRAME));
        if all > FITS_UNREAD {
            return self.while_writing(requests, read);
        }
        for request in requests {
            self.connection.queue(request);
        }
        self.flush()?;
        read(self)
    }

    /// Writes what is queued. That the peer is gone is not reported yet: the peer may have sent the
    /// reason, which is read next.
    fn flush(&mut self) -> Result<(), Failure> {
        match self.connection.flush() {
            Err(error) if !peer_is_gone(&error) => Err(self.give_up(error)),
            _ => Ok(()),
        }
    }

    /// Waits until a complete reply has arrived.
    fn wait(&mut self) -> Result<(), Failure> {
        self.connection.stream_mut().start();
        if self.next_is_whole()? {
            return Ok(());
        }
        self.given_up.set(true);
        Err(Failure::Ended)
    }

    fn next_is_whole(&mut self) -> Result<bool, Failure> {
        let timeout = self.connection.stream().timeout();
        self.connection.wait().map_err(|error| {
            self.given_up.set(true);
            Failure::from_connection(error, timeout)
        })
    }

    fn receive(&mut self) -> Result<Frame<'_>, Failure> {
        let timeout = self.connection.stream().timeout();
        match self.connection.receive() {
            Ok(frame) => frame.ok_or(Failure::Ended),
            Err(error) => Err(Failure::from_connection(error, timeout)),
        }
    }

    /// Takes the reply that has arrived. An error after which the server closes the connection is
    /// returned as a failure, not as a reply.
    fn take(&mut self) -> Result<ReplyFrame<'_>, CallError> {
        let timeout = self.connection.stream().timeout();
        let address = &self.address;
        let failure = match self.connection.receive() {
            Ok(Some(frame)) => match Reply::<AnyFrame>::decode(frame) {
                Ok(Reply::Error(error)) if error.code.closes() => Failure::error(error),
                _ => {
                    let given_up = &self.given_up;
                    return Ok(ReplyFrame {
                        frame,
                        address,
                        given_up,
                    });
                }
            },
            Ok(None) => Failure::Ended,
            Err(error) => Failure::from_connection(error, timeout),
        };
        self.given_up.set(true);
        Err(failure.at(address))
    }

    /// Runs `read` while a thread writes `requests`.
    fn while_writing<M: Message + Sync>(
        &mut self,
        requests: &[M],
        read: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
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
            // An honest server has read the whole request before it answers, so all is written. For
            // any other server, the time is up when it would be up for the reply.
            let left = match outcome {
                Ok(()) => self.connection.stream().left(),
                Err(_) => Duration::ZERO,
            };
            if !matches!(written.recv_timeout(left), Ok(Ok(Written::Whole))) {
                self.given_up.set(true);
                // Wakes the writer, because no one will make room for it anymore.
                let _ = self.stream().shutdown(Shutdown::Both);
            }
            outcome
        })
    }

    fn give_up(&mut self, error: io::Error) -> Failure {
        self.given_up.set(true);
        Failure::from_io(error, self.connection.stream().timeout())
    }
}

/// A response that is not decoded.
struct AnyFrame;

impl<'a> Decode<'a> for AnyFrame {
    fn decode(_: Frame<'a>) -> Result<Self, BadMessage> {
        Ok(Self)
    }
}

/// The length that the largest frame declares, and the total of all bytes.
fn sizes(requests: &[impl Message]) -> Result<(u32, usize), Failure> {
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
enum Written {
    Whole,
    /// Not everything: all replies have arrived, or no one is reading them anymore.
    InPart,
}

/// Writes all requests, several to a call. It keeps trying until the reading thread sets `enough`:
/// only that thread knows the deadline.
fn write_all(
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
