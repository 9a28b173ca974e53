//! The library alone, against servers of a few lines.

use shared_client::{CallError, Client, Decode, ErrorCode, Failure};
use shared_proto::tutorial::{Request, Response};
use shared_proto::{Connection, ErrorReply};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
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
