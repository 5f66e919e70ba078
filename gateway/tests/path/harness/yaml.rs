//! Documents of a configuration. A name is `name`, in the namespace `default`, or `namespace/name`.

/// The value of the usual caller's key.
pub(crate) const KEY: &str = "sk-caller-0123456789abcdef0123456789";

/// Fields of a provider that is asked once per request and never left alone, where a test is about a single attempt.
pub(crate) const ONCE: &str =
    "retries: {maxRetries: 0}, health: {consecutiveFailures: 0, errorPercent: 0}";

/// A custom resource; `spec` in flow style, without its braces.
pub(crate) fn object(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {}\nspec: {{{spec}}}\n---\n",
        metadata(name, "")
    )
}

/// An `LLMProvider` at a private address; `more` are further fields.
pub(crate) fn provider(name: &str, base_url: &str, more: &str) -> String {
    object(
        "LLMProvider",
        name,
        &joined(
            &format!("type: OpenAI, baseURL: \"{base_url}\", allowPrivateNetwork: true"),
            more,
        ),
    )
}

/// A `RoutingRule`.
pub(crate) fn rule(name: &str, spec: &str) -> String {
    object("RoutingRule", name, spec)
}

/// A `RoutingRule` for one model, whose targets are the providers of these names, in this order.
pub(crate) fn chain(model: &str, providers: &[&str], more: &str) -> String {
    let target = |name: &&str| format!("{{name: {name}, providerRef: {{name: {name}}}}}");
    let fallbacks: Vec<String> = providers[1..].iter().map(target).collect();
    let spec = format!(
        "match: {{models: [\"{model}\"]}}, targets: [{}], fallbacks: [{}]",
        target(&providers[0]),
        fallbacks.join(", ")
    );
    rule(&model.replace(['.', '_'], "-"), &joined(&spec, more))
}

/// The usual caller.
pub(crate) fn caller() -> String {
    key("caller", KEY, "")
}

/// A `VirtualKey` with the Secret of its value; `more` are further fields.
pub(crate) fn key(name: &str, value: &str, more: &str) -> String {
    let own = name.rsplit('/').next().unwrap_or_default();
    let spec = joined(
        &format!("key: {{type: SecretRef, secretRef: {{name: {own}-key}}}}"),
        more,
    );
    object("VirtualKey", name, &spec)
        + &secret(
            &format!("{name}-key"),
            "virtual-key",
            &format!("apiKey: {value}"),
        )
}

/// A `Secret` for one use; `data` in flow style, without its braces.
pub(crate) fn secret(name: &str, usage: &str, data: &str) -> String {
    let labels = format!(", labels: {{fairlead.dev/secret: {usage}}}");
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {}\nstringData: {{{data}}}\n---\n",
        metadata(name, &labels)
    )
}

fn metadata(name: &str, more: &str) -> String {
    match name.split_once('/') {
        Some((namespace, name)) => format!("{{namespace: {namespace}, name: {name}{more}}}"),
        None => format!("{{name: {name}{more}}}"),
    }
}

fn joined(fields: &str, more: &str) -> String {
    if more.is_empty() {
        fields.to_owned()
    } else {
        format!("{fields}, {more}")
    }
}
