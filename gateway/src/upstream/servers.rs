//! The servers of a provider that is a pool: each with its own connections, its own breaker and a count of what it has to do.
//!
//! An attempt visits one of them. What it fails for speaks against that server; against the provider it speaks only where no server is left that
//! has not failed last. A server that cannot be connected to is left alone at once, and so is one that answers with failures as often as breaks
//! the provider's breaker; but of those that can be connected to never more than half are left alone, for then it is not the servers. Whoever is
//! in both configurations is the same server after an edit.

pub(crate) mod ask;
pub(crate) mod reading;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fairlead_health::registry::Guarded;
use fairlead_health::{Admission, Asker, BreakerState, Outcome, Token};
use fairlead_route::{hash, pool};
use fairlead_snapshot::{EndpointAffinity, EndpointMetrics, Endpoints, FailureClass, Health};
use reading::Reading;
use smallvec::SmallVec;
use told::Told;

use super::endpoint::Endpoint;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::failure::class::Blame;

/// Servers that a request has visited, by the ids of their endpoints.
pub(crate) type Visited = SmallVec<[u64; 4]>;

/// The servers of a pool.
#[derive(Debug)]
pub(crate) struct Servers {
    /// What they have in common: it says how they are asked, and is never connected to.
    common: Arc<Endpoint>,
    all: Vec<Arc<Server>>,
    affinity: EndpointAffinity,
    /// Where they tell how much they have to do, if they are asked.
    metrics: Option<EndpointMetrics>,
}

/// A server of a pool.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it is.
    pub endpoint: Arc<Endpoint>,
    /// Its address and port.
    pub address: Arc<str>,
    /// How it does.
    pub health: Guarded,
    name: u64,
    in_flight: AtomicU32,
    /// What it has told.
    told: Arc<Told>,
}

/// An attempt at a server, from before it is sent until its answer has ended. Dropped before anything was said, it says nothing.
#[derive(Debug)]
pub(crate) struct Visit {
    server: Arc<Server>,
    /// `None`: it is asked although it is to be left alone, for there is nobody else, or with a copy, and nothing follows.
    token: Option<Token>,
    again: bool,
    asker: Asker,
    clock: Clock,
}

/// Who wants to visit a server, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor<'a> {
    /// What the request is placed by, if it has that.
    pub key: Option<u64>,
    /// Where it has been.
    pub visited: &'a [u64],
    /// Whether another has failed with the same request, and not for want of a connection.
    pub again: bool,
    /// Who asks.
    pub asker: Asker,
    /// The provider's policy.
    pub policy: &'a Health,
    /// The time by which is told what is remembered.
    pub clock: Clock,
}

impl Servers {
    /// The servers of a pool; those that `previous` has at the same address stay as they are.
    #[must_use]
    pub(crate) fn build(
        common: Arc<Endpoint>,
        endpoints: &Endpoints,
        previous: Option<&Self>,
    ) -> Self {
        let previous = previous.filter(|previous| Arc::ptr_eq(&previous.common, &common));
        let known: BTreeMap<&str, &Arc<Server>> = previous
            .iter()
            .flat_map(|previous| &previous.all)
            .map(|server| (&*server.address, server))
            .collect();
        let server = |address: &String| {
            if let Some(known) = known.get(address.as_str()) {
                return Some(Arc::clone(known));
            }
            Some(Arc::new(Server {
                endpoint: Arc::new(common.at(address, endpoints.own_hosts)?),
                address: address.as_str().into(),
                health: Guarded::default(),
                name: hash(address),
                in_flight: AtomicU32::new(0),
                told: Arc::default(),
            }))
        };
        Self {
            all: endpoints.addresses.iter().filter_map(server).collect(),
            affinity: endpoints.affinity,
            metrics: endpoints.metrics.clone(),
            common,
        }
    }

    /// What they have in common.
    #[must_use]
    pub(crate) fn common(&self) -> &Arc<Endpoint> {
        &self.common
    }

    /// All of them.
    #[must_use]
    pub(crate) fn all(&self) -> &[Arc<Server>] {
        &self.all
    }

    /// Where they tell how much they have to do; `None`: they are not asked.
    #[must_use]
    pub(crate) fn metrics(&self) -> Option<&EndpointMetrics> {
        self.metrics.as_ref()
    }

    /// Whether requests are placed by what their prompts begin with.
    #[must_use]
    pub(crate) fn places_by_prefix(&self) -> bool {
        self.affinity == EndpointAffinity::Prefix
    }

    /// Whether some server has not failed last, as far as is known: then the pool as a whole is up.
    #[must_use]
    pub(crate) fn stands(&self, now: Duration) -> bool {
        self.all.iter().any(|server| server.stands(now))
    }

    /// Whether half of them, or more, have not failed last.
    #[must_use]
    pub(crate) fn half_stand(&self, now: Duration) -> bool {
        let well = self.all.iter().filter(|server| server.stands(now));
        well.count() * 2 >= self.all.len()
    }

    /// Visits a server; `None`: there is none.
    #[must_use]
    pub(crate) fn visit(&self, visitor: &Visitor<'_>) -> Option<Visit> {
        let now = visitor.clock.uptime();
        let mut passed_over = Visited::new();
        // Each turn passes over one more.
        for _ in 0..self.all.len() {
            let (server, must) = self.choose(visitor, &passed_over, now)?;
            let breaker = &server.health.breaker;
            let token = match breaker.admit(now, visitor.policy, visitor.asker) {
                Admission::Allowed(token) | Admission::Probe(token) => Some(token),
                Admission::Spared(token) if must => Some(token),
                Admission::Refused { .. } if must => None,
                Admission::Spared(_) | Admission::Refused { .. } => {
                    passed_over.push(server.endpoint.id);
                    continue;
                }
            };
            return Some(Visit::begin(server, token, visitor));
        }
        let (server, _) = self.choose(visitor, &passed_over, now)?;
        Some(Visit::begin(server, None, visitor))
    }

