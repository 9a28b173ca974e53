//! Does one socket serve both address families, and know who connects?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use scripted_peer::{
    Address, Hosts, Peer, Running, check, contains, explain, line, needs, program,
};

const BOTH: &str = "19-what-changes-on-a-network.html#both-families-at-one-socket";
const WHO: &str = "19-what-changes-on-a-network.html#a-mapped-address";

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// For a program that exits before it listens, although its address and its list are good.
const NOT_V4: &str = "Your program didn't get as far as listening on an IPv4 address. If it \
                      exited, standard error should say why. `Protocol not available` \
                      (ENOPROTOOPT) means that you set IPV6_V6ONLY on an IPv4 socket: set it on \
                      IPv6 sockets only.";
const NOT_V6: &str = "Your program didn't get as far as listening on [::]. If it exited, standard \
                      error should say why. `Invalid argument` (EINVAL) means that you set \
                      IPV6_V6ONLY too late: set it before bind(), not after.";

fn server(address: &str, list: &[&str]) -> Running {
    let server = program!().typed().args(list).listen_on(address);
    let is_v6 = address.starts_with('[');
    let server = server.or_explain(if is_v6 { NOT_V6 } else { NOT_V4 }, BOTH);
    // For IPv6, a client of the other family shows whether the server listens on [::].
    if let (false, Address::Tcp(at)) = (is_v6, server.address()) {
        let at = at.ip().to_canonical();
        check(at == V4, "a server at 127.0.0.1", format!("one at {at}")).or_explain(
            "Your program listens on a different address from the one it was given. On 127.0.0.1, \
             only this machine can connect; on [::], any machine can. Listen on exactly the address \
             that you were given.",
            BOTH,
        );
    }
    server
}

/// Where this server is, for clients that connect to this address.
fn at(server: &Running, ip: IpAddr) -> Address {
    Address::Tcp(SocketAddr::new(ip, server.address().port()))
}

fn connect(server: &Running, ip: IpAddr) -> Peer {
    Peer::connect(&at(server, ip))
}

/// It is served, and named.
fn is_admitted(server: &Running, peer: &mut Peer) {
    peer.send(line("hello")).expect(line("hello")).now();
    is_named(server, "admitted", peer);
}

/// It is sent away, and named.
fn is_turned_away(server: &Running, peer: &mut Peer) {
    peer.expect_gone().now();
    is_named(server, "turned away", peer);
}

/// Its line has its address, as the client itself would write it.
fn is_named(server: &Running, what: &str, peer: &Peer) {
    server
        .prints(&format!("{what} {}\n", peer.local()))
        .or_explain(
            "Your program didn't print this client's line with the client's address. Print the \
             address that the client itself knows. On an IPv6 socket, an IPv4 client has a mapped \
             address, ::ffff:127.0.0.1: print that as 127.0.0.1, and print ::1 as ::1.",
            WHO,
        );
}

#[test]
fn both_families_come_in() {
    if !needs::ipv6() {
        return;
    }
    let server = server("[::]:0", &["127.0.0.1", "::1"]);
    let mut peers = [V4, V6].map(|ip| {
        let found = Peer::try_connect(&at(&server, ip));
        let mut peer = found.or_explain(
            "A client could not connect. A server on [::] must serve both families, here clients \
             at 127.0.0.1 and at ::1. Bind to the address that you were given, with IPV6_V6ONLY \
             off.",
            BOTH,
        );
        explain(
            "This client is on the list, and your program did not serve it. Serve it, whichever \
             address family it uses, and at the same time as the others. (If your program prints \
             0.0.0.1, the client was ::1: to_ipv4 converts more than mapped addresses. Use \
             to_canonical.)",
            BOTH,
        );
        peer.send(line("hello")).expect(line("hello")).now();
        peer
    });
    for peer in &mut peers {
        peer.send(line("again")).expect(line("again")).now();
    }
}

