//! The simulated service, which answers immediately, later, or with its own error.

use std::borrow::Cow;
use std::sync::mpsc::Sender;

use shared_proto::{BadMessage, Decode, Frame, Message, ServiceCode};

use crate::service::{Answer, Context, Later, Service, ServiceError};

/// Kind 10 echoes, kind 11 echoes later, the service refuses kind 12.
pub(super) enum Request<'a> {
    Echo(&'a [u8]),
    Later(&'a [u8]),
    Refused,
}

pub(super) struct Echoed<'a>(pub(super) Cow<'a, [u8]>);

impl<'a> Decode<'a> for Request<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0x10 => Ok(Request::Echo(frame.body)),
            0x11 => Ok(Request::Later(frame.body)),
            0x12 => Ok(Request::Refused),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Echoed<'_> {
    fn kind(&self) -> u8 {
        0x90
    }

    fn body(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
}

/// Sends late answers to the player, who decides when.
pub(super) struct Echo(pub(super) Sender<(Later<Echo>, Vec<u8>)>);

impl Service for Echo {
    type Request<'a> = Request<'a>;
    type Response<'a> = Echoed<'a>;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Echoed<'a>> {
        match request {
            Request::Echo(bytes) => Answer::Now(Echoed(bytes.into())),
            Request::Later(bytes) => {
                let (later, ticket) = context.later();
                self.0
                    .send((later, bytes.to_vec()))
                    .expect("the player listens");
                Answer::Later(ticket)
            }
            Request::Refused => Answer::Error(ServiceError::new(ServiceCode::new(999), "")),
        }
    }
}
