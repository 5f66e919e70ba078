//! Groups of deployments -> RoutingRules.

use serde_json::Value;

use super::deployment::Deployment;
use super::fallbacks::Fallbacks;
use super::{Defaults, Part};
use crate::import::draft::{Draft, is_pattern, weights};
use crate::resources::{Fallback, Rule, Target};

/// Rules for patterns come after those for names; the longer a pattern, the earlier.
const PATTERNS: u64 = 1000;

/// Other names of groups: what is sent, and the group that is meant.
pub(super) fn aliases(router: &mut Part, draft: &mut Draft<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let section = router.take(|router| router.section("model_group_alias"));
    let Some(mut section) = section else {
        return found;
    };
    for name in section.names() {
        let group = match section.take(&name) {
            Some(Value::String(group)) => Some(group),
            Some(Value::Object(fields)) => {
                let group = fields.get("model").and_then(Value::as_str);
                group.map(str::to_owned)
            }
            _ => None,
        };
        match group.filter(|_| is_pattern(&name)) {
            Some(group) => found.push((name, group)),
            None => draft.note(section.at(&name), "it names no group"),
        }
    }
    found
}

/// Makes a rule for each group.
pub(super) fn rules(
    deployments: Vec<Deployment>,
    aliases: &[(String, String)],
    fallbacks: &Fallbacks,
    defaults: &Defaults,
    draft: &mut Draft<'_>,
) {
    let mut groups: Vec<(String, Vec<Deployment>)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for deployment in deployments {
        let at = *places.entry(deployment.group.clone()).or_insert_with(|| {
            groups.push((deployment.group.clone(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, members)) = groups.get_mut(at) {
            members.push(deployment);
        }
    }
    let made: Vec<Group> = groups.into_iter().map(Group::of).collect();
    for (alias, group) in aliases {
        if !places.contains_key(group) {
            draft.note(
                format!("router_settings.model_group_alias.{alias}"),
                format!("there is no group {group:?} with a model of its own"),
            );
        }
    }
    draft
        .notes
        .extend(fallbacks.strays(|group| places.contains_key(group)));
    for group in &made {
        let mut rule = group.rule(defaults);
        let others = aliases.iter().filter(|(_, meant)| *meant == group.name);
        rule.models.extend(others.map(|(alias, _)| alias.clone()));
        for entry in fallbacks.of(&group.name) {
            let stand_ins = entry
                .to
                .iter()
                .filter_map(|name| made.get(*places.get(name)?));
            rule.fallbacks.extend(stand_ins.flat_map(|stand_in| {
                stand_in.targets().map(|target| Fallback {
                    target,
                    class: entry.class,
                })
            }));
        }
        draft.rule(&group.path, rule);
    }
}

/// Deployments under one name.
struct Group {
    name: String,
    path: String,
    /// Those that share the requests.
    first: Vec<Target>,
    /// Those of a later order.
    later: Vec<Target>,
}

impl Group {
    fn of((name, mut members): (String, Vec<Deployment>)) -> Self {
        members.sort_by_key(|member| member.order.unwrap_or(0));
        let path = members
            .first()
            .map_or_else(String::new, |member| member.path.clone());
        let lowest = members.first().and_then(|member| member.order);
        let (first, later): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|member| member.order == lowest);
        let shares = shares(&first);
        let target = |member: Deployment, weight| Target {
            provider: member.provider,
            model: member.model,
            weight,
            defaults: member.defaults,
        };
        let shared = first.into_iter().zip(shares);
        Self {
            name,
            path,
            first: shared
                .map(|(member, weight)| target(member, weight))
                .collect(),
            later: later
                .into_iter()
                .map(|member| target(member, None))
                .collect(),
        }
    }

    fn rule(&self, defaults: &Defaults) -> Rule {
        let prefix = self.name.strip_suffix('*');
        let longest = u64::try_from(prefix.map_or(0, str::len)).unwrap_or(u64::MAX);
        let later = self.later.iter().map(|target| Fallback {
            target: target.clone(),
            class: None,
        });
        Rule {
            name: self.name.clone(),
            priority: prefix.map(|_| PATTERNS + 256_u64.saturating_sub(longest)),
            models: vec![self.name.clone()],
            targets: self.first.clone(),
            fallbacks: later.collect(),
            max_retries: defaults.retries,
            drop_unsupported: defaults.drop_unsupported,
            ..Rule::default()
        }
    }

    /// All of them, as fallbacks of another group. What was sent is another group's name, so that only a model of their own can be asked for.
    fn targets(&self) -> impl Iterator<Item = Target> {
        let all = self.first.iter().chain(&self.later);
        all.filter(|target| target.model.is_some())
            .map(|target| Target {
                weight: None,
                ..target.clone()
            })
    }
}

/// By weight, else by requests, else by tokens: whichever all of them say (source: LiteLLM's simple-shuffle).
fn shares(members: &[Deployment]) -> Vec<Option<u64>> {
    for by in 0..3 {
        let said: Option<Vec<f64>> = members.iter().map(|member| member.shares[by]).collect();
        if let Some(said) = said.filter(|_| members.len() > 1) {
            return weights(&said).into_iter().map(Some).collect();
        }
    }
    vec![None; members.len()]
}
