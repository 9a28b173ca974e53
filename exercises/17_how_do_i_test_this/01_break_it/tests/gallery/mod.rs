//! Servers to be judged: good ones in many manners, bad ones with one mistake each.
//!
//! Each visit to one has a thread and so a timeline of its own: what is told of a wrong judgment is
//! what happened at that server.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{
    Address, Exit, Listener, Peer, Running, Serving, Stopwatch, check, program, too_busy,
};

pub mod bad;
pub mod good;
mod visitor;

pub const LIMIT: u32 = 65_536;
/// Within which a judgment must be there, not counting what the machine took away.
const MOST: Duration = Duration::from_millis(4500);
/// More than this taken away, and a judgment that is missing proves nothing yet.
const DISTURBED: Duration = Duration::from_secs(2);
/// How long a program sleeps that waits without end: longer than until any deadline here.
const ASLEEP: Duration = Duration::from_secs(6);
/// The longest that a judgment is waited for.
const LONGEST: Duration = Duration::from_secs(20);
const NAP: Duration = Duration::from_millis(5);
/// The deadline where nothing is waited for that doesn't come: far more than the busiest machine
/// needs.
const NEVER: u64 = 600_000;
/// And in front of one that owes something: by then it counts as never.
const SOON: u64 = 3_000;

const FORM: &str = "Your program ended without a judgment in the agreed form. The judgment is the \
                    exit code and one line on standard output: 0 and `good`, or 1 and `bad: ` \
                    with the reason.";
const GOES_ON: &str = "This server has answered everything, and your program is still waiting. \
                       Stop waiting as soon as the event you are waiting for has happened. If the \
                       server serves many clients at once, run your scenes side by side. The \
                       deadline is only for servers that never answer.";
const HANGS: &str = "The deadline has passed, and your program is still waiting for something that \
                     this server never sends. Limit each wait to the time that is left until the \
                     deadline. People switch off a test that can hang.";
const CHANGES: &str = "Ten copies of your program ran against one server at the same time, and at \
                       least one of them judged it wrongly. Share nothing between copies, neither \
                       a file nor a port, and don't let a judgment depend on timing or chance.";
const OWN: &str = "17-how-do-i-test-this.html#ports-and-folders-of-ones-own";
const EVENTS: &str = "17-how-do-i-test-this.html#wait-for-the-event";

/// One server: what it promises, how it serves, and what to tell of a wrong judgment.
pub struct Exhibit {
    /// What it does: "answers byte by byte".
    does: &'static str,
    is_good: bool,
    limit: u32,
    clients: &'static str,
    /// In milliseconds.
    deadline: u64,
    stand: Stand,
    /// What to tell of a wrong judgment.
    told: Told,
    /// Set when the program has judged.
    over: Arc<AtomicBool>,
}

/// A sentence, and the chapter's section.
pub type Told = (&'static str, &'static str);

/// Who is there, where the program looks.
enum Stand {
    /// Each connection is served by this, on a thread of its own.
    Serving(Box<dyn Fn(Peer) + Send + Sync>),
    /// Listens, and accepts nobody.
    Asleep,
    /// Nobody is there.
    Nobody,
}

impl Exhibit {
    fn good(does: &'static str, told: Told, script: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let (limit, clients, stand) = (LIMIT, "many", Stand::Serving(Box::new(script)));
        let over = Arc::default();
        Self {
            does,
            is_good: true,
            limit,
            clients,
            deadline: NEVER,
            stand,
            told,
            over,
        }
    }

    fn bad(does: &'static str, told: Told, script: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self {
            is_good: false,
            deadline: SOON,
            ..Self::good(does, told, script)
        }
    }

    fn silent(does: &'static str, told: Told, stand: Stand) -> Self {
        Self {
            stand,
            ..Self::bad(does, told, drop)
        }
    }

    /// This limit is promised, and not the usual one.
    pub fn limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// What is promised is to serve one client after the other.
    pub fn one(self) -> Self {
        Self {
            clients: "one",
            ..self
        }
    }

    /// It is told with these words here.
    fn tells(self, told: Told) -> Self {
        Self { told, ..self }
    }

    /// Its mistake is in what comes, and not in what doesn't: nobody needs a clock to see it.
    fn evident(self) -> Self {
        Self {
            deadline: NEVER,
            ..self
        }
    }

    /// Some of its connections go on until then.
    fn until(self, over: Arc<AtomicBool>) -> Self {
        Self { over, ..self }
    }

    fn has_another_promise(&self) -> bool {
        self.limit != LIMIT || self.clients == "one"
    }

    fn is_right(&self, judgment: &Judgment) -> bool {
        match judgment {
            Judgment::Good => self.is_good,
            Judgment::Bad => !self.is_good,
            Judgment::Unclear | Judgment::None(_) => false,
        }
    }

    fn start(&mut self) -> (Address, Open) {
        match std::mem::replace(&mut self.stand, Stand::Nobody) {
            Stand::Serving(script) => {
                let serving = Listener::tcp().serve(script);
                (serving.address().clone(), Open::Serving(serving))
            }
            Stand::Asleep => {
                let listener = Listener::tcp();
                (listener.address().clone(), Open::Asleep(listener))
            }
            Stand::Nobody => {
                let listener = Listener::refusing();
                (listener.address().clone(), Open::Asleep(listener))
            }
        }
    }
}

/// What keeps a server open.
#[expect(dead_code, reason = "it is held, and no more")]
enum Open {
    Serving(Serving),
    Asleep(Listener),
}

