//! What is taken hold of while a request is served.

use std::sync::Arc;

use bytes::Bytes;
use fairlead_snapshot::Logging;

use super::room::{Held, Room};

/// So many bytes of an answer in pieces are held: events are many times as long as the words in them, of which 64 KiB are kept.
const MOST: usize = 512 * 1024;

/// What was written in a request so far.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(super) logging: Arc<Logging>,
    pub(super) request: Bytes,
    /// `None`: what is answered is not kept.
    pub(super) answer: Option<Answered>,
}

/// What the caller was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) said: Said,
    /// How many bytes came that are not held.
    pub(super) more: usize,
    room: Arc<Room>,
    held: Option<Held>,
}

/// As much of it as is held.
#[derive(Debug)]
pub(super) enum Said {
    /// In one piece.
    Whole(Bytes),
    /// In pieces that have been joined.
    Pieces(Vec<u8>),
}

impl Capture {
    /// Of a request of which this has come. `coming`: the room for answers in pieces; `None`: they are not kept.
    #[must_use]
    pub(super) fn new(logging: Arc<Logging>, request: Bytes, coming: Option<Arc<Room>>) -> Self {
        let answer = coming.map(|room| Answered {
            said: Said::Pieces(Vec::new()),
            more: 0,
            room,
            held: None,
        });
        Self {
            logging,
            request,
            answer,
        }
    }

    /// This goes to the caller, in one piece.
    pub(crate) fn whole(&mut self, bytes: &Bytes) {
        if let Some(answer) = &mut self.answer {
            answer.said = Said::Whole(bytes.clone());
            (answer.more, answer.held) = (0, None);
        }
    }

    /// This goes to the caller, and more may follow.
    pub(crate) fn piece(&mut self, bytes: &[u8]) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        if !answer.hold(bytes) {
            answer.more = answer.more.saturating_add(bytes.len());
        }
    }

    /// How many bytes are held.
    #[must_use]
    pub(super) fn bytes(&self) -> usize {
        let answer = self.answer.as_ref().map_or(0, |answer| match &answer.said {
            Said::Whole(bytes) => bytes.len(),
            Said::Pieces(bytes) => bytes.len(),
        });
        self.request.len().saturating_add(answer)
    }
}

impl Answered {
    /// Holds a piece; `false`: there is no room for it, or was none for one before, and what comes after a gap is not held.
    fn hold(&mut self, piece: &[u8]) -> bool {
        let Said::Pieces(bytes) = &mut self.said else {
            return false;
        };
        if self.more > 0 || bytes.len() + piece.len() > MOST {
            return false;
        }
        let has_room = match &mut self.held {
            Some(held) => held.grow(piece.len()),
            None => {
                self.held = Room::take(&self.room, piece.len());
                self.held.is_some()
            }
        };
        if has_room {
            bytes.extend_from_slice(piece);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::LoggedContent;

    use super::*;

    fn capture(room: usize) -> Capture {
        let logging = Arc::new(Logging {
            content: LoggedContent::Full,
            redact: Vec::new(),
        });
        Capture::new(logging, Bytes::new(), Some(Room::of(room)))
    }

    #[test]
    fn what_finds_no_room_is_counted_and_nothing_after_it_is_held() {
        let mut capture = capture(10);
        for piece in ["12345678", "123", "1"] {
            capture.piece(piece.as_bytes());
        }
        assert_eq!(capture.bytes(), 8);
        let more = |capture: &Capture| capture.answer.as_ref().map(|answer| answer.more);
        assert_eq!(more(&capture), Some(4));
        // A refusal takes the place of what was held, and of its room.
        let whole = Bytes::from_static(b"refused");
        capture.whole(&whole);
        assert_eq!((capture.bytes(), more(&capture)), (7, Some(0)));
        capture.piece(b"1");
        assert_eq!(capture.bytes(), 7);
    }

    #[test]
    fn an_answer_takes_no_more_than_its_own_room() {
        let mut capture = capture(usize::MAX);
        for _ in 0..100 {
            capture.piece(&[b'x'; 10_000]);
        }
        assert_eq!(capture.bytes(), 520_000);
    }
}
