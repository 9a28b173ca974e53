//! Does the program measure what a round trip takes?
//!
//! The server knows when each `ping` came and when its `pong` left. A round trip took no less than
//! the time between the two, and no more than from the `pong` before until the `ping` after: so the
//! bounds hold on a busy machine, too.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use scripted_peer::{Listener, Peer, Received, Running, check, explain, needs, program};

const MEDIAN: &str = "09-two-transports-one-protocol.html#a-number-that-stands-for-many";
const TAIL: &str = "09-two-transports-one-protocol.html#the-tail";
const CONNECT: &str = "09-two-transports-one-protocol.html#what-is-a-round-trip";

/// 200 round trips: nearly all take 1 ms, two take 30 ms, one takes 400 ms. The two are the first
/// ones, which belong to the tail like any other.
const DELAYS: usize = 200;

fn delay(number: usize) -> Duration {
    Duration::from_millis(match number {
        100 => 400,
        1..=2 => 30,
        _ => 1,
    })
}

/// What each of the round trips took at least and at most, in nanoseconds, the shortest first.
#[derive(Debug)]
struct Bounds {
    least: Vec<f64>,
    most: Vec<f64>,
    /// A `ping` came before the `pong` to the one before was whole; nothing was measured after that.
    early: bool,
}

/// Answers each `ping` after its delay, and notes when it came and when the answer left: its last
/// part, for the first part comes at once, and is no answer yet.
fn answer(peer: &mut Peer, since: Instant) -> Bounds {
    let (mut came, mut left) = (Vec::new(), vec![since]);
    let mut early = false;
    while let Some(line) = peer.next_line() {
        came.push(Instant::now());
        check(line == "ping", "ping", line).now();
        peer.send("po").pause(delay(came.len()));
        early = says_more(peer);
        if early {
            break;
        }
        left.push(Instant::now());
        peer.send("ng\n");
    }
    came.push(Instant::now());
    let sorted = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times
    };
    let nanoseconds = |from: &Instant, to: &Instant| (*to - *from).as_secs_f64() * 1e9;
    let least = came.iter().zip(&left[1..]);
    let most = left.iter().zip(&came[1..]);
    Bounds {
        least: sorted(least.map(|(from, to)| nanoseconds(from, to)).collect()),
        most: sorted(most.map(|(from, to)| nanoseconds(from, to)).collect()),
        early,
    }
}

/// Whether the program has sent something already.
fn says_more(peer: &mut Peer) -> bool {
    peer.patience(Duration::ZERO);
    let more = matches!(peer.receive(), Received::Bytes(_));
    peer.patience(Duration::from_secs(4));
    more
}

impl Bounds {
    /// The program waited for each whole answer, and there were so many.
    fn are_of(&self, expected: usize) {
        let got = "the next ping, after half of the pong to the one before";
        check(!self.early, "no ping before the last pong has come", got).or_explain(
            "You sent a ping before the previous pong had fully arrived. A pong may come in \
             pieces, and ends with its newline: read the whole line, then stop the clock. A ping \
             that is sent early waits behind the other one, and you measure that wait, too.",
            CONNECT,
        );
        let count = self.least.len();
        let wanted = format!("{expected} round trips");
        check(count == expected, wanted, format!("{count}")).or_explain(
            "The argument says how many round trips to make, and each of them counts: send exactly \
             that many pings, none before them to warm up, and leave none of the times out.",
            CONNECT,
        );
    }

    /// Between which times the share `percent` lies, however it is read off: between two ranks, either
    /// is a matter of definition.
    fn at(&self, percent: usize) -> (f64, f64) {
        let rank = self.least.len() * percent / 100;
        let last = self.least.len().saturating_sub(1);
        let least = self.least.get(rank.saturating_sub(1));
        let most = self.most.get(rank.min(last));
        (least.copied().unwrap_or(0.0), most.copied().unwrap_or(0.0))
    }
}

/// A server with known delays, and what comes of it: the bounds of each connection that it had.
fn serve() -> (scripted_peer::Serving, Receiver<Bounds>) {
    let (sender, bounds): (Sender<Bounds>, _) = channel();
    let since = Instant::now();
    let serving = Listener::on_path().serve(move |mut peer| {
        let _ = sender.send(answer(&mut peer, since));
    });
    (serving, bounds)
}

