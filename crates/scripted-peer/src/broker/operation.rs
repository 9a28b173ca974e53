//! What clients send to a NATS server, and what it replies: lines that end with `\r\n`, and
//! payloads whose length is in the line before them ([the client
//! protocol](https://docs.nats.io/reference/reference-protocols/nats-protocol)).

/// The longest line that the server accepts, in bytes.
const LONGEST_LINE: usize = 4096;

/// One operation that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `CONNECT {…}`, with its JSON as received.
    Connect(String),
    /// `PUB` or `HPUB`.
    Publish(Message),
    /// `SUB subject [queue] sid`.
    Subscribe {
        /// The subject that the client subscribes to; `*` and `>` are wildcards.
        subject: String,
        /// The queue group, if any. Each message goes to one subscriber in each group.
        queue: Option<String>,
        /// The number that the client chose for this subscription.
        sid: String,
    },
    /// `UNSUB sid [most]`.
    Unsubscribe {
        /// The number that the client chose for the subscription.
        sid: String,
        /// The subscription ends after this many messages in total; if none is given, immediately.
        after: Option<usize>,
    },
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
}

/// A message that a client published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// The subject for a reply, if the sender expects one.
    pub reply: Option<String>,
    /// Its headers, including the empty line after them; empty for a plain `PUB`.
    pub headers: Vec<u8>,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// What the bytes received from a client begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A complete operation, and its length in bytes.
    Whole(Operation, usize),
    /// Only the beginning of an operation.
    Part,
    /// Something that isn't an operation: the server replies with this error and closes the
    /// connection.
    Violation(&'static str),
}

const UNKNOWN: Parsed = Parsed::Violation("Unknown Protocol Operation");

pub(super) fn parse(bytes: &[u8], max_payload: usize) -> Parsed {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return match bytes.len() {
            length if length > LONGEST_LINE => Parsed::Violation("Maximum Control Line Exceeded"),
            _ if could_begin(bytes) => Parsed::Part,
            _ => UNKNOWN,
        };
    };
    let Ok(line) = std::str::from_utf8(&bytes[..end]) else {
        return UNKNOWN;
    };
    let line = line.trim_end();
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (name, rest) = words
        .split_first()
        .map_or(("", &[][..]), |(name, rest)| (*name, rest));
    let owned = |word: &str| word.to_owned();
    let operation = match (name.to_ascii_uppercase().as_str(), rest) {
        ("CONNECT", _) => Operation::Connect(line[name.len()..].trim().to_owned()),
        ("PING", []) => Operation::Ping,
        ("PONG", []) => Operation::Pong,
        ("SUB", [subject, between @ .., sid]) if between.len() < 2 => Operation::Subscribe {
            subject: owned(subject),
            queue: between.first().map(|queue| owned(queue)),
            sid: owned(sid),
        },
        ("UNSUB", [sid]) => Operation::Unsubscribe {
            sid: owned(sid),
            after: None,
        },
        ("UNSUB", [sid, after]) if after.parse::<usize>().is_ok() => Operation::Unsubscribe {
            sid: owned(sid),
            after: after.parse().ok(),
        },
        ("PUB", [subject, between @ .., size]) if between.len() < 2 => {
            let reply = between.first().copied();
            return payload(bytes, end + 1, (subject, reply), ("0", size), max_payload);
        }
        ("HPUB", [subject, between @ .., head, size]) if between.len() < 2 => {
            let reply = between.first().copied();
            return payload(bytes, end + 1, (subject, reply), (head, size), max_payload);
        }
        _ => return UNKNOWN,
    };
    Parsed::Whole(operation, end + 1)
}

