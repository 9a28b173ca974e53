//! The library alone, against servers of a few lines.

use shared_client::{CallError, Client, Decode, ErrorCode, Failure, Stream};
use shared_proto::tutorial::{Request, Response};
use shared_proto::{Connection, DEFAULT_MAX_FRAME, ErrorReply};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_millis(200);

/// A client, and the thread that serves it.
fn pair(
    timeout: Duration,
    serve: impl FnOnce(Connection<TcpStream>) + Send + 'static,
) -> (Client<TcpStream>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    let accepted = listener.accept().unwrap().0;
    accepted.set_read_timeout(Some(PATIENCE)).unwrap();
    accepted.set_write_timeout(Some(PATIENCE)).unwrap();
    let server = thread::spawn(move || serve(Connection::server(accepted)));
    let client = Client::new(address.to_string(), stream, timeout).unwrap();
    (client, server)
}

/// What a call failed with.
fn failure<R>(outcome: &Result<R, CallError>) -> &Failure {
    match outcome {
        Ok(_) => panic!("it did not fail"),
        Err(error) => error.failure(),
    }
}

/// Answers one request after the other. While a reply is not taken it does not read.
fn echo_all(mut server: Connection<TcpStream>) {
    while let Some(frame) = server.receive().unwrap() {
        let Ok(Request::Echo(bytes)) = Request::decode(frame) else {
            panic!("{frame:?}");
        };
        let bytes = bytes.to_vec();
        server.send(&Response::Echo(bytes.into())).unwrap();
    }
}

#[test]
fn many_replies_come_in_order_from_a_server_that_stops_reading_while_they_wait() {
    let (mut client, server) = pair(PATIENCE, echo_all);
    // More than all buffers between the two hold, in frames of all sizes.
    let bodies: Vec<Vec<u8>> = (0..2000_u32)
        .map(|at| at.to_be_bytes().repeat(1 + at as usize * 7 % 5000))
        .collect();
    let requests: Vec<_> = bodies.iter().map(|body| Request::Echo(body)).collect();
    for _ in 0..2 {
        let mut expected = bodies.iter();
        client
            .call_many(&requests, |reply| {
                let Response::Echo(bytes) = reply.decode()? else {
                    panic!("{reply:?}");
                };
                assert!(bytes.as_ref() == expected.next().unwrap().as_slice());
                Ok(())
            })
            .unwrap();
        assert!(expected.next().is_none(), "every request was answered");
    }
    drop(client);
    server.join().unwrap();
}

