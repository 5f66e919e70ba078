//! `continue`: rules that choose nothing, and after which matching goes on; and names that such rules would give each other for ever.
//!
//! At the gateway no rule holds twice for one request, and ten at most do, so that nothing goes round. But which name a request ends with, where names
//! go round, would depend on which rule came first: that is said to whoever writes the rule that closes the circle.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fairlead_crds::v1alpha1::{
    Changes as ChangesSpec, Commit, OnClientGone, OnUnsupported, Precedence, Recovery,
    RoutingRuleSpec,
};
use fairlead_snapshot::{Changes, ModelPattern, ObjectName, Rule, SaidDefault};

use crate::amend;
use crate::finding::{Finding, Reason};
use crate::path::Path;

/// How many rules that continue may hold for a request at the gateway: a longer way round is no circle there.
const LONGEST: usize = 10;
/// How many rules are looked at for all those of one namespace. Beyond it circles are not looked for: they cost whoever writes them requests.
const MOST_LOOKS: usize = 1_000_000;

/// As they travel.
pub(super) fn changes(spec: Option<&ChangesSpec>) -> Changes {
    spec.map_or_else(Changes::default, |spec| Changes {
        model: spec.model.as_ref().map(ToString::to_string),
        parameters: amend::parameters(spec.parameters.as_ref()),
        headers: amend::headers(spec.headers.as_ref()),
    })
}

/// The defaults that a rule has written down, of one that continues and of one that goes before such rules. Of others nobody asks.
pub(super) fn said_defaults(spec: &RoutingRuleSpec) -> Vec<SaidDefault> {
    let overrides = spec.precedence == Some(Precedence::Override);
    if !overrides && spec.continues != Some(true) {
        return Vec::new();
    }
    let stream = spec.stream.as_ref();
    let said = [
        (
            stream.and_then(|stream| stream.recovery) == Some(Recovery::Fail),
            SaidDefault::Recovery,
        ),
        (
            stream.and_then(|stream| stream.commit) == Some(Commit::Content),
            SaidDefault::Commit,
        ),
        (
            stream.and_then(|stream| stream.on_client_gone) == Some(OnClientGone::Cancel),
            SaidDefault::OnClientGone,
        ),
        (
            spec.on_unsupported == Some(OnUnsupported::Refuse),
            SaidDefault::OnUnsupported,
        ),
    ];
    let said = said.into_iter().filter(|(is, _)| *is);
    said.map(|(_, default)| default).collect()
}

/// What CEL refuses, said again for those without an API server, and what cannot be changed in a request.
pub(super) fn faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(Finding::new(&path.field(field), Reason::Invalid, message));
    };
    let continues = spec.continues == Some(true);
    if continues && chooses(spec) {
        fault(
            "continue",
            "a rule that continues chooses nothing; targets, fallbacks, strategy, hedge, affinity and constrain belong into a rule of their own",
        );
    }
    if continues && does_nothing(spec) {
        fault(
            "continue",
            "a rule that continues and changes nothing does nothing; give changes, mirror, timeouts, retries, stream, onUnsupported or maxCostPerRequest",
        );
    }
    let when = spec
        .matches
        .as_ref()
        .and_then(|matches| matches.when.as_deref());
    if continues && when.is_some_and(|when| when.contains("costUsd")) {
        faults.push(Finding::new(
            &path.field("match").field("when"),
            Reason::Invalid,
            "what a request costs depends on who is asked, which a rule that continues does not say; go by request.estimate.inputTokens instead of costUsd",
        ));
    }
    let mut fault = |field: &str, message: &str| {
        faults.push(Finding::new(&path.field(field), Reason::Invalid, message));
    };
    if spec.changes.is_some() && !continues {
        fault(
            "changes",
            "changes go with continue: true only; a target has model, parameters and headers of its own",
        );
    }
    if let Some(changes) = &spec.changes {
        let (parameters, headers) = (changes.parameters.as_ref(), changes.headers.as_ref());
        if changes.model.is_none() && parameters.is_none() && headers.is_none() {
            fault(
                "changes",
                "changes says nothing; give model, parameters or headers",
            );
        }
        faults.extend(amend::faults(parameters, headers, &path.field("changes")));
    }
    faults
}

fn chooses(spec: &RoutingRuleSpec) -> bool {
    spec.targets.is_some()
        || spec.fallbacks.is_some()
        || spec.strategy.is_some()
        || spec.hedge.is_some()
        || spec.affinity.is_some()
        || spec.constrain.is_some()
}

