//! Reports what happens in a folder, using the kernel's notifications
//! ([inotify(7)](https://man7.org/linux/man-pages/man7/inotify.7.html)). So even a file that had
//! the wrong mode for a microsecond is caught.

use crate::folder::Folder;
#[cfg(target_os = "linux")]
use crate::machine;

/// Records what happens in a folder from the moment that the watch is created. [`Folder::watch`]
/// creates one.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    inotify: rustix::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Folder {
    /// Begins to watch the folder. If the system has no watches left, the test ends with a sentence
    /// that says so.
    #[must_use]
    pub fn watch(&self) -> Watch {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let flags = WatchFlags::CREATE
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO;
        let watch = || {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            add_watch(&inotify, self.path(), flags)?;
            Ok(Watch { inotify })
        };
        watch().unwrap_or_else(|error: rustix::io::Errno| {
            machine::no_verdict(
                "to watch a folder (inotify)",
                &error.to_string(),
                "The system has no room for another watch. Stop a program that watches many files \
                 (an editor, a file synchronizer), or raise fs.inotify.max_user_instances with \
                 sysctl(8).",
            )
        })
    }
}

#[cfg(target_os = "linux")]
impl Watch {
    /// Returns what has happened since the last call, in order: `create NAME`, `attributes NAME`
    /// (its mode or its owner was changed), `delete NAME`, `moved from NAME`, `moved to NAME`. The
    /// name of a folder ends with a slash.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        use rustix::fs::inotify::{ReadFlags, Reader};
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut events = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().unwrap_or_default().to_string_lossy();
            let is_folder = event.events().contains(ReadFlags::ISDIR);
            let slash = if is_folder { "/" } else { "" };
            events.push(format!("{} {name}{slash}", verb(event.events())));
        }
        events
    }
}

#[cfg(target_os = "linux")]
fn verb(flags: rustix::fs::inotify::ReadFlags) -> &'static str {
    use rustix::fs::inotify::ReadFlags;
    let verbs = [
        (ReadFlags::CREATE, "create"),
        (ReadFlags::ATTRIB, "attributes"),
        (ReadFlags::DELETE, "delete"),
        (ReadFlags::MOVED_FROM, "moved from"),
        (ReadFlags::MOVED_TO, "moved to"),
    ];
    verbs
        .iter()
        .find(|(flag, _)| flags.contains(*flag))
        .map_or("other", |(_, verb)| verb)
}

#[cfg(not(target_os = "linux"))]
impl Folder {
    /// Does nothing on this system: guard the check with [`needs::linux`](crate::needs::linux).
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch {}
    }
}

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// Always returns an empty list on this system.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        Vec::new()
    }
}
