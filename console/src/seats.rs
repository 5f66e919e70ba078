//! How much one session may do at once: so much, or one thing of which the latest counts.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::guard::Entrant;
use crate::session::Id;

/// Who sits where: sessions by themselves, and those who have none by their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<Who, usize>>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Session(Id),
    Named(String),
}

impl Who {
    fn of(entrant: &Entrant) -> Self {
        match entrant.session {
            Some(id) => Self::Session(id),
            None => Self::Named(entrant.known.viewer.name.clone()),
        }
    }
}

/// One seat, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Seat(Seats, Who);

impl Seats {
    /// One more seat for whoever it is; `None`: they have so many already.
    pub(crate) fn take(&self, entrant: &Entrant, most: usize) -> Option<Seat> {
        let who = Who::of(entrant);
        let mut all = self.0.lock();
        let taken = all.entry(who.clone()).or_default();
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Seat(self.clone(), who))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.0.0.lock();
        let Some(taken) = all.get_mut(&self.1) else {
            return;
        };
        *taken -= 1;
        if *taken == 0 {
            all.remove(&self.1);
        }
    }
}

/// Who has a turn; whoever takes another ends their own before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Who, oneshot::Sender<()>>>>);

/// A turn.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    who: Who,
    over: oneshot::Receiver<()>,
}

impl Turns {
    /// The latest turn of whoever it is.
    pub(crate) fn take(&self, entrant: &Entrant) -> Turn {
        let (end, over) = oneshot::channel();
        let who = Who::of(entrant);
        // The one before ends by what it holds being dropped.
        drop(self.0.lock().insert(who.clone(), end));
        Turn {
            turns: self.clone(),
            who,
            over,
        }
    }
}

impl Turn {
    /// Resolves when a later one has been taken.
    pub(crate) async fn is_over(&mut self) {
        let _ = (&mut self.over).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Closed first, so that only the sender of this very turn is known to be its own.
        self.over.close();
        let mut all = self.turns.0.lock();
        if all.get(&self.who).is_some_and(oneshot::Sender::is_closed) {
            all.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renewal::Known;
    use crate::viewer::Viewer;

    fn entrant(session: Option<Id>) -> Entrant {
        Entrant {
            known: Known::now(Viewer::of_everything("operator")),
            session,
        }
    }

    #[tokio::test]
    async fn a_later_turn_ends_the_one_before_and_nothing_is_kept_of_either() {
        let turns = Turns::default();
        let (one, other) = (entrant(Some([1; 32])), entrant(Some([2; 32])));
        let (mut first, mut theirs) = (turns.take(&one), turns.take(&other));
        let mut second = turns.take(&one);
        first.is_over().await;
        for lasts in [&mut second, &mut theirs] {
            let wait = std::time::Duration::from_millis(5);
            assert!(tokio::time::timeout(wait, lasts.is_over()).await.is_err());
        }
        drop(first);
        assert_eq!(turns.0.lock().len(), 2);
        drop((second, theirs));
        assert!(turns.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_seat_is_free_again_when_it_is_left_and_nothing_is_kept_of_it() {
        let seats = Seats::default();
        let (one, other) = (entrant(Some([1; 32])), entrant(Some([2; 32])));
        let taken = [seats.take(&one, 2), seats.take(&one, 2)];
        assert!(taken.iter().all(Option::is_some) && seats.take(&one, 2).is_none());
        assert!(seats.take(&other, 2).is_some() && seats.take(&entrant(None), 2).is_some());
        drop(taken);
        assert!(seats.take(&one, 2).is_some());
        assert!(seats.0.lock().is_empty());
    }
}
