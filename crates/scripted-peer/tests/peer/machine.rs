//! What the machine cannot do is told as the machine's, never as the learner's fault.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::common::{FIXTURE, tcp, verdict};
use scripted_peer::{
    Listener, Output, PredicateBooleanExt as _, Program, Running, Signal, Stopwatch, Verdict,
    check, contains, deadline, explain, folder, needs, program, rounds, undisturbed,
};

const NO_VERDICT: &str = "This machine could not judge your program.";
const FAULT: &str = "THE LEARNER'S FAULT";

/// The verdict of a check that ends with the machine's sentence, with these words in it.
fn machine(words: &str, check: impl FnOnce() + Send + 'static) {
    let text = verdict(move || {
        explain(FAULT, "");
        check();
    });
    let text = text.expect("it fails");
    assert!(text.contains(NO_VERDICT) && text.contains(words), "{text}");
    assert!(!text.contains(FAULT), "{text}");
}

/// Runs one of the fixture's own checks by another program, which gets it as its last arguments.
pub fn by(starter: &[&str], kind: &str) -> Program {
    let this = env!("CARGO_BIN_EXE_scripted-peer");
    Program::new(starter[0])
        .args(&starter[1..])
        .args([this, kind, "checks"])
        .env(FIXTURE.0, FIXTURE.1)
        .patience(Duration::from_secs(60))
}

const COPY: &str =
    "mount -t tmpfs none /mnt; cp \"$1\" /mnt/program; shift; set -- /mnt/program \"$@\"";

/// In namespaces of its own, after this script, for which the program is `$1`: a copy of it, where the script
/// may cover the folders, since the workspace may lie in one of them. Nothing where such cannot be made.
pub fn apart(kinds: &str, script: &str, kind: &str) -> Option<Running> {
    let possible = || {
        let unshare = std::process::Command::new("unshare")
            .args([kinds, "true"])
            .output();
        unshare.is_ok_and(|made| made.status.success()) || needs::skip("needs namespaces")
    };
    if !needs::root() || !possible() {
        return None;
    }
    deadline(Duration::from_secs(90));
    let elsewhere = if kinds.contains('m') { COPY } else { "" };
    let script = format!("{elsewhere}\n{script}\nexec \"$@\"");
    Some(by(&["unshare", kinds, "sh", "-e", "-c", &script, "sh"], kind).start())
}

pub fn passes(check: &Running) {
    check.exits_with(0).stdout("passed\n").now();
}

pub fn is_the_machines(check: &Running, words: &str) -> Verdict<Output> {
    let told = contains(NO_VERDICT)
        .and(contains(words))
        .and(contains(FAULT).not());
    check.exits_with(101).stderr(told)
}

#[test]
fn a_temporary_folder_without_room_for_a_socket_is_replaced() {
    let base = folder();
    let long = base.join("x".repeat(95));
    fs::create_dir(&long).unwrap();
    let missing = base.join("missing").display().to_string();
    for place in [long.to_str().unwrap(), &missing, "relative", "/proc", ""] {
        let this = env!("CARGO_BIN_EXE_scripted-peer");
        let check = Program::new(this).args(["path", "checks"]).in_folder(&base);
        let check = check.env(FIXTURE.0, FIXTURE.1);
        passes(&check.env("TMPDIR", place).start());
    }
}

#[test]
fn a_machine_without_a_folder_for_sockets_says_so() {
    let script = "for place in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro none $place; done";
    if let Some(check) = apart("-m", script, "path") {
        is_the_machines(&check, "Set TMPDIR to a folder").now();
    }
}

#[test]
fn a_temporary_folder_that_forbids_execution_is_passed_over() {
    let script = "mount -t tmpfs -o noexec none /tmp; mount -t tmpfs -o mode=1777 none /var/tmp";
    if let Some(check) = apart("-m", script, "user") {
        passes(&check);
    }
}

#[test]
fn a_machine_that_lets_no_other_user_run_a_program_says_so() {
    let script =
        "for place in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o noexec none $place; done
        mkdir -m 0700 /tmp/closed; mkdir /tmp/closed/open; mount -t tmpfs none /tmp/closed/open
        cp \"$1\" /tmp/closed/open/program; shift; set -- /tmp/closed/open/program \"$@\"";
    if let Some(check) = apart("-m", script, "user") {
        is_the_machines(&check, "`noexec`").now();
    }
}

#[test]
fn a_machine_without_loopback_says_so() {
    for kind in ["tcp", "idle"] {
        if let Some(check) = apart("-n", "", kind) {
            is_the_machines(&check, "ip link set lo up").now();
        }
    }
    if let Some(check) = apart("-n", "", "path") {
        passes(&check);
    }
}

#[test]
fn an_address_that_this_machine_has_not_is_the_machines() {
    for address in ["[2001:db8::1]:0", "tcp:[2001:db8::1]:0", "192.0.2.1:0"] {
        let listen = move || drop(program!().arg("waits").listen_on(address));
        machine("bring up the loopback interface", listen);
    }
}

#[test]
fn a_root_that_is_alone_in_its_namespace_skips_what_needs_others() {
    if let Some(check) = apart("-Ur", "", "user") {
        let told = contains("needs a root user that may switch to other users");
        check.exits_with(0).stderr(told).now();
    }
}

