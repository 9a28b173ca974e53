//! Whether a server can be trusted: who runs it.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;

use rustix::process::geteuid;
use shared_proto::{User, is_nobody};

use crate::connect::server_uid;

/// Checks that the server runs as this process's own (effective) user, as root, or as one of the
/// users `trusted`. Anyone who may write to a folder can run their own server in it, so a path alone
/// says nothing about who is listening: check before you send anything.
///
/// # Errors
///
/// See [`Untrusted`].
pub fn check_server(stream: &UnixStream, trusted: &[u32]) -> Result<(), Untrusted> {
    let uid = server_uid(stream).map_err(Untrusted::Unknown)?;
    let own = geteuid().as_raw();
    match trusted.contains(&uid) || is_own_or_root(uid, own, is_nobody) {
        true => Ok(()),
        false => Err(Untrusted::User { uid, own }),
    }
}

fn is_own_or_root(uid: u32, own: u32, is_nobody: impl Fn(u32) -> bool) -> bool {
    (uid == own || uid == 0) && !is_nobody(uid)
}

/// The reason why a server is not trusted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Untrusted {
    /// The system did not say who runs the server.
    Unknown(io::Error),
    /// The server runs as a user that is not trusted.
    User {
        /// The user that the server runs as. If the kernel can't name it ([`is_nobody`]), it is not
        /// even trusted if this process's own number is the same.
        uid: u32,
        /// The effective user of this process.
        own: u32,
    },
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untrusted::Unknown(error) => write!(f, "cannot find out who runs the server: {error}"),
            Untrusted::User { uid, .. } if is_nobody(*uid) => {
                write!(f, "the server runs as {}", User(*uid))
            }
            Untrusted::User { uid, own } => write!(
                f,
                "the server runs as uid {uid}, which is neither yours ({own}) nor root"
            ),
        }
    }
}

impl std::error::Error for Untrusted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Untrusted::Unknown(error) => error.source(),
            Untrusted::User { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn this_user_and_root_are_trusted_unless_the_kernel_cannot_name_them() {
        let (stream, _own) = UnixStream::pair().unwrap();
        let own = geteuid().as_raw();
        assert_eq!(check_server(&stream, &[]).is_ok(), !is_nobody(own));
        check_server(&stream, &[own]).unwrap();

        for (uid, own, nobody, trusted) in [
            (1000, 1000, 65534, true),
            (0, 1000, 65534, true),
            (1001, 1000, 65534, false),
            (65534, 65534, 65534, false),
            (1000, 0, 65534, false),
        ] {
            let is_trusted = is_own_or_root(uid, own, |uid| uid == nobody);
            assert_eq!(is_trusted, trusted, "{uid} for {own}");
        }
    }
}
