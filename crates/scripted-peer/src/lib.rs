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
//! - [`program!`] names the program of the package under test, and [`Program`] starts it: in its
//!   own process group, with its output captured, and kills it in the end. [`Running`] is the
//!   started program.
//! - [`Peer`] is one end of a connection over TCP or a Unix socket. [`Listener`] is what a
//!   learner's client connects to.
//! - For a daemon that can be trusted: a [`Gate`] decides when work ends,
//!   [`in_one_edge`](Running::in_one_edge) decides what the program wakes up to; descriptors travel
//!   with [bytes](Peer::send_with), and messages without a stream between [`DatagramPeer`]s; an
//!   [`Activation`] is what a program is started with, and a [`NotifySocket`] is what it reports
//!   to. Its [`descriptors`](Running::descriptors) show what it has open, and a [copy of its
//!   socket](Running::socket_of) shows what options it has set.
//! - For what leaves this machine: a [`BlackHole`] never answers, two [`Hosts`] have a cable that
//!   can be pulled, a [`Broker`] speaks NATS according to a script, and a [`PeerStream`] is what
//!   TLS runs over.
//! - Every expectation returns a [`Verdict`]. A bad one ends the test when it is dropped, or at
//!   [`or_explain`](Verdict::or_explain). [`explain`] covers a whole test.
//! - End of stream, reset, refusal and silence are four [endings](Ending), and none is reported as
//!   another.
//! - Nothing waits forever: each verb has its patience, and each test a watchdog ([`deadline`]).
//! - What the machine cannot do is not blamed on the learner's program: there are separate
//!   sentences for it. Time in which the machine kept the program or the check from running is not
//!   counted ([`Stopwatch`]), and a scene that depends on the clock is played again
//!   ([`undisturbed`]).
//! - The environment variable `CHECK_PROGRAM` names another program to run instead; `CHECK_SKIPS` a
//!   file that collects the checks that were [skipped](needs).
//!
//! What is not done here: judging protocols. The peer knows bytes, lines, and the frame of chapter
//! 4; what they mean is the check's business.
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
