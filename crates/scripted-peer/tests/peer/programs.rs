//! How a program is started, what it inherits, what it prints and costs, and how it ends.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::process::Command;

use crate::common::{FIXTURE, tcp, unix, verdict};
use scripted_peer::{
    Exit, Listener, PredicateBooleanExt as _, Signal, Start, contains, folder, needs, program,
    stale_socket, starts_with,
};

#[test]
fn arguments_environment_and_folder_are_as_told() {
    let folder = folder();
    let told = program!()
        .args(["address", "tells"])
        .args([1, 2])
        .env("GREETING", "hello");
    let real = fs::canonicalize(folder.path()).unwrap();
    let output = format!(
        "cwd {}\nGREETING hello\nLISTEN_FDS \nLISTEN_PID is mine: false\nargs [\"1\", \"2\"]\n",
        real.display()
    );
    told.in_folder(&folder).start().exits_with(0).stdout(output);
}

#[test]
fn a_listener_is_inherited_as_sd_listen_fds_has_it() {
    let listener = Listener::tcp();
    let born = program!()
        .args(["address", "tells"])
        .inherits(&listener)
        .start();
    born.exits_with(0)
        .stdout(contains("LISTEN_FDS 1\nLISTEN_PID is mine: true\n"));
}

#[test]
fn limits_and_umask_hold() {
    let server = program!()
        .umask(0o027)
        .limit("-n", 24)
        .arg("waits")
        .listen_on_path();
    let mode = fs::metadata(server.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o750);
    if needs::linux() {
        let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
        let files = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .unwrap();
        assert!(files.contains(" 24 "), "{files}");
    }
}

#[test]
fn standard_input_is_given_or_typed() {
    let copy = || program!().args(["", "copies"]);
    copy().start().exits_with(0).stdout("");
    copy()
        .stdin("one\ntwo\n")
        .start()
        .exits_with(0)
        .stdout("one\ntwo\n");
    let mut typed = copy().typed().start();
    typed.write_line("one").prints("one\n");
    typed
        .write_line("two")
        .close_stdin()
        .exits_with(0)
        .stdout(starts_with("one\ntwo"));
}

#[test]
fn much_output_is_kept_whole() {
    let much = "0123456789abcdef\n".repeat(100_000);
    program!()
        .args(["", "copies"])
        .stdin(&much)
        .start()
        .exits_with(0)
        .stdout(much);
}

#[test]
fn predicates_judge_code_and_output() {
    let exits = || program!().args(["", "exits"]).start();
    exits().exits_with(3);
    exits().exits_with(vec![1, 3]).stderr(contains("x").not());
    let killed = program!().args(["", "killed"]).start();
    assert_eq!(killed.ends().now().exit, Exit::Signal(9));
    assert!(verdict(|| drop(program!().args(["", "killed"]).start().exits_with(9))).is_some());
}

#[test]
fn a_program_listens_or_ends() {
    let mut server = program!().args(["127.0.0.1:0", "waits"]).start();
    assert_eq!(server.listens_or_ends().now(), Start::Listens);
    let _peer = server.connect();
    let mut other = program!().args(["", "exits"]).start();
    assert_eq!(other.listens_or_ends().now(), Start::Ended(Exit::Code(3)));
}

#[test]
fn a_relative_path_is_one_from_the_programs_folder() {
    let folder = folder();
    let server = program!()
        .in_folder(&folder)
        .arg("greets")
        .listen_on("./here")
        .now();
    server.connect().expect("hello");
    assert!(
        fs::metadata(folder.join("here"))
            .unwrap()
            .file_type()
            .is_socket()
    );
}

#[test]
fn a_signal_ends_it_and_then_nobody_listens() {
    let server = tcp("waits");
    server.signal(Signal::TERM);
    assert_eq!(server.ends().now().exit, Exit::Signal(15));
    server.expect_refused();
    assert!(server.has_ended());
}

