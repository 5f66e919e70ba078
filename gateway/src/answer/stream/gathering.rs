//! What has come by the time that there is something to pass on goes along with it. Of a stream that comes in a burst each event would else be a
//! write of its own to the caller, which costs more than all else that is done about it.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::FutureExt as _;

use super::{Incoming, StreamAnswer};

/// About so many bytes go together.
const MOST: usize = 16 * 1024;
/// So many pieces are looked at before others have their turn: of some nothing is passed on.
const PIECES: usize = 128;
/// A stream that is handed over piece by piece is looked at again after so many pieces at most.
const SELDOM: u8 = 8;

/// Whether a stream that somebody hands over, over HTTP/2, is worth a look.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// After how many pieces the next look is.
    left: u8,
    /// After how many it was this time.
    between: u8,
}

impl Gathering {
    /// Whether to look now.
    fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        self.left = self.left.saturating_sub(1);
        due
    }

    /// The last look has found something, or not.
    fn has_found(&mut self, any: bool) {
        self.between = if any {
            0
        } else {
            (self.between * 2 + 1).min(SELDOM)
        };
        self.left = self.between;
    }
}

impl StreamAnswer {
    /// Takes in what has come, and waits for nothing. Where the stream breaks meanwhile, that is told once what is ready has gone to the caller: somebody
    /// may be asked for the rest, which takes its time.
    pub(super) async fn gather(&mut self) {
        let handed_over = self.incoming.as_ref().is_some_and(Incoming::is_handed_over);
        // To look costs a turn where somebody has to hand it over, and else next to nothing.
        let worth_it = !handed_over || self.gathering.is_due();
        if self.ended || self.broken.is_some() || !worth_it {
            return;
        }
        let (most, mut any) = (self.held.saturating_add(MOST), false);
        for _ in 0..PIECES {
            if self.ended || self.held >= most {
                break;
            }
            if handed_over {
                turn().await;
            }
            let Some(step) = self.read().now_or_never() else {
                break;
            };
            any = true;
            if let Err(failure) = self.came(step) {
                self.broken = Some(failure);
                break;
            }
        }
        if handed_over {
            self.gathering.has_found(any);
        }
    }
}

/// hyper asks a body that has nothing once more before it lets others go on.
const ASKED: u8 = 2;

/// Lets all others have their turn who can go on.
async fn turn() {
    let mut asked = 0;
    poll_fn(|cx| {
        if asked >= ASKED {
            return Poll::Ready(());
        }
        asked += 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_comes_piece_by_piece_is_looked_at_seldom_and_one_in_bursts_each_time() {
        let mut gathering = Gathering::default();
        let mut looks = |pieces: usize, finds: bool| {
            let mut count = 0;
            for _ in 0..pieces {
                if gathering.is_due() {
                    count += 1;
                    gathering.has_found(finds);
                }
            }
            count
        };
        assert_eq!(looks(10, true), 10);
        assert_eq!(looks(100, false), 13);
        // Within eight pieces it is seen that it has changed.
        assert!(looks(20, true) >= 12);
    }
}
