//! One terminal: a shell that is told commands one at a time and says when each has ended.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::room::Room;

/// Runs in bash. A command comes as two strings, where its input comes from and what it is, each ended
/// by NUL; its end is told among the output, so that nothing it printed comes after. One that can be
/// typed into can be interrupted too: it is a job of its own, or bash would end with it.
const SHELL: &str = r#"
exec 2>&1
set -m
command_not_found_handle() { echo "$1" >> "$BOOK_NOT_FOUND"; return 127; }
export -f command_not_found_handle
last=0
last() { return "$last"; }
run() {
    eval "last
$command"
}
while IFS= read -r -d '' input && IFS= read -r -d '' command; do
    if [ "$input" = /dev/null ]; then
        run <"$input"
    else
        (run) <"$input" &
        wait $!
    fi
    last=$?
    printf '\036'
done
"#;

/// Stands in a terminal's output where a command has ended.
pub const ENDED: u8 = 0o36;

/// How long a command may take to start.
const START: Duration = Duration::from_secs(10);

pub struct Terminal {
    shell: Child,
    commands: ChildStdin,
    /// Where typed lines go, while the command's input is open.
    typed: Option<File>,
    /// Whether any went there.
    typed_to: bool,
    /// Whether a command runs.
    pub busy: bool,
}

impl Terminal {
    /// The terminal sends what it prints to `output`, with its `number`.
    pub fn open(room: &Room, number: usize, output: Sender<(usize, Vec<u8>)>) -> Terminal {
        // Who was started in the background may have been told to ignore SIGINT, and hands that on.
        let mut shell = room.command("env");
        shell.args([
            "--default-signal=INT",
            "bash",
            "--noprofile",
            "--norc",
            "-c",
            SHELL,
        ]);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut shell = shell.spawn().unwrap();
        let mut printed = shell.stdout.take().unwrap();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = printed.read(&mut chunk) {
                if output.send((number, chunk[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let commands = shell.stdin.take().unwrap();
        Terminal {
            shell,
            commands,
            typed: None,
            typed_to: false,
            busy: false,
        }
    }

    /// Starts a command without input.
    pub fn start(&mut self, command: &str) {
        self.busy = true;
        write!(self.commands, "/dev/null\0{command}\0").unwrap();
        self.commands.flush().unwrap();
    }

    /// Starts a command that lines can be typed into.
    pub fn start_with_input(&mut self, room: &Room, command: &str) {
        let fifo = room.path(&format!("typed-{}", self.shell.id()));
        let _ = fs::remove_file(&fifo);
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        // On Linux a FIFO opened for both does not wait for the other side: fifo(7).
        self.typed = Some(
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&fifo)
                .unwrap(),
        );
        self.typed_to = false;
        self.busy = true;
        write!(self.commands, "{}\0{command}\0", fifo.display()).unwrap();
        self.commands.flush().unwrap();
    }

    pub fn type_line(&mut self, line: &str) -> Result<(), String> {
        let typed = self
            .typed
            .as_mut()
            .ok_or("the input has ended, nothing can be typed")?;
        self.typed_to = true;
        writeln!(typed, "{line}").map_err(|e| format!("cannot type {line}: {e}"))
    }

    /// Ends the command's input; `true` if something had been typed into it.
    pub fn end_input(&mut self) -> bool {
        self.typed = None;
        std::mem::take(&mut self.typed_to)
    }

    /// Sends SIGINT to what runs in the foreground, once it runs.
    pub fn interrupt(&self) -> Result<(), String> {
        let deadline = Instant::now() + START;
        loop {
            let running = self
                .running()
                .map_err(|e| format!("cannot find what runs: {e}"))?;
            for group in &running {
                kill_process_group(*group, Signal::INT)
                    .map_err(|e| format!("cannot interrupt: {e}"))?;
            }
            if !running.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("nothing runs that could be interrupted".to_owned());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The shell's jobs in which a program runs: until then they are bash, and a signal might be lost.
    fn running(&self) -> std::io::Result<Vec<Pid>> {
        let jobs = children(self.shell.id())?
            .into_iter()
            .filter(|&job| has_program(job));
        Ok(jobs
            .filter_map(|id| Pid::from_raw(id.try_into().ok()?))
            .collect())
    }
}

fn children(id: u32) -> std::io::Result<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    Ok(children
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect())
}

fn has_program(id: u32) -> bool {
    let own = fs::read_link(format!("/proc/{id}/exe"));
    own.is_ok_and(|path| !path.ends_with("bash"))
        || children(id)
            .unwrap_or_default()
            .into_iter()
            .any(has_program)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
