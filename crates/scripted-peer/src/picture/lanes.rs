//! Which peers have a lane, and where: the peers from the left, the program on the right.

use super::paper::{Paper, number};
use crate::account::{Account, Line};

/// The largest distance between two lanes.
const STEP: f64 = 96.0;

pub(super) struct Lane {
    pub name: String,
    pub x: f64,
    /// The peers that share the lane; none if it is the check's own.
    peers: Vec<usize>,
}

pub(super) struct Lanes(pub Vec<Lane>);

impl Lanes {
    /// Creates a lane for each peer that does something (if there are many, the first of them share
    /// one), and one for the check itself if it does something or if no peer does.
    pub fn new(account: &Account, paper: &Paper) -> Self {
        let mut lanes: Vec<(Vec<usize>, String)> = Vec::new();
        let peers = peers(account);
        if peers.is_empty() || account.lines.iter().any(|line| line.peer.is_none()) {
            lanes.push((Vec::new(), "check".to_owned()));
        }
        let room = paper.lanes - lanes.len();
        let shared = if peers.len() > room {
            peers.len() - room + 1
        } else {
            0
        };
        if shared > 0 {
            let numbers = peers[..shared].iter().map(|(number, _)| *number).collect();
            lanes.push((numbers, format!("{shared} peers")));
        }
        lanes.extend(
            peers[shared..]
                .iter()
                .map(|(number, name)| (vec![*number], (*name).to_owned())),
        );
        let step = ((paper.program - paper.first_lane) / number(lanes.len())).min(STEP);
        let lane = |(index, (peers, name))| Lane {
            name,
            x: paper.first_lane + number(index) * step,
            peers,
        };
        Self(lanes.into_iter().enumerate().map(lane).collect())
    }

    fn of(&self, line: &Line) -> &Lane {
        let own = |lane: &&Lane| match line.peer {
            Some(peer) => lane.peers.contains(&peer),
            None => lane.peers.is_empty(),
        };
        self.0.iter().find(own).unwrap_or(&self.0[0])
    }

    /// Returns the position of the lane on which an event happens.
    pub fn x(&self, line: &Line) -> f64 {
        self.of(line).x
    }

    /// Returns the text of an event, with the peer's name if several peers share the lane.
    pub fn name(&self, line: &Line, words: &str) -> String {
        if self.of(line).peers.len() > 1 {
            format!("{}: {words}", line.who)
        } else {
            words.to_owned()
        }
    }
}

/// Returns the peers that do something, by number.
fn peers(account: &Account) -> Vec<(usize, &str)> {
    let mut peers: Vec<(usize, &str)> = Vec::new();
    for line in &account.lines {
        let peer = line.peer.map(|number| (number, line.who.as_str()));
        peers.extend(peer.filter(|peer| !peers.contains(peer)));
    }
    peers.sort_unstable();
    peers
}
