//! The tutorial's service, an example of a [`Service`].

use shared_proto::tutorial::{Request, Response};

use crate::service::{Answer, Context, Service};

/// Accepts text, echoes bytes, tells a client how the server sees it, and reports the server's
/// counters.
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
