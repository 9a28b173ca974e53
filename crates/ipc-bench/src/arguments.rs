//! The command line.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::environment::{Before, Environment};
use crate::interrupt::{self, Interrupted};
use crate::output::tell;
use crate::processors::{self, Placement};
use crate::report::{self, Report};
use crate::run::{self, Options};
use crate::{child, output, places, plan, serve_vs, summary, surprises};

/// No further block is started unless it will have ended by then. With the warm-up and the report,
/// the run stays under the minute that the program promises.
const TIME_LIMIT: Duration = Duration::from_secs(50);

pub fn main() -> ExitCode {
    match dispatch(&command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        // Its children may also have received the signal, and ended first.
        Err(error) if error.is::<Interrupted>() || interrupt::check().is_err() => {
            tell("interrupted; nothing was written");
            ExitCode::from(130)
        }
        Err(error) => {
            tell(format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &ArgMatches) -> anyhow::Result<()> {
    match arguments.subcommand() {
        Some(("child", arguments)) => Ok(child::main(
            *arguments.get_one("parent").expect("clap requires it"),
        )?),
        Some(("serve-vs", arguments)) => {
            interrupt::watch()?;
            serve_vs::main(&serve_vs_options(arguments)?)
        }
        Some(("surprises", _)) => output::print(surprises::main),
        _ => {
            interrupt::watch()?;
            measure(arguments)
        }
    }
}

fn measure(arguments: &ArgMatches) -> anyhow::Result<()> {
    let start = Instant::now();
    let began = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let folder = arguments
        .get_one::<PathBuf>("out")
        .expect("it has a default");
    places::can_write(folder, &report::FILES)?;
    let before = Before::read();
    let placement = placement(arguments)?;
    let options = Options {
        blocks: blocks(arguments),
        time_limit: TIME_LIMIT,
        congestion: arguments
            .get_one::<String>("congestion")
            .map(String::as_str),
        placement: &placement,
    };
    let outcome = run::run(&plan::block(), &options)?;
    if outcome.blocks < options.blocks {
        tell(format!(
            "only {} of {} blocks fit into the time",
            outcome.blocks, options.blocks
        ));
    }
    let report = Report {
        schema: report::SCHEMA,
        program: concat!("ipc-bench ", env!("CARGO_PKG_VERSION")).to_owned(),
        began,
        took_s: start.elapsed().as_secs_f64(),
        blocks: outcome.blocks,
        environment: Environment::read(&before, &outcome),
        figures: summary::figures(&outcome),
        ratios: summary::ratios(&outcome),
        failures: summary::failures(&outcome),
    };
    // Each is useful without the other: first what the user is waiting for.
    let printed = output::print(|out| Ok(report::print(&report, out)?));
    report.write_to(folder)?;
    printed?;
    let page = folder.join("report.html");
    output::print(|out| Ok(writeln!(out, "\n{} shows it as charts", page.display())?))?;
    report.what_is_missing()
}

fn blocks(arguments: &ArgMatches) -> usize {
    match arguments.get_one::<u64>("blocks") {
        Some(&blocks) => usize::try_from(blocks).unwrap_or(usize::MAX),
        None if arguments.get_flag("quick") => 3,
        None => 20,
    }
}

fn placement(arguments: &ArgMatches) -> anyhow::Result<Placement> {
    let allowed = processors::allowed()?;
    let Some(text) = arguments.get_one::<String>("cpus") else {
        return Placement::choose(allowed).context("no CPU to run on");
    };
    let wanted = processors::parse_list(text);
    if wanted.is_empty() || wanted.len() > 2 {
        bail!("--cpus {text}: give one or two CPU numbers, such as 0,1");
    }
    if let Some(cpu) = wanted.iter().find(|cpu| !allowed.contains(cpu)) {
        let may = processors::list_name(&allowed);
        bail!("--cpus {text}: this process may not use CPU {cpu}, only {may}");
    }
    Ok(Placement::given(allowed, &wanted))
}

fn serve_vs_options(arguments: &ArgMatches) -> anyhow::Result<serve_vs::Options> {
    let words = arguments
        .get_many::<String>("address")
        .expect("clap requires one");
    Ok(serve_vs::Options {
        addresses: words
            .map(|word| address(word))
            .collect::<anyhow::Result<_>>()?,
        blocks: blocks(arguments),
        cpus: arguments
            .get_one::<String>("cpus")
            .map_or_else(Vec::new, |t| processors::parse_list(t)),
        idle: *arguments
            .get_one::<usize>("idle")
            .expect("it has a default"),
        json: arguments.get_one::<PathBuf>("json").cloned(),
    })
}

/// Parses a server's address. Text with a slash is a path, `HOST:PORT` is TCP, and anything else is
/// also a path. If a host name has several addresses, the server is at the first one that answers.
fn address(text: &str) -> anyhow::Result<serve_vs::Named> {
    let (is_path, has_port) = (text.contains('/'), text.rsplit_once(':'));
    let addresses: Vec<serve_vs::Address> = match has_port {
        Some((_, port)) if !is_path && port.parse::<u16>().is_ok() => text
            .to_socket_addrs()
            .with_context(|| format!("cannot find the address of {text}"))?
            .map(serve_vs::Address::Tcp)
            .collect(),
        _ => vec![serve_vs::Address::Unix(text.into())],
    };
    if addresses.is_empty() {
        bail!("{text} has no address");
    }
    Ok(serve_vs::Named {
        name: text.to_owned(),
        addresses,
    })
}

fn command() -> Command {
    Command::new("ipc-bench")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Measures, on this machine and in under a minute, what each transport costs")
        .after_help(plan::IN_WORDS)
        .args([
            blocks_argument(),
            quick_argument(),
            Arg::new("cpus")
                .long("cpus")
                .value_name("A,B")
                .help("the CPUs to use for one core (A) and two cores (A and B)"),
            Arg::new("congestion")
                .long("congestion")
                .value_name("NAME")
                .help("TCP's congestion control, one of net.ipv4.tcp_allowed_congestion_control"),
            Arg::new("out")
                .long("out")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .default_value("target/ipc-bench")
                .help("where report.html, report.svg and report.json go"),
        ])
        .args_conflicts_with_subcommands(true)
        .subcommand(serve_vs_command())
        .subcommand(Command::new("surprises").about(
            "Shows the 40 ms stall of write-write-read and the deadlock of two senders, and ends",
        ))
        .subcommand(
            Command::new("child").hide(true).arg(
                Arg::new("parent")
                    .required(true)
                    .value_parser(value_parser!(u32)),
            ),
        )
}

fn serve_vs_command() -> Command {
    Command::new("serve-vs")
        .about("Loads running servers, side by side: 1, 100 and 1,000 active connections, then idle ones")
        .after_help(serve_vs::IN_WORDS)
        .args([
            Arg::new("address")
                .value_name("ADDRESS")
                .required(true)
                .num_args(1..)
                .help("HOST:PORT, or the path of a Unix socket; ratios are against the first"),
            blocks_argument(),
            quick_argument(),
            Arg::new("cpus")
                .long("cpus")
                .value_name("LIST")
                .help("CPUs to run the load generator on, such as 0-1 [default: all]; the servers' \
                       CPUs are not changed"),
            Arg::new("idle")
                .long("idle")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .default_value("10000")
                .help("how many idle connections to hold; 0 for none"),
            Arg::new("json")
                .long("json")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("also write the figures there"),
        ])
}

fn blocks_argument() -> Arg {
    Arg::new("blocks")
        .long("blocks")
        .value_name("N")
        .value_parser(value_parser!(u64).range(1..=1000))
        .help("how many blocks to measure [default: 20]")
}

fn quick_argument() -> Arg {
    Arg::new("quick")
        .long("quick")
        .action(ArgAction::SetTrue)
        .help("3 blocks: a quick look, not a result")
}
