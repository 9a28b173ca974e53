//! Does the program hear both servers, over TCP and over a Unix socket?

use std::time::Duration;

use scripted_peer::{
    Listener, Peer, PredicateBooleanExt, Serving, check, contains, explain, folder, program,
};

const FAMILIES: &str = "01-what-is-a-socket.html#an-address-or-a-path";
const END: &str = "01-what-is-a-socket.html#read-until-the-end";
const REFUSED: &str = "01-what-is-a-socket.html#when-nothing-is-listening";

/// Sends each client the greeting, and closes the connection.
fn greets(door: Listener, greeting: &'static str) -> Serving {
    door.serve(move |mut visitor: Peer| {
        visitor.send(greeting);
        visitor.close();
    })
}

/// The same, one byte at a time, and with a pause before the last words.
fn drawls(door: Listener, greeting: &'static str, last: &'static str) -> Serving {
    door.serve(move |mut visitor: Peer| {
        visitor.drip(greeting).pause(Duration::from_millis(1200));
        visitor.drip(last);
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
        "Your output isn't exactly the two greetings. Two addresses need two sockets: connect to \
         each address, read from each socket, and print the bytes exactly as they arrived.",
        FAMILIES,
    );
}

#[test]
fn a_greeting_ends_with_the_stream() {
    let path = greets(Listener::on_path(), "I live at a path.\n");
    let tcp = drawls(Listener::tcp(), "I speak slöwly\nand ", "rest.\n");
    let client = program!().args([tcp.address(), path.address()]).start();
    let both = "I speak slöwly\nand rest.\nI live at a path.\n";
    client.exits_with(0).stdout(both).or_explain(
        "Your program didn't print the whole greeting. This server sends its greeting byte by \
         byte, with pauses, and one read() returns only the bytes that have arrived so far, \
         perhaps only half a character. Keep reading until read() returns 0 bytes: that is the end \
         of the stream.",
        END,
    );

    let tcp = greets(Listener::tcp(), " no newline at the end ");
    let client = program!().args([tcp.address(), path.address()]).start();
    let both = " no newline at the end I live at a path.\n";
    client.exits_with(0).stdout(both).or_explain(
        "Your program didn't print this greeting exactly as it arrived. It begins and ends with a \
         space, and has no newline after it: print it with print!(), and add or remove nothing.",
        END,
    );

    let long = "I have a lot to tell. ".repeat(5000);
    let tcp = greets(Listener::tcp(), String::leak(long.clone()));
    let client = program!().args([tcp.address(), path.address()]).start();
    let both = long + "I live at a path.\n";
    client.exits_with(0).stdout(both).or_explain(
        "This greeting is 110,000 bytes long, and your program didn't print all of it. It is \
         longer than what one read returns, and perhaps longer than your buffer. Don't stop when \
         the buffer is full: keep reading until the stream ends.",
        END,
    );
}

#[test]
fn the_order_is_the_arguments() {
    let here = folder();
    let path = Listener::at(here.join("front:door"));
    let path = greets(path, "the path came first\n");
    let tcp = greets(Listener::tcp(), "the address came second\n");
    for door in [path.address().to_string().as_str(), "./front:door"] {
        let client = program!()
            .in_folder(&here)
            .args([door, &tcp.address().to_string()])
            .start();
        let both = "the path came first\nthe address came second\n";
        client.exits_with(0).stdout(both).or_explain(
            "Your output isn't the two greetings in the order of the arguments. Here the path is \
             the first argument. An argument that contains a `/` is a path, whether it is first or \
             second and whatever else it contains.",
            FAMILIES,
        );
    }
}

#[test]
fn a_refused_door_is_named() {
    explain(
        "Nothing is listening at one of the two addresses, and your program didn't name that \
         address, named the other one too, or didn't end with exit code 1. Print one message to \
         standard error that names only the address that failed, and end with exit code 1, even if \
         the other server answers.",
        REFUSED,
    );
    let open = greets(Listener::tcp(), "I am in.\n");
    let open = open.address().to_string();
    let (port, path) = (Listener::refusing(), Listener::refusing_on_path());
    let nowhere = folder().join("nobody").display().to_string();
    for shut in [
        &port.address().to_string(),
        &path.address().to_string(),
        &nowhere,
    ] {
        for doors in [[&open, shut], [shut, &open]] {
            let client = program!().args(doors).start();
            let failed = client.exits_with(1).stderr(contains(shut.clone()));
            failed.stderr(contains(open.clone()).not()).now();
            let told = client.stderr();
            let named = told.lines().filter(|line| line.contains(shut.as_str()));
            check(
                named.count() == 1,
                "one message that names that address",
                told.clone(),
            )
            .or_explain(
                "You reported the same failure more than once. Print a single message with the \
                 address or path and what went wrong.",
                REFUSED,
            );
        }
    }
}
