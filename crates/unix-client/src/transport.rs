//! What the command line needs to know about Unix sockets.

use crate::connect::connect;
use crate::trust::{Untrusted, check_server};
use anyhow::{anyhow, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches};
use rustix::net::SocketAddrUnix;
use rustix::process::geteuid;
use shared_client::cli::{Transport, cannot_connect};
use shared_proto::{SocketFolder, User, default_socket_path, is_nobody};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// A server's path, and the users that the server may run as.
#[derive(Debug, Clone)]
pub struct Unix {
    path: PathBuf,
    /// The default path's folder, which must be checked first; `None` if a path was given.
    default_folder: Option<SocketFolder>,
    /// The users whose servers are trusted, in addition to this user and root.
    trusted: Vec<u32>,
}

impl Transport for Unix {
    type Stream = UnixStream;
    const CLIENT: &'static str = "unix-client";
    const SERVER: &'static str = "unix-server";
    const ADDRESS_OPTION: &'static str = "--socket";
    const IF_NOT_PERMITTED: &'static str =
        "ask the administrator of unix-server for a wider --mode";
    const IF_NOT_ALLOWED: &'static str =
        "ask the administrator of unix-server for --allow-uid with your uid";

    fn options() -> Vec<Arg> {
        let place = default_socket_path(geteuid().as_raw());
        vec![
            Arg::new("socket")
                .long("socket")
                .value_name("PATH")
                .help(format!(
                    "The server's path [default: {}]",
                    place.path.display()
                ))
                .value_parser(OsStringValueParser::new().try_map(parse_path))
                .global(true),
            Arg::new("server-uid")
                .long("server-uid")
                .value_name("UID")
                .help(
                    "Also trust a server that runs as this user, not only you or root; repeatable",
                )
                .value_parser(parse_uid)
                .action(ArgAction::Append)
                .global(true),
        ]
    }

    fn from_matches(matches: &ArgMatches) -> Self {
        let (path, default_folder) = match matches.get_one::<PathBuf>("socket") {
            Some(path) => (path.clone(), None),
            None => {
                let place = default_socket_path(geteuid().as_raw());
                (place.path, Some(place.folder))
            }
        };
        Unix {
            path,
            default_folder,
            trusted: matches
                .get_many("server-uid")
                .map_or_else(Vec::new, |uids| uids.copied().collect()),
        }
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn connect(&self, timeout: Duration) -> anyhow::Result<UnixStream> {
        if let Some(folder) = &self.default_folder {
            folder.check(geteuid().as_raw())?;
        }
        let stream = connect(&self.path, timeout).map_err(|error| {
            use ErrorKind::{ConnectionRefused, PermissionDenied};
            if matches!(error.kind(), ConnectionRefused | PermissionDenied)
                && self.is_another_file()
            {
                let address = self.address();
                return anyhow!(
                    "nobody listens at {address}: {error}; it isn't a socket, so name \
                     another path with --socket"
                );
            }
            cannot_connect(self, &error, timeout)
        })?;
        self.check_server(&stream)?;
        Ok(stream)
    }
}

impl Unix {
    /// Whether the path leads to something other than a socket.
    fn is_another_file(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| !file.file_type().is_socket())
    }

    fn check_server(&self, stream: &UnixStream) -> anyhow::Result<()> {
        let address = self.address();
        let (uid, own) = match check_server(stream, &self.trusted) {
            Ok(()) => return Ok(()),
            Err(Untrusted::User { uid, own }) => (uid, own),
            Err(Untrusted::Unknown(error)) => {
                bail!("{address}: cannot find out who runs the server: {error}")
            }
        };
        if is_nobody(uid) {
            let server = User(uid);
            bail!(
                "{address} is served by {server}; nothing was sent: if you trust that user, \
                 whoever it is, give --server-uid {uid}"
            );
        }
        bail!(
            "{address} is served by uid {uid}, which is neither yours ({own}) nor root; \
             nothing was sent: if you trust it, give --server-uid {uid}"
        )
    }
}

fn parse_uid(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "expected a numeric user ID (`id -u NAME` prints it)".to_owned())
}

fn parse_path(path: OsString) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let path = PathBuf::from(path);
    match SocketAddrUnix::new(&path) {
        Ok(_) => Ok(path),
        Err(_) => {
            Err("too long for a socket (about 100 bytes fit); use a relative path".to_owned())
        }
    }
}