fn does_nothing(spec: &RoutingRuleSpec) -> bool {
    spec.changes.is_none()
        && spec.mirror.is_none()
        && spec.timeouts.is_none()
        && spec.retries.is_none()
        && spec.stream.is_none()
        && spec.on_unsupported.is_none()
        && spec.max_cost_per_request.is_none()
}

/// The rules in force so far that give requests another name. Those of the gateway's namespace come first and then the older ones, so that nobody's rule
/// is refused for what another namespace writes after it, and the platform's never.
#[derive(Default)]
pub(crate) struct Aliases {
    taken: Vec<Alias>,
    /// Those that match a name by its very text.
    named: HashMap<String, Vec<usize>>,
    /// Those that match others, too.
    open: Vec<usize>,
    /// How many looks are left to the rules of a namespace.
    left: BTreeMap<String, usize>,
}

struct Alias {
    rule: ObjectName,
    /// The namespace whose keys are meant; `None`: of any.
    namespace: Option<String>,
    models: Vec<ModelPattern>,
    to: String,
}

impl Alias {
    fn of(rule: &Rule) -> Option<Self> {
        let to = rule.changes.model.clone().filter(|_| rule.continues)?;
        Some(Self {
            rule: rule.name.clone(),
            namespace: rule.scope.namespace().map(str::to_owned),
            models: rule.models.clone(),
            to,
        })
    }

    /// Whether it gives this name another one.
    fn renames(&self, name: &str) -> bool {
        self.to != name
            && (self.models.is_empty() || self.models.iter().any(|model| model.matches(name)))
    }

    /// Whether there may be a key of this namespace that both rules are for; `None`: of any.
    fn is_for(&self, namespace: Option<&str>) -> bool {
        match (self.namespace.as_deref(), namespace) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => true,
        }
    }
}

impl Aliases {
    /// Looks whether names would go round with a rule.
    ///
    /// # Errors
    /// The circle that it would close.
    pub(crate) fn look(&mut self, rule: &Rule) -> Result<(), Finding> {
        let Some(alias) = Alias::of(rule) else {
            return Ok(());
        };
        let Some((last, name)) = self.closes(&alias) else {
            return Ok(());
        };
        let path = Path::of("spec").field("changes").field("model");
        let message = format!(
            "names would go round: by the rule {last} a request for {:?} gets the name {name:?}, which this rule gives the name {:?} again; leave {name:?} out of match.models, or change one of the two",
            alias.to, alias.to
        );
        Err(Finding::new(&path, Reason::Conflict, message))
    }

    /// Takes a rule that is in force.
    pub(crate) fn take(&mut self, rule: &Rule) {
        let Some(alias) = Alias::of(rule) else {
            return;
        };
        let at = self.taken.len();
        for model in alias.models.iter().filter_map(ModelPattern::exact) {
            self.named.entry(model.to_owned()).or_default().push(at);
        }
        if alias.models.is_empty() || alias.models.iter().any(|model| model.exact().is_none()) {
            self.open.push(at);
        }
        self.taken.push(alias);
    }

    /// The rule and the name by which requests would come to this one again that it has given a name.
    fn closes(&mut self, alias: &Alias) -> Option<(ObjectName, String)> {
        let mut namespaces: BTreeSet<Option<&str>> = BTreeSet::new();
        match alias.namespace.as_deref() {
            Some(own) => namespaces.extend([Some(own)]),
            // It is the platform's, and those before it are, too.
            None => namespaces.extend(self.taken.iter().map(|one| one.namespace.as_deref())),
        }
        let own = alias.rule.namespace.clone();
        let mut left = self.left.get(&own).copied().unwrap_or(MOST_LOOKS);
        let found = namespaces
            .into_iter()
            .find_map(|namespace| self.way_back(alias, namespace, &mut left));
        self.left.insert(own, left);
        found
    }

    fn way_back(
        &self,
        alias: &Alias,
        namespace: Option<&str>,
        left: &mut usize,
    ) -> Option<(ObjectName, String)> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut names = vec![alias.to.as_str()];
        for _ in 1..LONGEST {
            let mut next = Vec::new();
            for name in names {
                let named = self.named.get(name).map_or(&[][..], Vec::as_slice);
                for one in named.iter().chain(&self.open).map(|at| &self.taken[*at]) {
                    *left = left.checked_sub(1)?;
                    if !(one.is_for(namespace) && one.renames(name)) {
                        continue;
                    }
                    if alias.renames(&one.to) {
                        return Some((one.rule.clone(), one.to.clone()));
                    }
                    if seen.insert(&one.to) {
                        next.push(one.to.as_str());
                    }
                }
            }
            names = next;
        }
        None
    }
}
