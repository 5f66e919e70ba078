//! What a request needs to know of a provider: what it offers, and which of its credentials is next.

use std::collections::HashMap;
use std::sync::Arc;

use fairlead_snapshot::{Credential, ModelPattern, ObjectName, Problem, Provider, reasons};
use smallvec::SmallVec;

use crate::affinity;
use crate::sequence::Sequence;
use crate::standing::{Judge, WHOLE};

/// The position of a provider in [`crate::Table::providers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderIndex(pub usize);

/// Which credential to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialChoice {
    /// The provider has none.
    NotNeeded,
    /// The one at this position of [`Provider::credentials`].
    Use(usize),
    /// None may serve the model: Secrets are missing, weights are 0, or their models exclude it.
    NoneUsable,
    /// Those that may serve the model are not ready.
    NoneReady,
}

/// A provider, indexed.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// `namespace/name`, as headers and logs show it.
    pub(crate) label: Arc<str>,
    /// By the offered name; `None`: any name, passed on as it is.
    models: Option<HashMap<Arc<str>, Served>>,
    /// Whether no credential is to be sent at all.
    anonymous: bool,
    usable: Vec<Usable>,
    /// Carried over from table to table by the provider's name.
    pub(crate) sequence: Arc<Sequence>,
}

/// A model that it offers.
#[derive(Debug)]
struct Served {
    /// Its name at the upstream.
    upstream: Arc<str>,
    /// Whether it reasons before it answers.
    reasons: bool,
}

/// A credential that can be chosen.
#[derive(Debug)]
struct Usable {
    position: usize,
    /// The hash of its name.
    hash: u64,
    weight: u32,
    models: Vec<ModelPattern>,
}

/// Whether a provider has a model.
#[derive(Debug)]
pub(crate) enum Offer<'a> {
    /// Under these names.
    Named {
        offered: &'a Arc<str>,
        upstream: &'a Arc<str>,
        reasons: bool,
    },
    /// It passes on any name.
    Any,
    /// It has not.
    No,
}

impl Offer<'_> {
    /// The model's names as offered and at the upstream; where the provider gives none, both are the one it is asked by.
    pub(crate) fn names(&self, asked: impl FnOnce() -> Arc<str>) -> (Arc<str>, Arc<str>) {
        match self {
            Self::Named {
                offered, upstream, ..
            } => (Arc::clone(offered), Arc::clone(upstream)),
            Self::Any | Self::No => {
                let name = asked();
                (Arc::clone(&name), name)
            }
        }
    }

    /// Its names as they are, without a copy.
    pub(crate) fn borrowed<'s>(&'s self, asked: &'s str) -> (&'s str, &'s str) {
        match self {
            Self::Named {
                offered, upstream, ..
            } => (offered, upstream),
            Self::Any | Self::No => (asked, asked),
        }
    }

    /// Whether the model that is asked for by this name reasons before it answers.
    pub(crate) fn reasons(&self, asked: &str) -> bool {
        match self {
            Self::Named { reasons, .. } => *reasons,
            Self::Any | Self::No => reasons(asked),
        }
    }

    /// What is wrong with it, for a target.
    pub(crate) fn problem(&self) -> Option<Problem> {
        match self {
            Self::Named { .. } | Self::Any => None,
            Self::No => Some(Problem::ModelNotOffered),
        }
    }
}

impl Upstream {
    pub(crate) fn new(name: &ObjectName, provider: &Provider, sequence: Arc<Sequence>) -> Self {
        let names = |models: &Vec<fairlead_snapshot::Model>| {
            models
                .iter()
                .map(|model| {
                    let served = Served {
                        upstream: model.upstream_name.as_str().into(),
                        reasons: reasons(&model.name) || reasons(&model.upstream_name),
                    };
                    (model.name.as_str().into(), served)
                })
                .collect()
        };
        Self {
            label: name.to_string().into(),
            models: provider.models.as_ref().map(names),
            anonymous: provider.credentials.is_empty(),
            usable: provider
                .credentials
                .iter()
                .enumerate()
                .filter_map(usable)
                .collect(),
            sequence,
        }
    }