    /// Visits a server whose breaker is closed, for the copy of a request: it takes neither a probe nor a turn of one that is growing back, and says
    /// nothing of any; `None`: there is none.
    #[must_use]
    pub(crate) fn visit_for_copy(&self, visitor: &Visitor<'_>) -> Option<Visit> {
        let now = visitor.clock.uptime();
        let well = |server: &Server| server.health.breaker.state(now) == BreakerState::Closed;
        let server = self.draw(visitor, now, &well)?;
        Some(Visit::begin(server, None, visitor))
    }

    /// One of those that `may` be visited.
    fn draw(
        &self,
        visitor: &Visitor<'_>,
        now: Duration,
        may: &dyn Fn(&Server) -> bool,
    ) -> Option<&Arc<Server>> {
        let servers = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, server)| may(server));
        let servers = servers.map(|(at, server)| server.seen(at, now));
        let die = fastrand::u64(..);
        self.all.get(pool::choose(servers, visitor.key, die)?)
    }

    /// The server to visit, and whether it is to be visited whatever its breaker says.
    fn choose(
        &self,
        visitor: &Visitor<'_>,
        passed_over: &[u64],
        now: Duration,
    ) -> Option<(&Arc<Server>, bool)> {
        let new = |server: &Server| !visitor.visited.contains(&server.endpoint.id);
        let ready = |server: &Server| {
            let breaker = &server.health.breaker;
            new(server) && breaker.ready(now, visitor.policy, visitor.asker).is_ok()
        };
        let reached = |server: &Server| new(server) && !server.is_out_of_reach(now);
        let count = |is: &dyn Fn(&Server) -> bool| self.all.iter().filter(|one| is(one)).count();
        let draw = |is: &dyn Fn(&Server) -> bool| self.draw(visitor, now, is);
        if count(&ready) * 2 >= count(&reached) {
            let left =
                |server: &Server| ready(server) && !passed_over.contains(&server.endpoint.id);
            if let Some(server) = draw(&left) {
                return Some((server, false));
            }
            if let Some(server) = draw(&ready) {
                return Some((server, true));
            }
        }
        // Where too many are to be left alone, it is not the servers.
        let server = draw(&reached)
            .or_else(|| draw(&new))
            .or_else(|| draw(&|_| true))?;
        Some((server, true))
    }
}

impl Server {
    /// How many requests it has to answer.
    #[must_use]
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it has not failed last, as far as is known.
    fn stands(&self, now: Duration) -> bool {
        let breaker = &self.health.breaker;
        !is_down(breaker.state(now)) && breaker.consecutive_failures() == 0
    }

    /// What it has told of itself, unless that is stale.
    #[must_use]
    pub(crate) fn reading(&self, now: Duration) -> Option<Reading> {
        self.told.reading(now)
    }

    /// As a choice looks at it.
    fn seen(&self, at: usize, now: Duration) -> pool::Server {
        let counts = self.told.counts(now);
        pool::Server {
            at,
            name: self.name,
            load: self.in_flight(),
            others: counts.others,
            full: counts.full,
        }
    }

    /// Whether it is left alone because it could not be connected to.
    #[must_use]
    pub(crate) fn is_out_of_reach(&self, now: Duration) -> bool {
        let last = self.health.last_failure().map(|(class, _)| class);
        last == Some(FailureClass::Connect) && is_down(self.health.breaker.state(now))
    }
}

fn is_down(state: BreakerState) -> bool {
    matches!(state, BreakerState::Open | BreakerState::Probing)
}

impl Visit {
    fn begin(server: &Arc<Server>, token: Option<Token>, visitor: &Visitor<'_>) -> Self {
        server.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            server: Arc::clone(server),
            token,
            again: visitor.again,
            asker: visitor.asker,
            clock: visitor.clock,
        }
    }

    /// The server.
    #[must_use]
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Whether it finds out if the server is back.
    #[must_use]
    pub(crate) fn probes(&self) -> bool {
        self.token.is_some_and(Token::probes)
    }

    /// An answer has begun.
    pub(crate) fn answered(&self, policy: &Health) {
        self.tell(Outcome::Alive, policy);
    }

    /// The answer is whole.
    pub(crate) fn succeeded(&self, policy: &Health) {
        self.tell(Outcome::Success, policy);
    }

    /// It has failed.
    pub(crate) fn failed(&self, failure: &Failure, policy: &Health) {
        match failure.blames() {
            // With a second one it is as likely what is asked for, or of which model, that is at fault.
            Blame::Model if self.again => {}
            Blame::Provider | Blame::Model => {
                self.server.health.blame(failure.class, failure.status);
                let mut policy = *policy;
                if failure.class == FailureClass::Connect {
                    // There is nothing to be judged: nobody listens there.
                    policy.consecutive_failures = 1;
                }
                self.tell(Outcome::Failure, &policy);
            }
            Blame::Request => self.tell(Outcome::Alive, policy),
            Blame::Nobody => {}
        }
    }

    fn tell(&self, outcome: Outcome, policy: &Health) {
        if let Some(token) = self.token {
            let breaker = &self.server.health.breaker;
            breaker.tell(token, outcome, self.clock.uptime(), policy);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.server.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(token) = self.token.filter(|token| token.probes()) {
            let breaker = &self.server.health.breaker;
            breaker.abandon(token, self.clock.uptime(), self.asker);
        }
    }
}
