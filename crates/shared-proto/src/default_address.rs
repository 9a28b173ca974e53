//! The addresses that the two ends of a pair use by default.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The address on which `tcp-server` listens, and to which `tcp-client` connects, by default.
pub const DEFAULT_TCP_ADDRESS: &str = "127.0.0.1:7878";

/// The path on which `unix-server` listens, and to which `unix-client` connects, by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultSocketPath {
    /// The socket's path.
    pub path: PathBuf,
    /// The folder of the socket.
    pub folder: SocketFolder,
}

/// The folder of the default path. Its name comes from the environment, which may name another
/// user's folder. So both ends check the folder before they use it: see [`SocketFolder::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketFolder {
    /// The folder that `XDG_RUNTIME_DIR` names: the system creates one per user.
    Runtime(PathBuf),
    /// A folder in the temporary folder, if there is no runtime folder. The server creates it with
    /// mode 0700.
    Private(PathBuf),
}

/// Returns the default path for the user `uid`: `$XDG_RUNTIME_DIR/pocket-sockets.sock`, or
/// otherwise `pocket-sockets-UID/server.sock` in the temporary folder. An empty `XDG_RUNTIME_DIR`
/// counts as unset; a temporary folder whose path is not absolute counts as `/tmp`.
#[must_use]
pub fn default_socket_path(uid: u32) -> DefaultSocketPath {
    place_in(env::var_os("XDG_RUNTIME_DIR"), &env::temp_dir(), uid)
}

fn place_in(runtime_folder: Option<OsString>, temporary: &Path, uid: u32) -> DefaultSocketPath {
    if let Some(folder) = runtime_folder.filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        return DefaultSocketPath {
            path: folder.join("pocket-sockets.sock"),
            folder: SocketFolder::Runtime(folder),
        };
    }
    let temporary = match temporary.is_absolute() {
        true => temporary,
        // A relative path would mean a different folder for each end.
        false => Path::new("/tmp"),
    };
    let folder = temporary.join(format!("pocket-sockets-{uid}"));
    DefaultSocketPath {
        path: folder.join("server.sock"),
        folder: SocketFolder::Private(folder),
    }
}

#[cfg(unix)]
pub use check::UnusableFolder;

#[cfg(unix)]
mod check {
    use super::SocketFolder;
    use crate::users::{User, is_nobody};
    use std::fmt;
    use std::fs::{self, Metadata};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// The reason why the default folder is not used.
    #[derive(Debug)]
    pub struct UnusableFolder {
        folder: SocketFolder,
        why: String,
    }