    /// Whether the provider has `model`, by the name callers and rules use.
    pub(crate) fn offer(&self, model: &str) -> Offer<'_> {
        match &self.models {
            None => Offer::Any,
            Some(models) => models
                .get_key_value(model)
                .map_or(Offer::No, |(offered, served)| Offer::Named {
                    offered,
                    upstream: &served.upstream,
                    reasons: served.reasons,
                }),
        }
    }

    /// The names it offers.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &Arc<str>> {
        self.models.iter().flat_map(HashMap::keys)
    }

    /// Whether a credential that may serve `model` is `ready`, or none is needed; takes no turn.
    pub(crate) fn has_credential(&self, model: &str, ready: impl Fn(usize) -> bool) -> bool {
        let mut usable = self.usable.iter().filter(|usable| usable.serves(model));
        self.anonymous || usable.any(|usable| ready(usable.position))
    }

    /// The next credential that may serve `model`, among those that are `ready`, asked by their position. A conversation keeps to its own.
    pub(crate) fn credential(
        &self,
        model: &str,
        conversation: Option<u64>,
        ready: impl Fn(usize) -> bool,
    ) -> CredentialChoice {
        self.one_of(model, ready, |several| match conversation {
            Some(conversation) => kept(several, conversation),
            None => self.drawn(several),
        })
    }

    /// The same, chosen by whoever judges them, by their position.
    pub(crate) fn judged_credential(
        &self,
        model: &str,
        judge: &dyn Judge,
        stream: bool,
        ready: impl Fn(usize) -> bool,
    ) -> CredentialChoice {
        self.one_of(model, ready, |several| {
            let count = several.iter().map(|usable| usable.position + 1).max();
            let mut permitted: SmallVec<[u32; 16]> = SmallVec::from_elem(0, count.unwrap_or(0));
            for usable in several {
                if let Some(permitted) = permitted.get_mut(usable.position) {
                    *permitted = WHOLE;
                }
            }
            let chosen = judge.choose(&permitted, self.sequence.take().point(), stream);
            let position = chosen.map(|chosen| chosen.position);
            let at = |position| {
                several
                    .iter()
                    .position(|usable| usable.position == position)
            };
            position.and_then(at).or_else(|| self.drawn(several))
        })
    }

    /// One of those that may serve `model` and are ready, where several are: the one whose place among them `choose` says.
    fn one_of(
        &self,
        model: &str,
        ready: impl Fn(usize) -> bool,
        choose: impl FnOnce(&[&Usable]) -> Option<usize>,
    ) -> CredentialChoice {
        if self.anonymous {
            return CredentialChoice::NotNeeded;
        }
        let mut fitting: SmallVec<[&Usable; 16]> = self
            .usable
            .iter()
            .filter(|usable| usable.serves(model))
            .collect();
        if !fitting.is_empty() {
            fitting.retain(|usable| ready(usable.position));
            if fitting.is_empty() {
                return CredentialChoice::NoneReady;
            }
        }
        match fitting.as_slice() {
            [] => CredentialChoice::NoneUsable,
            [only] => CredentialChoice::Use(only.position),
            several => choose(several)
                .and_then(|at| several.get(at))
                .map_or(CredentialChoice::NoneUsable, |usable| {
                    CredentialChoice::Use(usable.position)
                }),
        }
    }

    /// Whose turn it is, by weight.
    fn drawn(&self, several: &[&Usable]) -> Option<usize> {
        let weights = several.iter().map(|usable| u64::from(usable.weight));
        self.sequence.take().weighted(weights)
    }
}

impl Usable {
    fn serves(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|pattern| pattern.matches(model))
    }
}

/// The position of the credential that a conversation keeps to.
fn kept(several: &[&Usable], conversation: u64) -> Option<usize> {
    let drawn = |usable: &Usable| affinity::draw(conversation, usable.hash, usable.weight);
    several
        .iter()
        .enumerate()
        .max_by(|(_, one), (_, two)| drawn(one).total_cmp(&drawn(two)))
        .map(|(at, _)| at)
}

fn usable((position, credential): (usize, &Credential)) -> Option<Usable> {
    let chosen = credential.is_usable() && credential.weight > 0;
    chosen.then(|| Usable {
        position,
        hash: affinity::hash(&credential.name),
        weight: credential.weight,
        models: credential.models.clone(),
    })
}
