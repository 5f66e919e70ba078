//! The cluster before any attack: a platform, two tenants, and an attacker, each with no more rights than the charts and Kubernetes' own
//! `edit` give.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::{ApiServer, Client, NAMESPACE, Operator, Published, Write, condition, grant};
use serde_json::{Value, json};

/// Entries by section and name.
pub(crate) type Entries = BTreeMap<(String, String), Value>;

/// The account that stands for the people of a namespace.
const MEMBER: &str = "member";
/// And for those with the role `admin` in it.
const CHIEF: &str = "chief";
/// The namespaces from which the installation permits private addresses, beside the platform's.
const PRIVATE_FROM: &str = r#"{"matchLabels": {"private": "yes"}}"#;

/// Somebody, in a namespace of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// `admin` of the gateway's namespace.
    Platform,
    /// `edit` of `victim`.
    Victim,
    /// `edit` of `lab`, whose providers may connect to private addresses.
    Lab,
    /// `edit` of `attacker`.
    Attacker,
    /// `admin` of `attacker`.
    Chief,
}

impl Who {
    const ALL: [Self; 5] = [
        Self::Platform,
        Self::Victim,
        Self::Lab,
        Self::Attacker,
        Self::Chief,
    ];

    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Platform => NAMESPACE,
            Self::Victim => "victim",
            Self::Lab => "lab",
            Self::Attacker | Self::Chief => "attacker",
        }
    }

    fn account(self) -> &'static str {
        match self {
            Self::Platform | Self::Chief => CHIEF,
            Self::Victim | Self::Lab | Self::Attacker => MEMBER,
        }
    }

    /// What the roles `edit` and `admin` consist of. Nothing joins them together here, as a controller does in a cluster.
    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Platform | Self::Chief => &[
                "system:aggregate-to-view",
                "system:aggregate-to-edit",
                "system:aggregate-to-admin",
                "fairlead-view",
                "fairlead-edit",
                "fairlead-admin",
            ],
            Self::Victim | Self::Lab | Self::Attacker => &[
                "system:aggregate-to-view",
                "system:aggregate-to-edit",
                "fairlead-view",
                "fairlead-edit",
            ],
        }
    }
}

/// What everybody has made before.
const BEFORE: [(Who, &str); 3] = [
    (
        Who::Platform,
        r#"
{kind: LLMProvider, metadata: {name: shared}, spec: {type: Simulated, access: {namespaces: {from: Selector, selector: {matchLabels: {org: acme}}}}}}
---
{kind: Organization, metadata: {name: acme}, spec: {namespaceSelector: {matchLabels: {org: acme}}}}
"#,
    ),
    (
        Who::Victim,
        r#"
{kind: Secret, metadata: {name: upstream, labels: {fairlead.dev/secret: credential}}, stringData: {apiKey: upstream-of-the-victim}}
---
{kind: Secret, metadata: {name: caller, labels: {fairlead.dev/secret: virtual-key}}, stringData: {apiKey: caller-of-the-victim-0123456789abcdef}}
---
{kind: LLMProvider, metadata: {name: own}, spec: {type: OpenAI, credentials: [{name: a, secretRef: {name: upstream}}]}}
---
{kind: Team, metadata: {name: ranking}, spec: {organizationRef: {name: acme}}}
---
{kind: VirtualKey, metadata: {name: checkout}, spec: {teamRef: {name: ranking}, key: {type: SecretRef, secretRef: {name: caller}}}}
---
{kind: VirtualKey, metadata: {name: made}, spec: {teamRef: {name: ranking}, key: {type: Generate, secretRef: {name: made-key}}}}
---
{kind: RoutingRule, metadata: {name: chat}, spec: {scope: {type: Team, name: ranking}, targets: [{name: a, providerRef: {name: own}}]}}
"#,
    ),
    (
        Who::Attacker,
        r#"
{kind: Secret, metadata: {name: database}, stringData: {apiKey: not-for-providers}}
---
{kind: Secret, metadata: {name: upstream, labels: {fairlead.dev/secret: credential}}, stringData: {apiKey: upstream-of-the-attacker}}
---
{kind: Secret, metadata: {name: caller, labels: {fairlead.dev/secret: virtual-key}}, stringData: {apiKey: caller-of-the-attacker-0123456789abcd, copied: caller-of-the-victim-0123456789abcdef, short: caller-of-the-attacker-01234567}}
---
{kind: LLMProvider, metadata: {name: own}, spec: {type: Simulated}}
"#,
    ),
];

/// The cluster, with an operator that runs as the chart's service account.
pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) operator: Operator,
    clients: BTreeMap<Who, Client>,
    before: Entries,
    /// What the objects of all but the attacker were told: object and status.
    told: Vec<(Value, Value)>,
}

