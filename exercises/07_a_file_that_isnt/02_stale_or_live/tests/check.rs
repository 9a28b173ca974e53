//! Does the program replace a stale socket file, and nothing else?

use std::fs;
use std::hint;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{
    Address, Exit, Folder, Listener, Peer, Program, Running, Signal, Start, check, contains,
    explain, folder, needs, program, rounds, stale_socket,
};

const STALE: &str = "07-a-file-that-isnt.html#the-file-stays-behind";
const LIVE: &str = "07-a-file-that-isnt.html#stale-or-live";
const NO_SOCKET: &str = "07-a-file-that-isnt.html#not-a-socket-at-all";
const LONG: &str = "07-a-file-that-isnt.html#107-bytes";
const RACE: &str = "07-a-file-that-isnt.html#two-starters";

const WAITS: &str = "This copy of your program isn't listening, and it hasn't ended either. \
                     Perhaps it is waiting for the lock, which another copy holds for as long as \
                     it runs. Use try_lock(), which doesn't wait, and end with exit code 2 if \
                     another process holds the lock.";

const NEIGHBOR: &str = "A copy of your program at another path in the same folder kept this copy \
                        from listening, although nothing is at this path. Give each path its own \
                        lock.";

const TIDY: &str = "One copy of your program was starting on the path, and a second copy was \
                    refused. A third copy must be refused too, but it wasn't. When your program is \
                    refused, it must never remove the lock file: a new file with the same name is \
                    a different lock.";

const CODE: &str = "The path can't be used, and the program ended, but not with exit code 2. That \
                    code distinguishes this failure from others. Return ExitCode::from(2) from \
                    main(), and don't panic.";

/// How many times one starter overtakes another; the least number of times, and how long to
/// continue beyond that.
const TRIES: usize = 200;
const LEAST_TRIES: usize = 20;
const OVERTAKING: Duration = Duration::from_millis(3500);
/// How many times a third copy follows a second one that is refused; the least number of times, and
/// how long to continue beyond that.
const THIRDS: usize = 24;
const LEAST_THIRDS: usize = 6;
const FOLLOWING: Duration = Duration::from_secs(1);
/// How many times four copies start at the same time; the least number of times, and how long to
/// continue beyond that.
const STARTS: usize = 12;
const LEAST_STARTS: usize = 4;
const STARTING: Duration = Duration::from_secs(1);

/// The program, running in the folder `run`, which also gets the files that it leaves behind.
fn program_in(run: &Folder) -> Program {
    program!().in_folder(run).env("TMPDIR", run.path())
}

/// The program names the path, reports why it can't listen, and ends with exit code 2; what was at
/// the path is still there.
fn is_refused(path: &Path) {
    let identity = || fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()));
    let before = identity().expect("something is there");
    let run = folder();
    let mut starter = program_in(&run).arg(path.display()).start();
    let listens = starter.listens_or_ends().now() == Start::Listens;
    check(
        !listens,
        "the program to end with exit code 2",
        "it is listening",
    )
    .now();
    explains_itself(&starter, path);
    let told = starter.stderr();
    check(
        !told.contains("too long"),
        "a reason other than its length",
        told.clone(),
    )
    .or_explain(
        "This path is short enough, but your message says that it is too long. Say what is really \
         wrong with it.",
        LIVE,
    );
    let untouched = identity().is_ok_and(|now| now == before);
    let expected = format!("{} unchanged", path.display());
    check(untouched, expected, "it was removed or replaced");
}

/// It ends with exit code 2, after one line that names the path.
fn explains_itself(starter: &Running, path: &Path) {
    let named = contains(path.display().to_string());
    let output = starter.ends().now();
    check(
        output.exit == Exit::Code(2),
        "exit code 2",
        format!("it {}", output.exit),
    )
    .or_explain(CODE, LIVE);
    starter.exits_with(2).stderr(named).or_explain(
        "Your message doesn't name the path. Print the path as it was given.",
        LIVE,
    );
    let lines = starter.stderr().lines().count();
    let got = format!("{lines} lines");
    check(lines == 1, "one line on standard error", got).or_explain(
        "Your message has more than one line. Print a single line that fits into a log: the path, \
         and why it can't be used.",
        LIVE,
    );
}

