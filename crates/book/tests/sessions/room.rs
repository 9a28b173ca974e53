//! Where a session happens: a folder of its own, a network of its own, and programs that are built
//! when they are first named. All that is left running is ended with it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Stands in for `cargo`: builds quietly, then runs the program in the session's own folder.
const CARGO: &str = "cargo.sh";
/// And for `systemd-socket-activate`, where it is installed.
const ACTIVATE: &str = "activate.sh";

pub struct Room {
    folder: TempDir,
    root: PathBuf,
    /// What cargo takes without `-p`: a package and, maybe, an example.
    package: (String, String),
    /// Holds the network namespace; `None` where this machine has none to give.
    network: Option<Child>,
}

/// Whether a program of this name can be run.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Room {
    pub fn new(root: &Path, package: Option<&str>) -> Room {
        let package = package.unwrap_or_default();
        let (package, example) = package.split_once('/').unwrap_or((package, ""));
        let folder = tempfile::Builder::new()
            .prefix("session-")
            .tempdir()
            .unwrap();
        let room = Room {
            folder,
            root: root.to_owned(),
            package: (package.to_owned(), example.to_owned()),
            network: network(),
        };
        for name in ["bin", "home", "run"] {
            fs::create_dir(room.folder.path().join(name)).unwrap();
        }
        fs::set_permissions(room.runtime(), fs::Permissions::from_mode(0o700)).unwrap();
        for name in ["crates", "docs", "exercises", "solutions"] {
            symlink(root.join(name), room.home().join(name)).unwrap();
        }
        room.stands_in("cargo", CARGO);
        if has("systemd-socket-activate") {
            room.stands_in("systemd-socket-activate", ACTIVATE);
        }
        room
    }

    /// By a process of its own: what another session starts meanwhile would inherit our descriptor of
    /// the script, and what is open for writing can't be run (ETXTBSY).
    fn stands_in(&self, name: &str, script: &str) {
        let scripts = self.root.join("crates/book/tests/sessions");
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(scripts.join(script));
        let status = install.arg(self.path("bin").join(name)).status().unwrap();
        assert!(status.success(), "{script}: {status}");
    }

    /// The folder that commands start in.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What `XDG_RUNTIME_DIR` names.
    pub fn runtime(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What commands were looked for in vain.
    pub fn not_found(&self) -> Option<String> {
        let name = fs::read_to_string(self.path("not-found")).ok()?;
        name.lines().next().map(str::to_owned)
    }

    /// Builds what `command` runs with cargo, so that no deadline counts the compiler's time.
    pub fn build_programs(&self, command: &str) -> Result<(), String> {
        for (at, _) in command.match_indices("cargo ") {
            let words = command[at..].split_whitespace().skip(1);
            let words: Vec<_> = words
                .map(|word| word.trim_end_matches([';', ')', '"', '\'']))
                .take_while(|word| *word != "--" && !word.starts_with(['|', '&', ';', '<', '>']))
                .collect();
            let mut cargo = Command::new(self.path("bin/cargo"));
            self.furnish(&mut cargo);
            let output = cargo
                .args(words)
                .env("BOOK_BUILD_ONLY", "1")
                .output()
                .unwrap();
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        Ok(())
    }

    /// A command that will run `program` in this room.
    pub fn command(&self, program: &str) -> Command {
        let mut command = match &self.network {
            Some(holder) => {
                let mut command = Command::new("nsenter");
                command
                    .arg("--target")
                    .arg(holder.id().to_string())
                    .arg("--net");
                if !rustix::process::getuid().is_root() {
                    command.args(["--user", "--preserve-credentials"]);
                }
                command.args(["--", program]);
                command
            }
            None => Command::new(program),
        };
        self.furnish(&mut command);
        command
    }

    fn furnish(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
                "BOOK_",
                "BASH_",
                "LC_",
                "RUST_BACKTRACE",
                "RUST_LIB_BACKTRACE",
                "PYTHON", // unbuffered, a line is two writes, and two programs mix theirs
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(&*name);
            }
        }
        let target = std::env::current_exe().unwrap();
        let target = target.ancestors().nth(3).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.home())
            .env(
                "BOOK_CARGO",
                std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            )
            .env("BOOK_PACKAGE", &self.package.0)
            .env("BOOK_EXAMPLE", &self.package.1)
            .env("BOOK_NOT_FOUND", self.path("not-found"))
            .env("BOOK_ROOT", &self.root)
            .env("BOOK_SESSION", self.folder.path())
            .env("BOOK_TARGET", target)
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1")
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SHELL", "/bin/bash") // without it each bash asks the system for the user's
            .env("TERM", "dumb")
            .env("XDG_RUNTIME_DIR", self.runtime());
    }

    /// Ends whatever was started in this room, by the mark that its environment carries.
    pub fn end_all(&self) {
        let mark = format!("BOOK_SESSION={}", self.folder.path().display());
        let Ok(entries) = fs::read_dir("/proc") else {
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let id = entry
                .file_name()
                .to_string_lossy()
                .parse()
                .ok()
                .and_then(Pid::from_raw);
            let Some(id) = id else { continue };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment
                .split(|&byte| byte == 0)
                .any(|variable| variable == mark.as_bytes())
            {
                // It may be gone by now, which is as well.
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.end_all();
        if let Some(holder) = &mut self.network {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}

/// A network of its own, where every port is free: `unshare(1)`, `network_namespaces(7)`.
fn network() -> Option<Child> {
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.arg("--map-root-user");
    }
    let mut holder = command
        .args([
            "--net",
            "sh",
            "-c",
            "ip link set lo up && echo up && exec cat",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    if line == "up\n" {
        return Some(holder);
    }
    eprintln!("no network namespace here: the session uses this machine's own ports");
    let _ = holder.kill();
    let _ = holder.wait();
    None
}
