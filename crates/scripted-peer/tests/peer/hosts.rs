//! Two hosts on one machine, and a cable that can be pulled.

use std::fs;
use std::time::Duration;

use crate::common::verdict;
use scripted_peer::{Hosts, check, deadline, eventually, frame, line, needs, program};

#[test]
fn a_program_on_one_host_serves_a_peer_on_the_other() {
    let Some(hosts) = Hosts::new() else { return };
    let server = program!().arg("frames").on(&hosts.left);
    let server = server.listen_on(hosts.left.any_port()).now();
    assert!(server.address().to_string().starts_with("10.77.0.1:"));
    let mut peer = hosts.right.connect(server.address());
    assert!(peer.local().to_string().starts_with("10.77.0.2:"));
    peer.send(frame("hello")).expect(frame("hello"));
    peer.drip(frame("again")).expect(frame("again"));
    let copy = server.socket_of(&peer).now();
    assert!(copy.peer_addr().is_ok());
    drop(copy);
    peer.half_close().expect_end();
}

#[test]
fn a_client_on_one_host_finds_the_other_by_its_name() {
    let Some(hosts) = Hosts::new() else { return };
    let listener = hosts.right.listener();
    let address = format!("right:{}", listener.address().port());
    let client = program!().args([&address, "dials"]).on(&hosts.left).start();
    let mut peer = listener.accept();
    peer.drip("hello").half_close();
    client
        .exits_with(0)
        .stdout("connected\n\"hello\", and the end\n");
}

#[test]
fn both_families_cross_the_cable_before_and_after_it_was_pulled() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.pull_cable();
    hosts.plug_cable();
    let addresses = [Some(hosts.left.address()), hosts.left.address_v6()];
    for address in addresses.into_iter().flatten() {
        let any = std::net::SocketAddr::new(address, 0);
        let server = program!()
            .arg("frames")
            .on(&hosts.left)
            .listen_on(any)
            .now();
        let mut peer = hosts.right.connect(server.address());
        peer.send(frame("hello")).expect(frame("hello"));
    }
}

#[test]
fn what_a_command_prints_is_not_taken_for_its_end() {
    let Some(hosts) = Hosts::new() else { return };
    let text = hosts.left.run("echo 'a = 1'; sleep 0.1; echo '= 2'");
    assert_eq!(text.as_deref(), Ok("a = 1\n= 2\n"));
    let failed = hosts.left.run("printf 'no = 0'; false");
    assert!(failed.is_err_and(|text| text.ends_with("no = 0")));
}

#[test]
fn nothing_passes_a_pulled_cable_and_nobody_is_told() {
    let Some(hosts) = Hosts::new() else { return };
    let server = program!().arg("counts-reads").on(&hosts.left);
    let server = server.listen_on(hosts.left.any_port()).now();
    let mut peer = hosts.right.connect(server.address());
    peer.send("x").expect(line("1"));
    hosts.pull_cable();
    peer.send("lost?")
        .expect_nothing_for(Duration::from_millis(300));
    let route = hosts.left.run("ip route; ip addr show cable").unwrap();
    assert!(
        route.contains("10.77.0.0/24") && route.contains("10.77.0.1/24"),
        "{route}"
    );
    assert!(route.contains("NO-CARRIER"), "{route}");
    // Nothing is lost either: TCP says it again.
    hosts.plug_cable();
    peer.patience(Duration::from_secs(15)).expect(line("5"));
}

#[test]
fn two_tests_at_once_have_hosts_of_their_own_and_leave_nothing() {
    let Some(one) = Hosts::new() else { return };
    let Some(other) = Hosts::new() else { return };
    let _listeners = (one.right.listener(), other.right.listener());
    let pids: Vec<String> = [&one, &other]
        .map(|hosts| hosts.left.run("echo $$").unwrap().trim().to_owned())
        .to_vec();
    drop((one, other));
    for pid in pids {
        let gone = || !fs::exists(format!("/proc/{pid}")).unwrap();
        eventually("the shell that holds the namespaces to end", gone).now();
    }
}

#[test]
fn hosts_end_with_the_process_that_made_them() {
    if Hosts::new().is_none() {
        return;
    }
    // It starts a dozen others, which take their time on a busy machine.
    deadline(Duration::from_secs(60));
    let maker = program!().patience(Duration::from_secs(20));
    let maker = maker.args(["", "makes-hosts"]).start();
    maker.prints("pid ").now();
    eventually("the whole line", || maker.stdout().contains('\n')).now();
    let pid = maker.stdout().trim().replace("pid ", "");
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    maker.signal(scripted_peer::Signal::KILL).ends().now();
    let gone = || !fs::exists(format!("/proc/{pid}")).unwrap();
    eventually("the shell that holds the namespaces to end", gone).now();
}

#[test]
fn a_failure_over_the_cable_tells_what_happened() {
    if Hosts::new().is_none() {
        return;
    }
    let text = verdict(|| {
        deadline(Duration::from_secs(25));
        let Some(hosts) = Hosts::new() else { return };
        let server = program!().arg("greets-and-waits").on(&hosts.left);
        let server = server.patience(Duration::from_millis(300));
        let server = server.listen_on(hosts.left.any_port()).now();
        let _peer = hosts.right.connect(server.address());
        hosts.pull_cable();
        server.ends().or_explain("No news is not good news.", "");
    });
    let text = text.unwrap();
    for words in [
        "two hosts, left (10.77.0.1)",
        "on right:",
        "the cable is pulled",
        "No news",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_machine_that_permits_no_namespaces_skips() {
    if !needs::root() {
        return;
    }
    // Without the capability that setns(2) and unshare(2) ask for.
    let this = env!("CARGO_BIN_EXE_scripted-peer");
    let bounded = ["--bounding-set", "-sys_admin"];
    let probe = std::process::Command::new("setpriv")
        .args(bounded)
        .arg("true")
        .status();
    if !probe.is_ok_and(|end| end.success()) {
        needs::skip("needs setpriv(1)");
        return;
    }
    let program = scripted_peer::Program::new("setpriv").args(bounded);
    let output = program.args([this, "", "makes-hosts"]).start().ends().now();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    check(
        told.contains("needs network namespaces"),
        "the reason",
        told,
    )
    .now();
}
