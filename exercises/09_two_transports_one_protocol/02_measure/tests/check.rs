//! Does the program measure what a round trip takes?
//!
//! The server knows when each `ping` arrived and when its `pong` left. A round trip took no less
//! than the time between the two, and no more than the time from the previous `pong` to the next
//! `ping`. So the bounds also hold on a busy machine.

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
    /// A `ping` arrived before the previous `pong` was complete; nothing was measured after that.
    early: bool,
}

/// Replies to each `ping` after its delay. Records when the `ping` arrived and when the last part
/// of the reply left: the first part is sent right away, and isn't a reply yet.
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
    /// The program waited for each complete reply, and there were `expected` of them.
    fn are_of(&self, expected: usize) {
        let got = "the next ping, after only half the previous pong";
        check(
            !self.early,
            "no ping before the previous pong has fully arrived",
            got,
        )
        .or_explain(
            "You sent a ping before the previous pong had fully arrived. A pong may arrive in \
             pieces, and it ends with a newline: read the whole line, and then stop the clock. A \
             ping that is sent early waits behind the previous ping, and your figures include that \
             wait.",
            CONNECT,
        );
        let count = self.least.len();
        let wanted = format!("{expected} round trips");
        check(count == expected, wanted, format!("{count}")).or_explain(
            "Your program made a different number of round trips than its argument says. Send \
             exactly that many pings, without any extra pings to warm up, and don't leave any of \
             the times out.",
            CONNECT,
        );
    }

    /// The times between which the percentile lies, by whichever definition: when it falls between
    /// two ranks, either rank may be used.
    fn at(&self, percent: usize) -> (f64, f64) {
        let rank = self.least.len() * percent / 100;
        let last = self.least.len().saturating_sub(1);
        let least = self.least.get(rank.saturating_sub(1));
        let most = self.most.get(rank.min(last));
        (least.copied().unwrap_or(0.0), most.copied().unwrap_or(0.0))
    }
}

/// A server with known delays, and the bounds of each connection that it served.
fn serve() -> (scripted_peer::Serving, Receiver<Bounds>) {
    let (sender, bounds): (Sender<Bounds>, _) = channel();
    let since = Instant::now();
    let serving = Listener::on_path().serve(move |mut peer| {
        let _ = sender.send(answer(&mut peer, since));
    });
    (serving, bounds)
}

/// The program measures `count` round trips over one connection. Returns its output and bounds.
fn measured(count: usize) -> (String, Bounds) {
    let (server, bounds) = serve();
    let program = program!().arg(count).connect_to(server.address());
    program.ends().now();
    server.finish();
    let all: Vec<Bounds> = bounds.iter().collect();
    check(!all.is_empty(), "one connection", "none").or_explain(
        "Your program ended without connecting to the path in its first argument. Connect to that \
         path. If connecting failed, the last lines of your program's output should say why.",
        CONNECT,
    );
    let got = format!("{}", all.len());
    check(all.len() == 1, "one connection", got).or_explain(
        "Your program connected more than once. Setting up a connection takes time that isn't part \
         of a round trip. Connect once, and measure all round trips over this one connection.",
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

/// The program's only line of output.
fn printed(program: &Running) -> String {
    let json = program.stdout().trim().to_owned();
    let got = format!("{} lines", json.lines().count());
    check(json.lines().count() == 1, "one line of JSON", got).or_explain(
        "Your program didn't print exactly one line. A script that reads this output treats each \
         line as one measurement, so print the JSON on one line and print nothing else.",
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
        "Your p50_ns can't be the median of the times that the server recorded. Time each whole \
         round trip, from sending the ping until the pong has arrived, over one connection. The \
         median is the middle one of all these times, sorted by size.",
        MEDIAN,
    );
    let (json, bounds) = measured(DELAYS);
    lies_within(&json, "p50_ns", bounds.at(50));
    explain(FIRST, MEDIAN);
    let (json, bounds) = measured(1);
    lies_within(&json, "p50_ns", bounds.at(50));
}

const FIRST: &str = "There was only one round trip, so its time is the median, and your program \
                     didn't report that time. The first round trip counts like any other: measure \
                     it, and don't leave it out.";

#[test]
fn the_tail_shows() {
    explain(
        "Your p99_ns is wrong. Of these 200 round trips, two took 30 ms and one took 400 ms, so 99 \
         of 100 took at most 30 ms, and that is p99_ns. Sort the times first, and don't leave any \
         of them out. p99_ns is neither the 90th percentile nor the slowest time.",
        TAIL,
    );
    // Three times: on a busy machine some other round trips may be as slow as those that were left
    // out.
    for _ in 0..3 {
        let (json, bounds) = measured(DELAYS);
        lies_within(&json, "p99_ns", bounds.at(99));
    }
}

#[test]
fn connecting_is_not_a_round_trip() {
    explain(
        "This server was slow to accept the connection and then replied quickly, but your p99_ns \
         includes the wait for the connection. Connect once, before you start the clock.",
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
        "Two of ten round trips took 30 ms, but your p99_ns is smaller. Its position in the sorted \
         times must be right for any number of round trips: multiply first and divide afterwards, \
         because 10 / 100 is 0 in integer arithmetic.",
        TAIL,
    );
    lies_within(&json, "p99_ns", bounds.at(99));
}
