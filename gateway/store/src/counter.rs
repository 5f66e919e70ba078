//! One counter, as requests see it: what is taken from it, and what it says when there is nothing to take.
//!
//! What is taken while the lease has room costs a compare-and-swap. Else the driver asks the store, once for all who wait.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use fairlead_admit::exchange::{Account, Shape};
use fairlead_admit::lease::{Now, Standing};
use fairlead_admit::window::Window;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::hold::Hold;
use crate::part::{Answer, Part};
use crate::shared::Shared;
use crate::terms::{Refused, Short, Terms};

/// A request waits this long for the store, and no longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// One counter. Made at first use, forgotten when nobody holds it and nothing is left in it.
#[derive(Debug)]
pub struct Counter {
    id: Arc<str>,
    shape: Shape,
    shared: Arc<Shared>,
    /// The part whose window is charged now.
    current: ArcSwapOption<Part>,
    /// All of which something is left: those of past windows until what was taken in them is settled and told.
    parts: Mutex<Vec<Arc<Part>>>,
}

impl Counter {
    pub(crate) fn new(id: Arc<str>, shape: Shape, shared: Arc<Shared>) -> Self {
        Self {
            id,
            shape,
            shared,
            current: ArcSwapOption::empty(),
            parts: Mutex::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it counts.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Takes what is needed from what this replica has been granted. No I/O, nothing is waited for.
    ///
    /// # Errors
    /// It has not enough.
    pub fn try_take(&self, terms: &Terms, need: i64, now: Now) -> Result<Hold, Short> {
        let current = self.current.load();
        match &*current {
            Some(part) if part.is_of(terms.window) => part.try_take(terms, need, now),
            _ => {
                drop(current);
                let part = self.part(terms).ok_or(Short::Ask)?;
                part.try_take(terms, need, now)
            }
        }
    }

    /// Takes what is needed, from the store where this replica has not enough: 250 ms at most.
    ///
    /// # Errors
    /// There is not enough, or nobody can say whether there is and the terms do not allow for that.
    pub async fn take(&self, terms: &Terms, need: i64, now: Now) -> Result<Hold, Refused> {
        match self.try_take(terms, need, now) {
            Ok(hold) => return Ok(hold),
            Err(Short::Refused(Refused::Unavailable) | Short::Ask) => {}
            Err(Short::Refused(refused)) => return Err(refused),
        }
        let part = self.part(terms).ok_or(Refused::Unavailable)?;
        match self.ask(&part, terms, need, now).await {
            Answer::Held(offer) => offer.accept().ok_or(Refused::Unavailable),
            Answer::Refused(refused) => Err(refused),
            Answer::Unavailable if terms.allow_on_failure => Ok(part.take_unasked(need, now)),
            Answer::Unavailable => Err(Refused::Unavailable),
        }
    }

    /// What the store says, if it says something in time.
    async fn ask(&self, part: &Arc<Part>, terms: &Terms, need: i64, now: Now) -> Answer {
        if self.shared.link.is_away() || part.is_silent(now) {
            return Answer::Unavailable;
        }
        let (sender, receiver) = oneshot::channel();
        part.wait(need, terms.generation, sender);
        match tokio::time::timeout(PATIENCE, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Answer::Unavailable,
            Err(_) => {
                part.falls_silent();
                Answer::Unavailable
            }
        }
    }

    /// How it stands, as this replica knows it. Waits for nobody; what has not been heard of for a second is asked for meanwhile.
    #[must_use]
    pub fn standing(&self, terms: &Terms, now: Now) -> Standing {
        let current = self.current.load();
        match &*current {
            Some(part) if part.is_of(terms.window) => part.standing(terms, now),
            _ => {
                drop(current);
                let part = self.part(terms);
                part.map_or_else(Standing::default, |part| part.standing(terms, now))
            }
        }
    }

    /// How it stood when this replica last heard of it, and what it has used here since; `None`: it has not heard of it in this window, or not
    /// for so long that it was forgotten. Asks nobody, and makes nothing.
    #[must_use]
    pub fn known(&self, window: Option<Window>) -> Option<Standing> {
        let current = self.current.load();
        let part = current.as_ref().filter(|part| part.is_of(window))?;
        Some(part.known()).filter(|standing| standing.as_of.is_some())
    }

    /// The part of this window, which becomes the one that is charged. There always is one: a part is handed the cells it needs.
    fn part(&self, terms: &Terms) -> Option<Arc<Part>> {
        let mut parts = self.parts.lock();
        let found = parts.iter().find(|part| part.is_of(terms.window)).cloned();
        let part = match found {
            Some(part) => part,
            None => {
                let account = Account {
                    counter: self.id.clone(),
                    shape: self.shape,
                    window: terms.window,
                };
                let part = Part::open(account, terms, self.shared.clone())?;
                parts.push(part.clone());
                part
            }
        };
        self.current.store(Some(part.clone()));
        Some(part)
    }

    /// Takes in what a dead process left, to be reported.
    pub(crate) fn adopt(&self, part: Arc<Part>) {
        self.parts.lock().push(part);
    }

    /// All parts of which something is left.
    pub(crate) fn parts(&self) -> Vec<Arc<Part>> {
        self.parts.lock().clone()
    }

    /// Lets go of what has nothing left in it; whether nothing is left at all.
    pub(crate) fn tidy(&self, now: Now) -> bool {
        let mut parts = self.parts.lock();
        parts.retain(|part| !part.is_done(now));
        let current = self.current.load();
        let gone = current
            .as_ref()
            .is_some_and(|current| !parts.iter().any(|part| Arc::ptr_eq(part, current)));
        if gone {
            self.current.store(None);
        }
        parts.is_empty()
    }
}
