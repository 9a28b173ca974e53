//! Does a frame survive what happens while it arrives?

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

/// The next frame that isn't a heartbeat, and how many heartbeats came before it.
fn after_heartbeats(peer: &mut Peer) -> (usize, Vec<u8>) {
    let mut heartbeats = 0;
    loop {
        match peer.next_frame() {
            Some(payload) if payload.is_empty() => heartbeats += 1,
            payload => return (heartbeats, payload.unwrap_or_default()),
        }
    }
}

/// The next frame that isn't a heartbeat is the echo of this one. Returns how many heartbeats came
/// before it.
fn is_echoed(peer: &mut Peer, message: &str) -> usize {
    let (heartbeats, payload) = after_heartbeats(peer);
    check(
        payload == message.as_bytes(),
        "the echo of the whole frame",
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
        "Five hundred clients are connected and idle. When one of them sent a frame, it got no \
         echo. A blocking call in a task blocks the thread that runs it, and every other task on \
         that thread. Use a call that you can await instead.",
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
        "only a few threads for 500 clients",
        format!("{threads} threads"),
    )
    .or_explain(
        "Your program runs a thread for each client. Serve each client in an async task instead: a \
         task that is waiting doesn't need a thread.",
        TASKS,
    );
    server.expect_idle().or_explain(
        "Five hundred clients are idle, and your program keeps waking up. Don't check for input \
         again and again: await the read, and the runtime wakes the task when there is something \
         to read.",
        TASKS,
    );
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "One read returned only part of a frame, and your program did not echo that frame. Keep \
         the bytes until the frame is complete, in a buffer that outlives this pass through the \
         loop.",
        SELECT,
    );
    let server = server(NEVER);
    let mut fresh = server.connect();
    fresh.pause(Duration::from_millis(50)); // tokio's clock counts whole milliseconds
    // Many, because select! may take either branch when a tick and a frame are ready together.
    let mut hello = |_| {
        fresh.send(frame("hello"));
        is_echoed(&mut fresh, "hello")
    };
    let heartbeats: usize = (0..20).map(&mut hello).sum();
    check(
        heartbeats == 0,
        "only the echo: no heartbeat is due for minutes",
        "a heartbeat, although the client has only just connected",
    )
    .or_explain(
        "Your program sent the first heartbeat as soon as the client connected. It is due one \
         period later. The first tick of tokio's interval() completes immediately; with \
         interval_at() you choose when the first tick is due.",
        CLOCK,
    );
    let (mut peer, mut other) = (server.connect(), server.connect());
    let messages = ["hello", "", "more than 256 bytes ".repeat(15).as_str()].map(frame);
    for message in &messages {
        other.send(&frame("other")[..6]).wait_until_read();
        let echoed = peer.drip(message).expect(message);
        if message.len() == 4 {
            echoed.or_explain(
                "Your program did not echo an empty frame from the client. That frame is not a \
                 heartbeat: echo it like any other.",
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
        "One read returned several frames, and your program did not echo all of them. Echo every \
         complete frame in your buffer before you read again: the next read waits for new bytes, \
         not for these.",
        SELECT,
    );
    let large = frame([b'x'; 60_000]);
    peer.send(&large).expect(&large).now();
    peer.half_close().expect_end().or_explain(
        "The client has finished sending and every frame has been echoed, but the client did not \
         get the end of the stream. End the task now, and the connection with it.",
        SELECT,
    );
    let mut cut_short = server.connect();
    cut_short.send(&frame("cut short")[..6]).half_close();
    cut_short.expect_gone().or_explain(
        "The client ended its stream in the middle of a frame, and your program did not close the \
         connection. A read of 0 bytes means the end of the stream, even if your buffer holds part \
         of a frame; every later read returns 0 at once. End the task.",
        SELECT,
    );
}

#[test]
fn a_heartbeat_mid_frame_loses_nothing() {
    const LOST: &str = "A heartbeat was due while a frame was still arriving, and afterwards the \
                        first part of the frame was gone. select! drops each future that did not \
                        finish first, and a timeout drops a future that is late. The bytes that \
                        such a future had already read are dropped with it. Read only once in the \
                        branch (read_buf), into a buffer that lives outside the loop.";
    explain(LOST, SELECT);
    let server = server(150);
    let mut peer = server.connect();
    let whole = frame("whole");
    for (first, second) in [(2, 5), (4, 7), (6, 8)] {
        for part in [&whole[..first], &whole[first..second]] {
            peer.send(part).wait_until_read();
            // One was due when the part arrived, and one is due while the frame is incomplete.
            for _ in 0..2 {
                peer.expect(frame("")).or_explain(
                    "Half a frame has arrived, and your program sent no heartbeat. Send one every \
                     period, whatever the client does, even while a frame is incomplete.",
                    CLOCK,
                );
            }
        }
        peer.send(&whole[second..]);
        let (_, payload) = after_heartbeats(&mut peer);
        check(
            payload == b"whole",
            "the echo of the whole frame",
            format!("{:?}", String::from_utf8_lossy(&payload)),
        )
        .now();
    }
}

#[test]
fn the_heart_beats_while_a_client_drips() {
    let server = server(400);
    // A correct program that is kept from running for that long may miss all but one heartbeat.
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
        "Your program sends heartbeats too often. Send exactly one per period: no earlier, and no \
         extra one for each frame.",
        CLOCK,
    );
}