#[test]
fn a_machine_that_prefers_one() {
    let Some(hosts) = Hosts::new() else { return };
    if let Err(reason) = hosts.left.run("sysctl -w net.ipv6.bindv6only=1") {
        needs::skip(&format!(
            "needs permission to set net.ipv6.bindv6only: {reason}"
        ));
        return;
    }
    explain(
        "On this host, your program did not serve clients of both families. The host has \
         net.ipv6.bindv6only set, so an IPv6 socket accepts only IPv6 clients unless the program \
         says otherwise. Set IPV6_V6ONLY to what you need, before bind().",
        BOTH,
    );
    let admitted = [Some(hosts.right.address()), hosts.right.address_v6()];
    let admitted: Vec<IpAddr> = admitted.into_iter().flatten().collect();
    let server = program!().typed().args(admitted).on(&hosts.left);
    let server = server.listen_on("[::]:0").or_explain(NOT_V6, BOTH);
    let addresses = [Some(hosts.left.address()), hosts.left.address_v6()];
    for ip in addresses.into_iter().flatten() {
        let mut peer = hosts.right.connect(&at(&server, ip));
        is_admitted(&server, &mut peer);
    }
}

#[test]
fn a_peer_is_who_it_is() {
    if !needs::ipv6() {
        return;
    }
    explain(
        "Both clients are on the list, and your program didn't print a line for each. Print \
         `admitted ADDRESS` for both.",
        WHO,
    );
    let server = server("[::]:0", &["::1", "127.0.0.1"]);
    let mut peers = [connect(&server, V4), connect(&server, V6)];
    for peer in &mut peers {
        is_admitted(&server, peer);
    }
    let lines = server.stdout().lines().count();
    check(lines == 3, "a line for each client", server.stdout()).now();
}

#[test]
fn the_list_means_both_spellings() {
    explain(
        "This client is on the list, and your program did not serve it. One address can be written \
         in several ways, so parse each entry (IpAddr), convert both the entry and the client's \
         address to one form (to_canonical), and compare those.",
        WHO,
    );
    // At a socket of IPv4 the list alone may be mapped.
    let v4 = server("127.0.0.1:0", &["::ffff:127.0.0.1"]);
    is_admitted(&v4, &mut connect(&v4, V4));
    if !needs::ipv6() {
        return;
    }
    for spelling in ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1"] {
        let server = server("[::]:0", &["10.0.0.1", spelling]);
        is_admitted(&server, &mut connect(&server, V4));
    }
    for spelling in ["::1", "0:0:0:0:0:0:0:1", "0::0001"] {
        let server = server("[::]:0", &[spelling, "10.0.0.1"]);
        is_admitted(&server, &mut connect(&server, V6));
    }
}

#[test]
fn nobody_else_comes_in() {
    explain(
        "This client is not on the list, and your program did not turn it away. Close its \
         connection without sending a byte, and serve the next client.",
        WHO,
    );
    let v4 = server("127.0.0.1:0", &["127.0.0.2"]);
    is_turned_away(&v4, &mut connect(&v4, V4));
    if !needs::ipv6() {
        return;
    }
    // 0.0.0.1 is what is left of ::1 when it is taken for an address of IPv4.
    let cases: [(&[&str], IpAddr); 4] = [
        (&["127.0.0.1", "::2", "0.0.0.1"], V6),
        (&["::1", "127.0.0.11"], V4),
        (&[], V4),
        (&[], V6),
    ];
    for (list, ip) in cases {
        let server = server("[::]:0", list);
        is_turned_away(&server, &mut connect(&server, ip));
        if !list.is_empty() {
            let other = if ip == V4 { V6 } else { V4 };
            is_admitted(&server, &mut connect(&server, other));
        }
    }
    explain(
        "::127.0.0.1 is on the list, 127.0.0.1 is not, and your program mixed them up. They are \
         different addresses: the mapped form of 127.0.0.1 has ffff in it, ::ffff:127.0.0.1. \
         to_ipv4 turns both into 127.0.0.1; use to_canonical.",
        WHO,
    );
    let server = self::server("[::]:0", &["::1", "::127.0.0.1"]);
    is_turned_away(&server, &mut connect(&server, V4));
    is_admitted(&server, &mut connect(&server, V6));
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    for wrong in ["localhost", "127.0.0.1:80", "127.0.0", "[::1]", ""] {
        let program = program!().typed().args(["127.0.0.1:0", "127.0.0.1", wrong]);
        let output = program.start().exits_with(2);
        output.stdout("").stderr(contains(wrong)).or_explain(
            "One entry on the list is not an IP address, and your program did not refuse it. A \
             server that guesses or skips such an entry admits too many clients or too few, and \
             nobody notices. Name the entry on standard error, and end with exit code 2 before you \
             listen.",
            WHO,
        );
    }
}
