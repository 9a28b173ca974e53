//! Does a frame survive what happens beside it?

use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{Peer, Running, Stopwatch, check, explain, frame, needs, program, undisturbed};

const SELECT: &str = "13-what-does-async-buy.html#what-select-throws-away";
const CLOCK: &str = "13-what-does-async-buy.html#a-clock-that-goes-on";
const TASKS: &str = "13-what-does-async-buy.html#tasks-are-not-threads";

/// Far longer than any check.
const NEVER: u64 = 600_000;

/// A frame that takes a while to send.
static MESSAGE: [u8; 60_000] = [b'x'; 60_000];

fn server(period: u64) -> Running {
    program!().arg(period).listen()
}

/// The next frame that is no heartbeat; how many of those came before it.
fn after_heartbeats(peer: &mut Peer) -> (usize, Vec<u8>) {
    let mut heartbeats = 0;
    loop {
        match peer.next_frame() {
            Some(payload) if payload.is_empty() => heartbeats += 1,
            payload => return (heartbeats, payload.unwrap_or_default()),
        }
    }
}

/// The next frame that is no heartbeat is the echo of this one; how many of those came before it.
fn is_echoed(peer: &mut Peer, message: &str) -> usize {
    let (heartbeats, payload) = after_heartbeats(peer);
    check(
        payload == message.as_bytes(),
        "the frame's echo, whole",
        format!("{:?}", String::from_utf8_lossy(&payload)),
    )
    .now();
    heartbeats
}

fn is_served(peer: &mut Peer) {
    peer.send(frame("hello"));
    is_echoed(peer, "hello");
}

#[test]
fn five_hundred_idle_clients_cost_nothing() {
    if !needs::linux() {
        return;
    }
    explain(
        "Five hundred clients say nothing, and one of them that does say something is not served. A \
         call that blocks in a task blocks its thread, and all tasks of that thread: await instead.",
        TASKS,
    );
    let server = program!().limit("-n", 1000).arg(NEVER).listen();
    let mut clients = server.connect_many(500);
    for client in clients.iter_mut().rev().step_by(50) {
        client.patience(Duration::from_millis(2500));
        is_served(client);
    }
    let threads = server.figures().threads;
    check(
        threads < 50,
        "a few threads for 500 clients",
        format!("{threads} threads"),
    )
    .or_explain(
        "Each client still has a thread. A task that awaits doesn't need one.",
        TASKS,
    );
    server.expect_idle().or_explain(
        "Five hundred clients say nothing, and your program wakes again and again. A task that \
         awaits is woken when there is something to do; polling wastes work.",
        TASKS,
    );
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "A read returned a part of the frame. Keep what came until the frame is whole, in a place \
         that outlives the round of the loop.",
        SELECT,
    );
    let server = server(NEVER);
    let mut fresh = server.connect();
    fresh.pause(Duration::from_millis(50)); // tokio's clock counts whole milliseconds
    // Many: where a tick and a frame are due at once, select! takes either of them.
    let mut hello = |_| {
        fresh.send(frame("hello"));
        is_echoed(&mut fresh, "hello")
    };
    let heartbeats: usize = (0..20).map(&mut hello).sum();
    check(
        heartbeats == 0,
        "the echo: no heartbeat is due for minutes",
        "a heartbeat, to a client that has only now connected",
    )
    .or_explain(
        "The first heartbeat is due one period after the client connected, and yours comes at \
         once: tokio's interval() begins with a tick. With interval_at() you say when the first is \
         due.",
        CLOCK,
    );
    let (mut peer, mut other) = (server.connect(), server.connect());
    let messages = ["hello", "", "more than 256 bytes ".repeat(15).as_str()].map(frame);
    for message in &messages {
        other.send(&frame("other")[..6]).wait_until_read();
        let echoed = peer.drip(message).expect(message);
        if message.len() == 4 {
            echoed.or_explain(
                "An empty frame from the client is a frame, not a heartbeat: echo it like any \
                 other.",
                SELECT,
            );
        } else {
            echoed.now();
        }
        other
            .send(&frame("other")[6..])
            .expect(frame("other"))
            .now();
    }
    peer.coalesce(&messages).expect(messages.concat()).or_explain(
        "One read returned several frames. Echo all that are whole before you read again: nothing \
         will tell you about them a second time.",
        SELECT,
    );
    let large = frame([b'x'; 60_000]);
    peer.send(&large).expect(&large).now();
    peer.half_close().expect_end().or_explain(
        "The client sends no more, and every frame has its answer: end the task, and the connection \
         with it.",
        SELECT,
    );
    let mut cut_short = server.connect();
    cut_short.send(&frame("cut short")[..6]).half_close();
    cut_short.expect_gone().or_explain(
        "The client ended inside a frame, and nothing more will come from it. A read of 0 bytes is \
         the end, whatever the buffer holds: the next read returns 0 again, at once. End the \
         task.",
        SELECT,
    );
}

