//! The part of this server's command line that is not about limits: the path, and who may connect.

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rustix::process::geteuid;
use shared_proto::default_socket_path;
use shared_server::{Inherited, cli, log};
use std::ffi::{OsStr, OsString};
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
    let transport = if inherited.is_empty() {
        let path = socket_path(arguments)?;
        bind(arguments, &path).with_context(|| format!("cannot listen on {}", path.display()))?
    } else {
        handed_on(arguments, inherited)?
    };
    for warning in transport.warnings() {
        log::line(format_args!("{NAME}: {warning}"));
    }
    Ok(transport)
}

fn bind(arguments: &ArgMatches, path: &Path) -> anyhow::Result<UnixTransport> {
    let mode = *arguments.get_one::<u32>("mode").expect("it has a default");
    Ok(UnixTransport::bind(path, mode, allowed_uids(arguments)?)?)
}

fn handed_on(arguments: &ArgMatches, mut inherited: Inherited) -> anyhow::Result<UnixTransport> {
    let allowed = allowed_uids(arguments).context("cannot serve the inherited descriptors")?;
    let transport = UnixTransport::inherited(&mut inherited, allowed)?;
    inherited.finish()?;
    let transport = transport.context("no Unix listener was inherited")?;
    if let Some(flag) = cli::given(arguments, &["socket", "mode"]) {
        bail!(
            "{flag} conflicts with an inherited listener, at {}; leave the flag out, or unset \
             LISTEN_FDS",
            announced(&transport).display()
        );
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
    fn a_mode_is_octal() {
        assert_eq!(parse_mode("0600"), Ok(0o600));
        assert_eq!(parse_mode("660"), Ok(0o660));
        for wrong in ["", "0800", "1777", "rw", "-1", "+600"] {
            assert!(parse_mode(wrong).is_err(), "{wrong:?}");
        }
    }
}
