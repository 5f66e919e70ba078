//! Who judges candidates by how they do: the targets of a rule under the strategy Adaptive, the credentials of a provider that has it.
//!
//! What is believed is kept per rule, and per provider and model where it is about credentials: it is shared by all cores and lives on over every
//! edit, as long as a candidate is what it was. What one rule sees of its targets says nothing to another rule: that of another tenant may be less
//! patient, or ask for more. What is told of accounts is the same for all who ask.

mod credentials;
mod flights;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fairlead_health::adaptive::{
    Adaptive, Ask, Candidate, Probe, Recorder, Settings, Standing, Weights,
};
use fairlead_health::{Accounts, Origin};
use fairlead_route::{Chosen, ChosenBy, Judge, Plan};
use fairlead_snapshot::{ObjectName, Provider, Rule, Snapshot, Strategy, Target};

use crate::clock::Clock;
use crate::upstream::Upstream;
pub(crate) use credentials::CredentialJudges;
pub(crate) use flights::{Flights, Terms, Tokens};

/// Those of the rules, by their names.
#[derive(Debug, Default)]
pub(crate) struct Judges(HashMap<ObjectName, Unnoted>);

/// Candidates, and what is believed of them.
#[derive(Debug)]
pub(crate) struct Judged {
    adaptive: Adaptive,
    /// The candidates as people know them, in their order.
    labels: Vec<Arc<str>>,
    /// The providers of targets, `namespace/name`, in the same order.
    providers: Vec<Arc<str>>,
    clock: Clock,
}

impl Judges {
    /// Of the rules of a snapshot; what was believed before of candidates that are still the same is kept.
    #[must_use]
    pub(crate) fn build(
        snapshot: &Snapshot,
        upstreams: &[Arc<Upstream>],
        clock: Clock,
        previous: Option<&Self>,
    ) -> Self {
        let by_name: HashMap<&str, &Arc<Upstream>> = upstreams
            .iter()
            .map(|upstream| (&*upstream.label, upstream))
            .collect();
        let rules = snapshot.rules.iter();
        let rules = rules.filter(|rule| rule.strategy == Strategy::Adaptive);
        let judged = |rule: &Rule| {
            let before = previous.and_then(|previous| previous.get(&rule.name));
            let candidates = rule.targets.iter().map(|target| {
                let upstream = by_name.get(&*target.provider.to_string()).copied();
                candidate(rule, target, upstream, before, clock)
            });
            let labels = rule
                .targets
                .iter()
                .map(|target| target.name.as_str().into());
            let settings = settings(&rule.adaptive);
            let providers = rule.targets.iter();
            let providers = providers.map(|target| target.provider.to_string().into());
            let judged = Judged {
                providers: providers.collect(),
                ..Judged::new(
                    settings,
                    candidates.collect(),
                    labels.collect(),
                    clock,
                    before,
                )
            };
            (rule.name.clone(), Unnoted(Arc::new(judged)))
        };
        Self(rules.map(judged).collect())
    }

    /// The one of a rule, if it has one.
    #[must_use]
    pub(crate) fn get(&self, rule: &ObjectName) -> Option<&Judged> {
        self.0.get(rule).map(|Unnoted(judged)| &**judged)
    }

    /// The same, for a request of which nothing is noted.
    #[must_use]
    pub(crate) fn unnoted(&self, rule: &ObjectName) -> Option<&Unnoted> {
        self.0.get(rule)
    }

    /// Of a plan whose first target was chosen to find out about it: what was lent to the request for that.
    #[must_use]
    pub(crate) fn probe(&self, plan: &Plan) -> Option<Probe> {
        if plan.chosen_by != ChosenBy::Exploration {
            return None;
        }
        let judged = self.get(&plan.rule.as_ref()?.name)?;
        judged.recorder(&plan.steps.first()?.target)?.lent_probe()
    }

    /// How each provider stands that is a target of theirs: where it does worst.
    #[must_use]
    pub(crate) fn by_provider(&self) -> BTreeMap<Arc<str>, Standing> {
        let mut worst = BTreeMap::<Arc<str>, Standing>::new();
        for Unnoted(judged) in self.0.values() {
            for (provider, (_, standing)) in judged.providers.iter().zip(judged.standings()) {
                let known = worst.entry(Arc::clone(provider)).or_insert(standing);
                if standing.score < known.score {
                    *known = standing;
                }
            }
        }
        worst
    }