#[test]
fn a_heartbeat_mid_frame_loses_nothing() {
    const LOST: &str = "A heartbeat was sent in the middle of a frame, and after it the first part \
                        is gone. select! drops the future that lost, and a timeout drops one that \
                        is late; what that future had read is lost with it. Read once in the \
                        branch (read_buf), into a buffer that lives outside the loop.";
    explain(LOST, SELECT);
    let server = server(150);
    let mut peer = server.connect();
    let whole = frame("whole");
    for (first, second) in [(2, 5), (4, 7), (6, 8)] {
        for part in [&whole[..first], &whole[first..second]] {
            peer.send(part).wait_until_read();
            // The one that was due when the part came, and one that is due while the frame waits.
            for _ in 0..2 {
                peer.expect(frame("")).or_explain(
                    "Half a frame has come, and there is no heartbeat. Send one every period, \
                     whatever the client does, even while a frame is incomplete.",
                    CLOCK,
                );
            }
        }
        peer.send(&whole[second..]);
        let (_, payload) = after_heartbeats(&mut peer);
        check(
            payload == b"whole",
            "the frame's echo, whole",
            format!("{:?}", String::from_utf8_lossy(&payload)),
        )
        .now();
    }
}

#[test]
fn the_heart_beats_while_a_client_drips() {
    let server = server(400);
    // A right program that is kept from running for that long may miss all but one beat.
    let most = Duration::from_millis(1200);
    undisturbed(most, || beats_during_a_drip(&server));
    undisturbed(most, || beats_between_frames(&server));
}

/// A heartbeat is due every 400 ms, and no sooner.
fn is_not_hasty(heartbeats: usize, connected: Instant) {
    let time = connected.elapsed();
    check(
        heartbeats as u128 <= time.as_millis() / 400 + 1,
        "a heartbeat every 400 ms",
        format!("{heartbeats} heartbeats in {time:.1?}"),
    )
    .or_explain(
        "You send heartbeats too often. A heartbeat is due once per period, and only then: neither \
         sooner, nor once more for each frame.",
        CLOCK,
    );
}

fn beats_during_a_drip(server: &Running) {
    let connected = Instant::now();
    let mut peer = server.connect();
    let message = frame("a frame of seventy bytes, its length included, one every 30 ms....");
    peer.drip_every(Duration::from_millis(30), &message);
    explain(
        "A client sent a byte every 30 ms, and its frame isn't echoed. A heartbeat in between must \
         not cost any byte of the frame.",
        SELECT,
    );
    let (heartbeats, payload) = after_heartbeats(&mut peer);
    // More than one, for on a busy machine even this client may rest for as long.
    check(
        heartbeats > 1,
        "a heartbeat every 400 ms for two seconds",
        format!("{heartbeats} before the echo"),
    )
    .or_explain(
        "A client sends a byte every 30 ms, and you send no heartbeat: a sleep that you create in \
         each round of the loop starts again in each. Keep one clock outside the loop (an \
         interval).",
        CLOCK,
    );
    check(
        frame(&payload) == message,
        "the frame's echo, whole",
        format!("{:?}", String::from_utf8_lossy(&payload)),
    )
    .now();
    is_not_hasty(heartbeats, connected);
}

