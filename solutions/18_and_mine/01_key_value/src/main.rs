//! A key-value store with messages of its own, over TCP and over a Unix socket, on `shared-server`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use shared_server::{Answer, BadMessage, Context, Decode, Frame, Limits, Message, Outcome};
use shared_server::{Running, Server, Service, ServiceCode, ServiceError, Signals, Transport};
use tcp_server::TcpTransport;
use unix_server::UnixTransport;

/// The store has no such key.
const NO_SUCH_KEY: ServiceCode = ServiceCode::new(256);

/// The file that was to be loaded could not be read.
const CANNOT_READ: ServiceCode = ServiceCode::new(257);

/// What a client asks.
enum Request<'a> {
    /// Kind 10. The body is the key.
    Get(&'a str),
    /// Kind 11. The length of the key (one byte), the key, and the rest is the value.
    Set(&'a str, &'a [u8]),
    /// Kind 12. The body is the key.
    Del(&'a str),
    /// Kind 13. The length of the key (one byte), the key, and the rest is the path of a file.
    Load(&'a str, &'a str),
}

/// What the server replies.
enum Response {
    /// Kind 90. The body is the value.
    Value(Arc<[u8]>),
    /// Kind 91, without a body.
    Done,
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0x10 => Ok(Request::Get(frame.text()?)),
            0x11 => key_and_rest(frame).map(|(key, rest)| Request::Set(key, rest.body)),
            0x12 => Ok(Request::Del(frame.text()?)),
            0x13 => {
                let (key, rest) = key_and_rest(frame)?;
                Ok(Request::Load(key, rest.text()?))
            }
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

/// The key and what follows it, in a body that begins with the key's length.
fn key_and_rest(frame: Frame<'_>) -> Result<(&str, Frame<'_>), BadMessage> {
    let (length, body) = frame.body.split_first().ok_or(frame.bad_body())?;
    let parts = body.split_at_checked(usize::from(*length));
    let (key, rest) = parts.ok_or(frame.bad_body())?;
    let part = |body| Frame { body, ..frame };
    Ok((part(key).text()?, part(rest)))
}

impl Message for Response {
    fn kind(&self) -> u8 {
        match self {
            Response::Value(_) => 0x90,
            Response::Done => 0x91,
        }
    }

    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Response::Value(value) => Cow::Borrowed(value),
            Response::Done => Cow::Borrowed(&[]),
        }
    }
}

/// One for each worker of each server. All of them hold the same values.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<HashMap<String, Arc<[u8]>>>>);

impl Store {
    /// Locked. Whoever panicked left the values whole, so the others go on with them.
    fn values(&self) -> MutexGuard<'_, HashMap<String, Arc<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file, which may take long, and only then takes the lock.
    fn load(&self, key: String, path: &Path) -> Result<Response, ServiceError> {
        let value = std::fs::read(path).map_err(|error| {
            ServiceError::new(CANNOT_READ, format!("{}: {error}", path.display()))
        })?;
        self.values().insert(key, value.into());
        Ok(Response::Done)
    }
}

impl Service for Store {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response> {
        let response = match request {
            Request::Get(key) => self.values().get(key).cloned().map(Response::Value),
            Request::Set(key, value) => {
                self.values().insert(key.to_owned(), value.into());
                Some(Response::Done)
            }
            Request::Del(key) => self.values().remove(key).map(|_| Response::Done),
            Request::Load(key, path) => {
                let (later, ticket) = context.later();
                let (store, key, path) = (self.clone(), key.to_owned(), PathBuf::from(path));
                thread::spawn(move || match store.load(key, &path) {
                    Ok(response) => later.answer(&response),
                    Err(error) => later.fail(&error),
                });
                return Answer::Later(ticket);
            }
        };
        match response {
            Some(response) => Answer::Now(response),
            None => Answer::Error(ServiceError::new(NO_SUCH_KEY, "there is no such key")),
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let (address, path) = arguments
        .next()
        .zip(arguments.next())
        .context("usage: sol-18-01 ADDRESS PATH")?;
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
    let unix = UnixTransport::bind(path, 0o600, vec![unix_server::own_uid()?])
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    let store = Store::default();
    let tcp = start(tcp, &store, &signals)?;
    let unix = start(unix, &store, &signals)?;
    println!("listening on {address}");

    // If one door fails, the other one must not stay open alone.
    let (of_tcp, of_unix) = (tcp.handle(), unix.handle());
    let unix = thread::spawn(move || unix.serve().inspect_err(|_| of_tcp.drain()));
    let tcp = tcp.serve().inspect_err(|_| of_unix.drain());
    let unix = unix.join().expect("the engine does not panic");
    Ok(match (tcp?, unix?) {
        (Outcome::Drained, Outcome::Drained) => Outcome::Drained,
        _ => Outcome::Cut,
    })
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
