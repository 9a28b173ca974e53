//! The server over a Unix socket: reads its arguments, listens, prints its path, serves.

#[cfg(unix)]
mod arguments;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use shared_server::{Inherited, cli};
    let inherited = Inherited::from_env(); // before anything is opened
    cli::log_panics();
    let arguments = arguments::command().get_matches();
    match start(&arguments, inherited) {
        Ok(server) => cli::exit_code(arguments::NAME, server.serve()),
        Err(reason) => cli::refuse_to_start(arguments::NAME, format_args!("{reason:#}")),
    }
}

#[cfg(unix)]
fn start(
    arguments: &clap::ArgMatches,
    inherited: Result<shared_server::Inherited, shared_server::InheritError>,
) -> anyhow::Result<
    shared_server::Running<unix_server::UnixTransport, shared_server::TutorialService>,
> {
    use anyhow::Context;
    use shared_server::{Server, Signals, Supervisor, TutorialService, cli};

    let signals = Signals::catch().context("cannot catch signals")?;
    let supervisor = Supervisor::from_env();
    let transport = arguments::transport(arguments, inherited?)?;
    let path = arguments::announced(&transport);
    let cannot_start = || format!("cannot start on {}", path.display());
    let mut server = Server::new(transport, cli::limits(arguments)).with_context(cannot_start)?;
    supervisor.follow(&mut server, cli::log_event);
    server.end_on(&signals).context("cannot wait for signals")?;
    let server = server
        .start(TutorialService::default)
        .with_context(cannot_start)?;
    cli::ready(&supervisor, path);
    Ok(server)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("unix-server needs Unix sockets; on this system, use tcp-server");
    std::process::exit(2);
}