fn beats_during_a_drip(server: &Running) {
    let connected = Instant::now();
    let mut peer = server.connect();
    let message = frame("a frame of seventy bytes, its length included, one every 30 ms....");
    peer.drip_every(Duration::from_millis(30), &message);
    explain(
        "A client sent a byte every 30 ms, and the echo of its frame is missing or wrong. Sending \
         a heartbeat in between must not lose any byte of the frame.",
        SELECT,
    );
    let (heartbeats, payload) = after_heartbeats(&mut peer);
    // More than one, because on a busy machine even this client may pause for that long.
    check(
        heartbeats > 1,
        "a heartbeat every 400 ms for two seconds",
        format!("{heartbeats} heartbeats before the echo"),
    )
    .or_explain(
        "A client sends a byte every 30 ms, and it isn't getting its heartbeats. A sleep that you \
         create inside the loop starts over on every pass. Keep one timer outside the loop (an \
         interval).",
        CLOCK,
    );
    check(
        frame(&payload) == message,
        "the echo of the whole frame",
        format!("{:?}", String::from_utf8_lossy(&payload)),
    )
    .now();
    is_not_hasty(heartbeats, connected);
}

fn beats_between_frames(server: &Running) {
    let connected = Instant::now();
    let mut peer = server.connect();
    explain(
        "A client sends a frame every 30 ms, and the echo of one frame is missing or wrong. \
         Sending a heartbeat in between must not lose any byte of a frame.",
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
        format!("{heartbeats} heartbeats, while a frame arrived every 30 ms"),
    )
    .or_explain(
        "A client sends a frame every 30 ms, and it isn't getting its heartbeats. A timer that \
         each frame restarts never fires. A heartbeat is due once per period, whether or not the \
         client is sending.",
        CLOCK,
    );
    is_not_hasty(heartbeats, connected);
}

#[test]
fn each_client_has_a_clock_of_its_own() {
    let period = Duration::from_millis(600);
    let server = server(600);
    // On a busy machine a correct program may send its heartbeat late, but never early.
    undisturbed(Duration::from_millis(350), || {
        explain(
            "A client connected and sent nothing, and it got no heartbeat. Start its timer when it \
             connects, not when its first byte arrives.",
            CLOCK,
        );
        let mut first = server.connect();
        first.pause(period / 2);
        let (heartbeat, took) = first_heartbeat(&server, period.mul_f32(1.7), |_| {});
        let got = format!("{heartbeat:?} after {took:.1?}");
        let expected = "a heartbeat 600 ms after this client connected";
        check(heartbeat.is_some(), expected, &got).now();
        check(took >= period / 10, expected, &got).or_explain(
            "Your program sent a client's first heartbeat as soon as that client connected. It is \
             due one period later. If you use tokio's interval(), its first tick completes \
             immediately.",
            CLOCK,
        );
        check(took >= period.mul_f32(0.95), expected, &got).or_explain(
            "Two clients connected at different times, and one of them got a heartbeat too early. \
             Give each client its own timer, with the given period, and start it when that client \
             connects. A timer shared by all clients is wrong for most of them.",
            CLOCK,
        );
        check(
            took < period.mul_f32(1.7),
            format!("{expected}, at least once in three tries"),
            &got,
        )
        .or_explain(
            "The first heartbeat was late, three times in a row. It is due one period after the \
             client connected, not two.",
            CLOCK,
        );
        // This client sends its first bytes when its heartbeat is nearly due.
        let (_, took) = first_heartbeat(&server, period.mul_f32(1.7), |peer| {
            peer.pause(period.mul_f32(0.85)).send(frame("hello"));
        });
        let got = format!("{took:.1?} after it, in each of three tries");
        check(took < period.mul_f32(1.7), expected, got).or_explain(
            "A client was silent at first, and sent a frame when its heartbeat was nearly due. \
             Then that heartbeat was late, three times in a row. Start the timer when the client \
             connects, and let no byte that it sends restart it, not even the first.",
            CLOCK,
        );
        let heartbeat = first.next_frame();
        let got = format!("{heartbeat:?}");
        check(
            heartbeat.is_some(),
            "a heartbeat for the first client too",
            got,
        )
        .now();
    });
}

