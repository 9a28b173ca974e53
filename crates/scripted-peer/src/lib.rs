//! A peer that follows a script against a program and reports what it saw.
//!
//! The exercises' checks are written with it. A check starts the learner's program, plays the other
//! side of a connection, byte by byte where that matters, and, when something is wrong, tells the
//! learner what happened on the wire. It reads as a story:
//!
//! ```no_run
//! # let program = || scripted_peer::Program::new("server");
//! # macro_rules! program { () => { program() } }
//! use scripted_peer::frame;
//!
//! // #[test] fn a_message_may_arrive_in_pieces()
//! let server = program!().listen();
//! let mut peer = server.connect();
//! peer.drip(frame(b"hello"));
//! peer.expect(frame(b"hello")).or_explain(
//!     "One read() returned a part of the message. Keep reading until the frame is whole.",
//!     "04-where-does-a-message-end.html#reading-a-whole-frame",
//! );
//! ```
//!
//! A program that treats one read as one message gets this verdict:
//!
//! ```text
//!     2.5 ms  peer  connected to 127.0.0.1:41973
//!     2.7 ms  peer -> 00 00 00 05 h             5 of 9 bytes, dripping
//!     2.8 ms  peer <- 00 00 00 01 h             5 bytes
//!     2.9 ms  peer -> e l l o                   9 bytes, one at a time
//!            expected   00 00 00 05 h e l l o
//!            got        00 00 00 01 h
//!                                ^^ the length says 1, the message had 5
//!    program: "listening on 127.0.0.1:41973"
//!    program: "read 1 of 5 bytes"
//!  One read() returned a part of the message. Keep reading until the frame is whole.
//!  Chapter 4: docs/src/04-where-does-a-message-end.md, "Reading a whole frame"
//!  The same as a picture: target/learn/04-01.html
//! ```
//!
//! The picture is a sequence diagram of the same events, with a lane for each peer, waits drawn to
//! scale and the program's output where it occurred: one file for each package, with a section for
//! each check that failed. It is removed when the package's checks are run again.
//!
//! - [`program!`] names the program of the package under test. [`Program`] starts it in its own
//!   process group and captures its output. [`Running`] is the started program; dropping it kills
//!   the program.
//! - [`Peer`] is one end of a connection over TCP or a Unix socket. [`Listener`] is what a
//!   learner's client connects to.
//! - For daemons (Part V): with a [`Gate`], the check decides when the program's work ends;
//!   [`in_one_edge`](Running::in_one_edge) delivers several events in one wake-up; a peer sends
//!   descriptors [with its bytes](Peer::send_with), and a [`DatagramPeer`] sends datagrams. An
//!   [`Activation`] holds the listeners that a program is started with, and a [`NotifySocket`] is
//!   the supervisor that it reports to. [`descriptors`](Running::descriptors) returns what the
//!   program has open, and a [copy of its socket](Running::socket_of) shows which options it has
//!   set.
//! - For networks (Part VI): a [`BlackHole`] never answers a connection attempt, two [`Hosts`] are
//!   connected by a cable that can be pulled, a [`Broker`] speaks NATS as the check tells it, and
//!   TLS can run over a [`PeerStream`].
//! - Every expectation returns a [`Verdict`]. A bad one ends the test when it is dropped, or at
//!   [`or_explain`](Verdict::or_explain). [`explain`] covers a whole test.
//! - End of stream, reset, refusal and silence are four [endings](Ending), and none is reported as
//!   another.
//! - Nothing waits forever: each verb has a time limit ([`Peer::patience`]), and each test has a
//!   watchdog ([`deadline`]).
//! - If the machine fails, the learner's program is not blamed: separate sentences say what the
//!   machine lacks. Time in which the machine kept the program or the check from running is not
//!   counted ([`Stopwatch`]), and a scene that depends on the clock is played again if that time
//!   spoiled it ([`undisturbed`]).
//! - If the environment variable `CHECK_PROGRAM` is set, the program that it names is run instead.
//!   The checks that were [skipped](needs) are added to the file that `CHECK_SKIPS` names.
//!
//! This crate doesn't judge protocols. It knows bytes, lines, and the frame of chapter 4; what they
//! mean is up to the check.
//!
//! The features `daemon` and `network` (both on by default) add what Parts V and VI need. Earlier
//! exercises do without them, because every learner has to build this crate first.
#![warn(missing_docs)]
#![cfg_attr(
    not(feature = "network"),
    allow(dead_code, reason = "what only the verbs of Parts V and VI ask for")
)]

#[cfg(not(unix))]
compile_error!("the exercises need a Unix system; on Windows, work in WSL");

// The modules, from the bottom up: each uses modules of its own group and of the groups above it,
// and no two use each other.

// What the system knows, and how it is written.
mod address;
mod bytes;
mod chapter;
mod child;
mod exit;
mod failure;
#[cfg(feature = "daemon")]
mod net_table;
mod process;
mod queue;
mod reaper;
mod rights;
mod signals;
mod stream;
mod threads;
mod wait;

// One test: what happened, how it is reported, and how it ends.
mod account;
mod context;
mod event;
mod picture;
mod report;
mod timeline;
mod watchdog;

// What a check finds, for how long it looks, and what it needs of this machine.
mod folder;
mod machine;
pub mod needs;
mod patience;
mod strain;
mod verdict;
mod watch;

// The participants: the program, and the peers that the check plays.
mod activation;
mod figures;
mod lines;
mod listener;
mod output;
mod peer;
mod program;
mod running;
mod serving;

// What the chapters on daemons need.
#[cfg(feature = "daemon")]
mod actor;
#[cfg(feature = "daemon")]
mod datagram;
#[cfg(feature = "daemon")]
mod descriptors;
#[cfg(feature = "daemon")]
mod edge;
#[cfg(feature = "daemon")]
mod gate;
#[cfg(feature = "daemon")]
mod notify_socket;
#[cfg(feature = "daemon")]
mod socket_copy;

// And the chapters on networks.
#[cfg(feature = "network")]
mod black_hole;
#[cfg(feature = "network")]
mod broker;
#[cfg(feature = "network")]
mod hosts;

pub use activation::Activation;
pub use address::Address;
#[cfg(feature = "network")]
pub use black_hole::BlackHole;
#[cfg(feature = "network")]
pub use broker::{Broker, Message, Operation, Request, Subscription};
pub use bytes::{frame, line, show};
pub use context::{deadline, explain};
#[cfg(feature = "daemon")]
pub use datagram::DatagramPeer;
#[cfg(feature = "daemon")]
pub use descriptors::{Descriptor, Kind};
pub use exit::Exit;
pub use figures::Figures;
pub use folder::{Folder, folder};
#[cfg(feature = "daemon")]
pub use gate::Gate;
#[cfg(feature = "network")]
pub use hosts::{Host, Hosts};
pub use listener::{Listener, stale_socket};
#[cfg(feature = "daemon")]
pub use notify_socket::NotifySocket;
pub use output::Output;
#[cfg(feature = "network")]
pub use peer::PeerStream;
pub use peer::{Ending, Passed, Peer, Received};
pub use program::Program;
pub use running::{Running, Start};
pub use serving::Serving;
pub use strain::{Stopwatch, rounds, too_busy, undisturbed};
pub use verdict::{Verdict, appears, check, eventually};
pub use watch::Watch;
#[doc(hidden)]
pub use watchdog::Failed;

pub use predicates::prelude::PredicateBooleanExt;
pub use predicates::str::{contains, ends_with, starts_with};
pub use rustix::process::Signal;
