//! Chromium over its debugging pipe: messages are JSON, each ended by NUL, on descriptors 3 and 4.
//! The protocol is <https://chromedevtools.github.io/devtools-protocol/>.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the browser may take to answer.
const DEADLINE: Duration = Duration::from_secs(60);

/// A browser with one page open.
pub struct Chromium {
    process: Child,
    commands: File,
    messages: Receiver<Value>,
    /// What the page told of itself since [`Chromium::take_events`].
    events: Vec<Value>,
    page: Option<String>,
    last_id: u64,
    _folder: TempDir,
}

/// Where Chromium is, if it is installed: `$CHROMIUM`, or one of its names in `PATH`.
pub fn find() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|p| p.is_file())
}

impl Chromium {
    pub fn start(program: PathBuf) -> Chromium {
        let folder = tempfile::tempdir().unwrap();
        let fifos = [
            folder.path().join("commands"),
            folder.path().join("messages"),
        ];
        assert!(
            Command::new("mkfifo")
                .args(&fifos)
                .status()
                .unwrap()
                .success()
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec 3<\"$1\" 4>\"$2\"; shift 2; exec \"$@\"", "sh"])
            .args(&fifos)
            .arg(program);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--force-device-scale-factor=1",
            "--hide-scrollbars",
            "--no-first-run",
        ]);
        if rustix::process::getuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let process = command.spawn().unwrap();
        // Opening a FIFO waits for the other side: in the shell's order, or both would wait for ever.
        let commands = File::options().write(true).open(&fifos[0]).unwrap();
        let answers = BufReader::new(File::open(&fifos[1]).unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap();
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Chromium {
            process,
            commands,
            messages,
            events: Vec::new(),
            page: None,
            last_id: 0,
            _folder: folder,
        };
        browser.open_page();
        browser
    }

    fn open_page(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let page = self.call("Target.attachToTarget", attach);
        self.page = page["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Calls a method of the protocol and returns its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method });
        message["params"] = params;
        if let Some(page) = &self.page {
            message["sessionId"] = json!(page);
        }
        write!(self.commands, "{message}\0").unwrap();
        let mut answer = self.wait_for(method, |message| message["id"] == id);
        assert!(
            answer.get("error").is_none(),
            "{method}: {}",
            answer["error"]
        );
        answer["result"].take()
    }

    /// Loads `url` and waits until all of it is there.
    pub fn navigate(&mut self, url: &str) {
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(
            answer.get("errorText").is_none(),
            "{url}: {}",
            answer["errorText"]
        );
        if let Some(at) = self
            .events
            .iter()
            .position(|e| e["method"] == "Page.loadEventFired")
        {
            self.events.remove(at);
        } else {
            self.wait_for(url, |message| message["method"] == "Page.loadEventFired");
        }
        self.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))");
    }

    /// The value of a JavaScript expression in the page; a promise's once it is kept.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", params);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{thrown}");
        answer["result"]["value"].take()
    }

    /// What happened in the page since the last time.
    pub fn take_events(&mut self) -> Vec<Value> {
        self.evaluate("new Promise((done) => setTimeout(done))");
        std::mem::take(&mut self.events)
    }

    fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left);
            let message =
                message.unwrap_or_else(|e| panic!("Chromium does not answer: {what}: {e}"));
            if wanted(&message) {
                return message;
            }
            if message.get("method").is_some() {
                self.events.push(message);
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its children are in the same group; whoever has gone already is no loss.
        if let Some(group) = self.process.id().try_into().ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.wait();
    }
}
