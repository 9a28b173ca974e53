//! The messages of the tutorial's service, an example of a service's own messages.

use std::borrow::Cow;

use crate::frame::Frame;
use crate::message::{BadMessage, Decode, Message};

/// A request. Its body is borrowed: on the server from the buffer that the request was read into,
/// on the client from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Kind 01: says some text; answered with `Accepted`.
    Say(&'a str),
    /// Kind 02: sends any bytes; answered with the same bytes.
    Echo(&'a [u8]),
    /// Kind 03: asks how the server sees this client.
    WhoAmI,
    /// Kind 04: asks for the server's counters.
    Stats,
}

/// A response. On the server, its body is owned or borrowed from the request; on the client, it is
/// borrowed from the buffer that the response was read into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response<'a> {
    /// Kind 81: the answer to `Say`.
    Accepted,
    /// Kind 82: the answer to `Echo`, the same bytes.
    Echo(Cow<'a, [u8]>),
    /// Kind 83: the answer to `WhoAmI`, how the server sees the client, such as `tcp
    /// 127.0.0.1:50312` or `unix pid=71 uid=1000 gid=1000`.
    Peer(Cow<'a, str>),
    /// Kind 84: the answer to `Stats`.
    Stats(Stats),
}

/// A server's counters, which `Request::Stats` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// How many clients are being served now, including the client that is asking.
    pub connections_now: u32,
    /// How many clients have been served since the server started; rejected clients are not
    /// counted.
    pub connections_ever: u64,
    /// How many complete frames the server has decoded, including this request.
    pub requests: u64,
    /// Milliseconds since the server started.
    pub uptime_ms: u64,
}

const SAY: u8 = 0x01;
const ECHO: u8 = 0x02;
const WHO_AM_I: u8 = 0x03;
const STATS: u8 = 0x04;

impl<'a> Decode<'a> for Request<'a> {
    #[inline]
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            ECHO => Ok(Request::Echo(frame.body)),
            SAY => frame.text().map(Request::Say),
            WHO_AM_I => frame.empty().map(|()| Request::WhoAmI),
            STATS => frame.empty().map(|()| Request::Stats),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Request<'_> {
    #[inline]
    fn kind(&self) -> u8 {
        match self {
            Request::Say(_) => SAY,
            Request::Echo(_) => ECHO,
            Request::WhoAmI => WHO_AM_I,
            Request::Stats => STATS,
        }
    }

    #[inline]
    fn body(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(match self {
            Request::Say(text) => text.as_bytes(),
            Request::Echo(bytes) => bytes,
            Request::WhoAmI | Request::Stats => &[],
        })
    }
}

const ACCEPTED: u8 = 0x81;
const ECHO_REPLY: u8 = 0x82;
const PEER: u8 = 0x83;
const STATS_REPLY: u8 = 0x84;

impl<'a> Decode<'a> for Response<'a> {
    #[inline]
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            ECHO_REPLY => Ok(Response::Echo(Cow::Borrowed(frame.body))),
            ACCEPTED => frame.empty().map(|()| Response::Accepted),
            PEER => frame.text().map(|text| Response::Peer(Cow::Borrowed(text))),
            STATS_REPLY => Stats::decode(frame.body)
                .map(Response::Stats)
                .ok_or(frame.bad_body()),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Response<'_> {
    #[inline(always)]
    fn kind(&self) -> u8 {
        match self {
            Response::Accepted => ACCEPTED,
            Response::Echo(_) => ECHO_REPLY,
            Response::Peer(_) => PEER,
            Response::Stats(_) => STATS_REPLY,
        }
    }

    #[inline(always)]
    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Response::Echo(bytes) => Cow::Borrowed(bytes),
            Response::Accepted => Cow::Borrowed(&[]),
            Response::Peer(text) => Cow::Borrowed(text.as_bytes()),
            Response::Stats(stats) => Cow::Owned(stats.encode()),
        }
    }
}

impl Stats {
    fn encode(&self) -> Vec<u8> {
        let mut body = self.connections_now.to_be_bytes().to_vec();
        for counter in [self.connections_ever, self.requests, self.uptime_ms] {
            body.extend_from_slice(&counter.to_be_bytes());
        }
        body
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (connections_now, counters) = body.split_first_chunk()?;
        let (counters, []) = counters.as_chunks() else {
            return None;
        };
        let &[connections_ever, requests, uptime_ms] = counters else {
            return None;
        };
        Some(Stats {
            connections_now: u32::from_be_bytes(*connections_now),
            connections_ever: u64::from_be_bytes(connections_ever),
            requests: u64::from_be_bytes(requests),
            uptime_ms: u64::from_be_bytes(uptime_ms),
        })
    }
}
