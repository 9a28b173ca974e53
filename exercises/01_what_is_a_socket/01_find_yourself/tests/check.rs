//! Does the program know both ends of its connection?

use scripted_peer::{Listener, folder, needs, program, starts_with};

const SECTION: &str = "01-what-is-a-socket.html#every-connection-has-two-ends";

#[test]
fn prints_both_ends() {
    let server = Listener::tcp();
    let client = program!().connect_to(server.address());
    let peer = server.accept();
    client.exits_with(0).or_explain(
        "Connect, print the two ends, and end with exit code 0. This server has nothing to say: don't \
         wait for it.",
        SECTION,
    );
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
        let peer = server.accept();
        let own_end = format!("local {}\n", peer.remote());
        client
            .exits_with(0)
            .stdout(starts_with(own_end))
            .or_explain(
                "The system picks a free port for your end each time you connect: only the socket \
                 knows which.",
                SECTION,
            );
    }
}

#[test]
fn the_socket_knows_better_than_the_argument() {
    let here = folder();
    // The kernel keeps the path as the server wrote it.
    let server = Listener::at(here.join("./front:door"));
    let client = program!().in_folder(&here).connect_to("./front:door");
    let both = format!("local (unnamed)\npeer {}\n", server.address());
    client.exits_with(0).stdout(both).or_explain(
        "`./front:door` contains a `/`, so it is a path too, and leads to the same socket. Print \
         the path as the server wrote it, not the one that you were given and not one that you \
         worked out: ask for peer_addr().",
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
        "Connecting to 0.0.0.0 leads to 127.0.0.1 on Linux. Print the address that the connection \
         leads to, not the one that you were given: ask for peer_addr().",
        SECTION,
    );
}
