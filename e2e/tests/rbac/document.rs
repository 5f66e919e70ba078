//! The tables of `docs/operations.md` under "Access rights", as grants.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::Installation;

/// A resource with its group or a URL, a name or nothing for any, and a verb.
pub(crate) type Grant = (String, String, String);
pub(crate) type Grants = BTreeSet<Grant>;

/// One row.
struct Row {
    resources: Vec<String>,
    name: String,
    verbs: Vec<String>,
}

/// The tables.
pub(crate) struct Documented {
    gateway: Vec<Row>,
    operator_at_home: Vec<Row>,
    operator_where_it_watches: Vec<Row>,
}

impl Documented {
    pub(crate) fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let text = std::fs::read_to_string(&path)?;
        let (_, rights) = text
            .split_once("\n## Access rights\n")
            .context("docs/operations.md has no section on access rights")?;
        let (gateway, rest) = rights
            .split_once("\nThe operator's, in its own namespace:\n")
            .context("no table of the operator's own namespace")?;
        let (at_home, wide) = rest
            .split_once("\nand in the whole cluster")
            .context("no table of the whole cluster")?;
        Ok(Self {
            gateway: rows(gateway)?,
            operator_at_home: rows(at_home)?,
            operator_where_it_watches: rows(wide)?,
        })
    }

    /// What a part of an installation may in a namespace.
    pub(crate) fn of(&self, part: &str, installation: &Installation, namespace: &str) -> Grants {
        let at_home = namespace == installation.namespace;
        let watched = at_home || installation.watched.is_none_or(|name| name == namespace);
        let rows: Vec<&Row> = if part == "gateway" {
            self.gateway.iter().filter(|_| at_home).collect()
        } else {
            let own = self.operator_at_home.iter().filter(|_| at_home);
            // The last two are of a ClusterRole either way.
            let everywhere = self.operator_where_it_watches.len().saturating_sub(2);
            let wide = self.operator_where_it_watches.iter().enumerate();
            own.chain(
                wide.filter(|(row, _)| watched || *row >= everywhere)
                    .map(|(_, row)| row),
            )
            .collect()
        };
        rows.into_iter()
            .flat_map(|row| row.grants(installation))
            .collect()
    }
}

/// The rows of the one table in a text.
fn rows(text: &str) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [resources, name, verbs] = cells.as_slice() else {
            bail!("not three cells: {line}");
        };
        let resources = match (*resources, rows.last()) {
            ("their `/status`", Some(before)) => before
                .resources
                .iter()
                .map(|resource| with_subresource(resource))
                .collect(),
            (resources, _) => in_group(resources),
        };
        rows.push(Row {
            resources,
            name: (*name).to_owned(),
            verbs: verbs.split(", ").map(str::to_owned).collect(),
        });
    }
    ensure!(!rows.is_empty(), "no table in {text}");
    Ok(rows)
}

/// `a, b (group)` as Kubernetes writes it: `a.group`, `b.group`.
fn in_group(cell: &str) -> Vec<String> {
    let (names, group) = match cell.split_once(" (") {
        Some((names, group)) => (names, format!(".{}", group.trim_end_matches(')'))),
        None => (cell, String::new()),
    };
    names
        .split(", ")
        .map(|name| format!("{name}{group}"))
        .collect()
}

/// `a.group` becomes `a.group/status`, which is how kubectl writes it.
fn with_subresource(resource: &str) -> String {
    format!("{resource}/status")
}

impl Row {
    fn grants(&self, installation: &Installation) -> Grants {
        let names: Vec<String> = match self.name.as_str() {
            "the five" => fairlead_crds::all()
                .iter()
                .filter_map(|crd| crd.metadata.name.clone())
                .collect(),
            "any; with `watchNamespaces` those" => installation
                .watched
                .into_iter()
                .flat_map(|watched| [watched, installation.namespace])
                .map(str::to_owned)
                .collect(),
            any if any.starts_with("any") => Vec::new(),
            name => several(name)
                .iter()
                .map(|name| name.replace("<gatewayName>", installation.gateway_name))
                .collect(),
        };
        self.resources
            .iter()
            .flat_map(|resource| product(resource, &names, &self.verbs))
            .collect()
    }
}

/// `a-1` to `-3` is a-1, a-2 and a-3.
fn several(cell: &str) -> Vec<String> {
    let cell = cell.replace('`', "");
    let Some((first, last)) = cell.split_once(" to -") else {
        return vec![cell];
    };
    let numbered = first
        .rsplit_once('-')
        .map(|(stem, from)| (stem, from.parse(), last.parse()));
    let Some((stem, Ok(from), Ok(to))) = numbered else {
        return vec![cell.clone()];
    };
    let numbers = from..=to;
    numbers
        .map(|number: u32| format!("{stem}-{number}"))
        .collect()
}

/// No name stands for any.
pub(crate) fn product(thing: &str, names: &[String], verbs: &[String]) -> Grants {
    let any = [String::new()];
    let names = if names.is_empty() { &any } else { names };
    let of = |name: &String| {
        verbs
            .iter()
            .map(|verb| (thing.to_owned(), name.clone(), verb.clone()))
            .collect::<Vec<_>>()
    };
    names.iter().flat_map(of).collect()
}
