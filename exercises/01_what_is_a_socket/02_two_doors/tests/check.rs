//! Does the program hear both servers, over TCP and over a Unix socket?

use scripted_peer::{Listener, Peer, Serving, contains, explain, folder, program};

const FAMILIES: &str = "01-what-is-a-socket.html#an-address-or-a-path";
const END: &str = "01-what-is-a-socket.html#read-until-the-end";
const REFUSED: &str = "01-what-is-a-socket.html#when-nobody-listens";

/// Greets each visitor and closes.
fn greets(door: Listener, greeting: &'static str) -> Serving {
    door.serve(move |mut visitor: Peer| {
        visitor.send(greeting);
        visitor.close();
    })
}

/// The same, one byte at a time.
fn drawls(door: Listener, greeting: &'static str) -> Serving {
    door.serve(move |mut visitor: Peer| {
        visitor.drip(greeting);
        visitor.close();
    })
}

#[test]
fn prints_both_greetings() {
    let tcp = greets(Listener::tcp(), "I live at an address.\n");
    let path = greets(Listener::on_path(), "I live at a path.\n");
    let client = program!().args([tcp.address(), path.address()]).start();
    let both = "I live at an address.\nI live at a path.\n";
    client.exits_with(0).stdout(both).or_explain(
        "Two doors, two sockets: connect to each address, read from each socket, and print what \
         came, as it came.",
        FAMILIES,
    );

    let tcp = drawls(Listener::tcp(), "I speak\nslowly.\n");
    let client = program!().args([tcp.address(), path.address()]).start();
    let both = "I speak\nslowly.\nI live at a path.\n";
    client.exits_with(0).stdout(both).or_explain(
        "This server sends its greeting byte by byte, and one read() returns what has come so \
         far. Read until the end of the stream.",
        END,
    );
}

#[test]
fn the_order_is_the_arguments() {
    let path = greets(Listener::on_path(), "the path came first\n");
    let tcp = greets(Listener::tcp(), "the address came second\n");
    let client = program!().args([path.address(), tcp.address()]).start();
    let both = "the path came first\nthe address came second\n";
    client.exits_with(0).stdout(both).or_explain(
        "Here the path is the first argument: what holds a `/` is a path, wherever it stands, and \
         the greetings come in the order of the arguments.",
        FAMILIES,
    );
}

#[test]
fn a_refused_door_is_named() {
    explain(
        "Nobody listens there. Print one message on standard error that names the address, and \
         end with exit code 1.",
        REFUSED,
    );
    let open = greets(Listener::tcp(), "I am in.\n");
    for shut in [Listener::refusing(), Listener::refusing_on_path()] {
        let client = program!().args([open.address(), shut.address()]).start();
        let named = contains(shut.address().to_string());
        client.exits_with(1).stderr(named).now();
    }
    let nowhere = folder().join("nobody").display().to_string();
    let client = program!()
        .args([&open.address().to_string(), &nowhere])
        .start();
    client.exits_with(1).stderr(contains(nowhere)).now();
}
