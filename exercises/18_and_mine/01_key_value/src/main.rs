//! A key-value store with messages of its own, over TCP and over a Unix socket, on `shared-server`.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use shared_server::{Answer, BadMessage, Context, Decode, Frame, Limits, Message, Outcome};
use shared_server::{Running, Server, Service, ServiceCode, ServiceError, Signals, Transport};
use tcp_server::TcpTransport;

/// The store has no such key.
const NO_SUCH_KEY: ServiceCode = ServiceCode::new(256);

/// What a client asks.
enum Request<'a> {
    /// Kind 10. The body is the key.
    Get(&'a str),
}

/// What the server replies.
enum Response {
    /// Kind 90. The body is the value.
    Value(Vec<u8>),
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0x10 => Ok(Request::Get(frame.text()?)),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Response {
    fn kind(&self) -> u8 {
        match self {
            Response::Value(_) => 0x90,
        }
    }

    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Response::Value(value) => Cow::Borrowed(value),
        }
    }
}

/// One for each worker of each server.
#[derive(Clone, Default)]
struct Store {}

impl Store {
    fn value(&self, key: &str) -> Option<Vec<u8>> {
        todo!("the value of {key}")
    }
}

impl Service for Store {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        _context: &'a Context<'_, Self>,
    ) -> Answer<Response> {
        match request {
            Request::Get(key) => match self.value(key) {
                Some(value) => Answer::Now(Response::Value(value)),
                None => Answer::Error(ServiceError::new(NO_SUCH_KEY, "there is no such key")),
            },
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let (address, path) = arguments
        .next()
        .zip(arguments.next())
        .context("usage: ex-18-01 ADDRESS PATH")?;
    Ok(match serve(&address, Path::new(&path))? {
        Outcome::Drained => ExitCode::SUCCESS,
        _ => ExitCode::from(3),
    })
}

/// Serves both until a signal arrives, and finishes the requests that either had received by then.
fn serve(address: &str, path: &Path) -> anyhow::Result<Outcome> {
    let signals = Signals::catch()?;
    let tcp = TcpTransport::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let address = tcp.local_address()?;
    let _tcp = start(tcp, &Store::default(), &signals)?;
    todo!(
        "open {} too, print `listening on {address}`, and serve both",
        path.display()
    )
}

/// Starts one server, with two workers.
fn start<T: Transport + 'static>(
    transport: T,
    store: &Store,
    signals: &Signals,
) -> anyhow::Result<Running<T, Store>> {
    let limits = Limits {
        workers: NonZeroUsize::MIN.saturating_add(1), // two
        drain_timeout: Duration::from_secs(60),       // a file may take a while
        ..Limits::default()
    };
    let mut server = Server::new(transport, limits)?;
    server.end_on(signals)?;
    Ok(server.start(|| store.clone())?)
}
