//! Does the program tell its supervisor the truth, in time, and without waiting?

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{
    Address, Folder, Gate, NotifySocket, Peer, Running, Signal, Stopwatch, check, eventually,
    explain, folder, line, needs, program,
};

const READY: &str = "16-who-opened-this-socket.html#ready-means-now";
const STOPPING: &str = "16-who-opened-this-socket.html#stopping";
const WATCHDOG: &str = "16-who-opened-this-socket.html#who-feeds-the-watchdog";
const NO_WAIT: &str = "16-who-opened-this-socket.html#telling-never-waits";
const NAME: &str = "16-who-opened-this-socket.html#a-datagram-to-notify_socket";
const ALONE: &str = "16-who-opened-this-socket.html#nobody-listens-to-it";

/// The time that the check's watchdog allows, and how long a ping may be away, not counting what a busy
/// machine takes: half of it is the rule.
const ALLOWED: Duration = Duration::from_millis(600);
const LATEST: Duration = Duration::from_millis(450);
/// How long anything may take that should be there at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many lines keep the loop busy, and how long each of them; and how many come at once, which
/// is no more than a supervisor's queue holds.
const ITEMS: usize = 8;
const EACH: Duration = Duration::from_millis(120);
const AT_ONCE: usize = 10;
/// How long a program that was told to stop may take down its path while its loop is busy.
const MEANWHILE: Duration = Duration::from_millis(250);
/// How long a client may wait for its answer from a program that waits for nobody else, not counting
/// what a busy machine takes.
const WITHOUT_A_WAIT: Duration = Duration::from_millis(80);
/// How often a client asks while the check looks at something else.
const PACE: Duration = Duration::from_millis(5);

/// A supervisor's socket that waits long enough for what is said at once, or every 300 ms.
fn supervisor() -> NotifySocket {
    in_time(NotifySocket::on_path())
}

fn in_time(mut supervisor: NotifySocket) -> NotifySocket {
    supervisor.patience(PATIENCE);
    supervisor
}

fn path_in(folder: &Folder) -> PathBuf {
    folder.join("socket")
}

fn ask(client: &mut Peer) {
    client
        .patience(PATIENCE)
        .send(line("hello"))
        .expect(line("HELLO"))
        .now();
}

/// A client asks again and again, for as long as this, and twice after it: the loop has turned then.
fn ask_for(client: &mut Peer, time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        ask(client);
        thread::sleep(PACE);
    }
    ask(client);
    ask(client);
}

/// A client asks again and again, for as long as this. The longest that it waited for an answer.
fn slowest(client: &mut Peer, time: Duration) -> Duration {
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while began.elapsed() < time {
        let watch = Stopwatch::start();
        ask(client);
        slowest = slowest.max(watch.elapsed());
        thread::sleep(PACE);
    }
    slowest
}

/// Told to, it ends, and nothing went wrong.
fn ends(server: &Running) {
    server.signal(Signal::TERM).exits_with(0).or_explain(
        "SIGTERM has come, and your program has to end with exit code 0, whatever its supervisor \
         does. (Nothing that it sends to the supervisor may fail it: is there a `?` or an `unwrap` \
         behind a send?)",
        STOPPING,
    );
}

fn pings(lines: &[String]) -> usize {
    lines.iter().filter(|line| *line == "WATCHDOG=1").count()
}