fn beats_between_frames(server: &Running) {
    let connected = Instant::now();
    let mut peer = server.connect();
    explain(
        "A client sends a frame every 30 ms, and one isn't echoed. A heartbeat in between must not \
         cost any byte of a frame.",
        SELECT,
    );
    let mut heartbeats = 0;
    for _ in 0..65 {
        peer.send(frame("tick")).pause(Duration::from_millis(30));
        heartbeats += is_echoed(&mut peer, "tick");
    }
    check(
        heartbeats > 1,
        "a heartbeat every 400 ms for two seconds",
        format!("{heartbeats}, while a frame came every 30 ms"),
    )
    .or_explain(
        "A client sends a frame every 30 ms, and you send no heartbeat: a clock that is set back \
         by each frame never runs out. The heartbeat is due once per period, whether the client \
         talks or not.",
        CLOCK,
    );
    is_not_hasty(heartbeats, connected);
}

#[test]
fn each_client_has_a_clock_of_its_own() {
    let period = Duration::from_millis(600);
    let server = server(600);
    // A right program whose heart the machine holds up beats late, and never early.
    undisturbed(Duration::from_millis(350), || {
        explain(
            "This client has connected and says nothing, and there is no heartbeat. Its clock starts when \
             it connects, not with its first byte.",
            CLOCK,
        );
        let mut first = server.connect();
        first.pause(period / 2);
        let (heartbeat, took) = first_heartbeat(&server, period.mul_f32(1.7), |_| {});
        let got = format!("{heartbeat:?} after {took:.1?}");
        let expected = "a heartbeat 600 ms after this client connected";
        check(heartbeat.is_some(), expected, &got).now();
        check(took >= period / 10, expected, &got).or_explain(
            "This heartbeat came at once. The first one is due when the given time has passed since the \
             client connected: tokio's interval() begins with a tick.",
            CLOCK,
        );
        check(took >= period.mul_f32(0.95), expected, &got).or_explain(
            "Two clients came at different moments, and a heartbeat came too soon. Each client has \
             a clock of its own, with the period that was given, and it starts when that client \
             connects: one clock for all clients is wrong for most of them.",
            CLOCK,
        );
        check(
            took < period.mul_f32(1.7),
            format!("{expected}, of three"),
            &got,
        )
        .or_explain(
            "The first heartbeat came late, three times in a row. It is due when the given time \
             has passed once since the client connected, not twice.",
            CLOCK,
        );
        // Its first byte comes when the heartbeat is nearly due.
        let (_, took) = first_heartbeat(&server, period.mul_f32(1.7), |peer| {
            peer.pause(period.mul_f32(0.85)).send(frame("hello"));
        });
        let got = format!("{took:.1?} after it, in all of three tries");
        check(took < period.mul_f32(1.7), expected, got).or_explain(
            "This client said nothing at first. Then it sent a frame, and the heartbeat \
             that was nearly due came long after. The clock starts when the client connects: no \
             byte that it sends, not even the first, sets it back.",
            CLOCK,
        );
        let heartbeat = first.next_frame();
        let got = format!("{heartbeat:?}");
        check(
            heartbeat.is_some(),
            "a heartbeat, also to the first client",
            got,
        )
        .now();
    });
}

/// What comes first to a client that has connected and follows `script`, beside its echo, and after how
/// long. A machine may hold up one: who begins too late is late with each.
fn first_heartbeat(
    server: &Running,
    late: Duration,
    script: impl Fn(&mut Peer),
) -> (Option<Vec<u8>>, Duration) {
    let mut tries = 0;
    loop {
        let connected = Instant::now();
        let mut peer = server.connect();
        script(&mut peer);
        let heartbeat = iter::repeat_with(|| peer.next_frame())
            .find(|frame| frame.as_deref() != Some(b"hello"))
            .flatten();
        let took = connected.elapsed();
        tries += 1;
        if took < late || heartbeat.is_none() || tries == 3 {
            return (heartbeat, took);
        }
    }
}

const LATE: &str = "A client read its answers late, and they are not whole. Either a part is \
                    missing at the end, or a heartbeat was sent in the middle: a write that loses \
                    in select! has sent a part already, and two tasks that write to one stream \
                    interrupt each other. Let one place write, and await each write to its end.";

