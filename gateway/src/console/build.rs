//! A rule that is being written, tried among the objects of the cluster and on the last requests. Nothing is written.
//!
//! The console reads no Secret. What an object names and cannot have says nothing against a rule that leads to it, and both sides of the comparison,
//! with the rule and without, lack the same.

use std::sync::Arc;

use fairlead_compile::{Inputs, Settings, compile};
use fairlead_console::view::build::{Built, Form};
use fairlead_console::view::configuration::FindingView;
use fairlead_console::{Reach, Trouble, Viewer};
use fairlead_record::Entry;
use fairlead_route::Table;

use super::apply;
use super::cluster::Cluster;
use super::published::Generation;
use crate::clock;
use crate::told::build::{built, is_theirs, turn};
use crate::told::effect::{effect, last};

/// What comes of it.
///
/// # Errors
/// The form makes no rule, is of a namespace that this viewer may not see, or nothing can be said just now.
pub(super) async fn told(cluster: &Cluster, viewer: &Viewer, form: Form) -> Result<Built, Trouble> {
    is_theirs(&form, viewer)?;
    let parts = &cluster.parts;
    if !parts.objects.is_complete() {
        let words = "not all objects have been listed yet; ask again";
        return Err(Trouble::Unavailable(words.to_owned()));
    }
    let turn = turn(&parts.compiling).await;
    let live = cluster.live()?;
    let entries = last(&cluster.parts.log, viewer).await?;
    let mut inputs = Inputs::new(Settings {
        gateway_name: parts.gateway_name.clone(),
        ..Settings::new(&parts.gateway_namespace)
    });
    inputs.objects = parts.objects.documents();
    inputs.namespaces = parts.objects.labels();
    inputs.now = clock::unix_seconds();
    let offer = apply::offer(cluster, viewer, &form);
    let viewer = viewer.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let tried = tried(inputs, &live, &form, &entries, &viewer);
        drop(turn);
        tried
    });
    let fault = |error| Trouble::Unavailable(format!("the compiler has a fault: {error}"));
    Ok(Built {
        offer,
        ..tried.await.map_err(fault)??
    })
}

fn tried(
    inputs: Inputs,
    live: &Generation,
    form: &Form,
    entries: &[Arc<Entry>],
    viewer: &Viewer,
) -> Result<Built, Trouble> {
    let before = compile(Some(&live.snapshot), &inputs).snapshot;
    let (mut built, compiled) = built(inputs, &live.snapshot, form)?;
    let table = Table::build(&before, None);
    built.effect = effect((&before, &table), &compiled.snapshot, entries, viewer);
    for finding in &mut built.findings {
        veil(finding, form, &viewer.rights.health);
    }
    Ok(built)
}

/// Whether a provider is there that does not admit the rule's namespace is nothing that whoever names it should learn.
fn veil(finding: &mut FindingView, form: &Form, health: &Reach) {
    let targets = form.targets.iter().chain(&form.fallbacks);
    let mut named = targets.map(|target| target.provider.as_str());
    // A name ends with a blank, or with the sentence.
    let said = format!("{} ", finding.message);
    let unseen = named.find(|name| {
        let foreign = name.contains('/') && !health.sees_object(name);
        foreign && said.contains(&format!("LLMProvider {name} "))
    });
    let hides = ["ProviderNotFound", "NotPermitted"].contains(&finding.reason.as_str());
    if let Some(name) = unseen.filter(|_| hides) {
        finding.reason = "ProviderNotFound".to_owned();
        finding.message = format!(
            "there is no LLMProvider {name} that the namespace {} may use",
            form.namespace
        );
    }
}

#[cfg(test)]
mod tests {
    use fairlead_console::view::build::FormTarget;

    use super::*;

    #[test]
    fn a_provider_that_is_not_for_this_namespace_is_as_one_that_is_not_there() {
        let form = Form {
            namespace: "search".to_owned(),
            targets: ["shop/there", "shop/not", "own"]
                .map(|provider| FormTarget {
                    provider: provider.to_owned(),
                    ..FormTarget::default()
                })
                .to_vec(),
            ..Form::default()
        };
        let veiled = |reason: &str, message: &str, health: &Reach| {
            let mut finding = FindingView {
                reason: reason.to_owned(),
                message: message.to_owned(),
                ..FindingView::default()
            };
            veil(&mut finding, &form, health);
            (finding.reason, finding.message)
        };
        let there = "the LLMProvider shop/there does not admit the namespace search; its owner can, with spec.access";
        let not = "there is no accepted LLMProvider shop/not";
        let nothing = Reach::default();
        let (one, other) = (
            veiled("NotPermitted", there, &nothing),
            veiled("ProviderNotFound", not, &nothing),
        );
        assert_eq!(one.0, other.0);
        assert_eq!(
            one.1.replace("there", "not"),
            other.1.replace("there", "not")
        );
        let seen = veiled("NotPermitted", there, &Reach::All);
        assert_eq!(seen, ("NotPermitted".to_owned(), there.to_owned()));
    }
}
