//! Formats: what a reader must know to enforce a snapshot, and what becomes of an entry whose readers do not know enough.
//!
//! Readers refuse members and variants that they do not know, so that no restriction is passed over. The number of a format says what a reader
//! must know to read all of a text. A writer uses the lowest that says everything: what is at its default is not written, so the format
//! rises only with the use of something new, and a version that is rolled back still reads what is there. Where some readers do not know enough,
//! an entry is written for them without what they do not know: as it is but for a tuning, closed if it would otherwise permit more.
//!
//! A new member or variant:
//!
//! 1. `#[serde(default, skip_serializing_if = ..)]`: at its default it is not written, and an older text reads as if it were at its default.
//! 2. If [`FORMAT`] has been released, it rises by one, and so does [`OLDEST`].
//! 3. The entry's `needs` says when it is not at its default: [`Needs::tuning`], and `reduced` puts it back; or, if readers without it would
//!    permit more, a `safe` of that format too, and nobody may use the entry while there are such readers.
//! 4. `tests/old/main.rs` writes every member that there is for the readers of the format before.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Adaptive, Changes, Credential, CredentialStrategy, Deny, Headers, Key, Labels, Limits, Model,
    ModelFacts, ObjectName, OnUnsupported, Owner, Parameters, Problem, Provider, Refusal, Rule,
    Snapshot, Strategy, Target, Tracing,
};

/// The newest format that this crate reads and writes. A reader refuses a newer one and keeps its last good snapshot.
pub const FORMAT: u32 = 2;
/// The oldest format that this crate reads and writes.
pub const OLDEST: u32 = 1;
/// Every format that this crate reads and writes.
pub const FORMATS: [u32; 2] = [OLDEST, FORMAT];

/// What an entry asks of its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Needs {
    /// The lowest format in which all of it can be said.
    whole: u32,
    /// The lowest format in which nothing is lost that restricts anybody.
    safe: u32,
}

impl Needs {
    /// Every reader knows all of it.
    const NOTHING: Self = Self {
        whole: OLDEST,
        safe: OLDEST,
    };

    /// Something that restricts nobody, known since this format.
    fn tuning(format: u32) -> Self {
        Self {
            whole: format,
            ..Self::NOTHING
        }
    }

    /// Something without which readers would permit more, or take it for something else, known since this format.
    fn restriction(format: u32) -> Self {
        Self {
            whole: format,
            safe: format,
        }
    }

    /// It needs this only if so.
    fn only_if(self, so: bool) -> Self {
        if so { self } else { Self::NOTHING }
    }

    /// It needs what these need together.
    fn and(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            safe: self.safe.max(other.safe),
        }
    }
}

/// An entry of a snapshot, as readers of an older format get it.
trait Entry: Clone {
    /// What it asks of its readers: nothing, until it has a member that an older reader does not know.
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    /// The same with all that is not known at `format` and restricts nobody at its default.
    fn reduced(&self, _format: u32) -> Self {
        self.clone()
    }

    /// The same, permitting nothing, for readers who do not know what it restricts; `None`: it is left out.
    fn closed(&self) -> Option<Self>;

    fn readable_in(&self, format: u32) -> Option<Self> {
        let needs = self.needs();
        if needs.safe > format {
            return self.reduced(format).closed();
        }
        Some(if needs.whole > format {
            self.reduced(format)
        } else {
            self.clone()
        })
    }
}

impl Entry for Provider {
    fn needs(&self) -> Needs {
        let protocol = Needs {
            whole: self.protocol.format(),
            safe: self.protocol.safe_format(),
        };
        let amends = !(self.parameters.is_empty() && self.headers.is_empty());
        let identified = |credential: &Credential| credential.identity.is_some();
        let told = |model: &Model| model.price.is_some() || !model.facts.is_empty();
        Needs::tuning(self.timeouts.format())
            .and(protocol)
            .and(Needs::restriction(2).only_if(amends))
            // Who knows no pools would send everything to the host of the base URL, which need not be one of them.
            .and(Needs::restriction(2).only_if(self.endpoints.is_some()))
            .and(Needs::tuning(2).only_if(!self.passthrough.is_empty() || !self.labels.is_empty()))
            // Who knows nothing of it passes on what the caller has sent.
            .and(Needs::tuning(2).only_if(self.tracing != Tracing::default()))
            .and(Needs::tuning(2).only_if(self.credentials.iter().any(identified)))
            // Who knows no other strategy spreads by weight.
            .and(Needs::tuning(2).only_if(!self.credential_strategy.is_default()))
            .and(Needs::restriction(2).only_if(!self.limits.is_empty()))
            .and(
                Needs::tuning(2)
                    .only_if(self.price.is_some() || self.models.iter().flatten().any(told)),
            )
    }