#[test]
fn a_heartbeat_never_stands_inside_an_answer() {
    explain(LATE, SELECT);
    let period = Duration::from_millis(1500);
    let server = server(1500);
    let mut slow: Vec<_> = (0..3).map(|_| Stuck::at(&server)).collect();
    let flooded = Instant::now();
    let mut first = slow.remove(0);
    let due = period + Duration::from_millis(100);
    first.peer.pause(due.saturating_sub(first.since.elapsed()));
    first.gets_the_heartbeat_that_waited();
    slow[0].peer.pause(period.saturating_sub(flooded.elapsed()));
    first.peer.half_close();
    expect_end_after_heartbeats(&mut first.peer, 2 * period);
    for (client, mut stuck) in slow.into_iter().enumerate() {
        if client == 1 {
            explain(
                "A client ended inside a frame while its answers waited, and they are not whole. \
                 It sends nothing more, but it may still read: send what waits, then end.",
                SELECT,
            );
        }
        let answers = stuck.finish(client == 0);
        stuck.peer.half_close();
        take_answers(&mut stuck.peer, answers);
        expect_end_after_heartbeats(&mut stuck.peer, 2 * period);
    }
}

/// A client that has taken nothing, and sent until the program took no more: an answer is on its way, and
/// there is no room for it.
struct Stuck {
    peer: Peer,
    sent: usize,
    since: Instant,
}

impl Stuck {
    fn at(server: &Running) -> Self {
        let since = Instant::now();
        let mut peer = server.connect();
        let sent = peer.flood(frame(MESSAGE), 24 << 20);
        Self { peer, sent, since }
    }

    /// Sends the rest of the last frame, or only a part; how many frames that makes.
    fn finish(&mut self, whole: bool) -> usize {
        let message = frame(MESSAGE);
        let (frames, part) = (self.sent / message.len(), self.sent % message.len());
        if whole {
            self.peer.send(&message[part..]);
        } else if part == 0 {
            self.peer.send(&message[..6]);
        }
        frames + usize::from(whole)
    }

    /// The heartbeat that was due while the client took nothing comes between its answers, or beside
    /// the next few: long before another one is due.
    fn gets_the_heartbeat_that_waited(&mut self) {
        let answers = self.finish(true);
        let peer = &mut self.peer;
        let comes = take_answers(peer, answers) > 0
            || (0..40).any(|_| {
                thread::sleep(Duration::from_millis(5));
                peer.send(frame("and now?"));
                is_echoed(peer, "and now?") > 0
            });
        let expected = "the heartbeat that was due, beside the next answers";
        check(comes, expected, "forty answers more, and none").or_explain(
            "A heartbeat was due while an answer waited for room, and it never came. It is only \
             delayed, not canceled: send it as soon as the answer is out.",
            CLOCK,
        );
    }
}

/// Takes so many answers, each of them whole; how many heartbeats were between them.
fn take_answers(peer: &mut Peer, answers: usize) -> usize {
    let take = |number| {
        let (heartbeats, payload) = after_heartbeats(peer);
        is_whole(number, &payload);
        heartbeats
    };
    (0..answers).map(take).sum()
}

fn is_whole(number: usize, answer: &[u8]) {
    let got = match answer.iter().position(|byte| *byte != b'x') {
        Some(at) => format!("answer {number} has another byte at {at}"),
        None => format!("answer {number} has {} bytes", answer.len()),
    };
    let verdict = check(answer == MESSAGE, "the frame's echo, 60,000 times x", got);
    if answer.contains(&0) {
        verdict.or_explain(
            "A heartbeat was sent inside an answer, and the client misreads everything after it. \
             While an answer is being sent, the heartbeat waits: a write that loses in select! has \
             sent a part already. Let one place write, and await each write to its end.",
            SELECT,
        );
    } else {
        verdict.now();
    }
}

fn expect_end_after_heartbeats(peer: &mut Peer, within: Duration) {
    let watch = Stopwatch::start();
    while let Some(rest) = peer.next_frame() {
        let got = match rest.len() {
            0 => "heartbeats, and no end".to_owned(),
            more => format!("{more} bytes more"),
        };
        let in_time = rest.is_empty() && !watch.is_past(within);
        check(in_time, "heartbeats, then the end", got).or_explain(
            "The client sends no more, and has its answers: end the connection. A heartbeat is not \
             a reason to keep the connection, and no answer may come twice.",
            SELECT,
        );
    }
}