    impl fmt::Display for UnusableFolder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let why = &self.why;
            match &self.folder {
                SocketFolder::Runtime(folder) => write!(
                    f,
                    "XDG_RUNTIME_DIR is {}, but {why}; correct or unset it, or name a path with \
                     --socket",
                    folder.display()
                ),
                SocketFolder::Private(folder) => write!(
                    f,
                    "cannot use the folder {}: {why}; name a path with --socket",
                    folder.display()
                ),
            }
        }
    }

    impl std::error::Error for UnusableFolder {}

    impl SocketFolder {
        /// The folder's path.
        #[must_use]
        pub fn path(&self) -> &Path {
            match self {
                SocketFolder::Runtime(folder) | SocketFolder::Private(folder) => folder,
            }
        }

        /// Checks that the folder is safe to use: it belongs to the user `uid`, that user has full
        /// access to it, and no other user can put a socket into it. The details depend on the
        /// folder:
        ///
        /// - [`Runtime`](Self::Runtime): the path must be absolute, and the folder must exist. It
        ///   may be a symlink, and other users may list and enter it, but not write to it.
        /// - [`Private`](Self::Private): anyone may have created it, so it must not be a symlink,
        ///   and its mode must be 0700, as the server creates it. It may be missing: then the
        ///   server creates it.
        ///
        /// # Errors
        ///
        /// One line that names the folder and says what is wrong with it. It is also an error if
        /// `uid` may stand for several users: see [`is_nobody`].
        pub fn check(&self, uid: u32) -> Result<(), UnusableFolder> {
            if is_nobody(uid) {
                // Another such user would look like the folder's owner.
                return Err(self.unusable(format!("this program runs as {}", User(uid))));
            }
            let (found, shut_out) = match self {
                SocketFolder::Runtime(folder) => {
                    if !folder.is_absolute() {
                        return Err(self.unusable("that path is not absolute"));
                    }
                    (fs::metadata(folder), 0o022)
                }
                SocketFolder::Private(folder) => (fs::symlink_metadata(folder), 0o077),
            };
            let why = match found {
                Ok(found) => what_is_wrong(&found, uid, shut_out),
                Err(error) if error.kind() == ErrorKind::NotFound => match self {
                    SocketFolder::Runtime(_) => Some("there is no such folder".to_owned()),
                    SocketFolder::Private(_) => None,
                },
                Err(error) => Some(format!("it cannot be inspected: {error}")),
            };
            why.map_or(Ok(()), |why| Err(self.unusable(why)))
        }

        /// Returns the error to report if the folder could not be created because of `error`.
        #[must_use]
        pub fn cannot_be_made(&self, error: &io::Error) -> UnusableFolder {
            self.unusable(match error.kind() {
                ErrorKind::NotFound => {
                    "the folder to create it in does not exist, see TMPDIR".to_owned()
                }
                _ => format!("it cannot be created: {error}"),
            })
        }

        fn unusable(&self, why: impl Into<String>) -> UnusableFolder {
            UnusableFolder {
                folder: self.clone(),
                why: why.into(),
            }
        }
    }

    /// Why the user `uid` can't use the folder: because it isn't that user's own, or because its
    /// mode grants one of the permissions in `shut_out`. `None` if nothing is wrong.
    fn what_is_wrong(found: &Metadata, uid: u32, shut_out: u32) -> Option<String> {
        let mode = found.mode() & 0o777;
        if found.is_symlink() {
            Some("it is a symlink".to_owned())
        } else if !found.is_dir() {
            Some("it is not a folder".to_owned())
        } else if is_nobody(found.uid()) {
            Some(format!("it belongs to {}", User(found.uid())))
        } else if found.uid() != uid {
            let owner = User(found.uid());
            Some(format!("it belongs to {owner}, and not to {}", User(uid)))
        } else if mode & shut_out != 0 {
            let may = if shut_out & 0o055 != 0 {
                "enter"
            } else {
                "write to"
            };
            Some(format!(
                "others may {may} it: its mode is {mode:04o} and must be 0700"
            ))
        } else if mode & 0o700 != 0o700 {
            Some(format!(
                "its owner has no permission to use it: its mode is {mode:04o} and must be 0700"
            ))
        } else {
            None
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
        assert_eq!(place.folder, SocketFolder::Runtime("/run/user/7".into()));
    }

    #[test]
    fn elsewhere_a_folder_of_ones_own_is_made_in_the_temporary_folder() {
        for unset in [None, Some("".into())] {
            let place = place_in(unset, Path::new("/var/tmp"), 7);
            let folder = Path::new("/var/tmp/pocket-sockets-7");
            assert_eq!(place.path, folder.join("server.sock"));
            assert_eq!(place.folder, SocketFolder::Private(folder.into()));
        }
    }

    #[test]
    fn a_temporary_folder_that_is_not_absolute_counts_as_tmp() {
        for unusable in ["", "relative", "./tmp"] {
            let place = place_in(None, Path::new(unusable), 7);
            assert_eq!(place.path, Path::new("/tmp/pocket-sockets-7/server.sock"));
        }
    }

    #[test]
    fn a_runtime_folder_that_is_not_absolute_is_refused_by_name() {
        let place = place_in(Some("relative".into()), Path::new("/tmp"), 7);
        let told = place.folder.check(7).unwrap_err().to_string();
        assert!(told.contains("XDG_RUNTIME_DIR is relative"), "{told}");
        assert!(told.contains("not absolute"), "{told}");
    }
}