    fn reduced(&self, _: u32) -> Self {
        let mut reduced = Self {
            timeouts: self.timeouts.in_format_1(),
            protocol: self.protocol.in_format_1(),
            endpoints: None,
            credential_strategy: CredentialStrategy::default(),
            parameters: Parameters::default(),
            headers: Headers::default(),
            passthrough: Vec::new(),
            tracing: Tracing::default(),
            price: None,
            limits: Limits::default(),
            labels: Labels::default(),
            ..self.clone()
        };
        for credential in &mut reduced.credentials {
            credential.identity = None;
        }
        for model in reduced.models.iter_mut().flatten() {
            (model.price, model.facts) = (None, ModelFacts::default());
        }
        reduced
    }

    /// Nothing is sent to a provider that is not there.
    fn closed(&self) -> Option<Self> {
        None
    }
}

impl Entry for Rule {
    /// Who translates nothing has nothing to leave out. Who knows no strategy that follows measurements spreads by weight.
    fn needs(&self) -> Needs {
        let judges = !(self.strategy.is_fixed() && self.adaptive.is_default());
        let tunes = self.on_unsupported == OnUnsupported::Drop
            || judges
            || self.sticky.is_some()
            || !self.mirrors.is_empty()
            || self.continues
            || !self.said_defaults.is_empty()
            || self.logging.is_some();
        let fallbacks = self.fallbacks.iter().map(|fallback| &fallback.target);
        let amends = self.targets.iter().chain(fallbacks).any(Target::amends);
        Needs::tuning(2).only_if(tunes).and(
            Needs::restriction(2).only_if(
                amends || self.constrain.is_some() || self.max_cost.is_some() || self.holds(),
            ),
        )
    }

    fn reduced(&self, _: u32) -> Self {
        let mut reduced = Self {
            on_unsupported: OnUnsupported::default(),
            adaptive: Adaptive::default(),
            constrain: None,
            max_cost: None,
            sticky: None,
            mirrors: Vec::new(),
            continues: false,
            changes: Changes::default(),
            said_defaults: Vec::new(),
            logging: None,
            ..self.clone()
        };
        if !reduced.strategy.is_fixed() {
            reduced.strategy = Strategy::Weighted;
        }
        let fallbacks = reduced
            .fallbacks
            .iter_mut()
            .map(|fallback| &mut fallback.target);
        for target in reduced.targets.iter_mut().chain(fallbacks) {
            target.parameters = Parameters::default();
            target.headers = Headers::default();
        }
        reduced
    }

    /// It still takes its requests, so that no later rule does, and has nowhere to send them. Nothing that is linked anew gives it a target. Of a
    /// rule that constrains see [`Snapshot::rules_in`].
    fn closed(&self) -> Option<Self> {
        Some(Self {
            targets: Vec::new(),
            fallbacks: Vec::new(),
            mirrors: Vec::new(),
            ..self.clone()
        })
    }
}

impl Entry for Key {
    fn needs(&self) -> Needs {
        let restricted = self.allow.selector.is_some() || !self.allow.deny.is_empty();
        let limits = restricted || !self.limits.is_empty();
        let refused = self.refused == Some(Refusal::NoOrganization);
        // Who knows no networks would take callers from anywhere, and who knows no tokens would see a key without a value. Who does not know that
        // there was another value refuses it: that permits less.
        let callers = self.oidc.is_some() || !self.networks.is_empty();
        Needs::restriction(2)
            .only_if(limits || callers)
            .and(Needs::tuning(2).only_if(refused || self.previous.is_some()))
    }

    fn reduced(&self, _: u32) -> Self {
        let mut reduced = Self {
            previous: None,
            limits: Limits::default(),
            oidc: None,
            networks: Vec::new(),
            refused: if self.refused == Some(Refusal::NoOrganization) {
                Some(Refusal::NoTeam)
            } else {
                self.refused
            },
            ..self.clone()
        };
        (reduced.allow.deny, reduced.allow.selector) = (Deny::default(), None);
        reduced
    }

    /// Without its digest, so that nothing that is linked anew opens it.
    fn closed(&self) -> Option<Self> {
        Some(Self {
            digest: None,
            refused: Some(Refusal::NoValue),
            ..self.clone()
        })
    }
}

/// Readers of an older format know no owners. What an owner restricts, it restricts for its keys, which are closed to them.
const OWNERS: u32 = 2;

impl Owner {
    fn needs(&self) -> Needs {
        Needs::restriction(OWNERS)
            .only_if(self.restricts())
            .and(Needs::tuning(OWNERS))
    }
}

impl Snapshot {
    /// The snapshot of these entries, in the lowest format that says all of them.
    #[must_use]
    pub fn new(
        gateway_namespace: &str,
        providers: BTreeMap<ObjectName, Provider>,
        rules: Vec<Rule>,
        keys: BTreeMap<ObjectName, Key>,
    ) -> Self {
        let needs = providers
            .values()
            .map(Entry::needs)
            .chain(rules.iter().map(Entry::needs))
            .chain(keys.values().map(Entry::needs))
            .fold(Needs::NOTHING, Needs::and);
        Self {
            format: needs.whole,
            gateway_namespace: gateway_namespace.to_owned(),
            providers,
            rules,
            keys,
            teams: BTreeMap::new(),
            organizations: BTreeMap::new(),
        }
    }