#[test]
fn a_waiting_program_is_idle_and_a_busy_one_is_not() {
    if !needs::linux() {
        return;
    }
    let server = unix("waits");
    let _peer = server.connect();
    server.expect_idle();
    for behavior in ["spins", "polls"] {
        let text = verdict(move || {
            let patience = std::time::Duration::from_millis(700);
            let server = program!().arg(behavior).patience(patience).listen();
            let _peer = server.connect();
            scripted_peer::eventually("a thread", || server.figures().threads > 1).now();
            server.expect_idle();
        });
        assert!(
            text.unwrap()
                .contains("a program that sleeps until something happens")
        );
    }
}

#[test]
fn figures_are_those_of_the_program() {
    if !needs::linux() {
        return;
    }
    let server = tcp("waits");
    let before = server.figures();
    let peers = server.connect_many(10);
    scripted_peer::eventually("ten threads more", || server.figures().threads >= 11).now();
    let after = server.figures();
    assert_eq!((before.threads, after.threads), (1, 11));
    assert_eq!(after.descriptors, before.descriptors + peers.len());
    assert_eq!(after.nonblocking, 0);
    assert!(after.peak_memory_kib > 100 && after.peak_address_space_kib > after.peak_memory_kib);
}

#[test]
fn a_folder_is_watched() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    let watch = folder.watch();
    stale_socket(folder.join("socket"));
    fs::set_permissions(folder.join("socket"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(folder.join("socket"), folder.join("other")).unwrap();
    fs::remove_file(folder.join("other")).unwrap();
    let events = watch.events();
    let expected = [
        "create socket",
        "attributes socket",
        "moved from socket",
        "moved to other",
    ];
    assert_eq!(events[..4], expected);
    assert_eq!(events.last().unwrap(), "delete other");
    fs::create_dir(folder.join("within")).unwrap();
    assert_eq!(watch.events(), ["create within/"]);
    assert!(watch.events().is_empty());
}

#[test]
fn a_folder_goes_away() {
    let folder = folder();
    let path = folder.path().to_owned();
    fs::write(folder.join("file"), "").unwrap();
    let clone = folder.clone();
    drop(folder);
    assert!(path.is_dir());
    drop(clone);
    assert!(!path.exists());
}

#[test]
fn a_skip_is_told_and_collected() {
    let folder = folder();
    let file = folder.join("skips");
    let skips = || {
        let program = program!()
            .args(["", "skips"])
            .env("CARGO_PKG_NAME", "a-package");
        program.env("CHECK_SKIPS", &file).start()
    };
    skips()
        .exits_with(0)
        .stderr("skipped: a-package main: needs luck\n");
    skips().exits_with(0);
    let line = "a-package main needs luck\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), line.repeat(2));
}

#[test]
fn another_program_may_be_named_in_the_environment() {
    let holder = program!()
        .args(["", "holds-a-program"])
        .env(FIXTURE.0, FIXTURE.1)
        .env("CHECK_PROGRAM", "true")
        .start();
    holder
        .exits_with(101)
        .stderr(contains("the program ended with exit code 0"));
}

#[test]
fn a_program_starts_with_its_signals_at_their_defaults() {
    const AGAIN: &str = "STARTED_WITHOUT_SIGNALS";
    if std::env::var_os(AGAIN).is_none() {
        let env = |options: &str| {
            let mut env = Command::new("env");
            env.args(options.split(' ')).env(AGAIN, "");
            env.env(FIXTURE.0, FIXTURE.1);
            env
        };
        let unkind = "--block-signal=INT,TERM,USR1 --ignore-signal=HUP,QUIT,CHLD";
        if !env(unkind)
            .arg("true")
            .status()
            .is_ok_and(|end| end.success())
        {
            needs::skip("no env(1) here that blocks and ignores signals");
            return;
        }
        let mut again = env(unkind);
        again.arg(std::env::current_exe().unwrap());
        let test = std::thread::current().name().unwrap().to_owned();
        let output = again.args(["--exact", &test]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("1 passed"),
            "{output:?}"
        );
        return;
    }
    for signal in [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
    ] {
        for server in [
            tcp("waits"),
            program!().limit("-c", 0).arg("waits").listen(),
        ] {
            server.signal(signal);
            let exit = server.ends().now().exit;
            assert_eq!(exit, Exit::Signal(signal.as_raw()));
        }
    }
}
