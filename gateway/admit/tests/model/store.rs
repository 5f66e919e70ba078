//! The store: books by window, a clock of its own, restarts that may lose what was written last.

use std::collections::{BTreeMap, VecDeque};

use fairlead_admit::book::{Book, Sums};
use fairlead_admit::exchange::{Ask, Outcome, Reply, RunId, Shape, Totals};
use fairlead_admit::window::Window;

use crate::world::EPOCH;

type Books = (BTreeMap<Option<Window>, Book>, Sums);

pub(crate) struct Store {
    shape: Shape,
    now: Books,
    /// What was written by when, where a restart may lose some.
    log: VecDeque<(i64, Books)>,
    keeps_log: bool,
    run: u32,
    pub(crate) down_until: i64,
    /// How far its clock is off.
    pub(crate) skew_ms: i64,
}

impl Store {
    pub(crate) fn new(shape: Shape, keeps_log: bool) -> Self {
        Self {
            shape,
            now: Books::default(),
            log: VecDeque::new(),
            keeps_log,
            run: 0,
            down_until: 0,
            skew_ms: 0,
        }
    }

    pub(crate) fn run_id(&self) -> RunId {
        RunId::from(format!("run{}", self.run).as_str())
    }

    pub(crate) fn exchange(&mut self, at: i64, window: Option<Window>, ask: &Ask) -> Option<Reply> {
        if at < self.down_until {
            return None;
        }
        let now_ms = EPOCH + at + self.skew_ms;
        let (run, shape) = (self.run_id(), self.shape);
        let (books, sums) = &mut self.now;
        let book = books
            .entry(window)
            .or_insert_with(|| Book::open(shape, window, sums, now_ms));
        let reply = book.exchange(sums, now_ms, &run, ask);
        if matches!(reply.outcome, Outcome::Granted(1..)) {
            let Totals { used, lost, leased } = book.totals(sums, now_ms);
            let all = used + lost + leased;
            assert!(
                all <= reply.limit || !ask.strict,
                "granted beyond: {reply:?}"
            );
        }
        if self.keeps_log && self.log.back().is_none_or(|(then, _)| at > then + 25) {
            self.log.push_back((at, self.now.clone()));
            while self.log.front().is_some_and(|(then, _)| at > then + 1_500) {
                self.log.pop_front();
            }
        }
        Some(reply)
    }

    /// Another process, which knows what was written until `lost_ms` ago.
    pub(crate) fn restart(&mut self, at: i64, down_ms: i64, lost_ms: i64) {
        self.run += 1;
        self.down_until = at + down_ms;
        if self.keeps_log {
            let kept = self
                .log
                .iter()
                .rev()
                .find(|(then, _)| *then <= at - lost_ms);
            self.now = kept.map(|(_, books)| books.clone()).unwrap_or_default();
            self.log.clear();
            self.log.push_back((at, self.now.clone()));
        }
    }

    pub(crate) fn totals(&self, at: i64, window: Option<Window>) -> Totals {
        let (books, sums) = &self.now;
        let book = books.get(&window);
        book.map_or_else(Totals::default, |book| {
            book.totals(sums, EPOCH + at + self.skew_ms)
        })
    }
}