#[test]
fn a_stale_file_is_replaced() {
    explain(
        "Your program didn't replace a stale socket file. The file at this path was left behind by \
         a server that is gone, so connect() fails with ECONNREFUSED: remove the file and bind.",
        STALE,
    );
    let folder = folder();
    let path = folder.join("stale.socket");
    stale_socket(&path);
    let server = program_in(&folder).listen_on(path.display()).now();
    for _ in 0..2 {
        server.connect().expect("hello\n").now();
    }

    server.signal(Signal::KILL).ends().now();
    let again = program_in(&folder).listen_on(path.display()).or_explain(
        "Your program was killed, and it didn't start again on the same path. Its files are still \
         there, but they are stale. If the mere existence of a lock file is your lock, it outlives \
         the program. Use the kernel's lock on a file, which is released when the program ends.",
        STALE,
    );
    again.connect().expect("hello\n").now();
}

#[test]
fn a_live_server_is_left_alone() {
    explain(
        "That path is in use, and your program didn't refuse it. Only ECONNREFUSED from connect() \
         means that nothing is listening there. Leave the path as it is, name it in your message, \
         and end with exit code 2.",
        LIVE,
    );
    let live = Listener::on_path();
    let path = live.address().path().to_owned();
    let serving = live.serve(|mut client| {
        client.send("I was here first\n");
        client.close();
    });
    is_refused(&path);
    let mut client = Peer::connect(serving.address());
    client.expect("I was here first\n").now();

    let folder = folder();
    let other = folder.join("datagrams");
    let _datagrams = UnixDatagram::bind(&other).expect("the folder is fresh");
    is_refused(&other);

    // On other systems a full queue also causes ECONNREFUSED, and the two can't be told apart.
    if cfg!(target_os = "linux") {
        explain(
            "A live server is listening here, and your program didn't refuse the path. The \
             server's accept queue is full, so a blocking connect() hangs, and a non-blocking one \
             fails with EAGAIN. The file is not stale: leave it alone.",
            LIVE,
        );
        let busy = Listener::on_path_with_backlog(0);
        let _queue = busy.crowd(1);
        is_refused(busy.address().path());
    }
}

#[test]
fn a_regular_file_survives() {
    explain(
        "The file at this path is not a socket, and your program didn't refuse the path. connect() \
         fails with ECONNREFUSED here too, so check the file's type before you try to connect, and \
         leave anything that isn't a socket alone.",
        NO_SOCKET,
    );
    let folder = folder();
    let path = folder.join("diary");
    fs::write(&path, "Dear diary").expect("the folder is fresh");
    is_refused(&path);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let expected = format!("{} unchanged", path.display());
    check(text == "Dear diary", expected, format!("it holds {text:?}"));
    let path = folder.join("attic");
    fs::create_dir(&path).expect("the folder is fresh");
    is_refused(&path);
    let path = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&path).status();
    needs::working(made.is_ok_and(|end| end.success()), "mkfifo(1)");
    is_refused(&path);
}

#[test]
fn a_symlink_survives() {
    explain(
        "There is a symlink at this path, and your program didn't refuse the path. Leave a symlink \
         alone, whatever it points to. symlink_metadata() looks at the symlink itself; metadata() \
         and connect() follow it.",
        NO_SOCKET,
    );
    let folder = folder();
    stale_socket(folder.join("stale"));
    fs::write(folder.join("diary"), "Dear diary").expect("the folder is fresh");
    for target in ["stale", "diary", "nothing"] {
        let link = folder.join(format!("to {target}"));
        symlink(folder.join(target), &link).expect("the folder is fresh");
        is_refused(&link);
    }
    let kept = folder.join("stale").symlink_metadata().is_ok() && folder.join("diary").is_file();
    check(
        kept,
        "the files that they point to, unchanged",
        "it was removed",
    );
}

