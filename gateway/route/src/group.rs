//! The rules of one scope, in order, and the chain of scopes that applies to a key.
//!
//! Groups are shared by all keys they apply to, so that many keys under many rules cost the sum of both and not their product.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fairlead_snapshot::{Key, ObjectName, Rule, Scope};

use crate::route::Route;

/// The rules of one scope and precedence, in the order in which they are tried, indexed by the names they match.
#[derive(Debug, Default)]
pub(crate) struct Group {
    routes: Vec<Arc<Route>>,
    /// The positions of the rules that match a name exactly.
    named: HashMap<Box<str>, Vec<usize>>,
    /// The positions of the rules that match by prefix, or anything.
    open: Vec<usize>,
}

/// All groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Those that choose nothing.
    constraints: BTreeMap<Scope, Arc<Group>>,
    overrides: BTreeMap<Scope, Arc<Group>>,
    defaults: BTreeMap<Scope, Arc<Group>>,
}

impl Group {
    fn new(routes: Vec<Arc<Route>>) -> Self {
        let mut group = Self {
            routes,
            ..Self::default()
        };
        for (position, route) in group.routes.iter().enumerate() {
            for name in route.models.iter().filter_map(|pattern| pattern.exact()) {
                group.named.entry(name.into()).or_default().push(position);
            }
            if route.models.is_empty()
                || route.models.iter().any(|pattern| pattern.exact().is_none())
            {
                group.open.push(position);
            }
        }
        group
    }

    /// The rules that may match `model`, in order, each once.
    pub(crate) fn candidates(&self, model: &str) -> impl Iterator<Item = &Arc<Route>> {
        let mut named = self
            .named
            .get(model)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .copied()
            .peekable();
        let mut open = self.open.iter().copied().peekable();
        std::iter::from_fn(move || {
            let next = match (named.peek(), open.peek()) {
                (Some(a), Some(b)) => *a.min(b),
                (Some(only), None) | (None, Some(only)) => *only,
                (None, None) => return None,
            };
            named.next_if_eq(&next);
            open.next_if_eq(&next);
            self.routes.get(next)
        })
    }

    /// All its rules, in order.
    pub(crate) fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The rules that match `model` by its very name, in order.
    pub(crate) fn named(&self, model: &str) -> impl Iterator<Item = &Arc<Route>> {
        let named = self.named.get(model).map_or(&[][..], Vec::as_slice);
        named.iter().filter_map(|at| self.routes.get(*at))
    }

    /// Whether a rule matches `model` by its very name.
    pub(crate) fn names(&self, model: &str) -> bool {
        self.named.contains_key(model)
    }

    /// The names that its rules match exactly.
    pub(crate) fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(AsRef::as_ref)
    }
}

impl Groups {
    /// Groups rules, keeping their order. A rule whose scope is not its namespace's to command is left out.
    pub(crate) fn new<'a>(
        rules: impl Iterator<Item = (&'a Rule, &'a Arc<Route>)>,
        gateway_namespace: &str,
    ) -> Self {
        let (mut overrides, mut defaults) =
            (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        let mut constraints = BTreeMap::<_, Vec<_>>::new();
        for (rule, route) in rules.filter(|(rule, _)| within_its_rights(rule, gateway_namespace)) {
            let side = if rule.constrain.is_some() {
                &mut constraints
            } else if rule.overrides {
                &mut overrides
            } else {
                &mut defaults
            };
            side.entry(rule.scope.clone())
                .or_default()
                .push(Arc::clone(route));
        }
        Self {
            constraints: finish(constraints),
            overrides: finish(overrides),
            defaults: finish(defaults),
        }
    }

    /// The constraints that apply to a key: those of every scope that it is in.
    pub(crate) fn constraints(&self, name: &ObjectName, key: &Key) -> Vec<Arc<Group>> {
        if self.constraints.is_empty() {
            return Vec::new();
        }
        let scopes = scopes(name, key).into_iter();
        let of_level = scopes.filter_map(|level| {
            let mut level = level.iter();
            level.find_map(|scope| self.constraints.get(scope)).cloned()
        });
        of_level.collect()
    }

    /// The groups that apply to a key, in the order in which they are tried.
    pub(crate) fn chain(&self, name: &ObjectName, key: &Key) -> Vec<Arc<Group>> {
        let scopes = scopes(name, key);
        let of = |side: &BTreeMap<Scope, Arc<Group>>| -> Vec<Arc<Group>> {
            scopes
                .iter()
                .filter_map(|level| level.iter().find_map(|scope| side.get(scope)))
                .cloned()
                .collect()
        };
        [of(&self.overrides), of(&self.defaults)].concat()
    }
}

/// Builds the groups. The rules of an organization come from the gateway's namespace (for all its keys) and from a tenant's (for its own
/// keys); where there are both, they are one scope and are tried in one order.
fn finish(mut groups: BTreeMap<Scope, Vec<Arc<Route>>>) -> BTreeMap<Scope, Arc<Group>> {
    let common: BTreeMap<String, Vec<Arc<Route>>> = groups
        .iter()
        .filter_map(|(scope, routes)| match scope {
            Scope::Organization {
                name,
                namespace: None,
            } => Some((name.clone(), routes.clone())),
            Scope::Organization { .. }
            | Scope::VirtualKey(_)
            | Scope::Team(_)
            | Scope::Namespace(_)
            | Scope::Global => None,
        })
        .collect();
    for (scope, routes) in &mut groups {
        if let Scope::Organization {
            name,
            namespace: Some(_),
        } = scope
            && let Some(common) = common.get(name)
        {
            routes.extend(common.iter().cloned());
            routes.sort_by(|a, b| {
                (a.priority, a.created, &a.head.name).cmp(&(b.priority, b.created, &b.head.name))
            });
        }
    }
    groups
        .into_iter()
        .map(|(scope, routes)| (scope, Arc::new(Group::new(routes))))
        .collect()
}

/// The scopes a key is in, the narrowest first; of each level the first that has rules counts.
fn scopes(name: &ObjectName, key: &Key) -> Vec<Vec<Scope>> {
    let team = key
        .team
        .iter()
        .map(|team| Scope::Team(ObjectName::new(&name.namespace, team)))
        .collect();
    let organization = key.organization.iter().flat_map(|organization| {
        [Some(name.namespace.clone()), None].map(|namespace| Scope::Organization {
            name: organization.clone(),
            namespace,
        })
    });
    vec![
        vec![Scope::VirtualKey(name.clone())],
        team,
        organization.collect(),
        vec![Scope::Namespace(name.namespace.clone())],
        vec![Scope::Global],
    ]
}

/// Whether a rule may say what it says: the gateway's namespace commands everyone, any other one its own keys and never by Override. The
/// compiler has refused anything else; that no tenant reaches another's keys is worth asking twice.
fn within_its_rights(rule: &Rule, gateway_namespace: &str) -> bool {
    let own = rule.name.namespace.as_str();
    own == gateway_namespace
        || (!rule.overrides
            && match &rule.scope {
                Scope::VirtualKey(name) | Scope::Team(name) => name.namespace == own,
                Scope::Organization { namespace, .. } => namespace.as_deref() == Some(own),
                Scope::Namespace(namespace) => namespace == own,
                Scope::Global => false,
            })
}
