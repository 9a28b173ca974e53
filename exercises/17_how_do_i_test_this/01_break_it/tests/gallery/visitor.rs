//! One client, as the servers of the gallery see it: frame by frame.

use std::time::Duration;

use scripted_peer::{Ending, Peer, Received};

use super::LIMIT;

/// What a client said.
pub enum Said {
    /// A whole frame, its length in front.
    Frame(Vec<u8>),
    /// A length above the limit.
    TooLong(u32),
    /// The end of its stream.
    End { inside: bool },
    /// It is gone.
    Reset,
    /// Nothing, for as long as the peer's patience.
    Silence,
}

/// How many bytes of payload this length is taken for; none, if it is above the limit.
pub type Measure = fn(u32) -> Option<usize>;

pub struct Visitor {
    pub peer: Peer,
    pub inbox: Vec<u8>,
    measure: Measure,
}

/// As it should be.
pub fn measure(length: u32) -> Option<usize> {
    (length <= LIMIT).then_some(length as usize)
}

impl Visitor {
    pub fn new(peer: Peer) -> Self {
        Self::measured(peer, measure)
    }

    pub fn measured(mut peer: Peer, measure: Measure) -> Self {
        // Longer than any check: a server that waits for its client is no failure here.
        peer.patience(Duration::from_secs(60));
        Self {
            peer,
            inbox: Vec::new(),
            measure,
        }
    }

    /// What it says next.
    pub fn next(&mut self) -> Said {
        loop {
            if let Some(said) = self.whole() {
                return said;
            }
            if let Some(ending) = self.read() {
                return ending;
            }
        }
    }

    /// What has come already, if it is whole.
    pub fn whole(&mut self) -> Option<Said> {
        let length = u32::from_be_bytes(*self.inbox.first_chunk()?);
        let Some(size) = (self.measure)(length) else {
            return Some(Said::TooLong(length));
        };
        (self.inbox.len() >= 4 + size).then(|| Said::Frame(self.inbox.drain(..4 + size).collect()))
    }

    /// Whether what comes next is a frame that is too long.
    pub fn says_too_much(&self) -> bool {
        let length = self.inbox.first_chunk().copied().map(u32::from_be_bytes);
        length.is_some_and(|length| (self.measure)(length).is_none())
    }

    /// All whole frames that one read returns, or how it ended.
    pub fn batch(&mut self) -> (Vec<Vec<u8>>, Option<Said>) {
        let mut frames = Vec::new();
        let mut last = self.read();
        while last.is_none() {
            match self.whole() {
                Some(Said::Frame(frame)) => frames.push(frame),
                Some(said) => last = Some(said),
                None => break,
            }
        }
        (frames, last)
    }

    /// Reads once; how it ended, or nothing when bytes came.
    pub fn read(&mut self) -> Option<Said> {
        let inside = !self.inbox.is_empty();
        match self.peer.receive() {
            Received::Bytes(bytes) => {
                self.inbox.extend(bytes);
                None
            }
            Received::Ended(Ending::End) => Some(Said::End { inside }),
            Received::Ended(Ending::Silence) => Some(Said::Silence),
            Received::Ended(_) => Some(Said::Reset),
        }
    }

    /// Reads on, whatever comes, until the client leaves.
    pub fn wait_until_gone(&mut self) {
        while matches!(self.peer.receive(), Received::Bytes(_)) {}
    }

    /// Answers every frame, until the client says something else.
    pub fn serve_frames(&mut self, mut answer: impl FnMut(&mut Peer, &[u8])) -> Said {
        loop {
            match self.next() {
                Said::Frame(frame) => answer(&mut self.peer, &frame),
                said => return said,
            }
        }
    }

    /// And then leaves, so that nothing is lost.
    pub fn serve_politely(mut self, answer: impl FnMut(&mut Peer, &[u8])) {
        let last = self.serve_frames(answer);
        self.leave(&last);
    }

    /// And then closes, whatever that was.
    pub fn serve(mut self, answer: impl FnMut(&mut Peer, &[u8])) {
        self.serve_frames(answer);
    }

    /// Ends the connection after this: a refused client's with a half-close, and then it reads on.
    pub fn leave(mut self, said: &Said) {
        if let Said::TooLong(_) = said {
            self.peer.half_close();
            self.wait_until_gone();
        }
    }
}