impl World {
    pub(crate) async fn build() -> Result<Self> {
        let server = ApiServer::start().await?;
        let clients = people(server.client()).await?;
        grant(
            server.client(),
            "fairlead-crds",
            "fairlead-crds",
            NAMESPACE,
            &[],
        )
        .await?;
        grant(server.client(), "fairlead", "fairlead", NAMESPACE, &[]).await?;
        let account = server.kubeconfig_of(NAMESPACE, "fairlead-operator").await?;
        let operator =
            Operator::start(&account, "one", &["--private-networks-from", PRIVATE_FROM]).await?;
        operator.ready().await?;
        let mut told = Vec::new();
        for (who, text) in BEFORE {
            for object in serde_saphyr::from_multiple::<Value>(text)? {
                let object = placed(who, object)?;
                create(&clients[&who], &object).await?;
                if who != Who::Attacker && object["kind"] != "Secret" {
                    told.push((object, Value::Null));
                }
            }
        }
        let before = Published::until(server.client(), "what there was before", |now| {
            // A key may be published before its team is, and is refused until then.
            let is_complete = |key: &Value| !key["digest"].is_null() && key["refused"].is_null();
            let (entries, keys) = (now.entries(), ["victim/checkout", "victim/made"]);
            entries.len() == 6
                && keys
                    .iter()
                    .all(|name| now.entry("keys", name).is_some_and(is_complete))
        })
        .await?
        .entries();
        for (object, told) in &mut told {
            // There are no gateways, and that is told together with all else.
            condition(server.client(), object, "Programmed", "False").await?;
            *told = server.client().get(object).await?.body["status"].take();
        }
        Ok(Self {
            server,
            operator,
            clients,
            before,
            told,
        })
    }

    pub(crate) fn client(&self, who: Who) -> &Client {
        &self.clients[&who]
    }

    pub(crate) async fn published(&self) -> Result<Published> {
        let found = Published::read(self.server.client()).await?;
        found.context("nothing is published")
    }

    /// Fails if anything is not as it was before, but for what is called `namespace/x`: an attack itself.
    pub(crate) async fn is_unharmed(&self) -> Result<()> {
        let mut now = self.published().await?.entries();
        now.retain(|(_, name), _| !name.ends_with("/x"));
        ensure!(
            now == self.before,
            "others were harmed: {now:#?} instead of {:#?}",
            self.before
        );
        for (object, told) in &self.told {
            let status = self.server.client().get(object).await?.body["status"].take();
            ensure!(status == *told, "{object} is told {status} now");
        }
        Ok(())
    }

    /// Waits until everything is as it was before any attack.
    pub(crate) async fn is_restored(&self) -> Result<()> {
        let as_before = |now: &Published| now.entries() == self.before;
        Published::until(self.server.client(), "as before the attack", as_before).await?;
        Ok(())
    }

    /// Whether a Secret's value has come into the credentials that gateways get.
    pub(crate) async fn is_handed_out(&self, secret: &Value) -> Result<bool> {
        let wanted = &self.server.client().get(secret).await?.body["data"]["apiKey"];
        ensure!(wanted.is_string(), "there is no such Secret");
        let credentials = object(Who::Platform, "Secret", "fairlead-default-credentials");
        let data = self.server.client().get(&credentials).await?.body["data"].take();
        let values = data.as_object().context("no credentials are published")?;
        Ok(values.values().any(|value| value == wanted))
    }
}

/// Namespaces and the people in them: what a cluster's administrator makes.
async fn people(administrator: &Client) -> Result<BTreeMap<Who, Client>> {
    let labels = [
        (NAMESPACE, json!({})),
        ("victim", json!({"org": "acme"})),
        ("lab", json!({"private": "yes"})),
        ("attacker", json!({})),
    ];
    for (name, labels) in labels {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        create(administrator, &namespace).await?;
    }
    let mut clients = BTreeMap::new();
    for who in Who::ALL {
        let (namespace, account) = (who.namespace(), who.account());
        create(administrator, &object(who, "ServiceAccount", account)).await?;
        for role in who.roles() {
            let name = format!("{account}-{}", role.replace(':', "-"));
            let mut binding = object(who, "RoleBinding", &name);
            binding["apiVersion"] = "rbac.authorization.k8s.io/v1".into();
            binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
            binding["subjects"] =
                json!([{"kind": "ServiceAccount", "name": account, "namespace": namespace}]);
            create(administrator, &binding).await?;
        }
        let client = administrator.as_service_account(namespace, account).await?;
        clients.insert(who, client);
    }
    Ok(clients)
}

pub(crate) async fn create(client: &Client, object: &Value) -> Result<()> {
    let answer = client.create(object, Write::Stored).await?;
    ensure!(
        answer.is_success(),
        "{} {} is refused: {}",
        object["kind"],
        object["metadata"]["name"],
        answer.message()
    );
    Ok(())
}

/// An object by its name alone.
pub(crate) fn object(who: Who, kind: &str, name: &str) -> Value {
    let version = match kind {
        "LLMProvider" | "RoutingRule" | "VirtualKey" | "Team" | "Organization" => {
            "fairlead.dev/v1alpha1"
        }
        _ => "v1",
    };
    json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": who.namespace(), "name": name}})
}

/// An object of somebody's namespace.
fn placed(who: Who, mut value: Value) -> Result<Value> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no kind or name");
    let known = object(
        who,
        &text(&value["kind"])?,
        &text(&value["metadata"]["name"])?,
    );
    value["apiVersion"] = known["apiVersion"].clone();
    value["metadata"]["namespace"] = known["metadata"]["namespace"].clone();
    Ok(value)
}
