//! A replica: leases by window, requests that wait and requests in flight, a clock that is off, a journal or none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use fairlead_admit::exchange::{Ask, Incarnation, Reply, RunId, Shape};
use fairlead_admit::lease::{Bound, Lease, Now, Runs, Short, Taken, Waiting, cells};
use fairlead_admit::window::Window;

use crate::world::EPOCH;

/// A request: what is reserved for it and what it comes to, how long it takes, and when it stops waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) need: i64,
    pub(crate) actual: i64,
    pub(crate) lasts_ms: i64,
    pub(crate) until: i64,
}

/// What became of a request at once.
#[derive(Debug)]
pub(crate) enum Arrived {
    Started(Taken),
    Waits,
    Refused,
}

pub(crate) struct Part {
    lease: Lease,
    cells: &'static [AtomicI64],
    pub(crate) waiting: VecDeque<Request>,
}

pub(crate) struct Client {
    pub(crate) number: usize,
    shape: Shape,
    /// When this process started; processes are counted.
    started: i64,
    pub(crate) process: u32,
    skew_ms: i64,
    pub(crate) parts: BTreeMap<Option<Window>, Part>,
    pub(crate) bound: Bound,
    runs: Runs,
    pub(crate) dead_until: i64,
    pub(crate) cut_until: i64,
}

impl Client {
    pub(crate) fn new(number: usize, shape: Shape, skew_ms: i64, bound: Bound) -> Self {
        Self {
            number,
            shape,
            started: 0,
            process: 0,
            skew_ms,
            parts: BTreeMap::new(),
            bound,
            runs: Runs::default(),
            dead_until: 0,
            cut_until: 0,
        }
    }

    fn now(&self, at: i64) -> Now {
        Now {
            mono: Duration::from_millis((at - self.started).unsigned_abs()),
            unix_ms: EPOCH + at + self.skew_ms,
        }
    }

    /// The window of its clock.
    pub(crate) fn window(&self, at: i64, length_ms: Option<i64>) -> Option<Window> {
        let length = length_ms?;
        let unix = self.now(at).unix_ms;
        let start = unix - (unix - EPOCH).rem_euclid(length);
        Some(Window {
            start,
            end: start + length,
        })
    }

    pub(crate) fn arrive(&mut self, at: i64, window: Option<Window>, request: Request) -> Arrived {
        let (now, generation, shape) = (self.now(at), self.bound.generation, self.shape);
        let name = (self.number as u128 + 1) << 96 | u128::from(self.process) << 64;
        let name = name | (self.parts.len() as u128) << 40;
        let part = self.parts.entry(window).or_insert_with(|| {
            let all: Vec<AtomicI64> = (0..cells(shape)).map(|_| AtomicI64::new(0)).collect();
            let cells = Vec::leak(all);
            Part {
                lease: Lease::open(cells, shape, Incarnation(name), now).unwrap(),
                cells,
                waiting: VecDeque::new(),
            }
        });
        match part.lease.try_take(request.need, generation, now) {
            Ok(taken) => Arrived::Started(taken),
            Err(Short::Refused(_)) => Arrived::Refused,
            Err(Short::Ask) => {
                part.waiting.push_back(request);
                Arrived::Waits
            }
        }
    }

    /// Hears which process the store is, as by a ping.
    pub(crate) fn hear(&self, at: i64, run: &RunId) {
        let ms = self.now(at).mono.as_millis();
        self.runs.heard(run, u64::try_from(ms).unwrap());
    }

    /// What it has to say now.
    pub(crate) fn drive(&mut self, at: i64) -> Vec<(Option<Window>, Ask)> {
        let now = self.now(at);
        let mut asks = Vec::new();
        for (window, part) in &mut self.parts {
            while part.waiting.front().is_some_and(|first| first.until <= at) {
                part.waiting.pop_front();
            }
            let waiting = Waiting {
                need: part.waiting.front().map_or(0, |first| first.need),
                all: part.waiting.iter().map(|one| one.need).sum(),
            };
            let due = part.lease.due(&self.runs);
            let now_ms = u64::try_from(now.mono.as_millis()).unwrap();
            if waiting.need > 0 || due.is_some_and(|due| due <= now_ms) {
                let ask = part
                    .lease
                    .next_ask(now, Some(self.bound), waiting, &self.runs);
                asks.extend(ask.map(|ask| (*window, ask)));
            }
        }
        asks
    }

    /// What of those who wait starts by that reply.
    pub(crate) fn answered(
        &mut self,
        at: i64,
        window: Option<Window>,
        seq: u64,
        reply: &Reply,
    ) -> Vec<(Request, Taken)> {
        let (now, generation) = (self.now(at), self.bound.generation);
        let Some(part) = self.parts.get_mut(&window) else {
            return Vec::new();
        };
        part.lease.answered(now, seq, reply, &self.runs);
        let mut started = Vec::new();
        while let Some(first) = part.waiting.pop_front() {
            match part.lease.try_take(first.need, generation, now) {
                Ok(taken) => started.push((first, taken)),
                Err(Short::Refused(_)) => {}
                Err(Short::Ask) => {
                    part.waiting.push_front(first);
                    break;
                }
            }
        }
        started
    }

    pub(crate) fn settle(&self, window: Option<Window>, taken: Taken, actual: i64) {
        self.parts[&window].lease.settle(taken, actual);
    }

    /// Another process begins, with what the journal kept of this one.
    pub(crate) fn restart(&mut self, at: i64, down_ms: i64, journal: bool) {
        self.process += 1;
        self.started = at;
        self.dead_until = at + down_ms;
        self.runs = Runs::default();
        let (now, shape) = (self.now(at), self.shape);
        let before = std::mem::take(&mut self.parts);
        for (window, part) in before.into_iter().filter(|_| journal) {
            let lease = Lease::resume(part.cells, shape, now);
            let lease = lease.unwrap();
            let (cells, waiting) = (part.cells, VecDeque::new());
            let part = Part {
                lease,
                cells,
                waiting,
            };
            self.parts.insert(window, part);
        }
    }

    pub(crate) fn drain(&self) {
        self.parts.values().for_each(|part| part.lease.drain());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.values().all(|part| part.lease.is_empty())
    }
}
