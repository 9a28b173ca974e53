//! The tutorial's service: the first one on this engine.

use shared_proto::tutorial::{Request, Response};

use crate::service::{Answer, Context, Service};

/// Accepts text, echoes bytes, and tells the peer who it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct TutorialService;

impl Service for TutorialService {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    #[inline]
    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response<'a>> {
        Answer::Now(match request {
            Request::Say(_) => Response::Accepted,
            Request::Echo(bytes) => Response::Echo(bytes.into()),
            Request::WhoAmI => Response::Peer(context.peer().to_string().into()),
            Request::Stats => Response::Stats(context.stats()),
        })
    }
}
