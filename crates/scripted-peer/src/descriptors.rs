//! What a program has open, as Linux shows it in /proc/PID/fd and fdinfo
//! ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).

use std::fmt;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;

use rustix::fs::OFlags;

use crate::actor::Actor;
use crate::failure::Failure;
use crate::running::Running;
use crate::verdict::Verdict;

/// A descriptor that the program has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The descriptor's number.
    pub number: u32,
    /// What kind of object it refers to.
    pub kind: Kind,
    /// A path, or the name that the kernel gives to something without a path: `socket:[12345]`.
    pub name: String,
    /// Whether it is closed in programs that this one becomes or starts (`FD_CLOEXEC`).
    pub close_on_exec: bool,
    /// Whether calls on it never wait (`O_NONBLOCK`). The mode belongs to the open file, so all
    /// copies of the descriptor share it.
    pub non_blocking: bool,
    /// Whether it can be read from.
    pub readable: bool,
    /// Whether it can be written to.
    pub writable: bool,
    /// The position in the file. It, too, belongs to the open file, and all copies share it.
    pub position: u64,
}

/// What a descriptor refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A socket of any family.
    Socket,
    /// A pipe or a FIFO.
    Pipe,
    /// Anything else, such as a device, an epoll instance or a timer.
    Other,
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number, self.name)
    }
}

impl Running {
    /// Returns the descriptors that the program has open now, ordered by number. The result is
    /// empty if there is no /proc, or once the program has ended. Guard a check that uses it with
    /// [`needs::linux`](crate::needs::linux).
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen_on_path();
    /// # let mut peer = server.connect();
    /// use scripted_peer::{Kind, check};
    ///
    /// let before = server.descriptors();
    /// // … a hundred requests …
    /// server.expect_descriptors(&before).or_explain("Close every descriptor that you receive.", "");
    /// for socket in server.descriptors().iter().filter(|one| one.kind == Kind::Socket) {
    ///     check(socket.close_on_exec, "closed on exec", socket.to_string())
    ///         .or_explain("Programs that you start inherit that socket. Set FD_CLOEXEC.", "");
    /// }
    /// ```
    #[must_use]
    pub fn descriptors(&self) -> Vec<Descriptor> {
        let pid = self.pid();
        let names = fs::read_dir(format!("/proc/{pid}/fd"));
        let names = names.into_iter().flatten().flatten();
        let number = |name: fs::DirEntry| name.file_name().to_str()?.parse().ok();
        let mut all: Vec<Descriptor> = names.filter_map(|name| look(pid, number(name)?)).collect();
        all.sort_unstable_by_key(|one| one.number);
        all
    }

    /// Waits until the program has open exactly what it had `before`: the same files and sockets,
    /// though perhaps under other numbers.
    pub fn expect_descriptors(&self, before: &[Descriptor]) -> Verdict {
        let actor = Actor::of(self);
        let mut change = (Vec::new(), Vec::new());
        let back = actor.ask(|| {
            let now = self.descriptors();
            change = (missing(&now, before), missing(before, &now));
            (change.0.is_empty() && change.1.is_empty()).then_some(())
        });
        let failure = || {
            let expected = format!("the {} descriptors that it had before", before.len());
            if self.has_ended() {
                return Failure::new(expected, "it has ended");
            }
            let (more, less) = change;
            let say = |what: &str, some: &[String]| match some {
                [] => String::new(),
                some => format!("{} {what}: {}", some.len(), list(some)),
            };
            let parts = [say("more", &more), say("less", &less)];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            Failure::new(expected, parts.join("; "))
        };
        actor.verdict(back.ok_or_else(failure))
    }
}

/// Returns those of `some` that have no counterpart among `others`.
fn missing(some: &[Descriptor], others: &[Descriptor]) -> Vec<String> {
    let mut others: Vec<&str> = others.iter().map(|one| one.name.as_str()).collect();
    let mut left = Vec::new();
    for one in some {
        match others.iter().position(|name| *name == one.name) {
            Some(at) => drop(others.swap_remove(at)),
            None => left.push(one.to_string()),
        }
    }
    left
}

fn list(some: &[String]) -> String {
    const SHOWN: usize = 4;
    let rest = if some.len() > SHOWN { ", …" } else { "" };
    some[..some.len().min(SHOWN)].join(", ") + rest
}

fn look(pid: u32, number: u32) -> Option<Descriptor> {
    let path = format!("/proc/{pid}/fd/{number}");
    let name = fs::read_link(&path).ok()?.display().to_string();
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
    let field = |name| {
        info.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let flags = u32::from_str_radix(field("flags:")?, 8).ok()?;
    let has = |flag: OFlags| flags & flag.bits() != 0;
    let access = flags & OFlags::RWMODE.bits();
    Some(Descriptor {
        number,
        kind: kind(&path, &name),
        close_on_exec: has(OFlags::CLOEXEC),
        non_blocking: has(OFlags::NONBLOCK),
        readable: access == OFlags::RDONLY.bits() || access == OFlags::RDWR.bits(),
        writable: access == OFlags::WRONLY.bits() || access == OFlags::RDWR.bits(),
        position: field("pos:")?.parse().ok()?,
        name,
    })
}

fn kind(path: &str, name: &str) -> Kind {
    match fs::metadata(path).map(|data| data.file_type()) {
        Ok(one) if one.is_file() => Kind::File,
        Ok(one) if one.is_dir() => Kind::Folder,
        Ok(one) if one.is_fifo() => Kind::Pipe,
        Ok(one) if one.is_socket() => Kind::Socket,
        // In another namespace only the kernel's own name is known.
        Err(_) if name.starts_with("socket:") => Kind::Socket,
        Err(_) if name.starts_with("pipe:") => Kind::Pipe,
        _ => Kind::Other,
    }
}
