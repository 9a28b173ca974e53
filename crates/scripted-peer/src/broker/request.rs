//! A request that the check makes through its broker.

use super::state::State;
use super::{Broker, several};
use crate::bytes::show;
use crate::failure::Failure;
use crate::verdict::Verdict;

/// A request that the check sent. Its replies are the messages published to its inbox.
pub struct Request<'a> {
    pub(super) broker: &'a Broker,
    pub(super) inbox: String,
}

impl Request<'_> {
    /// Returns the subject that replies to this request are sent to.
    #[must_use]
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// Returns the payloads of the replies that clients have sent so far.
    #[must_use]
    pub fn answers(&self) -> Vec<Vec<u8>> {
        self.broker.catch_up();
        self.broker.shared.with(|state| self.among(state))
    }

    fn among(&self, state: &State) -> Vec<Vec<u8>> {
        let is = |answer: &&(String, Vec<u8>)| answer.0 == self.inbox;
        let mine = state.answers.iter().filter(is);
        mine.map(|(_, payload)| payload.clone()).collect()
    }

    /// Waits for the first reply, and expects exactly this payload.
    pub fn expect(&self, payload: impl AsRef<[u8]>) -> Verdict {
        let wanted = payload.as_ref();
        let first = |state: &mut State| self.among(state).into_iter().next();
        let what = format!("the answer {}", show(wanted));
        let after = "the end of the payload";
        self.broker
            .expect(&what, first)
            .and(|came| match came == wanted {
                true => Ok(()),
                false => Err(Failure::bytes(wanted, &came, after)),
            })
    }

    /// Expects that clients have sent exactly `count` replies by now. This does not wait for more:
    /// call [`Broker::fence`] first.
    pub fn expect_answers(&self, count: usize) -> Verdict {
        let came = self.answers();
        let list = came
            .iter()
            .map(|one| show(one))
            .collect::<Vec<_>>()
            .join(", ");
        let failure = || {
            let got = format!("{}: {list}", came.len());
            Failure::new(format!("{} to a request", several(count, "answer")), got)
        };
        let found = (came.len() == count).then_some(()).ok_or_else(failure);
        self.broker.actor.verdict(found)
    }
}
