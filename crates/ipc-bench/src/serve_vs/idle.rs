//! Idle clients: how much memory each of them costs the server, and how much they slow down the
//! active ones.

use std::io;
use std::time::Duration;

use crate::interrupt;
use crate::output::tell;
use crate::run::progress_bar;
use crate::serve_vs::client::Client;
use crate::serve_vs::load::Load;
use crate::serve_vs::report::Idle;
use crate::serve_vs::server::Server;
use crate::serve_vs::{SLICE, WINDOWS};
use crate::stats::{Values, paired_ratio};

const ACTIVE: usize = 100;
const ROUNDS: usize = 20;
/// How many descriptors this process needs besides the clients' sockets.
const OWN: usize = 64;

/// Measures one server after another: the idle clients of all servers together might need more
/// descriptors than one process may have.
pub fn measure(servers: &[Server], wanted: usize, descriptors: usize) -> anyhow::Result<Vec<Idle>> {
    let count = wanted.min(descriptors.saturating_sub(ACTIVE + OWN));
    if count < wanted {
        tell(format!(
            "only {count} idle clients instead of {wanted}: the hard limit on descriptors allows \
             no more"
        ));
    }
    let progress = progress_bar(servers.len());
    let mut all = Vec::new();
    for server in servers.iter().filter(|_| count > 0) {
        interrupt::check()?;
        all.push(match of_one(server, count) {
            Ok(idle) => idle,
            Err(error) => {
                interrupt::check()?;
                Idle {
                    failure: Some(error.to_string()),
                    ..Idle::new(server, count)
                }
            }
        });
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(all)
}

fn of_one(server: &Server, count: usize) -> io::Result<Idle> {
    let mut idle = Idle::new(server, count);
    let mut load = Load::new(Client::connect_many(&server.address, ACTIVE)?)?;
    let alone = rates(&mut load)?;
    let before = server.memory_kib();
    let clients = Client::connect_many(&server.address, count)?;
    let after = server.memory_kib();
    idle.kib_per_connection = before
        .zip(after)
        .map(|(before, after)| (after as f64 - before as f64) / count as f64);
    idle.threads = server.threads();
    let among_idle = rates(&mut load)?;
    drop(clients);
    idle.rate_among_idle = std::array::from_fn(|which| {
        paired_ratio(&among_idle[which], &alone[which]).map(|(spread, _)| spread)
    });
    Ok(idle)
}

/// Measures the requests per second at each of [`WINDOWS`], in turn.
fn rates(load: &mut Load) -> io::Result<[Values; 2]> {
    let mut rates = [Values::default(), Values::default()];
    load.run(WINDOWS[0], Duration::from_millis(50))?; // the first requests' memory doesn't count
    for round in 0..ROUNDS {
        for (window, rates) in WINDOWS.into_iter().zip(&mut rates) {
            rates.add(round, load.run(window, SLICE)?.requests_per_s);
        }
    }
    Ok(rates)
}
