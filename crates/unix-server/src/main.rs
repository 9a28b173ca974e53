//! The server over a Unix socket: reads its arguments, listens, says where, serves.

#[cfg(unix)]
mod arguments;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use shared_server::cli;
    cli::log_panics();
    let arguments = arguments::command().get_matches();
    match start(&arguments) {
        Ok(server) => cli::exit_code(arguments::NAME, server.serve()),
        Err(reason) => cli::refuse_to_start(arguments::NAME, format_args!("{reason:#}")),
    }
}

#[cfg(unix)]
fn start(
    arguments: &clap::ArgMatches,
) -> anyhow::Result<
    shared_server::Running<unix_server::UnixTransport, shared_server::TutorialService>,
> {
    use anyhow::Context;
    use shared_server::{Server, Signals, TutorialService, cli};
    use unix_server::UnixTransport;

    let signals = Signals::catch().context("cannot catch signals")?;
    let path = arguments::socket_path(arguments)?;
    let transport = arguments::access(arguments)
        .and_then(|(mode, uids)| Ok(UnixTransport::bind(&path, mode, uids)?))
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    let cannot_start = || format!("cannot start on {}", path.display());
    let mut server = Server::new(transport, cli::limits(arguments)).with_context(cannot_start)?;
    server.on_event(cli::log_event);
    server.end_on(&signals).context("cannot wait for signals")?;
    let server = server
        .start(TutorialService::default)
        .with_context(cannot_start)?;
    cli::announce(path);
    Ok(server)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("unix-server needs Unix sockets; on this system, use tcp-server");
    std::process::exit(2);
}