/// What the program came to.
enum Judgment {
    Good,
    Bad,
    /// It ended, but this is none.
    Unclear,
    /// It goes on; meanwhile the machine kept it from running for so long.
    None(Duration),
}

/// Shows one of them to the program, so many times at once.
pub fn crowd(mut exhibit: Exhibit, times: usize) {
    exhibit.told = (CHANGES, OWN);
    let (address, _open) = exhibit.start();
    let testers: Vec<Running> = (0..times).map(|_| tester(&exhibit, &address)).collect();
    for tester in &testers {
        let judgment = judgment(tester);
        if !exhibit.is_right(&judgment) {
            report(&exhibit, tester, &judgment);
        }
    }
}

/// Shows all of them to the program, at once. The first that is judged wrongly ends the test.
pub fn visit(exhibits: impl IntoIterator<Item = Exhibit>) {
    let test = thread::current().name().unwrap_or("the test").to_owned();
    let start = |exhibit: Exhibit| {
        let (tell, told) = channel();
        let (let_speak, may_speak) = channel();
        let visit = move || one_visit(exhibit, &tell, &may_speak);
        let thread = thread::Builder::new().name(test.clone()).spawn(visit);
        (thread.expect("a thread for the check"), told, let_speak)
    };
    let visits: Vec<_> = exhibits.into_iter().map(start).collect();
    for (thread, is_right, let_speak) in visits {
        // One that ended without a word has failed, and told why.
        if is_right.recv() != Ok(true) {
            let _ = let_speak.send(());
            resume_unwind(thread.join().expect_err("a wrong judgment ends its visit"));
        }
    }
}

fn one_visit(mut exhibit: Exhibit, tell: &Sender<bool>, may_speak: &Receiver<()>) {
    // Dropped in the other order: a program that is gone has left its connections.
    let (address, _open) = exhibit.start();
    let tester = tester(&exhibit, &address);
    let judgment = judgment(&tester);
    exhibit.over.store(true, Ordering::SeqCst);
    let is_right = exhibit.is_right(&judgment);
    let _ = tell.send(is_right);
    if !is_right && may_speak.recv().is_ok() {
        report(&exhibit, &tester, &judgment);
    }
}

fn tester(exhibit: &Exhibit, address: &Address) -> Running {
    let program = program!().arg(address).arg(exhibit.limit);
    program.arg(exhibit.clients).arg(exhibit.deadline).start()
}

fn judgment(tester: &Running) -> Judgment {
    if let Err(disturbed) = ends(tester) {
        return Judgment::None(disturbed);
    }
    // Its end may be known before its last line is read.
    for _ in 0..600 {
        if tester.stdout().ends_with('\n') {
            break;
        }
        thread::sleep(NAP);
    }
    let (exit, text) = (tester.ends().now().exit, tester.stdout());
    let reason = |text: &str| Some(text.strip_prefix("bad: ")?.strip_suffix('\n')?.to_owned());
    match (exit, reason(&text)) {
        (Exit::Code(0), None) if text == "good\n" => Judgment::Good,
        (Exit::Code(1), Some(reason))
            if !reason.trim().is_empty() && reason.lines().count() == 1 =>
        {
            Judgment::Bad
        }
        _ => Judgment::Unclear,
    }
}

/// Waits for the program's end, for `MOST` where nothing disturbs it. Where the machine does, the wait is
/// longer, until the program has slept for longer than any deadline that it still may have, or until
/// `LONGEST`. If it doesn't end, says how long the machine kept it, or this wait, from running.
fn ends(tester: &Running) -> Result<(), Duration> {
    let (watch, began) = (Stopwatch::start(), Instant::now());
    let mut late = Duration::ZERO;
    let (mut awake, mut slept_since) = ((0, 0), began);
    loop {
        for _ in 0..20 {
            if tester.has_ended() {
                return Ok(());
            }
            let nap = Instant::now();
            thread::sleep(NAP);
            late += nap.elapsed() - NAP;
        }
        let disturbed = watch.kept().max(late);
        if watch.is_past(MOST) && disturbed <= DISTURBED {
            return Err(disturbed);
        }
        let (figures, now) = (tester.figures(), Instant::now());
        let uses = (figures.switches, figures.cpu_seconds.to_bits());
        if awake != uses {
            (awake, slept_since) = (uses, now);
        }
        if began.elapsed() > LONGEST {
            return Err(disturbed);
        }
        if began.elapsed() > MOST && slept_since.elapsed() > ASLEEP {
            return Err(Duration::ZERO);
        }
    }
}

fn report(exhibit: &Exhibit, tester: &Running, judgment: &Judgment) {
    let word = if exhibit.is_good { "good" } else { "bad" };
    let expected = format!("`{word}`, for a server that {}", exhibit.does);
    let output = tester.stdout();
    let (got, (sentence, section)) = match judgment {
        Judgment::Good | Judgment::Bad => (format!("`{}`", output.trim_end()), exhibit.told),
        Judgment::Unclear => {
            let exit = tester.ends().now().exit;
            (
                format!("the program {exit}, with {output:?} on standard output"),
                (FORM, EVENTS),
            )
        }
        // A machine that keeps the program waiting keeps the server waiting, too.
        Judgment::None(kept) if *kept > DISTURBED => too_busy(*kept),
        Judgment::None(_) => {
            let told = match exhibit.is_good {
                true if exhibit.has_another_promise() => exhibit.told,
                true => (GOES_ON, EVENTS),
                false => (HANGS, EVENTS),
            };
            ("no judgment after 4.5 s".to_owned(), told)
        }
    };
    check(false, expected, got).or_explain(sentence, section);
}
