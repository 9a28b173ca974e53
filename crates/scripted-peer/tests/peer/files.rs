//! Descriptors that travel with bytes, both ways.

use std::fs::{self, File};
use std::io::Read as _;

use crate::common::{tcp, unix, verdict};
use scripted_peer::{Listener, folder, line, needs};

#[test]
fn descriptors_ride_on_the_first_byte() {
    let server = unix("files-plain");
    let mut peer = server.connect();
    let file = File::open("/dev/null").unwrap();
    peer.send_with(line("one"), [&file]);
    peer.expect(line(r#"1 with "one\n""#));
    peer.send_with(line("three"), [&file, &file, &file]);
    peer.expect(line(r#"3 with "three\n""#));
    peer.send(line("none")).expect(line(r#"0 with "none\n""#));
    peer.drip_with("ab", [&file]);
    peer.expect("1 with \"a\"\n0 with \"b\"\n");
}

#[test]
fn without_a_byte_nothing_is_sent() {
    let server = unix("files-plain");
    let text = verdict(move || {
        let mut peer = server.connect();
        let file = File::open("/dev/null").unwrap();
        peer.send_with("", [&file]).send("x");
        peer.expect("1 with");
    });
    let text = text.unwrap();
    assert!(
        text.contains("without a byte no descriptor is sent"),
        "{text}"
    );
    assert!(text.contains("0 with"), "{text}");
}

#[test]
fn a_program_without_room_says_so() {
    if !needs::linux() {
        return;
    }
    // Descriptors 0 to 4 are in use: room for two more.
    let server = scripted_peer::program!()
        .limit("-n", 7)
        .arg("files-plain")
        .listen_on_path();
    let mut peer = server.connect();
    let file = File::open("/dev/null").unwrap();
    peer.send_with("x", [&file, &file, &file]);
    peer.expect(line(r#"2 with "x" and some were cut"#));
}

#[test]
fn a_file_arrives_open() {
    let server = unix("files-plain");
    let folder = folder();
    fs::write(folder.join("file"), "its text").unwrap();
    let ask = line(format!("give {}", folder.join("file").display()));
    let mut peer = server.connect();
    for _ in 0..3 {
        let files = peer.send(&ask).expect_with("+", 1).now();
        let mut text = String::new();
        let mut file = File::from(files.into_iter().next().unwrap());
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "its text");
    }
    // Other verbs keep them for who asks later.
    peer.send(&ask).expect("+");
    assert_eq!(peer.take_descriptors().len(), 1);
    assert!(peer.take_descriptors().is_empty());
}

#[test]
fn none_and_too_many_are_told_apart_from_one() {
    for (manner, got) in [("never", "no descriptor"), ("twice", "2 descriptors")] {
        let text = verdict(move || {
            let server = unix(&format!("files-{manner}"));
            let mut peer = server.connect();
            peer.send(line("give /dev/null"));
            drop(peer.expect_with("+", 1).or_explain("Send it along.", ""));
        });
        let text = text.unwrap();
        assert!(
            text.contains("expected   \"+\" with 1 descriptor"),
            "{text}"
        );
        assert!(
            text.contains(&format!("got        the bytes with {got}")),
            "{text}"
        );
        assert!(text.contains("Send it along."), "{text}");
    }
    let text = verdict(|| {
        let server = tcp("greets");
        drop(server.connect().expect_with("hello", 1));
    });
    assert!(text.unwrap().contains("the bytes with no descriptor"));
}

#[test]
fn what_does_not_fit_is_cut_off_and_told() {
    let listener = Listener::on_path();
    let mut here = listener.crowd(1).remove(0);
    let mut there = listener.accept();
    let file = File::open("/dev/null").unwrap();
    for (room, fit) in [(0, 0), (1, 1), (2, 2), (3, 3), (10, 3)] {
        if room < 3 && !needs::linux() {
            continue;
        }
        there.send_with("x", [&file, &file, &file]);
        let passed = here.receive_with(room);
        assert_eq!(passed.bytes, b"x");
        assert_eq!((passed.files.len(), passed.cut), (fit, room < 3));
    }
    there.half_close();
    assert!(here.receive_with(1).bytes.is_empty());
    here.expect_end();
}

#[test]
fn byte_by_byte_it_shows_on_which_one_a_descriptor_rides() {
    let listener = Listener::on_path();
    let mut here = listener.crowd(1).remove(0);
    let mut there = listener.accept();
    let file = File::open("/dev/null").unwrap();
    there.send("a").send_with("bc", [&file]).send("d");
    for (byte, files) in [("a", 0), ("b", 1), ("c", 0), ("d", 0)] {
        let passed = here.receive_up_to(1, 2);
        assert_eq!(passed.bytes, byte.as_bytes());
        assert_eq!(passed.files.len(), files, "with {byte}");
    }
}

#[test]
fn a_peers_descriptors_are_closed_on_exec() {
    if !needs::linux() {
        return;
    }
    use rustix::io::{FdFlags, fcntl_getfd};
    let listener = Listener::on_path();
    let mut here = listener.crowd(1).remove(0);
    listener
        .accept()
        .send_with("x", [&File::open("/dev/null").unwrap()]);
    let files = here.expect_with("x", 1).now();
    assert!(fcntl_getfd(&files[0]).unwrap().contains(FdFlags::CLOEXEC));
}
