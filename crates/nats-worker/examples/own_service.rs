//! A service of your own behind a broker: it shouts, repeats, and waits for a file in a separate
//! thread.
//!
//! ```text
//! cargo run -p nats-worker --example own_service -- --connect 127.0.0.1:4333
//! ```

use std::borrow::Cow;
use std::process::ExitCode;
use std::thread;

use shared_server::{Answer, BadMessage, Context, Decode, Frame, Message, Service};
use shared_server::{ServiceCode, ServiceError};

const CANNOT_READ: ServiceCode = ServiceCode::new(256);

enum Request<'a> {
    /// Kind 10, some text: the same text in upper case.
    Shout(&'a str),
    /// Kind 11, four bytes, a number: a text of this many letters.
    Repeat(u32),
    /// Kind 12, a path: the content of the file, once it can be read to its end.
    Read(&'a str),
}

/// Kind 90, some bytes.
struct Response(Vec<u8>);

impl<'a> Decode<'a> for Request<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        Ok(match frame.kind {
            0x10 => Request::Shout(frame.text()?),
            0x11 => {
                let count = frame.body.try_into().map_err(|_| frame.bad_body())?;
                Request::Repeat(u32::from_be_bytes(count))
            }
            0x12 => Request::Read(frame.text()?),
            kind => return Err(BadMessage::UnknownKind(kind)),
        })
    }
}

impl Message for Response {
    fn kind(&self) -> u8 {
        0x90
    }

    fn body(&self) -> Cow<'_, [u8]> {
        self.0.as_slice().into()
    }
}

struct OwnService;

impl Service for OwnService {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response> {
        match request {
            Request::Shout(text) => Answer::Now(Response(text.to_uppercase().into_bytes())),
            Request::Repeat(count) => Answer::Now(Response(vec![b'x'; count as usize])),
            Request::Read(path) => {
                let (later, ticket) = context.later();
                let path = path.to_owned();
                thread::spawn(move || match std::fs::read(path) {
                    Ok(bytes) => later.answer(&Response(bytes)),
                    Err(error) => later.fail(&ServiceError::new(CANNOT_READ, error.to_string())),
                });
                Answer::Later(ticket)
            }
        }
    }
}

fn main() -> ExitCode {
    nats_worker::main("own_service", "Shouts, repeats and reads", OwnService)
}