    /// All of them, in the order of the rules' names.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(&ObjectName, &Judged)> {
        let all = self.0.iter();
        let all = all.map(|(rule, Unnoted(judged))| (rule, &**judged));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(rule, _)| *rule);
        all
    }
}

impl Judged {
    /// Of candidates, as people know them; `before`: what was believed before.
    fn new(
        settings: Settings,
        candidates: Vec<Candidate>,
        labels: Vec<Arc<str>>,
        clock: Clock,
        before: Option<&Self>,
    ) -> Self {
        let now = clock.uptime();
        let adaptive = match before {
            Some(before) => before.adaptive.succeed(settings, candidates, now),
            None => Adaptive::new(settings, candidates, now),
        };
        Self {
            adaptive,
            labels,
            providers: Vec::new(),
            clock,
        }
    }

    /// Where the requests of a candidate are noted, by the name that people know it by.
    #[must_use]
    pub(crate) fn recorder(&self, label: &str) -> Option<&Arc<Recorder>> {
        let at = self.position(label)?;
        let candidate = self.adaptive.candidates().nth(at)?;
        Some(&candidate.recorder)
    }

    /// Where the requests of a candidate are noted, and its accounts, by its position.
    #[must_use]
    pub(crate) fn candidate(&self, at: usize) -> Option<(Arc<Recorder>, Option<Arc<Accounts>>)> {
        let candidate = self.adaptive.candidates().nth(at)?;
        Some((Arc::clone(&candidate.recorder), candidate.accounts.clone()))
    }

    /// How a candidate stands, as of the last look.
    #[must_use]
    pub(crate) fn standing(&self, label: &str) -> Option<Standing> {
        self.adaptive.standing(self.position(label)?)
    }

    /// How many requests are at each of them, in their order.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = u32> {
        let candidates = self.adaptive.candidates();
        candidates.map(|candidate| candidate.recorder.in_flight())
    }

    /// How all of them stand now, in their order.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (&Arc<str>, Standing)> {
        // Where no request has come, nobody has looked.
        self.adaptive.tick(self.clock.uptime());
        self.labels.iter().zip(self.adaptive.standings())
    }

    fn pick(&self, permitted: &[u32], point: u64, stream: bool, probes: bool) -> Option<Chosen> {
        let now = self.clock.uptime();
        self.adaptive.tick(now);
        let ask = Ask {
            now,
            stream,
            probes,
            first: point,
            second: fastrand::u64(..),
        };
        let permitted = |at: usize| permitted.get(at).copied().unwrap_or(0);
        let pick = self.adaptive.pick(permitted, &ask)?;
        Some(Chosen {
            position: pick.position,
            explores: pick.explores,
        })
    }

    fn position(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|known| **known == *label)
    }

    /// The candidate of this name, as it was known to whoever judged before.
    fn known(&self, name: &str) -> Option<&Candidate> {
        let mut candidates = self.adaptive.candidates();
        candidates.find(|candidate| *candidate.name == *name)
    }
}

impl Judge for Judged {
    fn choose(&self, permitted: &[u32], point: u64, stream: bool) -> Option<Chosen> {
        self.pick(permitted, point, stream, true)
    }

    fn part(&self, position: usize) -> u32 {
        self.adaptive.share(position)
    }
}

/// Chooses for a request of which nothing is noted: by what is known, and it finds nothing out.
#[derive(Debug)]
pub(crate) struct Unnoted(pub Arc<Judged>);

impl Judge for Unnoted {
    fn choose(&self, permitted: &[u32], point: u64, stream: bool) -> Option<Chosen> {
        self.0.pick(permitted, point, stream, false)
    }

    fn part(&self, position: usize) -> u32 {
        self.0.part(position)
    }
}

/// A target of a rule, as it is judged.
fn candidate(
    rule: &Rule,
    target: &Target,
    upstream: Option<&Arc<Upstream>>,
    before: Option<&Judged>,
    clock: Clock,
) -> Candidate {
    let model = model(rule, target);
    let place = upstream.map_or_else(String::new, |upstream| upstream.place());
    let name = format!("{} {place} {}", target.name, model.unwrap_or_default());
    let known = before.and_then(|before| before.known(&name));
    let accounts = model.zip(upstream);
    Candidate {
        weight: target.weight,
        places: upstream.map_or(0, |upstream| {
            let limit = upstream.provider.concurrency;
            limit.map_or(0, |limit| limit.max_in_flight)
        }),
        recorder: known
            .map(|known| Arc::clone(&known.recorder))
            .unwrap_or_default(),
        accounts: accounts.and_then(|(model, upstream)| accounts_of(upstream, model, clock)),
        provider: upstream.map(|upstream| Arc::clone(&upstream.health)),
        name: name.into(),
    }
}

