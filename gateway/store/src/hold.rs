//! What a request has reserved. It is settled once, however the request ends.

use std::sync::Arc;

use fairlead_admit::lease::Taken;

use crate::part::Part;

/// A reservation. Dropped without a word, it is settled at what is held: better too much than unpaid.
#[derive(Debug)]
#[must_use = "dropped, it is settled at what is held"]
pub struct Hold {
    part: Arc<Part>,
    taken: Option<Taken>,
}

impl Hold {
    pub(crate) fn new(part: Arc<Part>, taken: Taken) -> Self {
        let taken = Some(taken);
        Self { part, taken }
    }

    /// How much is reserved.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.taken.as_ref().map_or(0, Taken::amount)
    }

    /// Reserves so much in all, if that is more than is reserved. Never refused: what it is for is being used already.
    pub fn raise(&mut self, to: i64) {
        if let Some(taken) = &mut self.taken {
            self.part.raise(taken, to);
        }
    }

    /// So much was used, which may be more than was reserved. Of a place nothing is ever used: it comes back.
    pub fn settle(mut self, actual: i64) {
        if let Some(taken) = self.taken.take() {
            self.part.settle(taken, actual);
        }
    }

    /// Nothing was sent, so nothing is used, and a rate does not count it.
    pub fn cancel(mut self) {
        if let Some(taken) = self.taken.take() {
            self.part.settle(taken, 0);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            let held = taken.amount();
            self.part.settle(taken, held);
        }
    }
}

/// A reservation for somebody who waits. Dropped because nobody waits any more, it goes back.
#[derive(Debug)]
pub(crate) struct Offer(Option<Hold>);

impl Offer {
    pub(crate) fn new(hold: Hold) -> Self {
        Self(Some(hold))
    }

    /// Taken up, by whom it was made for.
    pub(crate) fn accept(mut self) -> Option<Hold> {
        self.0.take()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if let Some(hold) = self.0.take() {
            hold.cancel();
        }
    }
}