#[test]
fn ready_means_connectable() {
    explain(
        "NOTIFY_SOCKET names a supervisor's socket. Send it one datagram with READY=1, as soon as \
         a client can connect: what the supervisor starts after you will connect at that moment.",
        READY,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let path = path_in(&folder);
    let server = program!().notifies(&supervisor).connect_to(path.display());
    supervisor.expect("READY=1").now();
    let client = Peer::try_connect(&Address::Unix(path));
    let mut client = client.or_explain(
        "Your program sent READY=1, and a client that came at once was refused. READY means that a \
         client can connect now: send it after bind() and listen().",
        READY,
    );
    ask(&mut client);
    client.close();
    ends(&server);
    let again = supervisor.take_lines().iter().any(|line| line == "READY=1");
    check(!again, "READY=1 once", "it was sent again").now();
}

/// The program runs at a path, and a client is there.
fn served(supervisor: &mut NotifySocket, folder: &Folder) -> (Running, Peer) {
    let program = program!().notifies(supervisor);
    let server = program.listen_on(path_in(folder).display()).now();
    supervisor.expect("READY=1").now();
    let mut client = server.connect();
    ask(&mut client);
    (server, client)
}

/// It has said that it stops.
fn has_said_so(supervisor: &mut NotifySocket) {
    let lines = supervisor.take_lines();
    let said = lines.iter().any(|line| line == "STOPPING=1");
    check(said, "STOPPING=1 before that", format!("{lines:?}")).or_explain(
        "Your program began to stop, but the supervisor didn't know, and went on sending clients. \
         Send STOPPING=1 first, then remove the path and hang up.",
        STOPPING,
    );
}

#[test]
fn stopping_is_said_first() {
    explain(
        "On SIGTERM and SIGINT your program must remove its path and end with exit code 0. Send \
         STOPPING=1 before that.",
        STOPPING,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let (server, mut client) = served(&mut supervisor, &folder);
    server.signal(Signal::TERM);
    client.expect_end().now();
    has_said_so(&mut supervisor);
    server.exits_with(0).now();

    // The loop is busy with a line: who takes down the path meanwhile has to say so meanwhile.
    let (server, mut client) = served(&mut supervisor, &folder);
    let mut gate = Gate::new();
    client.send(line(format!("wait {}", gate.path().display())));
    gate.expect_entered().now();
    server.signal(Signal::INT);
    let began = Instant::now();
    while server.path().exists() && began.elapsed() < MEANWHILE {
        thread::sleep(PACE);
    }
    if server.path().exists() {
        gate.release();
        is_gone(server.path());
        has_said_so(&mut supervisor);
    } else {
        has_said_so(&mut supervisor);
        gate.release();
    }
    server.exits_with(0).now();
}

fn is_gone(path: &Path) {
    eventually("the socket's file to be gone", || !path.exists()).now();
}

#[test]
fn the_loop_feeds_the_watchdog() {
    explain(
        "WATCHDOG_USEC is how long the supervisor waits for WATCHDOG=1 before it kills your \
         program. Send it twice in that time, both while no client is there and while a client \
         sends requests without a pause.",
        WATCHDOG,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let program = program!().notifies(&supervisor).watched(ALLOWED);
    let server = program.listen_on(path_in(&folder).display()).now();
    supervisor.expect("READY=1").now();
    let mut client = server.connect();

    is_fed_while_nobody_comes(&mut supervisor);
    is_fed_while_busy(&mut supervisor, &mut client);
    is_not_fed_with_each_line(&mut supervisor, &mut client);

    explain(
        "The loop that answers was stuck in a request for longer than WATCHDOG_USEC, and your \
         program still sent WATCHDOG=1, so nobody would notice. Send it from the loop that does \
         the work, and from no other thread: it stops when the loop is stuck, and goes on when the \
         loop does.",
        WATCHDOG,
    );
    let mut gate = Gate::new();
    client.send(line(format!("wait {}", gate.path().display())));
    gate.expect_entered().now();
    supervisor.expect_nothing_for(ALLOWED * 5 / 4).now();
    gate.release();
    client.expect(line("done")).now();
    supervisor.expect("WATCHDOG=1").now();
}

/// Each ping in its time, and not three times as many as there should be.
fn is_fed_while_nobody_comes(supervisor: &mut NotifySocket) {
    supervisor.take_lines();
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < ALLOWED * 5 / 4 {
        let watch = Stopwatch::start();
        supervisor.expect("WATCHDOG=1").now();
        count += 1;
        let elapsed = watch.elapsed();
        let expected = format!("WATCHDOG=1 every {:?}, while nobody comes", ALLOWED / 2);
        let got = format!("none for {elapsed:.0?}");
        check(elapsed < LATEST, expected, got).now();
    }
    let elapsed = began.elapsed();
    let due = elapsed.as_micros() / (ALLOWED / 2).as_micros();
    let expected = format!("WATCHDOG=1 every {:?}, while nobody comes", ALLOWED / 2);
    let got = format!("{count} of them in {elapsed:.0?}");
    check(count <= 3 * due + 3, expected, got).or_explain(
        "Your program wakes up again and again to send WATCHDOG=1, though nobody comes. Twice in \
         the time that the supervisor allows is enough: sleep until the next one is due.",
        WATCHDOG,
    );
}

/// Lines that take a while each, and the next one always waits: the loop is never idle.
fn is_fed_while_busy(supervisor: &mut NotifySocket, client: &mut Peer) {
    let gates: Vec<Gate> = (0..ITEMS).map(|_| Gate::new()).collect();
    let lines = gates
        .iter()
        .map(|gate| line(format!("wait {}", gate.path().display())));
    client.coalesce(lines);
    supervisor.take_lines();
    for mut gate in gates {
        gate.expect_entered().now();
        thread::sleep(EACH);
        gate.release();
        client.expect(line("done")).now();
    }
    let lines = supervisor.take_lines();
    let again = lines.iter().any(|line| line == "READY=1");
    check(!again, "READY=1 once, before", format!("{lines:?}")).or_explain(
        "Your program has been ready for a long time, and says READY=1 again with each ping. READY=1 \
         ends the start: say it once. (A supervisor may take a second one for the end of a reload.)",
        READY,
    );
    let count = pings(&lines);
    let expected = format!("WATCHDOG=1 twice, while {ITEMS} lines took {EACH:?} each");
    check(count >= 2, expected, format!("{count} of them")).now();
}

fn is_not_fed_with_each_line(supervisor: &mut NotifySocket, client: &mut Peer) {
    supervisor.take_lines();
    let began = Instant::now();
    client.coalesce(vec![line("hello"); AT_ONCE]);
    client.expect(line("HELLO").repeat(AT_ONCE)).now();
    let count = pings(&supervisor.take_lines());
    let due = began.elapsed().as_micros() / (ALLOWED / 2).as_micros();
    let got = format!("{count} of them for {AT_ONCE} lines");
    check(count as u128 <= due + 2, "WATCHDOG=1 now and then", got).or_explain(
        "Your program sends WATCHDOG=1 with each line that it answers. Twice in the time that the \
         supervisor allows is enough: look at the clock, and send it when it is due.",
        WATCHDOG,
    );
}

#[test]
fn anothers_watchdog_is_not_fed() {
    explain(
        "WATCHDOG_PID names another process: that one is watched, and your program has only \
         inherited its variables. Send READY=1, but no WATCHDOG=1.",
        WATCHDOG,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let program = program!().notifies(&supervisor);
    let program = program
        .env("WATCHDOG_PID", "1")
        .env("WATCHDOG_USEC", "100000");
    let server = program.listen_on(path_in(&folder).display()).now();
    supervisor.expect("READY=1").now();
    ask_for(&mut server.connect(), Duration::from_millis(300));
    let lines = supervisor.take_lines();
    check(pings(&lines) == 0, "no WATCHDOG=1", format!("{lines:?}")).now();
    ends(&server);

    explain(
        "WATCHDOG_USEC is set and WATCHDOG_PID is not: then the supervisor watches the process \
         that it started: your program. Send WATCHDOG=1.",
        WATCHDOG,
    );
    let program = program!()
        .notifies(&supervisor)
        .env("WATCHDOG_USEC", "100000");
    let _server = program.listen_on(path_in(&folder).display()).now();
    supervisor.expect("WATCHDOG=1").now();
}

#[test]
fn a_full_supervisor_stops_nobody() {
    let allowed = Duration::from_millis(200);
    let (mut supervisor, folder) = (supervisor(), folder());
    let start = |supervisor: &NotifySocket| {
        let program = program!().notifies(supervisor).watched(allowed);
        program.listen_on(path_in(&folder).display())
    };
    let waits = "The supervisor's queue is full, because it is busy or hangs. A blocking send \
                 would wait for it, and your clients with it. A notification must never stop the \
                 service: send without waiting, and drop the datagram if there is no room. The \
                 next one may get through.";
    explain(waits, NO_WAIT);
    let server = start(&supervisor).now();
    supervisor.expect("WATCHDOG=1").now();
    supervisor.fill();
    let mut client = server.connect();
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        quickest = quickest.min(slowest(&mut client, allowed * 2));
        if quickest < WITHOUT_A_WAIT {
            break;
        }
    }
    let got = format!("a client waited {quickest:.0?}, and others longer");
    let expected = format!("each answer within {WITHOUT_A_WAIT:?} while the queue is full");
    check(quickest < WITHOUT_A_WAIT, expected, got).or_explain(
        "The supervisor's queue is full, and your program waits for it a moment with each message \
         (a timeout of the send, or a second try). Your clients wait that long, too. Send without \
         waiting, and drop what finds no room.",
        NO_WAIT,
    );
    // What goes with the last answer finds the queue full, too: what comes after this comes by itself.
    client.pause(allowed);
    supervisor.drain();
    supervisor.expect("WATCHDOG=1").or_explain(
        "The supervisor's queue was full for a while, and now there is room again: go on sending.",
        NO_WAIT,
    );
    ask(&mut client);
    // And from the beginning to the end.
    supervisor.fill();
    ends_unheard(&server);
    let server = start(&supervisor).now();
    ask(&mut server.connect());
    ends_unheard(&server);
}

fn ends_unheard(server: &Running) {
    server.signal(Signal::TERM).exits_with(0).or_explain(
        "The supervisor's queue is full, and SIGTERM has come: your program has to end with exit \
         code 0 as always. A message that finds no room is dropped. It is not an error, and nothing \
         waits for it.",
        NO_WAIT,
    );
}

#[test]
fn an_abstract_name_works() {
    if !needs::linux() {
        return;
    }
    explain(
        "NOTIFY_SOCKET begins with @. That stands for the zero byte of an abstract name, so there \
         is no such file. SocketAddr::from_abstract_name() takes the rest of it.",
        NAME,
    );
    let (mut supervisor, folder) = (in_time(NotifySocket::with_abstract_name()), folder());
    let (server, _client) = served(&mut supervisor, &folder);
    server.signal(Signal::TERM);
    supervisor.expect("STOPPING=1").now();
    server.exits_with(0).now();
}

#[test]
fn alone_it_runs_as_before() {
    explain(
        "There is no supervisor to notify, or NOTIFY_SOCKET names none: it is empty, or too long for \
         an address, or nobody is there. That is not an error: all of this is optional. The program \
         must serve, end with exit code 0 on SIGTERM, and remove its socket file.",
        ALONE,
    );
    let folder = folder();
    let nowhere = folder.join("nobody").display().to_string();
    let too_long = format!("/tmp/{}", "n".repeat(200));
    let settings: [&[(&str, &str)]; 7] = [
        &[],
        &[("NOTIFY_SOCKET", "")],
        &[("NOTIFY_SOCKET", "nonsense")],
        &[("NOTIFY_SOCKET", &too_long)],
        &[("NOTIFY_SOCKET", &nowhere), ("WATCHDOG_USEC", "60000000")],
        &[("WATCHDOG_USEC", "0")],
        &[("WATCHDOG_USEC", "soon")],
    ];
    for settings in settings {
        let program = settings.iter().fold(program!(), |program, (name, value)| {
            program.env(name, value)
        });
        let server = program.listen_on(path_in(&folder).display()).now();
        server.expect_idle().now();
        ends_well(&server);
    }

    explain(
        "The supervisor's socket is gone, and sending to it fails from now on. That is not a \
         reason to end or to stop serving.",
        ALONE,
    );
    let mut supervisor = supervisor();
    let program = program!().notifies(&supervisor);
    let program = program.watched(Duration::from_millis(100));
    let server = program.listen_on(path_in(&folder).display()).now();
    supervisor.expect("WATCHDOG=1").now();
    supervisor.close();
    ask_for(&mut server.connect(), Duration::from_millis(200));
    ends_well(&server);
}

fn ends_well(server: &Running) {
    ask(&mut server.connect());
    server.signal(Signal::TERM).exits_with(0).now();
    is_gone(server.path());
}
