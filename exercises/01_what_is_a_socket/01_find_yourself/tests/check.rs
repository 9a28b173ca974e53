//! Does the program know both ends of its connection?

use scripted_peer::{Listener, program, starts_with};

const SECTION: &str = "01-what-is-a-socket.html#every-connection-has-two-ends";

#[test]
fn prints_both_ends() {
    let server = Listener::tcp();
    let client = program!().connect_to(server.address());
    let peer = server.accept();
    let both = format!("local {}\npeer {}\n", peer.remote(), server.address());
    client.exits_with(0).stdout(both).or_explain(
        "A connection has two ends, each with an address. The socket knows both: ask it.",
        SECTION,
    );

    let server = Listener::on_path();
    let client = program!().connect_to(server.address());
    let both = format!("local (unnamed)\npeer {}\n", server.address());
    client.exits_with(0).stdout(both).or_explain(
        "On a Unix socket only the listening end has a path: print it as it is, with display(). \
         The connecting end has no name.",
        SECTION,
    );
}

#[test]
fn a_second_run_has_another_port() {
    let server = Listener::tcp();
    for _ in 0..2 {
        let client = program!().connect_to(server.address());
        let own_end = format!("local {}\n", server.accept().remote());
        client.exits_with(0).stdout(starts_with(own_end)).or_explain(
            "The system picks a free port for your end at each connect: only the socket knows it.",
            SECTION,
        );
    }
}
