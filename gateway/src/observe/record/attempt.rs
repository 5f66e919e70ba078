//! One attempt, as far as it is known so far and in the end.

use std::sync::Arc;
use std::time::Duration;

use fairlead_record::Tokens;
use fairlead_snapshot::FailureClass;
use tokio::time::Instant;

use crate::failure::Skip;
use crate::govern::reservation::{Cost, Reservation, Used};

/// Attempts, in order. Not in place: futures that hold them are as large.
pub(crate) type Attempts = Vec<Attempt>;

/// One attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The target's name.
    pub target: Arc<str>,
    /// The provider's `namespace/name`; `None` where it is missing.
    pub provider: Option<Arc<str>>,
    /// `gen_ai.provider.name`; `None` where the provider is missing.
    pub system: Option<Arc<str>>,
    /// The upstream's name of the model.
    pub model: Arc<str>,
    /// The server that was asked, where the provider is a pool.
    pub server: Option<Arc<str>>,
    /// How it failed; `None`: it did not.
    pub class: Option<FailureClass>,
    /// Whether it was dropped because another one beside it was quicker.
    pub hedged: bool,
    /// Why nothing was sent, where nothing was; `class` is then the failure that it counts as.
    pub skip: Option<Skip>,
    /// Whether it failed for something that the gateway itself lacks.
    pub own: bool,
    /// How long it waited for a place at the provider, if it had to.
    pub queued: Option<Duration>,
    /// What could not be said to the provider.
    pub dropped: Option<Arc<str>>,
    /// What its answer was cut to, so that a budget is kept, in tokens.
    pub clamped: Option<u64>,
    /// Whether anything was sent.
    pub sent: bool,
    /// Whether it was sent and it is not known yet what becomes of it.
    pub under_way: bool,
    /// Whether it was begun beside another that was silent.
    pub hedge: bool,
    /// How many attempts at the same target went before it.
    pub resend: u32,
    /// Where it was sent; `None` where nothing was.
    pub address: Option<Arc<str>>,
    /// The name of the credential it was sent with.
    pub credential: Option<Arc<str>>,
    /// The status that the provider answered with.
    pub status: Option<u16>,
    /// Its span, where the request is traced.
    pub span: Option<[u8; 8]>,
    /// When it began, after it had stood in line.
    pub began: Instant,
    /// How long it took, until its answer could be given or it failed.
    pub took: Duration,
    /// When its first content came.
    pub content: Option<Instant>,
    /// When it was over; `None`: with the request.
    pub ended: Option<Instant>,
    /// What its provider told of what it used.
    pub tokens: Option<Tokens>,
    /// The id that the provider gave its answer.
    pub response_id: Option<Arc<str>>,
    /// The model that the provider says answered.
    pub response_model: Option<Arc<str>>,
    /// What it has cost, once that is known.
    pub cost: Option<Cost>,
    /// What is held for it until its answer has ended.
    pub reservation: Option<Box<Reservation>>,
}

impl Attempt {
    /// Notes that it is over, with what is owed for it.
    pub(crate) fn ends(&mut self, charge: impl FnOnce(&mut Reservation) -> Option<Cost>) {
        self.under_way = false;
        self.ended = Some(Instant::now());
        if let Some(mut reservation) = self.reservation.take() {
            self.cost = charge(&mut reservation);
        }
    }

    /// Notes that it was dropped, for another one was quicker.
    pub(crate) fn loses(&mut self) {
        self.hedged = true;
        self.took = self.began.elapsed();
        self.ends(|reservation| reservation.settle(&Used::default()));
    }

    /// The outcome as headers, logs and metrics show it.
    #[must_use]
    pub(crate) fn outcome(&self) -> &'static str {
        let good = if self.hedged { "hedged" } else { "ok" };
        let outcome = self.class.map_or(good, FailureClass::as_str);
        if self.own {
            return "gateway_overloaded";
        }
        self.skip.map_or(outcome, Skip::as_str)
    }
}
