//! The part of this server's command line that is not about limits: the path, and who may connect.

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rustix::process::geteuid;
use shared_proto::{default_socket_path, is_nobody};
use shared_server::{Inherited, cli, log};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use unix_server::{UnixTransport, own_uid, prepare_folder};

pub(crate) const NAME: &str = env!("CARGO_PKG_NAME");

pub(crate) fn command() -> Command {
    let command = cli::command(NAME, "Serves the tutorial's protocol over a Unix socket");
    command.after_help(cli::SUPERVISED).args([
        Arg::new("socket")
            .long("socket")
            .value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .help(
                "Where to listen [default: $XDG_RUNTIME_DIR/pocket-sockets.sock, else \
                 pocket-sockets-UID/server.sock in the temporary folder]",
            ),
        Arg::new("mode")
            .long("mode")
            .value_name("OCTAL")
            .default_value("0600")
            .value_parser(parse_mode)
            .help("The permissions of the socket file"),
        Arg::new("allow-uid")
            .long("allow-uid")
            .value_name("UID")
            .action(ArgAction::Append)
            .value_parser(parse_uid)
            .help("Serve this user instead of the user that the server runs as; repeatable"),
    ])
}

/// Listens where the arguments say, unless a supervisor has passed listeners on.
pub(crate) fn transport(
    arguments: &ArgMatches,
    inherited: Inherited,
) -> anyhow::Result<UnixTransport> {
    if !inherited.is_empty() {
        return handed_on(arguments, inherited);
    }
    let path = socket_path(arguments)?;
    bind(arguments, &path).with_context(|| format!("cannot listen on {}", path.display()))
}

fn bind(arguments: &ArgMatches, path: &Path) -> anyhow::Result<UnixTransport> {
    let mode = *arguments.get_one::<u32>("mode").expect("it has a default");
    let allowed = allowed_uids(arguments)?;
    let own = geteuid().as_raw();
    warn_of(&allowed, |uid| {
        is_shut_out(uid, own, mode)
            .then(|| format!("the mode {mode:04o} shuts them out; see --mode"))
    });
    Ok(UnixTransport::bind(path, mode, allowed)?)
}

fn handed_on(arguments: &ArgMatches, mut inherited: Inherited) -> anyhow::Result<UnixTransport> {
    let allowed = allowed_uids(arguments).context("cannot serve the inherited descriptors")?;
    let transport = UnixTransport::inherited(&mut inherited, allowed.clone())?;
    inherited.finish()?;
    let transport = transport.context("no Unix listener was inherited")?;
    if let Some(flag) = cli::given(arguments, &["socket", "mode"]) {
        bail!(
            "{flag} conflicts with an inherited listener, at {}; leave the flag out, or unset \
             LISTEN_FDS",
            announced(&transport).display()
        );
    }
    for path in transport.paths() {
        // The file belongs to someone else: this server must not change its mode.
        let Ok(file) = fs::metadata(path) else {
            continue;
        };
        let (owner, mode) = (file.uid(), file.mode() & 0o777);
        warn_of(&allowed, |uid| {
            let told = || format!("the mode {mode:04o} of {} shuts them out", path.display());
            is_shut_out(uid, owner, mode).then(told)
        });
    }
    Ok(transport)
}

/// Returns where the server listens, in the form that the client accepts.
pub(crate) fn announced(transport: &UnixTransport) -> OsString {
    let paths: Vec<&OsStr> = transport.paths().iter().map(|p| p.as_os_str()).collect();
    paths.join(OsStr::new(" and "))
}

/// The path that was given, or the default one in a folder that is the user's own.
fn socket_path(arguments: &ArgMatches) -> anyhow::Result<PathBuf> {
    if let Some(path) = arguments.get_one::<PathBuf>("socket") {
        return Ok(path.clone());
    }
    let uid = geteuid().as_raw();
    let place = default_socket_path(uid);
    prepare_folder(&place.folder, uid)?;
    Ok(place.path)
}

/// The users who are served.
fn allowed_uids(arguments: &ArgMatches) -> anyhow::Result<Vec<u32>> {
    Ok(match arguments.get_many::<u32>("allow-uid") {
        Some(uids) => uids.copied().collect(),
        None => vec![own_uid()?],
    })
}

/// Warns about allowed users that something shuts out, and about a uid that identifies no
/// particular user.
fn warn_of(allowed: &[u32], shut_out: impl Fn(u32) -> Option<String>) {
    for uid in allowed {
        if is_nobody(*uid) {
            log::line(format_args!(
                "{NAME}: uid {uid} is allowed, which here stands for every user that is not mapped \
                 in this user namespace"
            ));
        } else if let Some(why) = shut_out(*uid) {
            log::line(format_args!("{NAME}: user {uid} is allowed, but {why}"));
        }
    }
}

/// Whether the user `uid` lacks the permission to write to the socket file, without which it cannot
/// connect (`unix(7)`). Whether the user is in the file's group is not looked up.
fn is_shut_out(uid: u32, owner: u32, mode: u32) -> bool {
    match uid {
        0 => false,
        uid if uid == owner => mode & 0o200 == 0,
        _ => mode & 0o022 == 0,
    }
}

fn parse_uid(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "expected a numeric user ID (`id -u NAME` prints it)".into())
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let signed = text.starts_with('+'); // which from_str_radix takes
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777 && !signed)
        .ok_or_else(|| "give an octal mode, from 0000 to 0777".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_shuts_out_whom_it_does_not_let_write() {
        assert!(is_shut_out(8, 7, 0o600));
        assert!(!is_shut_out(7, 7, 0o600));
        assert!(is_shut_out(7, 7, 0o066));
        assert!(!is_shut_out(8, 7, 0o660), "may be in the group");
        assert!(!is_shut_out(8, 7, 0o602));
        assert!(!is_shut_out(0, 7, 0o600), "the superuser passes every mode");
    }

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(parse_mode("0600"), Ok(0o600));
        assert_eq!(parse_mode("660"), Ok(0o660));
        for wrong in ["", "0800", "1777", "rw", "-1", "+600"] {
            assert!(parse_mode(wrong).is_err(), "{wrong:?}");
        }
    }
}
