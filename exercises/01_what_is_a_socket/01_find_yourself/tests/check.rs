//! Does the program know both ends of its connection?

use scripted_peer::{Listener, folder, needs, program, starts_with};

const SECTION: &str = "01-what-is-a-socket.html#every-connection-has-two-ends";

#[test]
fn prints_both_ends() {
    let server = Listener::tcp();
    let client = program!().connect_to(server.address());
    let peer = server.accept();
    client.exits_with(0).or_explain(
        "The program should connect, print both addresses, and end with exit code 0. This server \
         sends nothing, so don't wait for data from it.",
        SECTION,
    );
    let both = format!("local {}\npeer {}\n", peer.remote(), server.address());
    client.exits_with(0).stdout(both).or_explain(
        "A connection has two ends, each with its own address, and your output doesn't match them. \
         The connected socket knows both addresses: ask it for each.",
        SECTION,
    );

    let server = Listener::on_path();
    let client = program!().connect_to(server.address());
    let both = format!("local (unnamed)\npeer {}\n", server.address());
    client.exits_with(0).stdout(both).or_explain(
        "On a Unix socket only the listening end has a path; the connecting end has no name. Print \
         the path unchanged, with display(), and `(unnamed)` for your own end.",
        SECTION,
    );
}

#[test]
fn a_second_run_has_another_port() {
    let server = Listener::tcp();
    for _ in 0..2 {
        let client = program!().connect_to(server.address());
        let peer = server.accept();
        let own_end = format!("local {}\n", peer.remote());
        client
            .exits_with(0)
            .stdout(starts_with(own_end))
            .or_explain(
                "The system picks a free port for your end each time you connect, so you can't \
                 know it in advance. Ask the socket which port it got.",
                SECTION,
            );
    }
}

#[test]
fn the_socket_knows_better_than_the_argument() {
    let here = folder();
    // The kernel stores the path as the server spelled it.
    let server = Listener::at(here.join("./front:door"));
    let client = program!().in_folder(&here).connect_to("./front:door");
    let both = format!("local (unnamed)\npeer {}\n", server.address());
    client.exits_with(0).stdout(both).or_explain(
        "`./front:door` contains a `/`, so it is a path, and it leads to the same socket. Print \
         the path that the server bound, not the argument and not a path that you computed. \
         peer_addr() returns it.",
        SECTION,
    );

    if !needs::linux() {
        return;
    }
    let server = Listener::tcp();
    let port = server.address().to_string();
    let port = port.trim_start_matches("127.0.0.1:");
    let client = program!().connect_to(format!("0.0.0.0:{port}"));
    let peer = server.accept();
    let both = format!("local {}\npeer {}\n", peer.remote(), server.address());
    client.exits_with(0).stdout(both).or_explain(
        "On Linux, connecting to 0.0.0.0 takes you to 127.0.0.1. Print the address that you are \
         connected to, not the argument: call peer_addr().",
        SECTION,
    );
}
