//! Does every place come back, and is none given away twice?

use std::thread;
use std::time::Duration;

use scripted_peer::{
    Peer, Received, Running, Signal, Stopwatch, check, eventually, explain, program,
};

const LIMIT: &str = "10-two-clients-at-once.html#a-limit-and-what-the-next-one-is-told";
const BACK: &str = "10-two-clients-at-once.html#a-place-that-always-comes-back";
const ACT: &str = "10-two-clients-at-once.html#check-and-take-in-one-step";

/// When a place must be free again: far longer than it takes.
const SOON: Duration = Duration::from_secs(1);

/// The line that comes next, its newline included, be it in pieces; or how the connection ended.
fn hear(peer: &mut Peer) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\n") {
        match peer.receive() {
            Received::Bytes(bytes) => heard.extend(bytes),
            Received::Ended(ending) => {
                heard.extend(ending.to_string().bytes());
                break;
            }
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// A line of a client: whether it is served.
fn is_served(peer: &mut Peer) -> bool {
    hear(peer.send("hello\n")) == "accepted\n"
}

/// So many clients, each of them served.
fn guests(server: &Running, count: usize) -> Vec<Peer> {
    let served = |_| {
        let mut guest = server.connect();
        guest.send("hello\n").expect("accepted\n").or_explain(
            "There is room for this client: it is one of the first N. Serve it.",
            LIMIT,
        );
        guest
    };
    (0..count).map(served).collect()
}

/// A client that is told that the house is full, as so many before it were.
fn busy(server: &Running, turned_away: usize) {
    let mut next = server.connect();
    let heard = hear(&mut next);
    let one_too_many = heard == "silence" && is_served(&mut next);
    let (sentence, section) = match turned_away {
        0 => (
            "N clients are served, and you served one more. Check the number before you add a \
             client.",
            LIMIT,
        ),
        _ => (
            "One client was turned away, and then one more was served than there is room for. A \
             client that is turned away has taken no place, so it gives none back.",
            BACK,
        ),
    };
    let expected = "\"busy\\n\"";
    check(!one_too_many, expected, "one client more than N is served")
        .or_explain(sentence, section);
    check(heard == "busy\n", expected, format!("{heard:?}")).or_explain(
        "All N places are taken. Send the next client `busy` at once, then close, so that it can \
         try elsewhere. If you keep it waiting, or close without an answer, it learns nothing.",
        LIMIT,
    );
    next.expect_end().or_explain(
        "After `busy` the connection is over: close it. It must not end in a reset either.",
        LIMIT,
    );
}

/// Somebody is served, and soon; stays, if so.
fn a_place_is_free(server: &Running) -> Option<Peer> {
    let (mut found, since) = (None, Stopwatch::start());
    eventually("a client to be served", || {
        found = Some(Peer::try_connect(server.address()).now());
        found.as_mut().is_some_and(is_served)
    })
    .now();
    let took = since.elapsed();
    let expected = "a place within a second of a client's leaving";
    check(took < SOON, expected, format!("it took {took:.1?}")).or_explain(
        "A client left, and its place became free only long after. Give the place back as soon as \
         the client leaves, so that the next client can come in at once.",
        BACK,
    );
    found
}

#[test]
fn n_plus_one_is_told_busy() {
    for most in [3, 1] {
        let server = program!().arg(most).listen();
        let mut inside = guests(&server, most);
        let watch = Stopwatch::start();
        for turned_away in 0..5 {
            busy(&server, turned_away);
        }
        let took = watch.elapsed();
        let expected = "five clients to get `busy` within a second";
        check(took < SOON, expected, format!("it took {took:.1?}")).or_explain(
            "A client that is turned away was kept waiting. Send it `busy` at once, whether it has \
             sent anything or not, so that it can try elsewhere.",
            LIMIT,
        );
        for guest in &mut inside {
            guest.send("still here\n").expect("accepted\n").or_explain(
                "A client that was being served lost its place to one that came later.",
                LIMIT,
            );
        }
        if most > 1 {
            inside[0].pause(Duration::from_millis(1100));
        }
        for guest in &mut inside {
            guest.send("still here\n").expect("accepted\n").or_explain(
                "A client said nothing for a second, and was not served any more. It may take its time, \
                 and keeps its place: reading has no timeout here.",
                LIMIT,
            );
        }
        explain(
            "Five clients were turned away, then a client that was being served left, and there is \
             still no place for the next client. A client that is turned away takes no place, and \
             a client that leaves gives its own back.",
            BACK,
        );
        inside.pop().expect("at least one").close();
        inside.extend(a_place_is_free(&server));
        if most == 1 {
            the_next_one_is_in(&server, inside);
        }
    }
}

/// One who comes a while after a client has left is in, and not only the one after that. A busy machine
/// may hold up one place, not all of them.
fn the_next_one_is_in(server: &Running, mut inside: Vec<Peer>) {
    let next_is_in = |_| {
        let leaving = inside.pop().expect("the one who is served");
        leaving.close();
        thread::sleep(Duration::from_millis(100));
        let mut next = server.connect();
        let is_in = is_served(&mut next);
        inside.extend(if is_in {
            Some(next)
        } else {
            a_place_is_free(server)
        });
        is_in
    };
    let expected = "the next client to be served";
    check((0..5).any(next_is_in), expected, "it is told `busy`, five times").or_explain(
        "A client left, the next one was told `busy`, and only the one after it was served. Give the          place back when the client leaves, not when the next client knocks and is turned away.",
        BACK,
    );
}

#[test]
fn a_slot_comes_back_after_a_reset() {
    explain(
        "A client's connection was reset, so its service ended with an error, and its place never \
         came back. An early return skips the code at the end: give the place back in a Drop.",
        BACK,
    );
    let server = program!().arg(2).listen();
    for _ in 0..3 {
        for guest in guests_again(&server) {
            guest.reset();
        }
    }
    let mut inside = guests_again(&server);
    explain(
        "A client left in the middle of a line, or after sending a line that is not text, and its \
         place never came back. Give the place back however a client leaves: do it in a Drop.",
        BACK,
    );
    for last_words in [&b"half a li"[..], b"\xff\n", b"said\nand "] {
        let mut leaving = inside.pop().expect("at least one");
        leaving.send(last_words).wait_until_read();
        leaving.close();
        inside.extend(a_place_is_free(&server));
    }
}

#[test]
fn a_slot_comes_back_after_a_panic() {
    explain(
        "The thread of a client panicked, and its place never came back. A panic skips the code at \
         the end, but it drops every value: give the place back in a Drop.",
        BACK,
    );
    let server = program!().arg(2).listen();
    for _ in 0..3 {
        for mut guest in guests_again(&server) {
            guest.send("panic\n").expect_gone().now();
        }
    }
    guests_again(&server);
}

/// Two clients inside, as soon as there is room for them.
fn guests_again(server: &Running) -> Vec<Peer> {
    (0..2).filter_map(|_| a_place_is_free(server)).collect()
}

#[test]
fn never_more_than_n_at_once() {
    for _ in 0..2 {
        let server = program!().arg(4).listen();
        // Thirty clients knock before the program looks.
        server.signal(Signal::STOP);
        let crowd = server.connect_many(30);
        server.signal(Signal::CONT);
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for mut peer in crowd {
            match hear(peer.send("hello\n")).as_str() {
                "accepted\n" => inside.push(peer),
                "silence" => {
                    check(false, "an answer for each of 30", "one is told nothing").or_explain(
                        "A client is neither served nor turned away. When all places are taken, \
                         send `busy`.",
                        LIMIT,
                    );
                }
                _ => outside.push(peer),
            }
        }
        let served = inside.len();
        let (expected, got) = ("30 come at once, 4 are served", format!("{served} are"));
        check(served >= 4, expected, &got).or_explain(
            "There is room for four clients, and fewer were served. Turn a client away only when \
             all places are taken.",
            LIMIT,
        );
        check(served == 4, expected, &got).or_explain(
            "The check and the taking of a place are two steps, and several clients passed the \
             check before the first had taken one. Do both in the accept loop, under one lock.",
            ACT,
        );
        drop(outside);
        // Two of the four leave, and not in the ordinary way.
        inside.pop().expect("one of four").reset();
        let mut unlucky = inside.pop().expect("one of four");
        unlucky.send("panic\n").expect_gone().now();
        explain(
            "Two of four left, one by a reset and one by a panic, and fewer than two places came \
             back. A client that leaves gives its place back, in a Drop; a client that was turned \
             away has none.",
            BACK,
        );
        let _again = guests_again(&server);
        let mut next = server.connect();
        check(
            !is_served(&mut next),
            "a fifth client to be turned away",
            "it is served",
        )
        .or_explain(
            "More places came back than were taken. A client that leaves gives back one place, \
             once, in one spot in the program; a client that was turned away has none to give \
             back.",
            BACK,
        );
    }
}
