//! The store's own messages: what its server and its client must agree on.

use std::borrow::Cow;

use shared_proto::{BadMessage, Decode, Frame, Message, ServiceCode};

/// The store's own error.
pub const NO_SUCH_KEY: ServiceCode = ServiceCode::new(256);

/// A client's request. Kinds of requests are below 80 (all kinds are in hexadecimal).
#[derive(Debug)]
pub enum Request<'a> {
    /// Kind 10, a key: asks for its value.
    Get(&'a str),
    /// Kind 11, a key, a zero byte and a value: stores it.
    Set(&'a str, &'a [u8]),
    /// Kind 12, a key: removes it.
    Del(&'a str),
    /// Kind 13, a text: asks how many values contain it, which takes a long time.
    Search(&'a str),
}

/// A response. Kinds of responses are 80 and above.
#[derive(Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// Kind 90, a value.
    Value(Cow<'a, [u8]>),
    /// Kind 91: the value was stored or removed.
    Done,
    /// Kind 92, eight bytes: how many values were found.
    Found(u64),
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        Ok(match frame.kind {
            0x10 => Request::Get(frame.text()?),
            0x11 => {
                let zero = frame.body.iter().position(|byte| *byte == 0);
                let (key, value) = frame.body.split_at(zero.ok_or(frame.bad_body())?);
                let key = Frame { body: key, ..frame }.text()?;
                Request::Set(key, &value[1..])
            }
            0x12 => Request::Del(frame.text()?),
            0x13 => Request::Search(frame.text()?),
            kind => return Err(BadMessage::UnknownKind(kind)),
        })
    }
}

impl Message for Request<'_> {
    fn kind(&self) -> u8 {
        match self {
            Request::Get(_) => 0x10,
            Request::Set(..) => 0x11,
            Request::Del(_) => 0x12,
            Request::Search(_) => 0x13,
        }
    }

    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Request::Get(text) | Request::Del(text) | Request::Search(text) => {
                text.as_bytes().into()
            }
            Request::Set(key, value) => [key.as_bytes(), &[0], value].concat().into(),
        }
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        Ok(match frame.kind {
            0x90 => Response::Value(frame.body.into()),
            0x91 => frame.empty().map(|()| Response::Done)?,
            0x92 => {
                let number = frame.body.try_into().map_err(|_| frame.bad_body())?;
                Response::Found(u64::from_be_bytes(number))
            }
            kind => return Err(BadMessage::UnknownKind(kind)),
        })
    }
}

impl Message for Response<'_> {
    fn kind(&self) -> u8 {
        match self {
            Response::Value(_) => 0x90,
            Response::Done => 0x91,
            Response::Found(_) => 0x92,
        }
    }

    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Response::Value(value) => Cow::Borrowed(value),
            Response::Done => Cow::Borrowed(&[]),
            Response::Found(number) => number.to_be_bytes().to_vec().into(),
        }
    }
}
