//! What a server reports to the program that runs it. Nothing here prints.

use crate::transport::Peer;
use shared_proto::ErrorCode;
use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

/// Something that happened to a server. Its `Display` output is one line of a log.
///
/// It does not say which server: a program with several servers gives each its own observer.
///
/// That line may contain text from a peer, unchanged: escape it ([`shared_proto::escaped`]) before
/// you print it on a terminal.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The hard limit on open files leaves room for fewer clients than
    /// [`Limits::max_clients`](crate::Limits::max_clients). Reported when the server begins to
    /// serve, and again if the room shrinks because another server of this process is started.
    FewerClients {
        /// The number of clients that [`Limits::max_clients`](crate::Limits::max_clients) asked
        /// for.
        wanted: usize,
        /// The number of clients that can be served at the same time.
        allowed: usize,
    },
    /// Clients cannot be accepted, usually for lack of descriptors; the server will try again.
    CannotAccept(io::Error),
    /// A client was sent an error that ends its connection.
    Refused {
        /// The client.
        peer: Peer,
        /// The code that it was sent.
        code: ErrorCode,
        /// The reason, for a person.
        reason: String,
    },
    /// A client violated the transport's own protocol, such as TLS, or ended the stream without
    /// properly ending that protocol. A transport without a protocol of its own never reports this.
    Broken {
        /// The client.
        peer: Peer,
        /// The reason, for a person.
        reason: String,
    },
    /// A client did not read its replies in time, and its connection was closed.
    RepliesNotTaken {
        /// The client.
        peer: Peer,
        /// How long the client had to read them.
        limit: Duration,
    },
    /// The transport could not clean up after itself, for example could not remove its socket file.
    LeftBehind(io::Error),
    /// The server has begun to drain: it answers the requests that have arrived, then ends. To end
    /// those that wait for something, see [`Context::later`](crate::Context::later). The observer is
    /// called by the thread that begins the drain: a worker, or that which calls
    /// [`Handle::drain`](crate::Handle::drain).
    Draining {
        /// `true` if a signal started the drain, `false` if [`Handle::drain`](crate::Handle::drain)
        /// did.
        signaled: bool,
    },
    /// A second signal arrived: the server ends immediately.
    Cutting,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::FewerClients { wanted, allowed } => write!(
                f,
                "max-clients is {allowed} instead of {wanted}: the hard limit on open files \
                 allows no more (ulimit -Hn)"
            ),
            Event::CannotAccept(error) => write!(f, "cannot accept, will try again: {error}"),
            Event::Refused { peer, code, reason } => write!(f, "{peer}: {code}: {reason}"),
            Event::Broken { peer, reason } => write!(f, "{peer}: {reason}"),
            Event::RepliesNotTaken { peer, limit } => {
                write!(f, "{peer}: replies were not read within {limit:?}")
            }
            Event::LeftBehind(error) => error.fmt(f),
            Event::Draining { signaled: true } => f.write_str("draining: received a signal"),
            Event::Draining { signaled: false } => f.write_str("draining"),
            Event::Cutting => f.write_str("cutting: received a second signal"),
        }
    }
}

/// The observers of events, in the order in which they were added: the first one, and those after
/// it.
#[derive(Default)]
pub(crate) struct Observer(OnceLock<Box<(Box<Tell>, Observer)>>);

type Tell = dyn Fn(&Event) + Send + Sync;

impl Observer {
    pub(crate) fn add(&self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        let mut last = self;
        let mut added: Box<(Box<Tell>, _)> = Box::new((Box::new(observer), Observer::default()));
        while let Err(taken) = last.0.set(added) {
            added = taken;
            last = &last.0.get().expect("an observer is there already").1;
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        let mut next = self;
        while let Some(added) = next.0.get() {
            added.0(event);
            next = &added.1;
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = if self.0.get().is_some() {
            "somebody"
        } else {
            "nobody"
        };
        write!(f, "Observer({told})")
    }
}
