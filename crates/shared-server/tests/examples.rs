//! The examples, as programs: what is copied must work.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use shared_client::Client;
use shared_proto::tutorial::{Request, Response};

const TIMEOUT: Duration = Duration::from_secs(30);

fn example(name: &str) -> Command {
    let build = escargot::CargoBuild::new()
        .package("shared-server")
        .example(name)
        .features("cli");
    let build = if cfg!(debug_assertions) {
        build
    } else {
        build.release()
    };
    build.run().unwrap().command()
}

/// A program that ends with the test, and where it listens.
struct Running(Child, String);

impl Running {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = example(name)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.expect("its line").to_owned();
        Running(child, address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_counter_counts_for_all_clients_whatever_worker_serves_them() {
    let counter = Running::start("counter", &["127.0.0.1:0"]);
    let connect = || {
        let stream = std::net::TcpStream::connect(&counter.1).unwrap();
        Client::new(&counter.1, stream, TIMEOUT).unwrap()
    };
    let mut clients: Vec<_> = (0..5).map(|_| connect()).collect();
    for client in &mut clients {
        let response: Response<'_> = client.call(&Request::Say("one")).unwrap();
        assert_eq!(response, Response::Accepted);
    }
    for client in &mut clients {
        let response: Response<'_> = client.call(&Request::Echo(b"?")).unwrap();
        assert_eq!(response, Response::Echo(b"5"[..].into()));
        let own = client.stream().local_addr().unwrap();
        let response: Response<'_> = client.call(&Request::WhoAmI).unwrap();
        assert_eq!(response, Response::Peer(format!("tcp {own}").into()));
    }
}

#[cfg(unix)]
#[test]
fn the_key_value_store_keeps_one_store_behind_both_doors_and_drains() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("store.sock").display().to_string();
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--socket",
        &socket,
        "--workers",
        "3",
    ];
    let mut store = Running::start("key_value", &arguments);
    let (listen, same) = store.1.split_once(" and ").unwrap();
    assert_eq!(same, socket);
    let client = example("key_value_client").get_program().to_owned();
    let ask = |address: &str, command: &[&str]| -> Output {
        let mut client = Command::new(&client);
        client.env("RUST_BACKTRACE", "0");
        client.arg(address).args(command).output().unwrap()
    };
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let doors = [listen, &socket];
    for (at, door) in doors.into_iter().enumerate() {
        let other = doors[1 - at];
        let key = format!("key {at}");
        said(ask(door, &["set", &key, "a green value"]));
        assert_eq!(said(ask(other, &["get", &key])), "a green value");
        assert_eq!(
            said(ask(other, &["search", "green"])),
            format!("{}\n", at + 1)
        );
    }
    let none = ask(listen, &["del", "key 9"]);
    let told = String::from_utf8(none.stderr).unwrap();
    assert!(told.contains("has no such key"), "{told}");
    said(ask(listen, &["del", "key 0"]));
    assert_eq!(said(ask(&socket, &["search", "green"])), "1\n");

    let ended: JoinHandle<_> = thread::spawn(move || {
        let pid = store.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        store.0.wait().unwrap()
    });
    assert_eq!(ended.join().unwrap().code(), Some(0));
    assert!(!std::fs::exists(socket).unwrap(), "the path is removed");
}
