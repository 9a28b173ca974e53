//! Does the program know both ends of its connection?

use scripted_peer::{Listener, folder, needs, program, starts_with};

const SECTION: &str = "01-what-is-a-socket.html#every-connection-has-two-ends";

#[test]
fn prints_both_ends() {
    let server = Listener::tcp();
    let client = program!().connect_to(server.address());
    let peer = server.accept();
    client.exits_with(0).or_explain(
        "Your program didn't end with exit code 0. Connect, print both addresses, and exit. This \
         server sends nothing, so don't wait for data from it.",
        SECTION,
    );
    let both = format!("local {}\npeer {}\n", peer.remote(), server.address());
    client.exits_with(0).stdout(both).or_explain(
        "Your output doesn't show both addresses of this connection. A connection has two ends, \
         each with its own address, and the connected socket knows both: ask it for each.",
        SECTION,
    );

    let server = Listener::on_path();
    let client = program!().connect_to(server.address());
    let both = format!("local (unnamed)\npeer {}\n", server.address());
    client.exits_with(0).stdout(both).or_explain(
        "Your output doesn't show both ends of this Unix connection. Only the listening end has a \
         path; the connecting end has no name. Print the path unchanged, with display(), and \
         `(unnamed)` for your own end.",
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
                "Your `local` line doesn't show the address of your end. The system picks a free \
                 port for it each time you connect, so you can't know that port in advance: ask \
                 the socket which one it got.",
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
        "Your program didn't connect to this path, or it didn't print the path that the server \
         bound. `./front:door` contains a `/`, so it is a path, even though it also contains a \
         `:`. Print the path that peer_addr() returns, not the argument and not a path that you \
         computed.",
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
        "Your output doesn't show both addresses of this connection. On Linux, connecting to \
         0.0.0.0 takes you to 127.0.0.1, so the argument isn't the peer's address: call \
         peer_addr().",
        SECTION,
    );
}
