//! How targets stand for a request, as planning asks.

use fairlead_health::Asker;
use fairlead_health::tempo::USUAL_ANSWER;
use fairlead_route::{Candidate, Judge, Standing, Vitals};
use fairlead_snapshot::ObjectName;

use crate::runtime::Runtime;

/// How targets stand now, for one request.
#[derive(Debug)]
pub(crate) struct Now<'a> {
    /// The configuration.
    pub runtime: &'a Runtime,
    /// Who asks.
    pub asker: Asker,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether what becomes of it is noted.
    pub noted: bool,
    /// The most tokens that an answer may have, if the request says.
    pub ceiling: Option<u64>,
}

impl Standing for Now<'_> {
    fn share(&self, target: Candidate<'_>) -> u32 {
        let upstream = self.runtime.upstreams.get(target.provider.0);
        upstream.map_or(0, |upstream| {
            upstream.standing(&self.runtime.table, target, self.asker)
        })
    }

    fn judge(&self, rule: &ObjectName) -> Option<&dyn Judge> {
        if !self.noted {
            return Some(self.runtime.judges.unnoted(rule)?);
        }
        Some(self.runtime.judges.get(rule)?)
    }

    fn vitals(&self, target: Candidate<'_>) -> Vitals {
        let tokens = self
            .ceiling
            .and_then(|most| u32::try_from(most).ok())
            .map_or(USUAL_ANSWER, |most| most.min(USUAL_ANSWER));
        let upstream = self.runtime.upstreams.get(target.provider.0);
        upstream.map_or(
            Vitals {
                share: 0,
                ..Vitals::UNKNOWN
            },
            |upstream| {
                let table = &self.runtime.table;
                upstream.vitals(table, target, self.asker, self.stream, tokens)
            },
        )
    }
}