/// Whether an operation can begin with these bytes, even if the line isn't complete yet. So an HTTP
/// request is rejected early, as by a real NATS server.
fn could_begin(bytes: &[u8]) -> bool {
    const NAMES: [&str; 7] = ["CONNECT", "PING", "PONG", "SUB", "UNSUB", "PUB", "HPUB"];
    let name = bytes
        .split(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        .next()
        .unwrap_or_default();
    let name = name.to_ascii_uppercase();
    NAMES
        .iter()
        .any(|known| known.as_bytes().starts_with(&name))
}

fn payload(
    bytes: &[u8],
    start: usize,
    (subject, reply): (&str, Option<&str>),
    (head, size): (&str, &str),
    max_payload: usize,
) -> Parsed {
    let (Ok(head), Ok(size)) = (head.parse::<usize>(), size.parse::<usize>()) else {
        return UNKNOWN;
    };
    if size > max_payload {
        return Parsed::Violation("Maximum Payload Violation");
    }
    let Some(body) = bytes.get(start..start + size + 2) else {
        return Parsed::Part;
    };
    if head > size || !body.ends_with(b"\r\n") {
        return UNKNOWN;
    }
    let message = Message {
        subject: subject.to_owned(),
        reply: reply.map(str::to_owned),
        headers: body[..head].to_vec(),
        payload: body[head..size].to_vec(),
    };
    Parsed::Whole(Operation::Publish(message), start + size + 2)
}

/// Formats a message for a subscriber: `MSG subject sid [reply] size`, or `HMSG` if it has headers.
pub(super) fn deliver(sid: &str, message: &Message) -> Vec<u8> {
    let Message {
        subject,
        reply,
        headers,
        payload,
    } = message;
    let reply = reply
        .as_ref()
        .map_or_else(String::new, |reply| format!(" {reply}"));
    let size = headers.len() + payload.len();
    let line = match headers.len() {
        0 => format!("MSG {subject} {sid}{reply} {size}\r\n"),
        head => format!("HMSG {subject} {sid}{reply} {head} {size}\r\n"),
    };
    [line.as_bytes(), headers, payload, b"\r\n"].concat()
}

/// The reply to a client that set `no_responders`, if it sends a request to a subject without
/// subscribers.
pub(super) fn no_responders(reply: &str) -> Message {
    Message {
        subject: reply.to_owned(),
        reply: None,
        headers: b"NATS/1.0 503\r\n\r\n".to_vec(),
        payload: Vec::new(),
    }
}

pub(super) fn error(text: &str) -> Vec<u8> {
    format!("-ERR '{text}'\r\n").into_bytes()
}

/// Returns the value of a flag in a JSON object, or `otherwise` if it isn't there. The flags in
/// question are always `true` or `false`, so a JSON parser isn't needed.
pub(super) fn flag(json: &str, name: &str, otherwise: bool) -> bool {
    let plain: String = json.chars().filter(|c| !c.is_whitespace()).collect();
    let says = |value: bool| plain.contains(&format!("\"{name}\":{value}"));
    says(true) || otherwise && !says(false)
}

/// Whether a subscription matches a subject: `*` stands for one token of the subject, `>` for all
/// remaining ones.
pub(super) fn matches(subscription: &str, subject: &str) -> bool {
    let mut parts = subject.split('.');
    for wanted in subscription.split('.') {
        match (wanted, parts.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Operation {
        match parse(text.as_bytes(), 1024) {
            Parsed::Whole(operation, length) if length == text.len() => operation,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn operations_are_read_in_either_case() {
        let json = "{\"verbose\":false}".to_owned();
        assert_eq!(
            whole("CONNECT {\"verbose\":false}\r\n"),
            Operation::Connect(json)
        );
        assert_eq!(whole("ping\r\n"), Operation::Ping);
        let subscribe = Operation::Subscribe {
            subject: "work".to_owned(),
            queue: Some("q".to_owned()),
            sid: "1".to_owned(),
        };
        assert_eq!(whole("SUB work q 1\r\n"), subscribe);
        let unsubscribe = Operation::Unsubscribe {
            sid: "1".to_owned(),
            after: Some(5),
        };
        assert_eq!(whole("UNSUB 1 5\r\n"), unsubscribe);
    }

    #[test]
    fn a_payload_is_counted_whatever_is_in_it() {
        let inside = "\r\nMSG other 1 0\r\n\r\n";
        let text = format!("PUB work inbox {}\r\n{inside}\r\n", inside.len());
        let Operation::Publish(message) = whole(&text) else {
            panic!("no message");
        };
        assert_eq!(
            (message.payload.as_slice(), message.reply.as_deref()),
            (inside.as_bytes(), Some("inbox"))
        );
        assert_eq!(
            deliver("7", &message),
            text.replace("PUB work inbox", "MSG work 7 inbox")
                .as_bytes()
        );
    }

    #[test]
    fn any_part_is_a_part() {
        let text = "HPUB work 6 8\r\nH/1\r\n\r\nhi\r\n";
        let text = text.replace(" 6 8", " 7 9");
        for length in 0..text.len() {
            assert_eq!(
                parse(&text.as_bytes()[..length], 1024),
                Parsed::Part,
                "{length}"
            );
        }
        let Operation::Publish(message) = whole(&text) else {
            panic!("no message");
        };
        assert_eq!(
            (message.headers.as_slice(), message.payload.as_slice()),
            (&b"H/1\r\n\r\n"[..], &b"hi"[..])
        );
    }

    #[test]
    fn what_is_none_is_a_violation() {
        for text in [
            "GET / HTTP/1.0\r\n",
            "GET",
            "PUB x\r\n",
            "PUB x y z 1\r\n",
            "PUB x 1\r\nabc",
            "\r\n",
            "UNSUB 1 x\r\n",
        ] {
            assert!(
                matches!(parse(text.as_bytes(), 9), Parsed::Violation(_)),
                "{text:?}"
            );
        }
        let large = Parsed::Violation("Maximum Payload Violation");
        assert_eq!(parse(b"PUB x 10\r\n", 9), large);
    }

    #[test]
    fn wildcards_stand_for_parts() {
        for (subscription, subject, is) in [
            ("a.b", "a.b", true),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("a", "a.b", false),
        ] {
            assert_eq!(
                matches(subscription, subject),
                is,
                "{subscription} {subject}"
            );
        }
    }

    #[test]
    fn a_flag_has_a_value_when_nothing_is_said() {
        assert!(flag("{}", "verbose", true) && !flag("{}", "headers", false));
        assert!(!flag("{ \"verbose\" : false }", "verbose", true));
        assert!(flag("{\"headers\": true}", "headers", false));
    }
}
