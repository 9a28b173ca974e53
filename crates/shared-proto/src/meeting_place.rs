//! Where the two ends of a pair meet unless told otherwise.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where `tcp-server` listens and `tcp-client` connects.
pub const DEFAULT_TCP_ADDRESS: &str = "127.0.0.1:7878";

/// Where `unix-server` listens and `unix-client` connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlace {
    /// The socket's path.
    pub path: PathBuf,
    /// The folder that the server makes for it, mode 0700, and that must be its own: set where
    /// there is no folder for each user.
    pub private_folder: Option<PathBuf>,
}

/// The place for the user `uid`: `$XDG_RUNTIME_DIR/pocket-sockets.sock`, else
/// `pocket-sockets-UID/server.sock` in the temporary folder. A relative `XDG_RUNTIME_DIR` counts
/// as unset, as its specification asks.
#[must_use]
pub fn default_socket_place(uid: u32) -> SocketPlace {
    place_in(env::var_os("XDG_RUNTIME_DIR"), &env::temp_dir(), uid)
}

fn place_in(runtime_folder: Option<OsString>, temporary: &Path, uid: u32) -> SocketPlace {
    match runtime_folder
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
    {
        Some(folder) => SocketPlace {
            path: folder.join("pocket-sockets.sock"),
            private_folder: None,
        },
        None => {
            let folder = temporary.join(format!("pocket-sockets-{uid}"));
            SocketPlace {
                path: folder.join("server.sock"),
                private_folder: Some(folder),
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_folder_is_taken_where_there_is_one() {
        let place = place_in(Some("/run/user/7".into()), Path::new("/tmp"), 7);
        assert_eq!(place.path, Path::new("/run/user/7/pocket-sockets.sock"));
        assert_eq!(place.private_folder, None);
    }

    #[test]
    fn elsewhere_a_folder_of_ones_own_is_made_in_the_temporary_folder() {
        for unusable in [None, Some("".into()), Some("relative".into())] {
            let place = place_in(unusable, Path::new("/tmp"), 7);
            assert_eq!(place.path, Path::new("/tmp/pocket-sockets-7/server.sock"));
            assert_eq!(place.private_folder, Some("/tmp/pocket-sockets-7".into()));
        }
    }
}
