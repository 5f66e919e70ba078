//! What the driver does besides: it writes the embedded store's file, and lets a gateway that ends give everything back.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Driver, Landed};
use crate::embedded::FileError;
use crate::part::Part;
use crate::place::Place;

impl Driver {
    /// Gives back what is idle; who is to be heard at once.
    pub(super) fn drain(&mut self, done: oneshot::Sender<()>) -> Vec<Arc<Part>> {
        self.draining.push(done);
        let counters = self.registry.all();
        let parts = counters.iter().flat_map(|counter| counter.parts());
        let draining = parts.inspect(|part| part.drain());
        self.untold = draining.filter(|part| !part.is_told()).collect();
        for part in &self.untold {
            if part.may_track() {
                self.wheel.add(part.clone(), 0);
            }
        }
        self.untold.clone()
    }

    pub(super) fn finish_drain(&mut self) {
        if self.draining.is_empty() {
            return;
        }
        self.untold.retain(|part| !part.is_told());
        if self.untold.is_empty() && !self.writing && !self.place.is_dirty() {
            for done in self.draining.drain(..) {
                // Who drains may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Writes what has changed in the embedded store, off this thread.
    pub(super) fn write(&mut self) {
        if let Place::Embedded(embedded) = &self.place
            && !self.writing
            && embedded.is_dirty()
        {
            self.writing = true;
            let embedded = embedded.clone();
            self.blocking(move || embedded.write());
        }
    }

    pub(super) fn sweep(&mut self) {
        if let Place::Embedded(embedded) = &self.place
            && !self.writing
        {
            self.writing = true;
            let embedded = embedded.clone();
            self.blocking(move || embedded.sweep());
        }
    }

    fn blocking(&self, work: impl FnOnce() -> Result<(), FileError> + Send + 'static) {
        let work = tokio::task::spawn_blocking(work);
        self.flights.push(Box::pin(async move {
            // One that panicked has said so by itself.
            Landed::Written(work.await.unwrap_or(Ok(())))
        }));
    }
}
