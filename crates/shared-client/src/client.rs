//! Sends requests and receives their replies, in order and within a deadline.

use std::cell::Cell;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared_proto::envelope::{CLOSE, CLOSED};
use shared_proto::{
    BadMessage, Call, Connection, DEFAULT_MAX_FRAME, Decode, ErrorReply, Frame, Message, Reply,
};

use crate::error::{CallError, Failure};
use crate::stream::{DeadlineStream, Stream, peer_is_gone};
use crate::writer::{FITS_UNREAD, Written, sizes, write_all};

/// One connection to a server, for any messages.
///
/// The client waits for each reply no longer than the timeout, counted from the end of sending the
/// request or from the previous reply. A server cannot extend this time by sending its reply in
/// small pieces, by not reading the request, or by reading the request slowly after replying.
///
/// A reply may have a `length` of up to 256 KiB ([`set_max_frame`](Self::set_max_frame)), or that of
/// the longest request in the same call, if that is more.
///
/// A reply without a request is not an answer. If such a reply arrived together with the reply before
/// it, or arrives during [`finish`](Self::finish), it must be an error after which the server closes
/// the connection, and that error is returned: instead of sending the next request, or by `finish`.
/// Any other reply is [`Failure::NotThisProtocol`].
///
/// # Reconnecting
///
/// A client doesn't reconnect: create a new one on a new stream. Whether a request may be sent again
/// depends on whether the server may have handled it:
///
/// - After [`Failure::AlreadyEnded`] it has not. A server ends a connection that was idle for longer
///   than its idle timeout, and each connection when it shuts down; the client looks for that before
///   it sends anything.
/// - After [`Failure::Refused`] it has not, unless the code is `Internal`. If the code is `Busy` or
///   `Draining`, try again after a pause.
/// - After [`Failure::TooLarge`] and [`Failure::GivenUp`] it has not, either: nothing was sent.
/// - After [`Failure::Ended`], [`Failure::Timeout`] and [`Failure::Io`], nobody can know: the server
///   may have handled the request, and its reply was lost. That includes a server that ended the
///   connection just as the request was being sent. Send it again only if handling it twice does no
///   harm.
///
/// ```
/// use shared_client::{CallError, Client, Failure};
/// use shared_proto::tutorial::{Request, Response};
/// use std::io;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// fn connect(address: &str) -> io::Result<Client<TcpStream>> {
///     Client::new(address, TcpStream::connect(address)?, Duration::from_secs(10))
/// }
///
/// fn is_accepted(client: &mut Client<TcpStream>, text: &str) -> Result<bool, CallError> {
///     let response: Response = client.call(&Request::Say(text))?;
///     Ok(response == Response::Accepted)
/// }
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = &listener.local_addr()?.to_string();
/// # let (ended, end) = std::sync::mpsc::channel();
/// # let server = std::thread::spawn(move || {
/// #     for _ in 0..2 {
/// #         let mut server = shared_proto::Connection::server(listener.accept().unwrap().0);
/// #         server.receive().unwrap();
/// #         server.send(&Response::Accepted).unwrap();
/// #         drop(server);
/// #         ended.send(()).unwrap();
/// #     }
/// # });
/// let mut client = connect(address)?;
/// assert!(is_accepted(&mut client, "hello")?);
/// # end.recv()?;
/// // … the server ends the connection, which has been idle for too long …
/// let accepted = match is_accepted(&mut client, "again") {
///     Err(error) if matches!(error.failure(), Failure::AlreadyEnded) => {
///         client = connect(address)?;
///         is_accepted(&mut client, "again")?
///     }
///     outcome => outcome?,
/// };
/// assert!(accepted);
/// # end.recv()?;
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client<S> {
    connection: Connection<DeadlineStream<S>>,
    address: String,
    /// The largest `length` of a reply, unless a request is larger.
    max_frame: u32,
    /// Whether a whole reply has arrived: the server speaks this protocol.
    answered: bool,
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
            max_frame: DEFAULT_MAX_FRAME,
            answered: false,
            given_up: Cell::new(false),
        })
    }

    /// Returns the server's address, as it was given to [`new`](Self::new).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes the timeout that was given to [`new`](Self::new), from the next call on: for each of
    /// its replies, and for [`close`](Self::close) and [`finish`](Self::finish). So one connection
    /// can be used for a request that waits long and for one that must be answered soon.
    ///
    /// # Errors
    ///
    /// If the stream's timeouts cannot be set, for example because `timeout` is zero.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.connection.stream_mut().set_timeout(timeout)
    }

    /// Sets the longest reply that this client accepts, instead of [`DEFAULT_MAX_FRAME`] (256 KiB):
    /// its `length` in bytes, which counts its kind and its body, as the server's `max_frame` does
    /// for requests. A longer reply is [`Failure::ReplyTooLarge`]. The limit reserves no memory:
    /// the buffer grows as bytes arrive.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// Returns the underlying stream. Don't read from it or write to it, and don't set its timeouts:
    /// the client sets them ([`set_timeout`](Self::set_timeout)), and would not notice.
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
        self.check_open()?;
        let (largest, all) = sizes(requests)?;
        // The server's limit may be above this one; a reply may be as large as its request.
        self.connection.set_max_frame(largest.max(self.max_frame));
        if all > FITS_UNREAD {
            return self.while_writing(requests, read);
        }
        for request in requests {
            self.connection.queue(request);
        }
        self.flush()?;
        read(self)
    }

    /// Returns an error if the server has ended the connection, or if an unrequested reply is in the
    /// buffer: then nothing is sent.
    fn check_open(&mut self) -> Result<(), Failure> {
        let outcome = match self.connection.has_more() {
            true => self.expect_end(),
            false => match self.stream().has_ended() {
                Ok(false) => return Ok(()),
                Ok(true) => Ok(()),
                Err(error) => Err(self.give_up(error)),
            },
        };
        self.given_up.set(true);
        match outcome {
            Ok(()) | Err(Failure::Ended) => Err(Failure::AlreadyEnded),
            failure => failure,
        }
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
        let (timeout, answered) = (self.connection.stream().timeout(), self.answered);
        self.connection.wait().map_err(|error| {
            self.given_up.set(true);
            Failure::from_connection(error, timeout, answered)
        })
    }

    fn receive(&mut self) -> Result<Frame<'_>, Failure> {
        let (timeout, answered) = (self.connection.stream().timeout(), self.answered);
        match self.connection.receive() {
            Ok(frame) => frame.ok_or(Failure::Ended),
            Err(error) => Err(Failure::from_connection(error, timeout, answered)),
        }
    }

    /// Takes the reply that has arrived. An error after which the server closes the connection is
    /// returned as a failure, not as a reply.
    fn take(&mut self) -> Result<ReplyFrame<'_>, CallError> {
        let (timeout, answered) = (self.connection.stream().timeout(), self.answered);
        self.answered = true;
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
            Err(error) => Failure::from_connection(error, timeout, answered),
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