/// The first frame, other than its echo, that a new client gets while it follows `script`, and
/// after how long. A busy machine may delay one of three; a program whose first heartbeat is always
/// late is late all three times.
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

const LATE: &str = "A client read its answers late, and they are damaged: either the end is \
                    missing, or a heartbeat was sent in the middle of an answer. A write that \
                    select! drops has already sent some of its bytes, and when two tasks write to \
                    the same stream, their bytes can be interleaved. Write from one place only, \
                    and await each write until it is complete.";

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
                "A client ended its stream in the middle of a frame while answers to it were still \
                 waiting, and it did not get all of them. It sends nothing more, but it can still \
                 read. Send the waiting answers, then close the connection.",
                SELECT,
            );
        }
        let answers = stuck.finish(client == 0);
        stuck.peer.half_close();
        take_answers(&mut stuck.peer, answers);
        expect_end_after_heartbeats(&mut stuck.peer, 2 * period);
    }
}

/// A client that has read nothing, and has sent until the program read no more: an answer is under way,
/// and there is no room for it.
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

    /// Sends the rest of the last frame, or only part of it. Returns how many frames that makes.
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

    /// The heartbeat that was due while the client read nothing arrives between its answers, or along
    /// with the next few: long before another heartbeat is due.
    fn gets_the_heartbeat_that_waited(&mut self) {
        let answers = self.finish(true);
        let peer = &mut self.peer;
        let comes = take_answers(peer, answers) > 0
            || (0..40).any(|_| {
                thread::sleep(Duration::from_millis(5));
                peer.send(frame("and now?"));
                is_echoed(peer, "and now?") > 0
            });
        let expected = "the heartbeat that was due, along with the next answers";
        check(comes, expected, "40 more answers, and no heartbeat").or_explain(
            "A heartbeat was due while an answer was waiting to be sent, and your program never \
             sent the heartbeat. It is only delayed, not canceled: send it as soon as the answer \
             is complete.",
            CLOCK,
        );
    }
}

/// Reads this many answers, each of them complete. Returns how many heartbeats were between them.
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
        Some(at) => format!("answer {number} has a different byte at position {at}"),
        None => format!("answer {number} has {} bytes", answer.len()),
    };
    let verdict = check(answer == MESSAGE, "the echo: x, 60,000 times", got);
    if answer.contains(&0) {
        verdict.or_explain(
            "A heartbeat was sent in the middle of an answer, so the client misreads everything \
             after it. A write that select! drops has already sent some of its bytes. Write from \
             one place only, and await each write until it is complete; a heartbeat that is due \
             waits until then.",
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
            0 => "heartbeats, but no end of the stream".to_owned(),
            more => format!("{more} more bytes"),
        };
        let in_time = rest.is_empty() && !watch.is_past(within);
        check(in_time, "heartbeats, then the end of the stream", got).or_explain(
            "The client has finished sending and has all its answers, but your program kept the \
             connection open or sent an answer twice. Close the connection after the last answer: \
             don't keep it open to send heartbeats.",
            SELECT,
        );
    }
}