/// The program measures so many round trips over one connection; its output and the bounds.
fn measured(count: usize) -> (String, Bounds) {
    let (server, bounds) = serve();
    let program = program!().arg(count).connect_to(server.address());
    program.ends().now();
    server.finish();
    let all: Vec<Bounds> = bounds.iter().collect();
    check(!all.is_empty(), "one connection", "none").or_explain(
        "Your program ended without connecting to the path in its first argument. If it failed, \
         its last lines should say why.",
        CONNECT,
    );
    let got = format!("{}", all.len());
    check(all.len() == 1, "one connection", got).or_explain(
        "Every connection begins with a handshake, which you must not measure. Connect once, and \
         measure all round trips over this one connection.",
        CONNECT,
    );
    let bounds = all.into_iter().next().expect("there is one");
    bounds.are_of(count);
    if count > 1 {
        program.exits_with(0).now();
    } else {
        program.exits_with(0).or_explain(FIRST, MEDIAN);
    }
    (printed(&program), bounds)
}

/// The one line.
fn printed(program: &Running) -> String {
    let json = program.stdout().trim().to_owned();
    let got = format!("{} lines", json.lines().count());
    check(json.lines().count() == 1, "one line of JSON", got).or_explain(
        "A script that reads this output takes each line for a measurement. Print one line, and \
         nothing else.",
        MEDIAN,
    );
    json
}

/// The number after `"name":` in a JSON object.
fn number(json: &str, name: &str) -> Option<f64> {
    let fields = json.strip_prefix('{')?.strip_suffix('}')?;
    let fields = fields.split(',').filter_map(|field| field.split_once(':'));
    let quoted = format!("\"{name}\"");
    let mut found = fields.filter(|(key, _)| key.trim() == quoted);
    found.next()?.1.trim().parse().ok()
}

/// The number after `name` lies within what the server knows.
fn lies_within(json: &str, name: &str, (least, most): (f64, f64)) {
    let ms = |time: f64| format!("{:.3} ms", time / 1e6);
    let expected = format!("{name} between {} and {}", ms(least), ms(most));
    let value = number(json, name);
    let got = value.map_or_else(
        || json.to_owned(),
        |value| format!("{}, in {json}", ms(value)),
    );
    let holds = value.is_some_and(|value| (least..=most).contains(&value));
    check(holds, expected, got).now();
}

#[test]
fn the_median_is_the_median() {
    explain(
        "The server knows when each ping came and each pong left, so this is not the median: the \
         middle one of all times, there and back, sorted by size, over one connection.",
        MEDIAN,
    );
    let (json, bounds) = measured(DELAYS);
    lies_within(&json, "p50_ns", bounds.at(50));
    explain(FIRST, MEDIAN);
    let (json, bounds) = measured(1);
    lies_within(&json, "p50_ns", bounds.at(50));
}

const FIRST: &str = "There was one round trip, so its time is the median. The first one counts \
                     like any other: measure it, and leave it in.";

#[test]
fn the_tail_shows() {
    explain(
        "Two of these 200 took 30 ms and one 400 ms, so 99 of 100 took at most 30 ms. Sort the times \
         first, and leave none of them out; 99 of 100 is neither 90 of 100 nor the slowest.",
        TAIL,
    );
    // Thrice: on a busy machine some other round trips may be as slow as those that were left out.
    for _ in 0..3 {
        let (json, bounds) = measured(DELAYS);
        lies_within(&json, "p99_ns", bounds.at(99));
    }
}

#[test]
fn connecting_is_not_a_round_trip() {
    explain(
        "This server was slow to accept the connection, and then quick. Connect once, before you \
         start the clock.",
        CONNECT,
    );
    if !needs::linux() {
        return;
    }
    // The queue is full, so the program waits in connect() until it is its turn.
    let listener = Listener::on_path_with_backlog(0);
    let mut crowd = listener.crowd(1);
    let program = program!().arg(10).connect_to(listener.address());
    crowd[0].pause(Duration::from_millis(400));
    let since = Instant::now();
    drop(listener.accept());
    drop(crowd);
    let bounds = answer(&mut listener.accept(), since);
    bounds.are_of(10);
    program.exits_with(0).now();
    let json = printed(&program);
    lies_within(&json, "p99_ns", (0.0, bounds.most[9]));
    explain(
        "Of ten round trips two took 30 ms, and the tail that you print doesn't show it. The \
         position of the tail must be right for any number: multiply first and divide afterwards, \
         since 10 / 100 is 0.",
        TAIL,
    );
    lies_within(&json, "p99_ns", bounds.at(99));
}
