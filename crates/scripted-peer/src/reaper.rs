//! Ends programs together with the test that started them, even if the test itself is killed.
//!
//! Each program leads its own process group, so a signal to the test's group (from Ctrl-C, or from
//! a tool that stops a stuck check) does not reach it. Therefore each test process has one small
//! shell that keeps the list of groups. At the end of its input, which is when the test process is
//! gone for whatever reason, the shell kills what is left of the groups and removes the folders
//! that the process had created.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

const SCRIPT: &str = "groups=
while read -r change group; do
  case $change in
    add) groups=\"$groups $group\";;
    remove) left=; for g in $groups; do [ $g = $group ] || left=\"$left $g\"; done; groups=$left;;
    folder) set -- \"$@\" \"$group\";;
  esac
done
for g in $groups; do kill -s KILL -- -$g; done
for folder; do rm -rf -- \"$folder\"; done";

static REAPER: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();

pub(crate) fn add(group: u32) {
    tell(&format!("add {group}\n"));
}

pub(crate) fn remove(group: u32) {
    tell(&format!("remove {group}\n"));
}

/// Adds a folder to be removed when the test process is gone. The list is read line by line, so a
/// name that contains a line end is left out.
pub(crate) fn add_folder(folder: &Path) {
    if let Some(folder) = folder.to_str().filter(|name| !name.contains('\n')) {
        tell(&format!("folder {folder}\n"));
    }
}

fn tell(change: &str) {
    let reaper = REAPER.get_or_init(start).lock();
    // A check must not fail because the reaper is gone (killed by hand) or could not be started.
    if let Some(input) = reaper.unwrap_or_else(PoisonError::into_inner).as_mut() {
        let _ = input.write_all(change.as_bytes());
    }
}

/// Starts the shell. It ends after this process, so no one waits for it.
fn start() -> Mutex<Option<ChildStdin>> {
    let child = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    Mutex::new(child.ok().and_then(|mut child| child.stdin.take()))
}