#[test]
fn a_check_without_proc_is_skipped() {
    let script = "umount -l /proc";
    if let Some(check) = apart("-m", script, "idle") {
        check.exits_with(0).stderr(contains("needs /proc")).now();
    }
}

#[test]
fn a_check_without_descriptors_says_so() {
    for limit in [7, 12, 40] {
        let limit = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let check = by(&["sh", "-c", &limit], "many").start();
        is_the_machines(&check, "Too many open files").now();
    }
}

#[test]
fn a_shell_that_gives_few_descriptors_stops_no_program() {
    let script = "ulimit -Sn 40; exec \"$0\" \"$@\"";
    passes(&by(&["sh", "-c", script], "crowd").start());
}

#[test]
fn a_program_that_cannot_be_started_is_not_blamed() {
    machine("cargo build", || {
        drop(Program::new("/nowhere/at-all").listen());
    });
    let folder = folder();
    let file = folder.join("no program");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let closed = file.clone();
    machine("noexec", move || drop(Program::new(closed).listen()));
    let closed = file.clone();
    let by_shell = move || drop(Program::new(closed).umask(0o022).listen());
    machine("Permission denied", by_shell);
    let too_much = || drop(program!().limit("-n", 1 << 40).arg("waits").listen());
    machine("ulimit", too_much);
}

#[test]
fn a_program_that_somebody_else_killed_is_not_blamed() {
    machine("short of memory", || {
        drop(program!().arg("killed").listen());
    });
    let text = verdict(|| {
        explain(FAULT, "");
        let server = tcp("waits");
        server.signal(Signal::KILL).exits_with(0).now();
    });
    assert!(
        text.unwrap().contains(FAULT),
        "it was the check that killed it"
    );
}

#[test]
fn the_watchdog_says_that_it_was_one() {
    let text = verdict(|| {
        let server = tcp("waits");
        deadline(Duration::from_millis(300));
        let mut peer = server.connect();
        peer.patience(Duration::from_secs(60));
        peer.expect("an answer").or_explain(FAULT, "");
    });
    let text = text.unwrap();
    assert!(
        text.contains("the watchdog ended this test") && !text.contains(FAULT),
        "{text}"
    );
}

/// Programs that want all processors, for as long as this lives.
fn busy_loops() -> Vec<Running> {
    let count = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let script = "i=0; while [ $i -lt 100000000 ]; do i=$((i + 1)); done";
    let start = |_| Program::new("sh").args(["-c", script]).start();
    (0..count).map(start).collect()
}

#[test]
fn a_right_program_that_gets_no_processor_is_not_accused() {
    if !needs::linux() {
        return;
    }
    deadline(Duration::from_secs(90));
    let _loops = busy_loops();
    let check = by(&["nice", "-n", "19"], "soon").start();
    // It passes, or its time was over before the program had its own: never a word of its fault.
    let output = check.ends().now();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains(FAULT), "{told}");
    assert!(
        output.stdout == b"passed\n" || told.contains(NO_VERDICT),
        "{told}"
    );
}

#[test]
fn a_program_that_had_the_processor_is_accused_on_a_busy_machine_too() {
    let began = Instant::now();
    let text = verdict(|| {
        let running = program!().args(["nowhere", "floods"]);
        let running = running.patience(Duration::from_millis(300)).start();
        running.ends().or_explain(FAULT, "");
    });
    assert!(text.unwrap().contains(FAULT));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_scene_that_was_disturbed_is_played_again() {
    if !needs::linux() {
        return;
    }
    let passed = verdict(|| {
        let _loops = busy_loops();
        let mut played = 0;
        undisturbed(Duration::from_millis(10), || {
            disturbed(Duration::from_millis(10));
            played += 1;
            check(played == 2, "the second time", "the first").or_explain(FAULT, "");
        });
        assert_eq!(played, 2);
    });
    assert_eq!(passed, None);
    machine("too busy", || {
        let _loops = busy_loops();
        undisturbed(Duration::from_millis(10), || {
            disturbed(Duration::from_millis(10));
            check(false, "an undisturbed scene", "another").or_explain(FAULT, "");
        });
    });
    let text = verdict(|| {
        undisturbed(Duration::from_secs(600), || {
            check(false, "more", "less").or_explain(FAULT, "");
        });
    });
    assert!(text.unwrap().contains(FAULT), "nothing disturbed it");
}

/// Waits until the story's programs have waited for this long.
fn disturbed(time: Duration) {
    let watch = Stopwatch::start();
    while watch.kept() <= time {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(watch.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_loop_ends_by_time_too_but_not_before_its_least() {
    let none = Duration::ZERO;
    assert_eq!(rounds(500, 3, none).count(), 3);
    assert_eq!(rounds(5, 3, Duration::from_secs(60)).count(), 5);
    assert_eq!(rounds(2, 3, none).count(), 2);
}

#[test]
fn a_listener_that_cannot_be_made_is_the_machines() {
    let folder = folder();
    machine("its own listening socket", move || {
        drop(Listener::at(folder.join("no such folder/socket")));
    });
}