#[test]
fn no_requests_need_no_replies() {
    let (mut client, server) = pair(PATIENCE, echo_all);
    client
        .call_many(&[] as &[Request<'_>], |_| panic!("nothing was asked"))
        .unwrap();
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_body_above_the_default_limit_comes_back() {
    let (mut client, server) = pair(PATIENCE, |server| echo_all(server.with_max_frame(1 << 24)));
    let body = vec![7; 5_000_000];
    let response = client.call::<Response<'_>>(&Request::Echo(&body)).unwrap();
    assert!(response == Response::Echo(body.as_slice().into()));
    // And the next small one, too.
    let response = client
        .call::<Response<'_>>(&Request::Echo(b"small"))
        .unwrap();
    assert_eq!(response, Response::Echo(b"small"[..].into()));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_late_reply_is_never_taken_for_that_of_a_later_request() {
    let (given_up, wait) = mpsc::channel();
    let (mut client, server) = pair(SOON, move |mut server| {
        server.receive().unwrap();
        wait.recv().unwrap();
        server.send(&Response::Echo(b"late"[..].into())).unwrap();
        let _ = server.receive();
    });
    let outcome = client.call::<Response<'_>>(&Request::Echo(b"first"));
    assert!(
        matches!(failure(&outcome), Failure::Timeout(SOON)),
        "{outcome:?}"
    );
    given_up.send(()).unwrap();
    let outcome = client.call::<Response<'_>>(&Request::Echo(b"second"));
    assert!(matches!(failure(&outcome), Failure::GivenUp), "{outcome:?}");
    drop(client);
    server.join().unwrap();
}

#[test]
fn an_error_that_closes_ends_many_calls_though_most_were_not_read() {
    let (mut client, server) = pair(PATIENCE, |mut server| {
        server.receive().unwrap();
        server.send(&Response::Accepted).unwrap();
        server.receive().unwrap();
        let (code, text) = (ErrorCode::Internal, "broken".into());
        server.send(&ErrorReply { code, text }).unwrap();
        server.stream().shutdown(std::net::Shutdown::Write).unwrap();
        while let Ok(Some(_)) = server.receive() {}
    });
    let text = "x".repeat(1000);
    let mut replies = 0;
    let outcome = client.call_many(&vec![Request::Say(&text); 50_000], |_| {
        replies += 1;
        Ok(())
    });
    let Failure::Refused { code, text } = failure(&outcome) else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (*code, text.as_str(), replies),
        (ErrorCode::Internal, "broken", 1)
    );
    drop(client);
    server.join().unwrap();
}

#[test]
fn an_error_that_leaves_the_connection_open_is_a_reply() {
    let (mut client, server) = pair(PATIENCE, |mut server| {
        server.receive().unwrap();
        let (code, text) = (ErrorCode::NotText, "no".into());
        server.send(&ErrorReply { code, text }).unwrap();
        server.receive().unwrap();
        server.send(&Response::Accepted).unwrap();
        let code = ErrorCode::from(256);
        let text = "a service's own".into();
        server.receive().unwrap();
        server.send(&ErrorReply { code, text }).unwrap();
    });
    let mut replies = Vec::new();
    let requests = [Request::Say("a"), Request::Say("b")];
    client
        .call_many(&requests, |reply| {
            replies.push(match reply.decode::<Response<'_>>() {
                Ok(response) => format!("{response:?}"),
                Err(error) => error.failure().to_string(),
            });
            Ok(())
        })
        .unwrap();
    assert_eq!(replies, ["answered NotText: no", "Accepted"]);
    let outcome = client.call::<Response<'_>>(&Request::Say("c"));
    let said = outcome.unwrap_err().to_string();
    assert!(
        said.ends_with(": answered error 256: a service's own"),
        "{said}"
    );
    assert!(said.starts_with("127.0.0.1:"), "{said}");
    server.join().unwrap();
}

#[test]
fn what_the_server_wrote_is_printed_on_one_line_without_control_characters() {
    for code in [256, 1] {
        let (mut client, server) = pair(PATIENCE, move |mut server| {
            server.receive().unwrap();
            let (code, text) = (ErrorCode::from(code), "no\x1b[31m\nfake line".into());
            server.send(&ErrorReply { code, text }).unwrap();
        });
        let outcome = client.call::<Response<'_>>(&Request::Say("a"));
        let said = outcome.unwrap_err().to_string();
        assert!(said.ends_with(": no\\u{1b}[31m\\nfake line"), "{said:?}");
        server.join().unwrap();
    }
    let io = io::Error::other("issued by\n\x1b[31mnobody");
    let said = Failure::Io(io).to_string();
    assert_eq!(said, "issued by\\n\\u{1b}[31mnobody");
}

#[test]
fn nothing_but_the_end_comes_after_the_last_request() {
    let (client, server) = pair(PATIENCE, |mut server| {
        assert!(
            server.receive().unwrap().is_none(),
            "a preamble, then the end"
        );
    });
    client.finish().unwrap();
    server.join().unwrap();

    let (client, server) = pair(PATIENCE, |mut server| {
        server.receive().unwrap();
        server.send(&Response::Accepted).unwrap();
    });
    let outcome = client.finish();
    assert!(
        matches!(failure(&outcome), Failure::NotThisProtocol(_)),
        "{outcome:?}"
    );
    server.join().unwrap();
}

#[test]
fn a_reply_that_came_with_the_last_one_is_not_taken_for_that_of_the_next_request() {
    let (mut client, server) = pair(PATIENCE, |mut server| {
        server.receive().unwrap();
        server.queue(&Response::Accepted);
        server.queue(&Response::Accepted);
        server.flush().unwrap();
        let _ = server.receive();
    });
    assert_eq!(
        client.call::<Response<'_>>(&Request::Say("one")).unwrap(),
        Response::Accepted
    );
    let outcome = client.call::<Response<'_>>(&Request::Say("two"));
    assert!(
        matches!(failure(&outcome), Failure::NotThisProtocol(_)),
        "{outcome:?}"
    );
    let outcome = client.call::<Response<'_>>(&Request::Say("three"));
    assert!(matches!(failure(&outcome), Failure::GivenUp), "{outcome:?}");
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_server_that_answers_before_it_reads_cannot_hold_a_call() {
    // One that sips, and one that reads no more.
    for sip in [60_000, 0] {
        let (done, wait) = mpsc::channel::<()>();
        let (mut client, server) = pair(5 * SOON, move |mut server| {
            server.send(&Response::Echo(b"early"[..].into())).unwrap();
            let mut stream = server.stream();
            let mut some = vec![0; sip];
            while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(SOON / 4) {
                let _ = stream.read(&mut some);
            }
        });
        let started = Instant::now();
        let body = vec![0; 50_000_000];
        let response = client.call::<Response<'_>>(&Request::Echo(&body));
        assert_eq!(response.unwrap(), Response::Echo(b"early"[..].into()));
        let took = started.elapsed();
        assert!(took < PATIENCE / 2, "{took:?}");
        // Half a request lies in the stream: nothing can be put behind it.
        let outcome = client.call::<Response<'_>>(&Request::Say("more"));
        assert!(matches!(failure(&outcome), Failure::GivenUp), "{outcome:?}");
        drop(client);
        drop(done);
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_neither_reads_nor_answers_is_given_up() {
    let (done, wait) = mpsc::channel::<()>();
    let (mut client, server) = pair(SOON, move |_server| {
        let _ = wait.recv();
    });
    let body = vec![0; 50_000_000];
    let outcome = client.call::<Response<'_>>(&Request::Echo(&body));
    assert!(
        matches!(failure(&outcome), Failure::Timeout(SOON)),
        "{outcome:?}"
    );
    drop(done);
    server.join().unwrap();
}

#[test]
fn a_reply_above_the_limit_is_named_with_its_length_and_the_limit() {
    const BODY: usize = 300_000;
    let serve = |mut server: Connection<TcpStream>| {
        server.receive().unwrap();
        let long = Response::Echo(vec![7; BODY].into());
        let _ = server.send(&long); // the client may be gone
        let _ = server.receive();
    };
    let (mut client, server) = pair(PATIENCE, serve);
    let outcome = client.call::<Response<'_>>(&Request::Echo(b"short"));
    let said = failure(&outcome).to_string();
    assert_eq!(said, "a reply of 300001 bytes, the limit is 262144");
    let outcome = client.call::<Response<'_>>(&Request::Echo(b"short"));
    assert!(matches!(failure(&outcome), Failure::GivenUp), "{outcome:?}");
    drop(client);
    server.join().unwrap();

    let (mut client, server) = pair(PATIENCE, serve);
    client.set_max_frame(300_001);
    let response: Response<'_> = client.call(&Request::Echo(b"short")).unwrap();
    assert!(response == Response::Echo(vec![7; BODY].into()));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_length_is_a_greeting_only_if_it_reads_as_one_and_no_reply_came_before() {
    for (answers, length, is_length) in [
        (0, *b"SSH-", false),
        (0, [0x15, 3, 3, 0], false), // a TLS alert
        (0, [0, 4, 0, 1], true),
        (0, [0x0F, 0, 0, 0], true),
        (1, *b"SSH-", true),
    ] {
        let (mut client, server) = pair(PATIENCE, move |mut server| {
            for _ in 0..answers {
                server.receive().unwrap();
                server.send(&Response::Accepted).unwrap();
            }
            server.receive().unwrap();
            server.stream().write_all(&length).unwrap();
            let _ = server.receive();
        });
        for _ in 0..answers {
            client.call::<Response<'_>>(&Request::Say("a")).unwrap();
        }
        let outcome = client.call::<Response<'_>>(&Request::Say("b"));
        match failure(&outcome) {
            Failure::ReplyTooLarge {
                length: declared,
                max_frame,
            } if is_length => {
                assert_eq!(declared.to_be_bytes(), length);
                assert_eq!(*max_frame, DEFAULT_MAX_FRAME);
            }
            Failure::NotThisProtocol(how) if !is_length => {
                let greeting = length.escape_ascii().to_string();
                assert!(how.contains(&greeting), "{how}");
            }
            other => panic!("{length:?}: {other:?}"),
        }
        drop(client);
        server.join().unwrap();
    }
}

#[test]
fn each_call_can_have_a_timeout_of_its_own() {
    let (given_up, wait) = mpsc::channel::<()>();
    let (mut client, server) = pair(SOON, move |mut server| {
        server.receive().unwrap();
        // This reply takes longer than the first timeout, and nothing is sent any faster.
        thread::park_timeout(3 * SOON);
        server.send(&Response::Accepted).unwrap();
        server.receive().unwrap();
        let _ = wait.recv();
    });
    client.set_timeout(PATIENCE).unwrap();
    assert!(client.set_timeout(Duration::ZERO).is_err());
    let response: Response<'_> = client.call(&Request::Say("slow")).unwrap();
    assert_eq!(response, Response::Accepted);

    client.set_timeout(SOON).unwrap();
    let outcome = client.call::<Response<'_>>(&Request::Say("quick"));
    assert!(
        matches!(failure(&outcome), Failure::Timeout(SOON)),
        "{outcome:?}"
    );
    drop(given_up);
    server.join().unwrap();
}

/// A server that answers one request, ends the connection, and gets no byte of another request.
fn answers_once(mut server: Connection<impl Stream>, last: Option<ErrorCode>, ended: &Sender<()>) {
    server.receive().unwrap();
    server.queue(&Response::Accepted);
    if let Some(code) = last {
        let text = "the reason".into();
        server.queue(&ErrorReply { code, text });
    }
    server.flush().unwrap();
    server.stream().shutdown(Shutdown::Write).unwrap();
    ended.send(()).unwrap();
    assert!(server.receive().unwrap().is_none(), "nothing more came");
}

/// Calls twice; the second time once the server has ended the connection.
fn call_after_the_end<S: Stream>(client: &mut Client<S>, end: &Receiver<()>) -> CallError {
    client.call::<Response<'_>>(&Request::Say("one")).unwrap();
    end.recv_timeout(PATIENCE).unwrap();
    let outcome = client.call::<Response<'_>>(&Request::Say("two")).map(drop);
    let again = client.call::<Response<'_>>(&Request::Say("three"));
    assert!(matches!(failure(&again), Failure::GivenUp), "{again:?}");
    outcome.unwrap_err()
}

#[test]
fn on_a_connection_that_has_ended_nothing_is_sent_and_the_failure_says_so() {
    for last in [None, Some(ErrorCode::Draining)] {
        let (ended, end) = mpsc::channel();
        let (mut client, server) = pair(PATIENCE, move |server| answers_once(server, last, &ended));
        let error = call_after_the_end(&mut client, &end);
        match (error.failure(), last) {
            (Failure::AlreadyEnded, None) => {}
            (Failure::Refused { code, .. }, Some(last)) => assert_eq!(*code, last),
            other => panic!("{other:?}"),
        }
        drop(client);
        server.join().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn the_end_of_a_unix_stream_is_noticed_before_anything_is_sent_too() {
    let (stream, other) = std::os::unix::net::UnixStream::pair().unwrap();
    let (ended, end) = mpsc::channel();
    let server = thread::spawn(move || answers_once(Connection::server(other), None, &ended));
    let mut client = Client::new("a pair", stream, PATIENCE).unwrap();
    let error = call_after_the_end(&mut client, &end);
    assert!(matches!(error.failure(), Failure::AlreadyEnded), "{error}");
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_reset_before_the_request_is_told_from_one_after_it() {
    // With a byte that it has not read, a server that closes resets the connection.
    let (stream, other) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (stream, listener.accept().unwrap().0)
    };
    (&stream).write_all(b"x").unwrap();
    other.peek(&mut [0]).unwrap();
    drop(other);
    let mut client = Client::new("a reset", stream, PATIENCE).unwrap();
    let outcome = client.call::<Response<'_>>(&Request::Say("one"));
    assert!(
        matches!(failure(&outcome), Failure::AlreadyEnded),
        "{outcome:?}"
    );

    let (mut client, server) = pair(PATIENCE, |server| {
        server.stream().peek(&mut [0]).unwrap();
    });
    let outcome = client.call::<Response<'_>>(&Request::Say("one"));
    assert!(matches!(failure(&outcome), Failure::Ended), "{outcome:?}");
    server.join().unwrap();
}
