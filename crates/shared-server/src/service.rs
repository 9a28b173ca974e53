//! What a server does with a request.

use crate::transport::Peer;
use shared_proto::{Request, Response};

/// Answers requests, one at a time.
///
/// Each worker has a value of its own, so `&mut self` needs no lock. A call must not block: while
/// it runs, no other client of its worker is served. A panic ends the client that asked, with the
/// error Internal, and nobody else; the value goes on being used. (That takes unwinding, Rust's
/// default: with `panic = "abort"` in the profile, a panic ends the process.)
///
/// What all workers should know is shared between their values, in an `Arc`.
pub trait Service: Send {
    /// The answer to one request. `Stats` and `Close` never come here: the server answers them.
    ///
    /// The response may borrow from the request, and so cost no copy of its own. After an error
    /// whose code closes, the connection is closed.
    fn call<'a>(&mut self, request: Request<'a>, peer: &Peer) -> Response<'a>;
}

/// The service of the tutorial: accepts what is said, echoes, and tells the peer who it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct TutorialService;

impl Service for TutorialService {
    #[inline]
    fn call<'a>(&mut self, request: Request<'a>, peer: &Peer) -> Response<'a> {
        match request {
            Request::Say(_) => Response::Accepted,
            Request::Echo(bytes) => Response::Echo(bytes.into()),
            Request::WhoAmI => Response::Peer(peer.to_string().into()),
            Request::Stats | Request::Close => unreachable!("the server answers these itself"),
        }
    }
}
