//! The promises about users that the kernel cannot name: in a user namespace that does not know all
//! of them they all have one number, and the server may have it as well.

use crate::pair::fake_server::tells;
use crate::pair::limits::served;
use crate::pair::process::client_program;
use crate::pair::server::{Server, Start};
use crate::transport::Place;
use crate::unix::users::Open;
use assert_cmd::Command;
use predicates::prelude::*;
use rustix::process::geteuid;
use scripted_peer::needs;
use std::fs;

/// In a user namespace where nobody has a name.
const NO_MAP: &str = "unshare --user";
/// Where this user alone has one, which is root's.
const ONE_MAPPED: &str = "unshare --user --map-root-user";

/// Whether such namespaces can be made here, by programs of util-linux.
fn namespaces() -> bool {
    let tried = [NO_MAP, ONE_MAPPED].map(|unshare| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{unshare} true")]).ok()
    });
    let mut refused = tried.into_iter().filter_map(Result::err);
    if let Some(error) = refused.next() {
        needs::skip(&format!("it makes a user namespace by unshare: {error}"));
        return false;
    }
    true
}

/// The number that stands for all who have no name.
fn overflow_uid() -> String {
    let uid = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap();
    uid.trim().to_owned()
}

/// The client, in such a namespace.
fn client_inside(namespace: &str, server: &Server, arguments: &[&str]) -> Command {
    let mut client = Command::new("sh");
    client.args(["-c", &format!("exec {namespace} \"$0\" \"$@\"")]);
    client.arg(client_program());
    client.args(["--socket", &server.address]).args(arguments);
    client.timeout(crate::pair::DEADLINE);
    client
}

#[test]
fn a_server_that_cannot_tell_its_own_user_serves_only_whom_it_is_told_to() {
    if !namespaces() {
        return;
    }
    let nobody = overflow_uid();
    let told = Start::new(&["--mode", "0666"]).inside(NO_MAP).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains(&nobody) && told.contains("--allow-uid"),
        "{told}"
    );
    assert!(told.contains("server.sock"), "{told}");

    let another = Start::new(&["--allow-uid", "7"]).inside(NO_MAP).run();
    another.connect().expect_error(8);
    // Whoever says so trusts all of them.
    let server = Start::new(&["--allow-uid", &nobody]).inside(NO_MAP).run();
    served(&server);
    server.logs("every user that is not mapped");
}

#[test]
fn where_its_own_user_has_a_name_no_stranger_passes_for_it() {
    if !namespaces() {
        return;
    }
    let start = Start::new(&["--mode", "0666"]).inside(ONE_MAPPED);
    served(&start.run());
    let Some(open) = Open::new() else { return };
    let start = Start::new(&["--mode", "0666"]).inside(ONE_MAPPED);
    let _server = start.at(&open.place, &open.place.address()).run();
    let client = open.strangers_client(&["whoami"]).assert().code(1);
    client
        .stdout("")
        .stderr(predicate::str::contains("NotAllowed"));
}

#[test]
fn nobodys_own_number_is_refused_also_where_it_is_mapped() {
    if !namespaces() {
        return;
    }
    // This user is called nobody here, and so is everybody else.
    let map = format!("unshare --user --map-user {}", overflow_uid());
    if Command::new("sh")
        .args(["-c", &format!("{map} true")])
        .ok()
        .is_err()
    {
        needs::skip("it maps a user by unshare --map-user, of util-linux 2.34 or newer");
        return;
    }
    let told = Start::new(&[]).inside(&map).refused();
    assert!(told.contains("--allow-uid"), "{told}");
}

#[test]
fn the_client_trusts_no_server_whose_user_it_cannot_name() {
    if !namespaces() {
        return;
    }
    let nobody = overflow_uid();
    let server = Server::start(&[]);
    let client = client_inside(NO_MAP, &server, &["whoami"]).assert().code(1);
    let words = [
        &nobody,
        "cannot be named",
        "nothing was sent",
        "--server-uid",
    ];
    tells(
        &client.stdout("").get_output().stderr,
        &server.address,
        &words,
    );
    for namespace in [NO_MAP, ONE_MAPPED] {
        let trusting = ["whoami", "--server-uid", &nobody];
        let client = client_inside(namespace, &server, &trusting).assert();
        let own = format!("uid={}", geteuid().as_raw());
        client.success().stdout(predicate::str::contains(own));
    }
    // Where it has a name, it is this user's.
    client_inside(ONE_MAPPED, &server, &["whoami"])
        .assert()
        .success();
}

#[test]
fn a_folder_whose_owner_has_no_name_is_nobodys_own() {
    if !namespaces() {
        return;
    }
    let place = Place::new();
    let folder = place.folder().display();
    for setting in [
        format!("export XDG_RUNTIME_DIR='{folder}'"),
        format!("unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'"),
    ] {
        let start = Start::new(&[]).after(&setting).inside(NO_MAP);
        let told = start.at_default(&place).refused();
        tells(
            told.as_bytes(),
            place.folder().to_str().unwrap(),
            &["cannot be named"],
        );
        let mut client = Command::new("sh");
        client.args(["-c", &format!("{setting}; exec {NO_MAP} \"$0\" whoami")]);
        client.arg(client_program());
        let client = client.assert().code(1);
        let told = &client.get_output().stderr;
        tells(told, place.folder().to_str().unwrap(), &["cannot be named"]);
    }
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
}

/// The programs of chapter 8, which decide by themselves: the step, and the solution.
#[test]
fn the_chapters_programs_serve_nobody_without_a_name() {
    if !namespaces() {
        return;
    }
    let step = pair_tests::example("unix-server", "ch08_who_is_it");
    let solution = pair_tests::program("sol-08-02");
    let frame = (&b"\0\0\0\x02hi"[..], &b"\0\0\0\x08accepted"[..]);
    let line = (&b"hi\n"[..], &b"pid="[..]);
    for (program, (question, answer)) in [(step, frame), (solution, line)] {
        for (namespace, is_served) in [(NO_MAP, false), (ONE_MAPPED, true)] {
            let place = Place::new();
            // They take a path alone, without an option's name before it.
            let wrapper = format!("{namespace} sh -c 'exec \"$0\" \"$2\"'");
            let start = Start::of(&program, &[]).inside(&wrapper);
            let server = start.at(&place, &place.address()).run();
            let mut peer = server.connect();
            if is_served {
                peer.send(question);
                peer.expect(answer);
            } else {
                peer.expect_end();
            }
        }
    }
}
