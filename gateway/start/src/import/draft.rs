//! Resources in the making, and what is told on the way.

use fairlead_crds::text::{ModelName, ModelPattern};

use super::{Get, Import, Note};
use crate::address::{azure, base_url, ollama};
use crate::names::Names;
use crate::resources::{Caller, Fallback, Provider, Resources, Rule, Target, Team};
use crate::secret::Hidden;
use crate::vendor::Vendor;

/// How many targets, and how many fallbacks, a rule has at most (source: the schema of RoutingRule).
const MOST_TARGETS: usize = 16;
/// How many models a list names at most.
pub(super) const MOST_MODELS: usize = 64;
/// How often a target is asked again at most.
const MOST_RETRIES: u64 = 10;
/// The largest weight.
const MOST_WEIGHT: f64 = 1_000_000.0;
/// How long a caller's key has to be, and may be.
const KEY_LENGTHS: (usize, usize) = (32, 512);
/// How long a credential may be.
const CREDENTIAL_LENGTHS: (usize, usize) = (1, 8 * 1024);

/// What is made so far.
pub(super) struct Draft<'g> {
    pub(super) get: Get<'g>,
    pub(super) resources: Resources,
    pub(super) notes: Vec<Note>,
    from: &'static str,
    /// What says that a value is a variable's: `os.environ/`, `env.`.
    mark: &'static str,
    providers: Names,
    rules: Names,
    callers: Names,
    teams: Names,
}

impl<'g> Draft<'g> {
    pub(super) fn new(from: &'static str, mark: &'static str, get: Get<'g>) -> Self {
        Self {
            get,
            resources: Resources::default(),
            notes: Vec::new(),
            from,
            mark,
            providers: Names::default(),
            rules: Names::default(),
            callers: Names::default(),
            teams: Names::default(),
        }
    }

    pub(super) fn note(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.notes.push(Note {
            path: path.into(),
            reason: reason.into(),
        });
    }

    pub(super) fn finish(self) -> Import {
        Import {
            from: self.from,
            resources: self.resources,
            notes: self.notes,
        }
    }

    /// A value that may be a variable's; `None`, and told, if the variable is not set.
    pub(super) fn resolved(&mut self, path: &str, text: &str) -> Option<String> {
        let Some(variable) = text.strip_prefix(self.mark) else {
            return Some(text.to_owned());
        };
        let value = (self.get)(variable).filter(|value| !value.trim().is_empty());
        if value.is_none() {
            self.note(
                path,
                format!("the variable {variable:?} is not set here; set it and import again"),
            );
        }
        value
    }

    /// A value that is to be hidden. A variable that is not set leaves a place for it.
    fn hidden(&mut self, path: &str, text: &str, lengths: (usize, usize)) -> Option<Hidden> {
        let (shortest, longest) = lengths;
        let fits = |value: &String| Hidden::is_token(value, shortest, longest);
        let unfit = format!(
            "it is no key that can be used here: {shortest} to {longest} characters of printable ASCII without spaces"
        );
        let Some(variable) = text.strip_prefix(self.mark) else {
            let text = text.to_owned();
            if fits(&text) {
                return Some(Hidden::known(text));
            }
            self.note(path, unfit);
            return None;
        };
        let value = (self.get)(variable).map(|value| value.trim().to_owned());
        match value {
            Some(value) if fits(&value) => Some(Hidden::variable(variable, Some(value))),
            Some(_) => {
                self.note(path, unfit);
                None
            }
            None => {
                self.note(
                    path,
                    format!(
                        "the variable {variable:?} is not set here; put the value into the Secret"
                    ),
                );
                Some(Hidden::variable(variable, None))
            }
        }
    }

    /// A provider's key.
    pub(super) fn credential(&mut self, path: &str, text: &str) -> Option<Hidden> {
        self.hidden(path, text, CREDENTIAL_LENGTHS)
    }

    /// A caller's key; without one the gateway makes it.
    pub(super) fn caller_value(&mut self, path: &str, text: &str) -> Option<Hidden> {
        let value = self.hidden(path, text, KEY_LENGTHS)?;
        value.expose().is_some().then_some(value)
    }

    /// An address, as a vendor's SDK takes it.
    pub(super) fn address(&mut self, path: &str, vendor: &Vendor, text: &str) -> Option<String> {
        let text = self.resolved(path, text)?;
        let read = match vendor.name {
            "azure" => azure(&text),
            "ollama" => ollama(&text),
            _ => base_url(&text, vendor.version),
        };
        read.map_err(|reason| self.note(path, reason)).ok()
    }

    /// How often, within what is possible.
    pub(super) fn retries(&mut self, path: String, retries: u64) -> u64 {
        if retries > MOST_RETRIES {
            self.note(
                path,
                format!("more than {MOST_RETRIES} are not made; it is {MOST_RETRIES} now"),
            );
        }
        retries.min(MOST_RETRIES)
    }

