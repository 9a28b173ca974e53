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
const ALONE: &str = "16-who-opened-this-socket.html#if-there-is-no-supervisor";

/// The time that the check's watchdog allows, and the longest pause between two pings, not counting
/// delays on a busy machine. Pings are due every half of the allowed time.
const ALLOWED: Duration = Duration::from_millis(600);
const LATEST: Duration = Duration::from_millis(450);
/// How long anything that should happen at once may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many lines keep the loop busy, and for how long each; and how many lines arrive at once, which
/// is no more than a supervisor's queue holds.
const ITEMS: usize = 8;
const EACH: Duration = Duration::from_millis(120);
const AT_ONCE: usize = 10;
/// How long a program may take to remove its path after the signal, while its loop is busy.
const MEANWHILE: Duration = Duration::from_millis(250);
/// How long a client may wait for an answer from a program that waits for nothing else, not counting
/// time that a busy machine takes.
const WITHOUT_A_WAIT: Duration = Duration::from_millis(80);
/// The pause between a client's requests while the check watches something else.
const PACE: Duration = Duration::from_millis(5);

/// A supervisor's socket with enough patience for messages that are sent at once or every 300 ms.
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

/// A client keeps asking for this long, and twice more: by then the loop has made another pass.
fn ask_for(client: &mut Peer, time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        ask(client);
        thread::sleep(PACE);
    }
    ask(client);
    ask(client);
}

/// A client keeps asking for this long. Returns the longest time that it waited for an answer.
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

/// The program ends on SIGTERM, with exit code 0.
fn ends(server: &Running) {
    server.signal(Signal::TERM).exits_with(0).or_explain(
        "Your program got SIGTERM, but it did not exit with code 0. It has to exit that way, \
         whatever its supervisor does. (A failed message to the supervisor must not make your \
         program fail: is there a `?` or an `unwrap` after a send?)",
        STOPPING,
    );
}

fn pings(lines: &[String]) -> usize {
    lines.iter().filter(|line| *line == "WATCHDOG=1").count()
}