#[test]
fn a_long_path_is_explained() {
    explain(
        "Your program didn't refuse a path that is too long. A socket's path may have at most 107 \
         bytes on Linux. When the path is longer, print a line that names it and says `too long`, \
         and end with exit code 2.",
        LONG,
    );
    let folder = folder();
    let room = |length| length - folder.join("").as_os_str().len();
    let of_length = |length| folder.join("x".repeat(room(length)));
    let accents = folder.join("é".repeat(room(140) / 2));
    for path in [of_length(140), of_length(108), accents] {
        let starter = program_in(&folder).arg(path.display()).start();
        let told = starter.ends().now().stderr;
        let told = String::from_utf8_lossy(&told).into_owned();
        check(
            told.contains("too long"),
            "\"too long\" on standard error",
            told.clone(),
        )
        .or_explain(
            "This path is too long for a socket, but your message doesn't say `too long`. Count \
             the path's bytes, not its characters: at most 107 fit on Linux, 103 on macOS.",
            LONG,
        );
        explains_itself(&starter, &path);
    }
    let nowhere = folder.join("no-such-folder/socket");
    let starter = program_in(&folder).arg(nowhere.display()).start();
    starter.ends().or_explain(
        "The path's folder doesn't exist, and your program didn't end. Handle that like the other \
         failures: print one line that names the path, and end with exit code 2.",
        LONG,
    );
    explains_itself(&starter, &nowhere);
    let most = if cfg!(target_os = "linux") { 107 } else { 103 };
    for fits in [most, 100] {
        let server = program_in(&folder).listen_on(of_length(fits).display());
        let sentence = format!(
            "{fits} bytes fit in a socket's path, but you refused this one. Refuse only a path \
             that is longer than the limit."
        );
        let server = server.or_explain(&sentence, LONG);
        server.connect().expect("hello\n").now();
    }

    let deep = folder.join("d".repeat(100));
    fs::create_dir(&deep).expect("the folder is ours");
    let short = folder.join("d");
    symlink(&deep, &short).expect("the folder is ours");
    let server = program!().in_folder(&deep).env("TMPDIR", folder.path());
    let _server = server.listen_on("hello.sock").or_explain(
        "The path is `hello.sock`, in a folder with a long path, and you refused it. The folder's \
         path doesn't count: pass the path to bind() as it was given, and count only its bytes.",
        LONG,
    );
    let mut client = Peer::connect(&Address::Unix(short.join("hello.sock")));
    client.expect("hello\n").now();
}

/// The names of what is in `folder`.
fn names_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn what_else_it_makes_is_beside_the_socket() {
    let [folder, elsewhere, another] = [folder(), folder(), folder()];
    let path = folder.join("hello.sock");
    stale_socket(&path);
    let start = |path: &Path| program_in(&elsewhere).listen_on(path.display());
    let server = start(&path).or_explain(
        "The stale socket file at this path was not replaced. It is in a different folder than the \
         one your program runs in; replace it just the same.",
        STALE,
    );
    server.connect().expect("hello\n").now();
    let stray = names_in(elsewhere.path());
    let got = format!("{stray:?} in the program's working folder, or in TMPDIR");
    check(stray.is_empty(), "files only next to the socket", got).or_explain(
        "Your program left a file outside the socket's folder. Another copy that runs in a \
         different folder, or with a different TMPDIR, would not find a lock there. Put the lock \
         next to the socket, where every program that wants the path can find it.",
        RACE,
    );
    let mut others = names_in(folder.path());
    others.retain(|name| !name.starts_with("hello.sock"));
    let got = format!("{others:?}");
    check(
        others.is_empty(),
        "only hello.sock, and files named hello.sock with something appended",
        got,
    )
    .or_explain(
        "A file that you created next to the socket has the wrong name. Use the socket's name with \
         something appended. with_extension() replaces the ending instead, so hello.sock and \
         hello.txt would share one lock.",
        RACE,
    );
    start(&another.join("hello.sock")).or_explain(
        "A second server, with the same file name in a different folder, did not start. The two \
         paths are different, so give each path its own lock, next to it.",
        RACE,
    );
}

