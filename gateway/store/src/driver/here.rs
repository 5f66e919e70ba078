//! Asks that are answered in this process; those for a server are handed on.

use std::sync::Arc;

use fairlead_admit::exchange::{Account, Totals};
use tokio::sync::oneshot;

use super::Driver;
use crate::embedded::Embedded;
use crate::part::Part;
use crate::place::{Fault, Place};

/// One that always wants to ask again is not to hold up the rest.
const ROUNDS: usize = 16;

/// What was read, or why not.
pub(super) type Read = Vec<Result<Option<Totals>, Fault>>;

impl Driver {
    /// Asks for all of these which do not wait for an answer already.
    pub(super) fn ask(&mut self, parts: Vec<Arc<Part>>) {
        if parts.is_empty() {
            return;
        }
        match &self.place {
            Place::Embedded(embedded) => {
                let embedded = Arc::clone(embedded);
                self.ask_here(&embedded, parts);
            }
            #[cfg(feature = "valkey")]
            Place::Valkey(_) => self.ask_there(parts),
        }
    }

    fn ask_here(&mut self, embedded: &Embedded, mut parts: Vec<Arc<Part>>) {
        for _ in 0..ROUNDS {
            parts.retain(|part| {
                let now = self.shared.clock.now();
                let Some(call) = part.ask(now) else {
                    return false;
                };
                let result = embedded.exchange(&call);
                if let Err(fault) = &result {
                    self.say(fault.problem());
                }
                part.landed(call.ask.seq, &result, now)
            });
        }
        parts.iter().for_each(|part| part.call());
    }

    /// Reads these for somebody.
    pub(super) fn look(&mut self, accounts: &[Account], reader: oneshot::Sender<Read>) {
        match &self.place {
            Place::Embedded(embedded) => {
                let read = accounts.iter().map(|account| embedded.look(account));
                // Who reads may have stopped waiting.
                let _ = reader.send(read.collect());
            }
            #[cfg(feature = "valkey")]
            Place::Valkey(_) => self.look_there(accounts, reader),
        }
    }
}