#[test]
fn ready_means_connectable() {
    explain(
        "NOTIFY_SOCKET names a supervisor's socket, and your program did not send READY=1 there, \
         or sent something else. Send one datagram with READY=1, once, as soon as a client can \
         connect. At that moment, the supervisor may start programs that connect to yours.",
        READY,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let path = path_in(&folder);
    let server = program!().notifies(&supervisor).connect_to(path.display());
    supervisor.expect("READY=1").now();
    let client = Peer::try_connect(&Address::Unix(path));
    let mut client = client.or_explain(
        "Your program sent READY=1, and a client that connected right then was refused. READY=1 \
         means that a client can connect now: send it after bind() and listen().",
        READY,
    );
    ask(&mut client);
    client.close();
    ends(&server);
    let again = supervisor.take_lines().iter().any(|line| line == "READY=1");
    check(!again, "READY=1 once", "it was sent again").now();
}

/// The program is running at a path, with one client connected.
fn served(supervisor: &mut NotifySocket, folder: &Folder) -> (Running, Peer) {
    let program = program!().notifies(supervisor);
    let server = program.listen_on(path_in(folder).display()).now();
    supervisor.expect("READY=1").now();
    let mut client = server.connect();
    ask(&mut client);
    (server, client)
}

/// The program has sent STOPPING=1.
fn has_said_so(supervisor: &mut NotifySocket) {
    let lines = supervisor.take_lines();
    let said = lines.iter().any(|line| line == "STOPPING=1");
    check(said, "STOPPING=1 before the shutdown", format!("{lines:?}")).or_explain(
        "Your program began to stop without telling the supervisor, which may still be sending it \
         clients. Send STOPPING=1 first, then remove the path and close the connections.",
        STOPPING,
    );
}

#[test]
fn stopping_is_said_first() {
    explain(
        "Your program did not close its connections, did not remove its path, or did not exit with \
         code 0. On SIGTERM and SIGINT, do all three, after you have sent STOPPING=1.",
        STOPPING,
    );
    let (mut supervisor, folder) = (supervisor(), folder());
    let (server, mut client) = served(&mut supervisor, &folder);
    server.signal(Signal::TERM);
    client.expect_end().now();
    has_said_so(&mut supervisor);
    server.exits_with(0).now();

    // The loop is busy with a line. A program that removes the path meanwhile must send STOPPING=1
    // meanwhile.
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
    eventually("the socket file to be gone", || !path.exists()).now();
}

#[test]
fn the_loop_feeds_the_watchdog() {
    explain(
        "Your program did not send WATCHDOG=1 in time. WATCHDOG_USEC is how long the supervisor \
         waits between two WATCHDOG=1 messages before it kills your program. Send one every half \
         of that interval, whether the server is idle or busy with a continuous stream of \
         requests.",
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
        "The loop that answers requests was stuck for longer than WATCHDOG_USEC, but your program \
         still sent WATCHDOG=1, so the supervisor would never notice. Send WATCHDOG=1 only from \
         the loop that does the work: then the messages stop when the loop is stuck, and resume \
         when the loop does.",
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

/// Each ping arrives in time, and there are at most about three times as many as are due.
fn is_fed_while_nobody_comes(supervisor: &mut NotifySocket) {
    supervisor.take_lines();
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < ALLOWED * 5 / 4 {
        let watch = Stopwatch::start();
        supervisor.expect("WATCHDOG=1").now();
        count += 1;
        let elapsed = watch.elapsed();
        let expected = format!("WATCHDOG=1 every {:?}, even while idle", ALLOWED / 2);
        let got = format!("none for {elapsed:.0?}");
        check(elapsed < LATEST, expected, got).now();
    }
    let elapsed = began.elapsed();
    let due = elapsed.as_micros() / (ALLOWED / 2).as_micros();
    let expected = format!("WATCHDOG=1 every {:?}, even while idle", ALLOWED / 2);
    let got = format!("{count} of them in {elapsed:.0?}");
    check(count <= 3 * due + 3, expected, got).or_explain(
        "Your program keeps waking up to send WATCHDOG=1 while clients are silent. One message \
         every half of WATCHDOG_USEC is enough: sleep until the next one is due.",
        WATCHDOG,
    );
}

/// Each line takes a while, and the next one is already waiting, so the loop is never idle.
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
        "Your program sent READY=1 again, long after it was ready. READY=1 says that startup is \
         complete, and a supervisor may mistake a second READY=1 for the end of a reload. Send \
         READY=1 once.",
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
    check(count as u128 <= due + 2, "WATCHDOG=1 when it is due", got).or_explain(
        "Your program sends WATCHDOG=1 with each line that it answers. One message every half of \
         WATCHDOG_USEC is enough: check the clock, and send WATCHDOG=1 when it is due.",
        WATCHDOG,
    );
}

#[test]
fn anothers_watchdog_is_not_fed() {
    explain(
        "WATCHDOG_PID names another process, but your program sent WATCHDOG=1, or it did not send \
         READY=1 and serve its client. The supervisor is watching that other process, and your \
         program has only inherited its variables. Send READY=1, but not WATCHDOG=1.",
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
        "WATCHDOG_USEC is set and WATCHDOG_PID is not, and your program did not send WATCHDOG=1. \
         In this case, the supervisor is watching the process that it started, which is your \
         program. Send WATCHDOG=1.",
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
    let waits = "The supervisor is busy or hung, so its queue is full, and your program stopped \
                 serving its clients. A blocking send waits for room in the queue, and your \
                 clients wait with it. Use a non-blocking send, and drop the datagram if the queue \
                 is full; a later one may get through.";
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
    let got = format!("a client waited {quickest:.0?} in the best round");
    let expected = format!("each answer within {WITHOUT_A_WAIT:?} while the queue is full");
    check(quickest < WITHOUT_A_WAIT, expected, got).or_explain(
        "The supervisor's queue is full, and your program waits a moment for room with each \
         message (a send timeout, or a second try). Your clients have to wait just as long. Use a \
         non-blocking send, and drop a message that doesn't fit.",
        NO_WAIT,
    );
    // A message sent with the last answer still finds the queue full; later ones come from the timer.
    client.pause(allowed);
    supervisor.drain();
    supervisor.expect("WATCHDOG=1").or_explain(
        "The supervisor's queue was full for a while, and your program did not send WATCHDOG=1 \
         when there was room again. Keep sending messages, even if an earlier one failed.",
        NO_WAIT,
    );
    ask(&mut client);
    // The queue is full when the program ends, and then from its start to its end.
    supervisor.fill();
    ends_unheard(&server);
    let server = start(&supervisor).now();
    ask(&mut server.connect());
    ends_unheard(&server);
}

fn ends_unheard(server: &Running) {
    server.signal(Signal::TERM).exits_with(0).or_explain(
        "Your program got SIGTERM while the supervisor's queue was full, but it did not exit with \
         code 0. A message that doesn't fit in the queue is not an error. Drop the message without \
         waiting, and exit as usual.",
        NO_WAIT,
    );
}

#[test]
fn an_abstract_name_works() {
    if !needs::linux() {
        return;
    }
    explain(
        "NOTIFY_SOCKET begins with @, and your program's messages did not arrive there. The @ \
         stands for the zero byte that begins an abstract name, so the value is not a path. Pass \
         what follows the @ to SocketAddr::from_abstract_name().",
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
        "There is no supervisor to notify, or NOTIFY_SOCKET is unusable (it is empty, is not an \
         address, is too long for one, or nothing is listening there), and your program did not \
         listen, burned CPU time, or did not exit cleanly. All notifications are optional, so a \
         missing supervisor is not an error. Serve clients, end with exit code 0 on SIGTERM, and \
         remove the socket file.",
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
        "The supervisor's socket is gone, so sending to it fails, and your program stopped serving \
         clients or did not exit with code 0 on SIGTERM. Ignore the failed send: keep serving \
         clients until a signal asks you to stop.",
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
