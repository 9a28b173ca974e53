//! A service that is stuck stops feeding the watchdog, whatever the other workers do.

use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use shared_client::Client;
use shared_proto::tutorial::{Request, Response};
use shared_server::{Answer, Context, Limits, Server, Service, Watchdog};
use tcp_server::TcpTransport;

const TIMEOUT: Duration = Duration::from_secs(30);
const PERIOD: Duration = Duration::from_millis(20);

/// Each request says that it is inside, and is stuck until it is released.
#[derive(Clone)]
struct Stuck {
    inside: Sender<()>,
    release: Arc<Mutex<Receiver<()>>>,
}

impl Service for Stuck {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(&mut self, _: Request<'a>, _: &'a Context<'_, Self>) -> Answer<Response<'a>> {
        self.inside.send(()).unwrap();
        self.release.lock().unwrap().recv_timeout(TIMEOUT).unwrap();
        Answer::Now(Response::Accepted)
    }
}

/// Waits until there are this many more.
fn more(count: &AtomicUsize, wanted: usize) {
    let (before, started) = (count.load(Ordering::SeqCst), Instant::now());
    while count.load(Ordering::SeqCst) < before + wanted {
        assert!(started.elapsed() < TIMEOUT, "the watchdog is not fed");
        thread::park_timeout(PERIOD);
    }
}

#[test]
fn a_service_that_is_stuck_stops_feeding_the_watchdog() {
    let (inside, is_inside) = channel();
    let (release, released) = channel();
    let service = Stuck {
        inside,
        release: Arc::new(Mutex::new(released)),
    };
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&alive);
    let watchdog = Watchdog::new(PERIOD, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    // Of two servers in one process, both have to come round.
    let start = |workers| {
        let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
        let address = transport.local_address().unwrap();
        let limits = Limits {
            workers: NonZeroUsize::new(workers).unwrap(),
            ..Limits::default()
        };
        let mut server = Server::new(transport, limits).unwrap();
        server.feed(&watchdog);
        (address, server.start(|| service.clone()).unwrap())
    };
    let ((first, one), (_, other)) = (start(3), start(1));
    let handles = [one.handle(), other.handle()];
    assert_eq!(
        alive.load(Ordering::SeqCst),
        0,
        "some of them do not serve yet"
    );
    let servers = [
        thread::spawn(|| one.serve()),
        thread::spawn(|| other.serve()),
    ];
    more(&alive, 3);

    let asks = thread::spawn(move || {
        let stream = TcpStream::connect(first).unwrap();
        let mut client = Client::new(first.to_string(), stream, TIMEOUT).unwrap();
        let response: Response<'_> = client.call(&Request::Say("hello")).unwrap();
        assert_eq!(response, Response::Accepted);
    });
    is_inside.recv_timeout(TIMEOUT).unwrap();
    let before = alive.load(Ordering::SeqCst);
    // For as long as the others need to come round many times.
    thread::sleep(20 * PERIOD);
    let since = alive.load(Ordering::SeqCst) - before;
    // That worker may have come round just before it was stuck, and the others after that.
    assert!(
        since <= 1,
        "one of them is stuck, and it was fed {since} times"
    );
    release.send(()).unwrap();
    asks.join().unwrap();
    more(&alive, 3);

    // A server that has ended is not waited for.
    handles[0].drain();
    let [one, other] = servers;
    one.join().unwrap().unwrap();
    more(&alive, 3);
    handles[1].drain();
    other.join().unwrap().unwrap();
}
