//! A service that is called without a connection.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, Sender, channel};

use shared_server::{
    Answer, BadMessage, Context, Decode, Dispatcher, Event, Frame, LateAnswers, Later, Message,
    Peer, Service, ServiceCode, ServiceError, Ticket, TutorialService,
};

/// Kind 20 and what to do.
struct Do<'a>(&'a str);

/// Kind A0 and who asked; or another kind.
struct Done(u8, String);

impl<'a> Decode<'a> for Do<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0x20 => frame.text().map(Do),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Done {
    fn kind(&self) -> u8 {
        self.0
    }

    fn body(&self) -> Cow<'_, [u8]> {
        self.1.as_bytes().into()
    }
}

/// Hands every `Later` that it promises to the test.
struct Obedient {
    laters: Sender<Later<Obedient>>,
    kept: Option<Ticket>,
}

impl Service for Obedient {
    type Request<'a> = Do<'a>;
    type Response<'a> = Done;

    fn call<'a>(&mut self, Do(what): Do<'a>, context: &'a Context<'_, Self>) -> Answer<Done> {
        let later = || {
            let (later, ticket) = context.later();
            self.laters.send(later).unwrap();
            ticket
        };
        match what {
            "now" => Answer::Now(Done(0xA0, context.peer().to_string())),
            "fail" => Answer::Error(ServiceError::new(ServiceCode::new(300), "not today")),
            "later" => Answer::Later(later()),
            "now and later" => {
                later();
                Answer::Now(Done(0xA0, String::new()))
            }
            "keep" => {
                self.kept = Some(later());
                Answer::Now(Done(0xA0, String::new()))
            }
            "return the kept" => Answer::Later(self.kept.take().unwrap()),
            "closed" => Answer::Now(Done(0x85, String::new())),
            _ => panic!("no such thing"),
        }
    }
}

struct Test {
    dispatcher: Dispatcher<Obedient, u32>,
    late: LateAnswers,
    laters: Receiver<Later<Obedient>>,
    events: Receiver<String>,
}

fn test() -> Test {
    let (sender, laters) = channel();
    let service = Obedient {
        laters: sender,
        kept: None,
    };
    let (mut dispatcher, late) = Dispatcher::new(service, Peer::Other("nobody".into()));
    let (tell, events) = channel();
    dispatcher.on_event(move |event: &Event| tell.send(event.to_string()).unwrap());
    Test {
        dispatcher,
        late,
        laters,
        events,
    }
}

impl Test {
    fn ask(&mut self, what: &str, to: u32) -> Option<(u32, Vec<u8>)> {
        let body = what.as_bytes();
        self.dispatcher.call(Frame { kind: 0x20, body }, to)
    }

    fn complete_next(&mut self) -> Option<(u32, Vec<u8>)> {
        let late = self.late.next().unwrap();
        self.dispatcher.complete(late)
    }
}

fn reply(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 1).unwrap();
    [&length.to_be_bytes(), &[kind][..], body].concat()
}

fn internal() -> Vec<u8> {
    reply(0xFF, b"\0\x09the service failed on this request")
}

#[test]
fn an_answer_comes_back_with_its_return_address() {
    let mut test = test();
    assert_eq!(test.ask("now", 1), Some((1, reply(0xA0, b"nobody"))));
    let error = reply(0xFF, b"\x01\x2Cnot today");
    assert_eq!(test.ask("fail", 2), Some((2, error)));
}

#[test]
fn answers_that_come_later_find_their_own_return_address() {
    let mut test = test();
    assert_eq!(test.ask("later", 1), None);
    assert_eq!(test.ask("later", 2), None);
    assert_eq!(test.dispatcher.awaited(), 2);
    let [first, second] = [(); 2].map(|()| test.laters.recv().unwrap());
    let answer = |later: Later<Obedient>, text: &str| {
        let text = text.to_owned();
        let answers = move || later.answer(&Done(0xA0, text));
        std::thread::spawn(answers).join().unwrap();
    };
    answer(second, "second");
    answer(first, "first");
    assert_eq!(test.complete_next(), Some((2, reply(0xA0, b"second"))));
    assert_eq!(test.complete_next(), Some((1, reply(0xA0, b"first"))));
    assert_eq!(test.dispatcher.awaited(), 0);
}

#[test]
fn a_late_answer_shows_whether_its_request_still_waits() {
    let mut test = test();
    assert_eq!(test.ask("later", 1), None);
    let later = test.laters.recv().unwrap();
    assert!(!later.client_is_gone());
    // This one was answered already: nobody waits for the other answer.
    assert!(test.ask("now and later", 2).is_some());
    assert!(test.laters.recv().unwrap().client_is_gone());
    drop(test.dispatcher);
    assert!(later.client_is_gone());
}

#[test]
fn an_answer_that_is_dropped_is_internal_and_told_why() {
    let mut test = test();
    assert_eq!(test.ask("later", 1), None);
    drop(test.laters.recv().unwrap());
    assert_eq!(test.complete_next(), Some((1, internal())));
    let event = test.events.recv().unwrap();
    assert_eq!(event, "nobody: Internal: its answer was dropped");
}

#[test]
fn a_request_is_answered_once_even_if_the_service_answers_it_twice() {
    let mut test = test();
    let (to, _) = test.ask("now and later", 1).unwrap();
    assert_eq!(to, 1);
    let later = test.laters.recv().unwrap();
    later.answer(&Done(0xA0, "again".to_owned()));
    assert_eq!(test.complete_next(), None);
}

#[test]
fn a_ticket_of_an_earlier_request_is_internal() {
    let mut test = test();
    assert!(test.ask("keep", 1).is_some());
    assert_eq!(test.ask("return the kept", 2), Some((2, internal())));
    assert!(test.events.recv().unwrap().contains("another request's"));
}

#[test]
fn a_panic_is_internal_and_the_next_request_is_answered() {
    let mut test = test();
    assert_eq!(test.ask("what?", 1), Some((1, internal())));
    let event = test.events.recv().unwrap();
    let told = "nobody: Internal: the service panicked: no such thing";
    assert_eq!(event, told);
    assert_eq!(test.ask("now", 2), Some((2, reply(0xA0, b"nobody"))));
}

#[test]
fn no_response_passes_for_one_of_the_envelope() {
    let mut test = test();
    assert_eq!(test.ask("closed", 1), Some((1, internal())));
}

#[test]
fn the_envelope_is_answered_and_every_request_is_counted() {
    let peer = Peer::Other("nobody".into());
    let (mut dispatcher, _late) = Dispatcher::new(TutorialService, peer);
    let mut ask = |kind, body| dispatcher.call(Frame { kind, body }, ()).unwrap().1;
    assert_eq!(ask(0x05, b""), reply(0x85, b""));
    assert_eq!(ask(0x7E, b"")[4..7], [0xFF, 0, 3], "Malformed");
    assert_eq!(ask(0x01, b"\xFF")[4..7], [0xFF, 0, 4], "NotText");
    let stats = ask(0x04, b"");
    let [connections, requests] = [&stats[5..17], &stats[17..25]];
    assert_eq!(connections, [0; 12]);
    assert_eq!(requests, 4_u64.to_be_bytes());
}
