//! A program that is born with sockets.

use std::fs::File;
use std::os::unix::net::UnixStream;

use scripted_peer::{
    Activation, DatagramPeer, Exit, Listener, Peer, Program, Signal, contains, needs, program,
};

fn born(activation: &Activation) -> Program {
    program!().args(["", "born"]).activated(activation)
}

#[test]
fn several_listeners_have_numbers_and_names() {
    if !needs::linux() {
        return;
    }
    let (web, local) = (Listener::tcp(), Listener::on_path());
    let both = Activation::new()
        .listener("web", &web)
        .listener("local", &local);
    // More than once: what is handed on is a copy.
    for _ in 0..2 {
        let program = born(&both).stdin("some input").start();
        Peer::connect(web.address()).expect("hello from 3");
        Peer::connect(local.address()).expect("hello from 4");
        let told = "2 for me: true, web:local\n3 listens, waits: true\n4 listens, waits: true\n\
                    read \"some input\"\n";
        program.exits_with(0).stdout(told).stderr("");
    }
    // The check's own copy still accepts.
    let _waiting = Peer::connect(web.address());
    drop(web.accept());
}

#[test]
fn what_is_meant_for_somebody_else_says_so() {
    if !needs::linux() {
        return;
    }
    let listener = Listener::tcp();
    let other = Activation::new().listener("web", &listener).for_pid(1);
    let _waiting = Peer::connect(listener.address());
    born(&other)
        .start()
        .exits_with(0)
        .stdout(contains("1 for me: false, web\n"));
}

#[test]
fn the_mode_is_as_told() {
    if !needs::linux() {
        return;
    }
    let listener = Listener::on_path();
    let inherited = Activation::new().listener("web", &listener).non_blocking();
    born(&inherited)
        .start()
        .exits_with(0)
        .stdout(contains("3 listens, waits: false\n"));
}

#[test]
fn strangers_lie_where_a_listener_is_looked_for() {
    if !needs::linux() {
        return;
    }
    let (one, _other) = UnixStream::pair().unwrap();
    let strangers = Activation::new()
        .stranger("file", &File::open("/dev/null").unwrap())
        .stranger("datagrams", &DatagramPeer::on_path())
        .stranger("connection", &one);
    let told = "3 is a stranger\n4 is a stranger\n5 is a stranger\n";
    born(&strangers)
        .start()
        .exits_with(0)
        .stdout(contains(told));
}

#[test]
fn nothing_else_goes_along() {
    if !needs::linux() {
        return;
    }
    let plain = program!().arg("waits").listen();
    let mut before: Vec<u32> = plain.descriptors().iter().map(|one| one.number).collect();
    let listeners = [Listener::tcp(), Listener::tcp(), Listener::tcp()];
    let mut activation = Activation::new();
    for listener in &listeners {
        activation = activation.listener("one", listener);
    }
    let server = program!().arg("waits").activated(&activation).listen();
    let mut after: Vec<u32> = server.descriptors().iter().map(|one| one.number).collect();
    assert_eq!(after[..7], [0, 1, 2, 3, 4, 5, 6], "and its own listener");
    // What the check itself was born with goes on, too.
    before.retain(|number| !(4..=6).contains(number));
    after.retain(|number| !(4..=6).contains(number));
    assert_eq!(after, before);
    let handed: Vec<bool> = server.descriptors()[3..6]
        .iter()
        .map(|one| one.close_on_exec)
        .collect();
    assert_eq!(handed, [false; 3], "as a supervisor hands them on");
    // It is a program as any other: it leads its group, and its signals are at their defaults.
    server.signal(Signal::TERM);
    assert_eq!(server.ends().now().exit, Exit::Signal(15));
}
