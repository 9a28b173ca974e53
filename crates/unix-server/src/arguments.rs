//! What this server's command line has besides the limits: the path, and who may connect.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rustix::process::geteuid;
use shared_proto::{default_socket_path, is_nobody};
use shared_server::{cli, log};
use std::path::PathBuf;
use unix_server::{own_uid, prepare_folder};

pub(crate) const NAME: &str = env!("CARGO_PKG_NAME");

pub(crate) fn command() -> Command {
    cli::command(NAME, "Serves the tutorial's protocol over a Unix socket").args([
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
            .help("Serves this user, and not the server's own unless named too; repeatable"),
    ])
}

/// The path that was given, or the default one in a folder that is the user's own.
pub(crate) fn socket_path(arguments: &ArgMatches) -> anyhow::Result<PathBuf> {
    if let Some(path) = arguments.get_one::<PathBuf>("socket") {
        return Ok(path.clone());
    }
    let uid = geteuid().as_raw();
    let place = default_socket_path(uid);
    prepare_folder(&place.folder, uid)?;
    Ok(place.path)
}

/// The mode, and the users who are served. Warns of those whom the mode shuts out, and of a number
/// that means nobody in particular.
pub(crate) fn access(arguments: &ArgMatches) -> anyhow::Result<(u32, Vec<u32>)> {
    let mode = *arguments.get_one::<u32>("mode").expect("it has a default");
    let allowed: Vec<u32> = match arguments.get_many::<u32>("allow-uid") {
        Some(uids) => uids.copied().collect(),
        None => vec![own_uid()?],
    };
    let own = geteuid().as_raw();
    for uid in &allowed {
        if is_nobody(*uid) {
            log::line(format_args!(
                "{NAME}: uid {uid} is allowed, which here is every user without a name in this \
                 user namespace"
            ));
        } else if is_shut_out(*uid, own, mode) {
            log::line(format_args!(
                "{NAME}: user {uid} is allowed, but the mode {mode:04o} shuts them out; see --mode"
            ));
        }
    }
    Ok((mode, allowed))
}

/// To connect, one needs the permission to write to the socket file (`unix(7)`). Which users are in
/// the file's group is not looked up.
fn is_shut_out(uid: u32, own: u32, mode: u32) -> bool {
    match uid {
        0 => false,
        uid if uid == own => mode & 0o200 == 0,
        _ => mode & 0o022 == 0,
    }
}

fn parse_uid(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "give a user's number, which `id -u NAME` prints".into())
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