    /// The name of this provider, which is made if there is none that is the same in everything but its name.
    pub(super) fn provider(&mut self, path: &str, wanted: Provider) -> Option<String> {
        if wanted.vendor.base_url(wanted.base_url.as_deref()).is_none() {
            self.note(
                path,
                "a provider of this kind has no public address, and none is given",
            );
            return None;
        }
        let mut probe = wanted.clone();
        let same = |known: &&Provider| {
            probe.name.clone_from(&known.name);
            probe == **known
        };
        if let Some(known) = self.resources.providers.iter().find(same) {
            return Some(known.name.clone());
        }
        let name = self.providers.give(&wanted.name);
        self.resources.providers.push(Provider {
            name: name.clone(),
            ..wanted
        });
        Some(name)
    }

    /// Adds a rule, within what a rule may have.
    pub(super) fn rule(&mut self, path: &str, mut rule: Rule) {
        rule.name = self.rules.give(&rule.name);
        if rule.models.len() > MOST_MODELS {
            self.note(
                path,
                format!("a rule names at most {MOST_MODELS} models; the others are left out"),
            );
            rule.models.truncate(MOST_MODELS);
        }
        if rule.targets.len() > MOST_TARGETS {
            self.note(
                path,
                format!("a rule has at most {MOST_TARGETS} targets; the others are left out"),
            );
            rule.targets.truncate(MOST_TARGETS);
        }
        if rule.targets.iter().all(|target| target.weight == Some(0)) {
            for target in &mut rule.targets {
                target.weight = None;
            }
        }
        let mut kept: Vec<Fallback> = Vec::new();
        for fallback in std::mem::take(&mut rule.fallbacks) {
            let asked = |target: &Target| {
                target.provider == fallback.target.provider && target.model == fallback.target.model
            };
            if !rule.targets.iter().any(asked) && !kept.contains(&fallback) {
                kept.push(fallback);
            }
        }
        if kept.len() > MOST_TARGETS {
            self.note(
                path,
                format!("a rule has at most {MOST_TARGETS} fallbacks; the others are left out"),
            );
            kept.truncate(MOST_TARGETS);
        }
        rule.fallbacks = kept;
        if !rule.targets.is_empty() {
            self.resources.rules.push(rule);
        }
    }

    /// Adds a caller, and says what it is called.
    pub(super) fn caller(&mut self, caller: Caller) -> String {
        let name = self.callers.give(&caller.name);
        self.resources.callers.push(Caller {
            name: name.clone(),
            ..caller
        });
        name
    }

    /// Adds a team, and says what it is called.
    pub(super) fn team(&mut self, name: &str) -> String {
        let name = self.teams.give(name);
        self.resources.teams.push(Team { name: name.clone() });
        name
    }

    /// A model's name, if it can be one.
    pub(super) fn model(&mut self, path: &str, name: &str) -> Option<String> {
        let good = name.parse::<ModelName>().is_ok();
        if !good {
            self.note(
                path,
                "it is no name of a model: at most 256 characters, without spaces and '*'",
            );
        }
        good.then(|| name.to_owned())
    }
}

/// Whether names of models can be matched with it.
pub(super) fn is_pattern(text: &str) -> bool {
    text.parse::<ModelPattern>().is_ok()
}

/// Shares as whole numbers of the same proportions; what is not nothing stays something.
pub(super) fn weights(shares: &[f64]) -> Vec<u64> {
    let largest = shares.iter().copied().fold(0.0, f64::max);
    let whole = shares.iter().all(|share| share.fract() == 0.0);
    let factor = match (whole, largest * 1000.0 <= MOST_WEIGHT) {
        (true, _) if largest <= MOST_WEIGHT => 1.0,
        (false, true) => 1000.0,
        _ => MOST_WEIGHT / largest,
    };
    let scaled: Vec<u64> = shares
        .iter()
        .map(|share| match to_whole(share * factor) {
            0 if *share > 0.0 => 1,
            weight => weight,
        })
        .collect();
    let common = scaled.iter().copied().fold(0, greatest_common_divisor);
    if whole || common == 0 {
        return scaled;
    }
    scaled.into_iter().map(|weight| weight / common).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is cast lies between nothing and the largest weight"
)]
fn to_whole(share: f64) -> u64 {
    share.round().clamp(0.0, MOST_WEIGHT) as u64
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_their_proportions() {
        assert_eq!(weights(&[0.7, 0.3]), [7, 3]);
        assert_eq!(weights(&[70.0, 30.0]), [70, 30]);
        assert_eq!(weights(&[1.0, 0.5, 0.0]), [2, 1, 0]);
        assert_eq!(weights(&[60_000_000.0, 60.0]), [1_000_000, 1]);
        assert_eq!(weights(&[0.0, 0.0]), [0, 0]);
        assert_eq!(weights(&[]), [0; 0]);
        assert_eq!(weights(&[0.000_000_1, 1.0])[0], 1);
    }
}
