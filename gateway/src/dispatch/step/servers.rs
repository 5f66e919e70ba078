//! Where the provider of a step is a pool: which of its servers an attempt goes to, and whether another is asked after a failure.
//!
//! Another server is not the same target asked again: it is asked at once, and that takes the place of retries. One that cannot be connected to
//! has done nothing, so that many may be passed over. What broke off is asked of few others: it may be the request that breaks them. Once that is
//! free, while half of the servers are well: of a server that dies nobody's request fails. Whatever else is followed by another server is so within the
//! retry budget, so that a pool that has too much to do as a whole, or breaks as a whole, is not asked several times as much.

use std::time::Duration;

use fairlead_snapshot::FailureClass;
use tokio::time::Instant;

use super::StepRun;
use crate::failure::{Failure, Own, Skip};
use crate::upstream::servers::Visit;

/// So many servers are visited at most before one can be connected to.
const MOST: usize = 8;
/// So many at most may have begun with a request.
const BEGUN: usize = 3;
/// A connection within a cluster takes milliseconds: where another server can be asked, one that takes longer is not waited for.
const SOON: Duration = Duration::from_secs(1);

impl StepRun<'_> {
    /// A server for the next attempt; `None`: the provider is no pool.
    ///
    /// # Errors
    /// It has none, or none for a copy.
    pub(super) fn visit(&mut self) -> Result<Option<Visit>, Failure> {
        let Some(servers) = self.upstream.servers() else {
            return Ok(None);
        };
        let key = self.step.conversation.or(self.job.prefix);
        let (again, asker) = (self.begun > 0, self.job.asker);
        if self.job.copy {
            let visit = self.upstream.visit_for_copy(key, asker);
            let none = || Failure::skipped(Skip::Unhealthy, FailureClass::ServerError);
            return visit.ok_or_else(none).map(Some);
        }
        let visit = self.upstream.visit(key, &self.visited, again, asker);
        let visit = visit.ok_or_else(Failure::without_servers)?;
        let server = visit.server();
        if self.visited.len() >= servers.all().len() {
            // All have been visited, and it begins anew.
            self.visited.clear();
        }
        self.visited.push(server.endpoint.id);
        Ok(Some(visit))
    }

    /// How long a new connection may take.
    pub(super) fn connect_within(&self) -> Duration {
        let most = self.timeouts.connect;
        if self.has_others() && self.visited.len() < MOST {
            most.min(SOON)
        } else {
            most
        }
    }

    /// Whether another server is asked after a failure; `None`: what follows is as for any provider.
    pub(super) fn moves(&mut self, failure: &Failure) -> Option<bool> {
        let servers = self.upstream.servers()?;
        // A name that cannot be looked up is our own trouble, and that of one server all the same: others have other names.
        let unfound =
            failure.own == Some(Own::Connection) && failure.class == FailureClass::Connect;
        let own = failure.own.is_some() && !unfound;
        if servers.all().len() < 2 || own || failure.skip.is_some() {
            return None;
        }
        let in_time = Instant::now() < self.job.deadline && self.has_others();
        self.begun += usize::from(failure.class != FailureClass::Connect);
        match failure.class {
            FailureClass::Connect => Some(in_time && self.visited.len() < MOST),
            FailureClass::Reset
            | FailureClass::ServerError
            | FailureClass::Overloaded
            | FailureClass::ProtocolError => {
                if !in_time || self.begun >= BEGUN {
                    return Some(false);
                }
                let now = self.upstream.now();
                let first = failure.class == FailureClass::Reset && self.begun == 1;
                if first && servers.half_stand(now) {
                    return Some(true);
                }
                self.retry = self.upstream.health.retries.withdraw(now);
                Some(self.retry.is_some())
            }
            FailureClass::FirstTokenTimeout
            | FailureClass::IdleTimeout
            | FailureClass::TotalTimeout
            | FailureClass::RateLimited
            | FailureClass::BadCredential
            | FailureClass::ContextTooLong
            | FailureClass::ContentFiltered
            | FailureClass::BadRequest
            | FailureClass::ClientGone
            | FailureClass::Unavailable => None,
        }
    }

    /// Whether there is a server that was not visited.
    fn has_others(&self) -> bool {
        let servers = self.upstream.servers();
        servers.is_some_and(|servers| {
            let all = servers.all().iter();
            all.filter(|server| !self.visited.contains(&server.endpoint.id))
                .count()
                > 0
        })
    }
}
