//! Configurations of any size, compiled as the gateway's are.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use fairlead_compile::{Inputs, Settings, compile, documents};
use fairlead_condition::{Limit, Usage};
use fairlead_json::{Raw, Unreadable};
use fairlead_route::{Candidate, Request};
use fairlead_snapshot::{ObjectName, Snapshot};

/// The model that all requests ask for: the last of all rules takes it.
pub(crate) const MODEL: &str = "chat";

/// The value of a key.
pub(crate) fn value(number: usize) -> String {
    format!("sk-fairlead-bench-{number:020}")
}

/// So many keys, and so many rules beside the one that takes requests, to so many targets.
pub(crate) fn snapshot(keys: usize, rules: usize, targets: usize) -> Snapshot {
    let mut text = String::new();
    for number in 0..targets {
        let spec = "type: Simulated, access: {namespaces: {from: All}}";
        object(
            &mut text,
            "LLMProvider",
            &format!("provider-{number}"),
            spec,
        );
    }
    for number in 0..rules {
        let spec = format!(
            "scope: {{type: Global}}, match: {{models: [other-{number}], when: 'request.headers[\"x-tier\"] == \"gold\"'}}, \
             targets: [{{name: only, providerRef: {{name: provider-0}}}}]"
        );
        object(&mut text, "RoutingRule", &format!("other-{number}"), &spec);
    }
    let to: Vec<String> = (0..targets)
        .map(|number| {
            format!("{{name: t{number}, providerRef: {{name: provider-{number}}}, weight: 10}}")
        })
        .collect();
    let spec = format!(
        "scope: {{type: Global}}, priority: 10000, match: {{models: [{MODEL}], when: 'request.headers[\"x-tier\"] != \"batch\"'}}, targets: [{}]",
        to.join(", ")
    );
    object(&mut text, "RoutingRule", "taking", &spec);
    for number in 0..keys {
        let spec =
            format!("key: {{type: SecretRef, secretRef: {{name: key-{number}, key: apiKey}}}}");
        object(&mut text, "VirtualKey", &format!("caller-{number}"), &spec);
        let value = value(number);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "apiVersion: v1\nkind: Secret\nmetadata: {{namespace: default, name: key-{number}, labels: {{fairlead.dev/secret: virtual-key}}}}\nstringData: {{apiKey: {value}}}\n---"
        );
    }
    let mut inputs = Inputs::new(Settings::new("default"));
    let objects = documents("bench.yaml", &text).unwrap();
    inputs.objects = objects.into_iter().map(Arc::new).collect();
    let compiled = compile(None, &inputs);
    let bad = compiled.verdicts.iter().find(|verdict| !verdict.is_good());
    assert!(bad.is_none(), "{bad:?}");
    assert_eq!(compiled.snapshot.keys.len(), keys);
    assert_eq!(compiled.snapshot.rules.len(), rules + 1);
    compiled.snapshot
}

fn object(text: &mut String, kind: &str, name: &str, spec: &str) {
    let _ = writeln!(
        text,
        "apiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {{namespace: default, name: {name}}}\nspec: {{{spec}}}\n---"
    );
}

/// The name of a key.
pub(crate) fn caller(number: usize) -> ObjectName {
    ObjectName::new("default", format!("caller-{number}"))
}

/// A request of which nothing is known but its model.
pub(crate) struct Asked;

impl fairlead_condition::Request for Asked {
    fn header(&self, _: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        Ok(Some(Cow::Borrowed("silver")))
    }

    fn headers(&self) -> usize {
        1
    }

    fn model(&self) -> &str {
        MODEL
    }

    fn stream(&self) -> bool {
        false
    }

    fn param(&self, _: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        Ok(None)
    }

    fn params(&self) -> usize {
        0
    }

    fn usage(&self, _: &Limit) -> Option<Usage> {
        None
    }

    fn input_tokens(&self) -> u64 {
        80
    }
}

impl Request for Asked {
    fn cost(&self, _: Candidate<'_>) -> Option<i64> {
        None
    }
}
