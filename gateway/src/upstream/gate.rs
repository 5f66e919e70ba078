//! The line for a place at a provider, as requests wait in it. Who may enter and who is next is decided in [`fairlead_health::gate`].

use std::sync::Arc;

use fairlead_health::{Asker, Waiter};
use tokio::sync::oneshot::{self, Receiver, Sender};

/// The places at a provider.
pub(crate) type Gate = fairlead_health::Gate<InLine>;
/// A place at a provider; given back when it is dropped.
pub(crate) type Slot = fairlead_health::Slot<InLine>;

/// A request that waits, as the gate sees it.
#[derive(Debug)]
pub(crate) struct InLine {
    place: Sender<Slot>,
    asker: Asker,
}

impl Waiter for InLine {
    fn give(self, slot: Slot) -> Result<(), Slot> {
        self.place.send(slot)
    }

    fn has_gone(&self) -> bool {
        self.place.is_closed()
    }

    fn asker(&self) -> Asker {
        self.asker
    }
}

/// A place in line; left when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Arc<Gate>,
    slot: Receiver<Slot>,
}

impl Turn {
    /// A place in line, if there are fewer than `length` in it or somebody makes room.
    #[must_use]
    pub(crate) fn line_up(gate: &Arc<Gate>, length: u32, asker: Asker) -> Option<Self> {
        let (place, slot) = oneshot::channel();
        gate.line_up(length, InLine { place, asker }).then(|| Self {
            gate: Arc::clone(gate),
            slot,
        })
    }

    /// Waits for the place; `None`: it was sent away, for others have less.
    pub(crate) async fn slot(&mut self) -> Option<Slot> {
        (&mut self.slot).await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.slot.close();
        self.gate.tidy();
        // A place that came too late goes back.
        drop(self.slot.try_recv());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    const ONE: Asker = Asker::new(2);
    const TWO: Asker = Asker::new(4);

    #[test]
    fn places_are_limited_and_come_back() {
        let gate = Arc::new(Gate::default());
        let slots: Vec<Slot> = std::iter::from_fn(|| gate.enter(3, ONE)).collect();
        assert_eq!((slots.len(), gate.in_flight()), (3, 3));
        drop(slots);
        assert_eq!(gate.in_flight(), 0);
        assert!(gate.enter(3, ONE).is_some());
    }

    #[test]
    fn the_line_is_limited() {
        let gate = Arc::new(Gate::default());
        let _slot = gate.enter(1, ONE);
        let turns: Vec<Turn> = std::iter::from_fn(|| Turn::line_up(&gate, 2, ONE)).collect();
        assert_eq!((turns.len(), gate.queued()), (2, 2));
        drop(turns);
        assert_eq!(gate.queued(), 0);
    }

    #[tokio::test]
    async fn who_came_first_is_served_first() {
        let gate = Arc::new(Gate::default());
        let slot = gate.enter(1, ONE).unwrap();
        let (mut first, mut second) = (
            Turn::line_up(&gate, 9, ONE).unwrap(),
            Turn::line_up(&gate, 9, ONE).unwrap(),
        );
        drop(slot);
        assert!(gate.enter(1, ONE).is_none(), "those in line go before");
        let slot = first.slot().await.unwrap();
        assert!(second.slot.try_recv().is_err());
        drop(slot);
        assert!(second.slot().await.is_some());
        assert_eq!(gate.in_flight(), 0);
    }

    #[tokio::test]
    async fn who_has_fewest_places_is_next() {
        let gate = Arc::new(Gate::default());
        let mut slots: Vec<Slot> = std::iter::from_fn(|| gate.enter(3, ONE)).collect();
        let mut crowd: Vec<Turn> = std::iter::from_fn(|| Turn::line_up(&gate, 5, ONE)).collect();
        crowd[4].slot.close();
        gate.tidy();
        let mut other = Turn::line_up(&gate, 5, TWO).unwrap();
        drop(slots.pop());
        let others = other.slot().await.unwrap();
        assert!(crowd[0].slot.try_recv().is_err());
        // One of two, each of whom now has a place and waits for another: who came first, as always.
        drop(slots.pop());
        assert!(crowd[0].slot().await.is_some());
        drop(others);
    }

    #[tokio::test]
    async fn who_has_most_in_a_full_line_makes_room_for_who_has_less() {
        let gate = Arc::new(Gate::default());
        let slot = gate.enter(1, ONE).unwrap();
        let mut crowd: Vec<Turn> = std::iter::from_fn(|| Turn::line_up(&gate, 4, ONE)).collect();
        let mut others: Vec<Turn> = std::iter::from_fn(|| Turn::line_up(&gate, 4, TWO)).collect();
        assert_eq!((crowd.len(), others.len(), gate.queued()), (4, 2, 4));
        assert!(crowd[3].slot().await.is_none() && crowd[2].slot().await.is_none());
        // Both have none, so that they take turns.
        drop(slot);
        for turn in crowd
            .iter_mut()
            .zip(&mut others)
            .flat_map(|(one, two)| [one, two])
        {
            assert!(turn.slot.try_recv().is_ok());
        }
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
    }

    #[test]
    fn a_place_given_to_one_who_has_gone_goes_to_the_next() {
        let gate = Arc::new(Gate::default());
        let slot = gate.enter(1, ONE).unwrap();
        let (first, mut second) = (
            Turn::line_up(&gate, 9, ONE).unwrap(),
            Turn::line_up(&gate, 9, ONE).unwrap(),
        );
        drop(slot);
        drop(first);
        assert!(second.slot.try_recv().is_ok());
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
    }

    #[test]
    fn who_leaves_others_theirs_comes_behind_all_and_changes_nobodys_limit() {
        let gate = Arc::new(Gate::default());
        let (first, second) = (gate.enter(2, ONE).unwrap(), gate.enter(2, ONE).unwrap());
        let mut turn = Turn::line_up(&gate, 9, ONE).unwrap();
        assert!(gate.enter_within(1, TWO).is_none());
        drop(first);
        assert!(turn.slot.try_recv().is_ok(), "two may be there");
        drop((turn, second));
        let least = gate.enter_within(1, TWO);
        assert!(least.is_some() && gate.enter_within(1, TWO).is_none());
        drop(least);
        assert!(gate.enter_within(0, TWO).is_none());
    }

    #[test]
    fn a_higher_limit_lets_in_more_at_the_next_chance() {
        let gate = Arc::new(Gate::default());
        let _slot = gate.enter(1, ONE);
        assert!(gate.enter(1, ONE).is_none());
        assert!(gate.enter(2, ONE).is_some());
    }

    #[test]
    fn threads_neither_lose_a_place_nor_pass_the_limit() {
        let gate = Arc::new(Gate::default());
        let most = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (gate, most) = (&gate, &most);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .build()
                        .unwrap();
                    let mut random = fastrand::Rng::with_seed(seed);
                    let asker = Asker::new(seed * 2);
                    for _ in 0..5_000 {
                        let slot = gate.enter(2, asker).or_else(|| {
                            let mut turn = Turn::line_up(gate, 100, asker)?;
                            let wait = Duration::from_micros(random.u64(0..50));
                            runtime.block_on(async {
                                tokio::time::timeout(wait, turn.slot()).await.ok()?
                            })
                        });
                        if slot.is_some() {
                            most.fetch_max(gate.in_flight(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
        assert!(most.into_inner() <= 2);
    }
}