    /// The same with what owners limit.
    #[must_use]
    pub fn with_owners(
        mut self,
        teams: BTreeMap<ObjectName, Owner>,
        organizations: BTreeMap<ObjectName, Owner>,
    ) -> Self {
        let owners = teams.values().chain(organizations.values());
        let needs = owners.map(Owner::needs).fold(Needs::NOTHING, Needs::and);
        self.format = self.format.max(needs.whole);
        (self.teams, self.organizations) = (teams, organizations);
        self
    }

    /// What the owners of a key ask of its readers.
    fn owners_need(&self, name: &ObjectName, key: &Key) -> Needs {
        let team = key.team.iter().filter_map(|team| {
            let team = ObjectName::new(&name.namespace, team);
            self.teams.get(&team)
        });
        let organization = key.organization.iter().filter_map(|organization| {
            let organization = ObjectName::new(&self.gateway_namespace, organization);
            self.organizations.get(&organization)
        });
        team.chain(organization)
            .map(Owner::needs)
            .fold(Needs::NOTHING, Needs::and)
    }

    /// The keys for readers of formats up to `format`, and how many are closed to them.
    fn keys_in(&self, format: u32) -> (BTreeMap<ObjectName, Key>, usize) {
        let mut closed = 0;
        let readable = self.keys.iter().filter_map(|(name, key)| {
            let (own, owners) = (key.needs().safe, self.owners_need(name, key).safe);
            closed += usize::from(own.max(owners) > format);
            let mut key = if own.max(owners) > format {
                key.reduced(format).closed()?
            } else {
                key.readable_in(format)?
            };
            if owners > format {
                // What its team says is not there, and must not be taken for nothing by who reads this as what was accepted last.
                key.refused = Some(Refusal::NoTeam);
            }
            Some((name.clone(), key))
        });
        let readable = readable.collect();
        (readable, closed)
    }

    /// The rules for readers of formats up to `format`, and how many are closed to them. Who knows no constraints takes the first rule that
    /// matches for all that is said, and matches names as they are sent: so one takes every name, and whatever goes before it and may be for the same keys is
    /// closed with it. Nobody is served what was to be forbidden; some are refused what would not have been.
    fn rules_in(&self, format: u32) -> (Vec<Rule>, usize) {
        let unknown = |rule: &Rule| rule.constrain.is_some() && rule.needs().safe > format;
        let constraints: Vec<&Rule> = self.rules.iter().filter(|rule| unknown(rule)).collect();
        let mut closed = 0;
        let readable = |rule: &Rule| {
            let meets = |constraint: &&Rule| constraint.scope.may_meet(&rule.scope);
            let held = rule.overrides && constraints.iter().any(meets);
            closed += usize::from(held || rule.needs().safe > format);
            if !held && rule.continues && rule.needs().safe <= format {
                // Who takes it for a rule that chooses would send its requests nowhere, and it holds them to nothing.
                return None;
            }
            if !held {
                return rule.readable_in(format);
            }
            let mut shut = rule.reduced(format).closed()?;
            if unknown(rule) {
                shut.models = Vec::new();
            }
            Some(shut)
        };
        let rules = self.rules.iter().filter_map(readable).collect();
        (rules, closed)
    }

    /// The snapshot for readers of formats up to `format`, and how many entries of it are closed to them because they do not know what these
    /// restrict.
    #[must_use]
    pub fn readable_in(&self, format: u32) -> (Cow<'_, Self>, usize) {
        if self.format <= format {
            return (Cow::Borrowed(self), 0);
        }
        let providers = readable(&self.providers, format);
        let lost: BTreeSet<&ObjectName> = self
            .providers
            .keys()
            .filter(|name| !providers.contains_key(*name))
            .collect();
        let (keys, closed_keys) = self.keys_in(format);
        let (mut rules, closed_rules) = self.rules_in(format);
        let closed = lost.len() + closed_rules + closed_keys;
        for rule in &mut rules {
            let fallbacks = rule
                .fallbacks
                .iter_mut()
                .map(|fallback| &mut fallback.target);
            for target in rule.targets.iter_mut().chain(fallbacks) {
                if lost.contains(&target.provider) {
                    target.problem = Some(Problem::NotFound);
                }
            }
        }
        let snapshot = Self {
            format,
            gateway_namespace: self.gateway_namespace.clone(),
            providers,
            rules,
            keys,
            teams: owners_in(&self.teams, format),
            organizations: owners_in(&self.organizations, format),
        };
        (Cow::Owned(snapshot), closed)
    }
}

fn owners_in(owners: &BTreeMap<ObjectName, Owner>, format: u32) -> BTreeMap<ObjectName, Owner> {
    if format < OWNERS {
        BTreeMap::new()
    } else {
        owners.clone()
    }
}

fn readable<T: Entry>(entries: &BTreeMap<ObjectName, T>, format: u32) -> BTreeMap<ObjectName, T> {
    let readable =
        |(name, entry): (&ObjectName, &T)| Some((name.clone(), entry.readable_in(format)?));
    entries.iter().filter_map(readable).collect()
}