/// Waits until the program has the socket that it checks with. A program's start takes far longer
/// than its check, and varies from one time to the next. On systems other than Linux, a fixed time
/// must do.
fn begins_to_look(starter: &Running) {
    let links = [3, 4].map(|number| format!("/proc/{}/fd/{number}", starter.pid()));
    let is_socket = |link: &String| {
        fs::read_link(link).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    let until = Instant::now() + Duration::from_millis(20);
    while cfg!(target_os = "linux") && !links.iter().any(is_socket) && Instant::now() < until {
        hint::spin_loop();
    }
}

/// Waits until the program listens or has ended, but not for long: a program that waits for the
/// first one's lock may not decide before the first continues.
fn decides(starter: &Running) {
    let until = Instant::now() + Duration::from_millis(50);
    while !(starter.has_ended() || starter.stdout().contains('\n')) && Instant::now() < until {
        thread::sleep(Duration::from_micros(200));
    }
}

/// One starter is stopped somewhere on its way and another one goes first, many times. Which of
/// them wins shows whether the first had already checked, so this closes in on the moment between
/// its check and its bind.
fn one_is_overtaken() {
    let (mut after, mut step) = (Duration::ZERO, Duration::from_micros(20));
    let mut was_early = true;
    let mut thirds = rounds(THIRDS, LEAST_THIRDS, FOLLOWING);
    for _ in rounds(TRIES, LEAST_TRIES, OVERTAKING) {
        let folder = folder();
        let path = folder.join("socket");
        stale_socket(&path);
        let start_at = |path: &Path| program_in(&folder).arg(path.display()).start();
        let mut first = start_at(&path);
        begins_to_look(&first);
        let stop = Instant::now() + after;
        while Instant::now() < stop {
            hint::spin_loop();
        }
        first.signal(Signal::STOP);
        let mut second = start_at(&path);
        decides(&second);
        // The lock that refused the second copy must refuse a third copy too, but not one at a
        // different path. Once the first copy is listening, a copy can be refused without a lock.
        let by_lock = second.has_ended() && !first.stdout().contains('\n');
        let turn = by_lock.then(|| thirds.next()).flatten();
        let beside = turn.is_some_and(|turn| turn % 3 == 0);
        let third = turn.map(|_| {
            let other = folder.join("another");
            let third = start_at(if beside { &other } else { &path });
            decides(&third);
            third
        });
        first.signal(Signal::CONT);
        let found =
            [&mut first, &mut second].map(|one| one.listens_or_ends().or_explain(WAITS, RACE));
        let early = found == [Start::Ended(Exit::Code(2)), Start::Listens];
        let late = found == [Start::Listens, Start::Ended(Exit::Code(2))];
        let expected = "one that listens, and one that ends with exit code 2";
        check(early || late, expected, format!("{found:?}")).now();
        if let Some(mut third) = third {
            let found = third.listens_or_ends().or_explain(WAITS, RACE);
            let got = format!("{found:?}");
            if beside {
                check(
                    found == Start::Listens,
                    "a copy at another path that listens",
                    got,
                )
                .or_explain(NEIGHBOR, RACE);
            } else {
                let refused = found == Start::Ended(Exit::Code(2));
                check(refused, "a third copy that ends with exit code 2", got)
                    .or_explain(TIDY, RACE);
            }
        }
        if early != was_early {
            step = (step * 2 / 3).max(Duration::from_micros(1));
        }
        after = if early {
            after + step
        } else {
            after.saturating_sub(step)
        };
        was_early = early;
    }
}

#[test]
fn one_of_two_starters_wins() {
    explain(
        "Several copies of your program started at the same time on a stale path, and more than \
         one of them took it, or none did. Another program can take the path between the check and \
         the bind, so hold a lock across both, and never remove the lock file. A copy that doesn't \
         get the lock must end with exit code 2.",
        RACE,
    );
    for _ in rounds(STARTS, LEAST_STARTS, STARTING) {
        let folder = folder();
        let path = folder.join("socket");
        stale_socket(&path);
        let start = |_| program_in(&folder).arg(path.display()).start();
        let mut starters: Vec<_> = (0..4).map(start).collect();
        let judge = starters
            .iter_mut()
            .map(|one| one.listens_or_ends().or_explain(WAITS, RACE));
        let found: Vec<Start> = judge.collect();
        let listens = found.iter().filter(|one| **one == Start::Listens).count();
        let refused = found
            .iter()
            .filter(|one| **one == Start::Ended(Exit::Code(2)));
        let got = match listens {
            2.. => "more than one that listens".to_owned(),
            _ => format!("{found:?}"),
        };
        let fair = listens == 1 && refused.count() == 3;
        let ended = found
            .iter()
            .filter(|one| matches!(one, Start::Ended(Exit::Code(_))));
        let other_code = !fair && listens == 1 && ended.count() == 3;
        check(
            !other_code,
            "one that listens, three that end with exit code 2",
            &got,
        )
        .or_explain(CODE, RACE);
        check(
            fair,
            "one that listens, three that end with exit code 2",
            got,
        )
        .now();
        let mut client = Peer::connect(&Address::Unix(path));
        client.expect("hello\n").now();
        let neighbor = program_in(&folder).listen_on(folder.join("another").display());
        neighbor.or_explain(NEIGHBOR, RACE);
    }
    explain(
        "One copy of your program was paused, a second copy started, and then the first one \
         continued. The second copy took the path between the first copy's check and its bind. \
         Always hold a lock across both, check only while you hold it, and never remove the lock \
         file.",
        RACE,
    );
    one_is_overtaken();
}