/// The one model that a target is asked for, by the name that its provider offers; `None`: whatever the caller says.
fn model<'a>(rule: &'a Rule, target: &'a Target) -> Option<&'a str> {
    let only = match rule.models.as_slice() {
        [only] => only.exact(),
        _ => None,
    };
    target.model.as_deref().or(only)
}

/// The accounts that a model of a provider is asked with, by the name that it offers.
fn accounts_of(upstream: &Upstream, model: &str, clock: Clock) -> Option<Arc<Accounts>> {
    let name = upstream_name(&upstream.provider, model)?;
    let (origin, now) = (Origin::Configuration, clock.uptime());
    let model = upstream.health.model(&name.into(), origin, now)?;
    Some(Arc::clone(&model.accounts))
}

/// The upstream's name of a model; `None`: it is not offered.
fn upstream_name<'a>(provider: &'a Provider, model: &'a str) -> Option<&'a str> {
    let Some(offered) = &provider.models else {
        return Some(model);
    };
    let offered = offered.iter().find(|offered| offered.name == model)?;
    Some(&offered.upstream_name)
}

/// What the configuration says, as it is judged by: shares change only with a look, so that a ramp is a number of them.
fn settings(said: &fairlead_snapshot::Adaptive) -> Settings {
    let weights = said.weights;
    Settings {
        interval: said.interval,
        explore: said.explore_percent.saturating_mul(10),
        ramp: looks(said.ramp_up, said.interval),
        weights: Weights {
            errors: weights.errors,
            first_token: weights.first_token,
            per_token: weights.per_token,
            utilization: weights.utilization,
        },
    }
}

/// How many looks a time takes.
fn looks(time: Duration, interval: Duration) -> u32 {
    let looks = time.as_millis().div_ceil(interval.as_millis().max(1));
    u32::try_from(looks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sixteen() -> Judged {
        let candidate = |number: u32| Candidate {
            name: number.to_string().into(),
            weight: 1 + number,
            places: 0,
            recorder: Arc::default(),
            accounts: Some(Arc::default()),
            provider: None,
        };
        let labels = (0..16).map(|number| number.to_string().into());
        Judged::new(
            Settings::default(),
            (0..16).map(candidate).collect(),
            labels.collect(),
            Clock::start(),
            None,
        )
    }

    #[test]
    fn what_is_configured_is_what_is_judged_by() {
        let usual = fairlead_snapshot::Adaptive::default();
        assert_eq!(settings(&usual), Settings::default());
        let seconds = Duration::from_secs;
        for (ramp, interval, count) in [(0, 5, 0), (1, 5, 1), (10, 5, 2), (11, 5, 3), (60, 1, 60)] {
            assert_eq!(looks(seconds(ramp), seconds(interval)), count, "{ramp}");
        }
    }

    /// Half a microsecond is aimed at; a slow machine may take five times that, and a build without optimizations forty times more.
    #[tokio::test]
    #[expect(
        clippy::disallowed_types,
        reason = "what is measured is the machine's time"
    )]
    async fn choosing_among_sixteen_takes_half_a_microsecond() {
        const PLAIN: bool = cfg!(debug_assertions);
        const TURNS: u32 = if PLAIN { 20_000 } else { 1_000_000 };
        const MOST: u128 = if PLAIN { 100_000 } else { 2_500 };
        let (judged, permitted) = (sixteen(), [1_000; 16]);
        let began = std::time::Instant::now();
        for turn in 0..TURNS {
            let point = u64::from(turn).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let chosen = judged.choose(std::hint::black_box(&permitted), point, true);
            assert!(std::hint::black_box(chosen).is_some());
        }
        let each = began.elapsed() / TURNS;
        println!("{each:?}");
        assert!(each.as_nanos() < MOST, "{each:?}");
    }

    #[tokio::test]
    async fn who_must_not_be_asked_is_not_chosen() {
        let judged = sixteen();
        let mut permitted = [0; 16];
        permitted[3] = 1_000;
        for point in [0, 1 << 63, u64::MAX] {
            let chosen = judged.choose(&permitted, point, false);
            assert_eq!(chosen.map(|chosen| chosen.position), Some(3));
        }
        assert_eq!(judged.choose(&[], 0, false), None);
    }
}
