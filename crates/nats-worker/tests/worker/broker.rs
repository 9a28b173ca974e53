//! The real broker, and workers at it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use scripted_peer::{Folder, Program, Running, appears, folder, needs};

/// How long anything may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the workers of these tests answer to.
pub(crate) const SUBJECT: &str = "work";

/// The service that takes its time: an example, built here, so that it is never stale.
static OWN_SERVICE: LazyLock<PathBuf> = LazyLock::new(|| {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let build = escargot::CargoBuild::new()
        .manifest_path(manifest)
        .example("own_service");
    build.run().unwrap().path().to_owned()
});

/// `nats-server`, on a port of its own.
pub(crate) struct Broker {
    program: Option<Running>,
    pub(crate) port: u16,
    folder: Folder,
}

impl Broker {
    /// Starts it; `None` where it is not installed, which is noted, and a failure in CI.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        let found = Command::new("nats-server").arg("--version").output();
        if found.is_err() {
            assert!(std::env::var_os("CI").is_none(), "CI must have nats-server");
            needs::skip("nats-server is not installed (Debian: apt install nats-server)");
            return None;
        }
        // Before the test's time begins to run.
        LazyLock::force(&OWN_SERVICE);
        scripted_peer::deadline(4 * PATIENCE);
        let folder = folder();
        std::fs::write(folder.join("settings"), settings).unwrap();
        let mut broker = Self {
            program: None,
            port: 0,
            folder,
        };
        // -1 is a port that the system chooses.
        broker.run("-1");
        broker.port = broker.says("connections on 127.0.0.1:", |rest| {
            rest.lines().next()?.trim().parse().ok()
        });
        Some(broker)
    }

    fn run(&mut self, port: &str) {
        // Debug: it tells of clients that left.
        let program = Program::exactly("nats-server")
            .args(["-a", "127.0.0.1", "-p", port, "-D", "-c"])
            .arg(self.folder.join("settings").display())
            .patience(PATIENCE);
        self.program = Some(program.start());
    }

    pub(crate) fn program(&self) -> &Running {
        self.program.as_ref().expect("it was started")
    }

    /// What it makes of what stands after `text` in its log.
    fn says<T>(&self, text: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let look = || {
            let log = self.program().stderr();
            // A whole line.
            let (log, _) = log.rsplit_once('\n')?;
            log.split_once(text).and_then(|(_, rest)| read(rest))
        };
        appears(&format!("{text:?} in the broker's log"), PATIENCE, look).now()
    }

    /// Waits until the broker has seen this many clients leave.
    pub(crate) fn expect_departures(&self, wanted: usize) {
        let left = || self.program().stderr().matches("connection closed").count();
        let look = || (left() >= wanted).then_some(());
        appears("the broker to see its client leave", PATIENCE, look).now();
    }

    /// Kills it, and starts it again at the same port.
    pub(crate) fn restart(&mut self) {
        self.program().signal(scripted_peer::Signal::KILL);
        self.program().ends().now();
        let port = self.port.to_string();
        // Somebody's outgoing connection may hold the port for a moment.
        let look = || {
            self.run(&port);
            let ready = || {
                let log = self.program().stderr();
                let ready = log.contains("Server is ready").then_some(true);
                ready.or_else(|| self.program().has_ended().then_some(false))
            };
            let ready = appears("the broker to start", PATIENCE, ready).now();
            ready.then_some(())
        };
        appears("the broker to start again", PATIENCE, look).now();
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A worker of the tutorial's service.
    pub(crate) fn worker(&self) -> Running {
        self.ready(Program::exactly(env!("CARGO_BIN_EXE_nats-worker")))
    }

    /// A worker of the service that takes its time, with some more arguments.
    pub(crate) fn slow_worker(&self, arguments: &[&str]) -> Running {
        self.ready(Program::exactly(&*OWN_SERVICE).args(arguments))
    }

    /// A worker that has said that it listens.
    pub(crate) fn ready(&self, program: Program) -> Running {
        let address = self.address();
        let arguments = ["--connect", &address, "--subject", SUBJECT];
        let worker = program.args(arguments).patience(PATIENCE).start();
        let line = format!("listening on {SUBJECT} at {address}\n");
        worker.prints(&line).now();
        assert_eq!(worker.stdout(), line);
        worker
    }
}
