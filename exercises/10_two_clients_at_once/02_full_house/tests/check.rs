//! Is every slot released, and never more than once?

use std::thread;
use std::time::Duration;

use scripted_peer::{
    Peer, Received, Running, Signal, Stopwatch, check, eventually, explain, program,
};

const LIMIT: &str = "10-two-clients-at-once.html#a-limit-and-what-the-next-one-is-told";
const BACK: &str = "10-two-clients-at-once.html#a-place-that-always-comes-back";
const ACT: &str = "10-two-clients-at-once.html#check-and-take-in-one-step";

/// How soon a slot must be free again: far longer than that takes.
const SOON: Duration = Duration::from_secs(1);

/// The next line, even in pieces, with its newline; or how the connection ended.
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

/// Whether this client is served: it sends a line and gets its reply.
fn is_served(peer: &mut Peer) -> bool {
    hear(peer.send("hello\n")) == "accepted\n"
}

/// `count` clients, each of them served.
fn guests(server: &Running, count: usize) -> Vec<Peer> {
    let served = |_| {
        let mut guest = server.connect();
        guest.send("hello\n").expect("accepted\n").or_explain(
            "This client is one of the first N, and it was not served. There is a free slot for \
             it: serve it.",
            LIMIT,
        );
        guest
    };
    (0..count).map(served).collect()
}

/// A client that gets `busy`, after `turned_away` others did.
fn busy(server: &Running, turned_away: usize) {
    let mut next = server.connect();
    let heard = hear(&mut next);
    let one_too_many = heard == "silence" && is_served(&mut next);
    let (sentence, section) = match turned_away {
        0 => (
            "N clients were being served, and your program served one more. Compare the number of \
             clients with N before you add a client.",
            LIMIT,
        ),
        _ => (
            "Your program rejected one client, and then it served one client too many. A rejected \
             client has not taken a slot, so it must not release one.",
            BACK,
        ),
    };
    let expected = "\"busy\\n\"";
    check(!one_too_many, expected, "one client more than N is served")
        .or_explain(sentence, section);
    check(heard == "busy\n", expected, format!("{heard:?}")).or_explain(
        "All N slots are taken, and the next client didn't get `busy`. Send it `busy` right away \
         and close the connection, so that it can try elsewhere. A client that is kept waiting, or \
         is disconnected without a reply, can't know why.",
        LIMIT,
    );
    next.expect_end().or_explain(
        "You sent `busy`, but the connection didn't end cleanly right after it. Close the \
         connection after sending `busy`, and close it cleanly: a reset could cost the client the \
         `busy` line.",
        LIMIT,
    );
}

/// A new client is served, and soon. It stays connected.
fn a_place_is_free(server: &Running) -> Option<Peer> {
    let (mut found, since) = (None, Stopwatch::start());
    eventually("a client to be served", || {
        found = Some(Peer::try_connect(server.address()).now());
        found.as_mut().is_some_and(is_served)
    })
    .now();
    let took = since.elapsed();
    let expected = "a free slot within a second after a client leaves";
    check(took < SOON, expected, format!("it took {took:.1?}")).or_explain(
        "A client left, and its slot became free only much later. Release the slot as soon as the \
         client leaves, so that the next client can be served right away.",
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
            "A rejected client had to wait for `busy`. Send it right away, whether or not the \
             client has sent anything, so that the client can try elsewhere.",
            LIMIT,
        );
        for guest in &mut inside {
            guest.send("still here\n").expect("accepted\n").or_explain(
                "A client that was being served lost its slot when more clients connected. Keep \
                 serving the first N clients, and reject the later ones.",
                LIMIT,
            );
        }
        if most > 1 {
            inside[0].pause(Duration::from_millis(1100));
        }
        for guest in &mut inside {
            guest.send("still here\n").expect("accepted\n").or_explain(
                "A client sent nothing for a second, and then it was no longer served. A client \
                 may take its time, and keeps its slot while it does: don't set a read timeout \
                 here.",
                LIMIT,
            );
        }
        explain(
            "Your program rejected five clients. Then a client that was being served left, and \
             there is still no slot for the next client. A rejected client must not use up a slot, \
             and a client that leaves must release its slot.",
            BACK,
        );
        inside.pop().expect("at least one").close();
        inside.extend(a_place_is_free(&server));
        if most == 1 {
            the_next_one_is_in(&server, inside);
        }
    }
}

/// A client that connects a moment after another has left is served, not only the client after it.
/// A busy machine may delay the release of one slot, not of all five.
fn the_next_one_is_in(server: &Running, mut inside: Vec<Peer>) {
    let next_is_in = |_| {
        let leaving = inside.pop().expect("the client that is served");
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
    check(
        (0..5).any(next_is_in),
        expected,
        "it got `busy`, all five times",
    )
    .or_explain(
        "A client left, but the next client still got `busy`, and only the client after that was \
         served. Release the slot when the client leaves, not when the next client connects and is \
         rejected.",
        BACK,
    );
}

#[test]
fn a_slot_comes_back_after_a_reset() {
    explain(
        "A client's connection was reset, so serving it ended with an error, and its slot was \
         never released. An early return skips the code at the end of a function: release the slot \
         in a Drop.",
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
         slot was never released. Release the slot in a Drop, so that it is released however a \
         client leaves.",
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
        "A client's thread panicked, and its slot was never released. A panic skips the code at \
         the end of a function, but it still drops every value: release the slot in a Drop.",
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
        // Thirty clients connect before the program runs again.
        server.signal(Signal::STOP);
        let crowd = server.connect_many(30);
        server.signal(Signal::CONT);
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for mut peer in crowd {
            match hear(peer.send("hello\n")).as_str() {
                "accepted\n" => inside.push(peer),
                "silence" => {
                    check(
                        false,
                        "a reply to each of 30 clients",
                        "one client got no reply",
                    )
                    .or_explain(
                        "One client was neither served nor rejected, so it can only wait. Serve \
                         each client while a slot is free, and send `busy` to every other client.",
                        LIMIT,
                    );
                }
                _ => outside.push(peer),
            }
        }
        let served = inside.len();
        let (expected, got) = (
            "30 clients connect at once, 4 are served",
            format!("{served} are served"),
        );
        check(served >= 4, expected, &got).or_explain(
            "There are four slots, and fewer than four clients were served. Reject a client only \
             when all slots are taken.",
            LIMIT,
        );
        check(served == 4, expected, &got).or_explain(
            "More than four clients were served. Your program checks for a free slot in one step \
             and takes it in another, so several clients passed the check before the first of them \
             had taken a slot. Do both in the accept loop, under one lock.",
            ACT,
        );
        drop(outside);
        // Two of the four leave, by a reset and by a panic.
        inside.pop().expect("one of four").reset();
        let mut unlucky = inside.pop().expect("one of four");
        unlucky.send("panic\n").expect_gone().now();
        explain(
            "Two of four clients left, one by a reset and one by a panic, and fewer than two slots \
             became free. Release a client's slot when it leaves, in a Drop. A rejected client has \
             no slot to release.",
            BACK,
        );
        let _again = guests_again(&server);
        let mut next = server.connect();
        check(
            !is_served(&mut next),
            "a fifth client to be rejected",
            "it is served",
        )
        .or_explain(
            "More slots were released than were taken. Release each client's slot only once, at a \
             single point in the program. A rejected client has no slot to release.",
            BACK,
        );
    }
}
