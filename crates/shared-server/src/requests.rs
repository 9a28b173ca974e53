//! From a whole frame to its answer: the envelope's Close, what is not a request, the service.

use shared_proto::{Call, Decode, ErrorReply, Frame, Message, Reply};

use crate::service::{Answer, Context, Service, is_a_services};
use crate::session::{Answered, Answers};

/// Calls a service for one client.
pub(crate) struct Requests<'a, S> {
    pub(crate) service: &'a mut S,
    pub(crate) context: Context<'a, S>,
}

impl<S: Service> Answers for Requests<'_, S> {
    // ANCHOR: answer
    #[inline(always)]
    fn answer(&mut self, frame: Frame<'_>, replies: &mut Vec<u8>) -> Answered {
        let uncounted = &self.context.uncounted;
        uncounted.set(uncounted.get() + 1);
        let request = match Call::<S::Request<'_>>::decode(frame) {
            Ok(Call::Request(request)) => request,
            Ok(Call::Close) => {
                Reply::<ErrorReply<'_>>::Closed.encode(replies);
                return Answered::Closed;
            }
            Err(bad) => {
                ErrorReply::from(bad).encode(replies);
                return Answered::Now;
            }
        };
        self.context.issued.set(None);
        match self.service.call(request, &self.context) {
            Answer::Now(response) if is_a_services(response.kind()) => response.encode(replies),
            Answer::Now(_) => {
                return Answered::Failed("its response has a kind that is no service's");
            }
            Answer::Error(error) => error.reply().encode(replies),
            Answer::Later(ticket) if self.context.issued(&ticket) => {
                return Answered::Later(ticket.awaited);
            }
            Answer::Later(_) => return Answered::Failed("its ticket is another request's"),
        }
        Answered::Now
    }
    // ANCHOR_END: answer
}

impl<S> Drop for Requests<'_, S> {
    fn drop(&mut self) {
        self.context.count();
    }
}
