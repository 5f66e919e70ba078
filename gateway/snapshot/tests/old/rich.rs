//! A snapshot that says everything that can be said. A member or variant that is missing here does not compile: give a new one a value that
//! is not its default, then see what `main.rs` says of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::limits;

use fairlead_snapshot::{
    Access, Adaptive, AdaptiveWeights, Addressing, Affinity, Allow, AllowedProvider,
    Authentication, Changes, Charge, Commit, Concurrency, Continuation, Credential,
    CredentialStrategy, Deny, Dialect, Digest, EndpointAffinity, EndpointMetrics, Endpoints,
    Failover, FailureClass, Fallback, Headers, Health, Hedge, HttpVersion, Issuer, Key, Labels,
    Limits, LoggedContent, Logging, Mirror, Model, ModelFacts, ModelPattern, ModelPrice,
    ObjectName, Oidc, OnClientGone, OnUnsupported, Operator, Overflow, Parameters, Previous,
    Problem, Protocol, Provider, Queue, Recovery, RedactPattern, Refusal, Requirement, Retries,
    RetryOverrides, Rule, SaidDefault, Scope, Selector, ServicePort, Simulated, Snapshot, Sticky,
    Strategy, Streams, Target, TimeoutOverrides, Timeouts, Tracing, WorkloadIdentity,
};

/// All of it.
pub(crate) fn snapshot() -> Snapshot {
    let (teams, organizations) = limits::owners();
    Snapshot::new("fairlead-system", providers(), rules(), keys()).with_owners(teams, organizations)
}

fn name(name: &str) -> ObjectName {
    ObjectName::new("search", name)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn patterns() -> Vec<ModelPattern> {
    ["chat", "gpt-*"]
        .map(|text| ModelPattern(text.to_owned()))
        .into()
}

fn providers() -> BTreeMap<ObjectName, Provider> {
    let overflows = [
        Overflow::Fallback,
        Overflow::Reject,
        Overflow::Queue(Queue {
            length: 7,
            wait: seconds(3),
        }),
    ];
    let _ = |one: Overflow| match one {
        Overflow::Fallback | Overflow::Reject | Overflow::Queue(_) => (),
    };
    let _ = |one: Continuation| match one {
        Continuation::AssistantPrefix => (),
    };
    let mut providers = BTreeMap::new();
    for protocol in protocols() {
        for overflow in overflows {
            let access = match overflow {
                Overflow::Reject => Access::All,
                Overflow::Fallback | Overflow::Queue(_) => {
                    Access::Namespaces(["search".to_owned(), "ads".to_owned()].into())
                }
            };
            let provider = provider(protocol.clone(), overflow, access);
            providers.insert(name(&format!("p{}", providers.len())), provider);
        }
    }
    providers
}

/// An API over HTTP with its defaults.
fn http(dialect: Dialect) -> Protocol {
    Protocol::Http {
        dialect,
        vendor: String::new(),
        authentication: Authentication::Dialect,
        addressing: Addressing::Below,
        base_url: "https://api.example.com/v1".to_owned(),
        private_network: false,
        ca_certificates: None,
        client_certificate: None,
        stream_usage: true,
        http_version: HttpVersion::Http1,
    }
}

/// The same, shown a key and addressed in other ways.
fn elsewhere(shown: Authentication, at: Addressing) -> Protocol {
    let mut protocol = http(Dialect::OpenAi);
    if let Protocol::Http {
        authentication,
        addressing,
        ..
    } = &mut protocol
    {
        *authentication = shown;
        *addressing = at;
    }
    protocol
}

fn protocols() -> Vec<Protocol> {
    let http_versions = every!(HttpVersion: Http1, Http2);
    let dialects = every!(Dialect: OpenAi, Anthropic, Gemini, Converse);
    let _ = |one: Authentication| match one {
        Authentication::Dialect
        | Authentication::Azure
        | Authentication::Aws { .. }
        | Authentication::Google => (),
    };
    let _ = |one: Addressing| match one {
        Addressing::Below | Addressing::Deployments { .. } | Addressing::Publishers => (),
    };
    let deployments = Addressing::Deployments {
        api_version: "2024-10-21".to_owned(),
    };
    let aws = Authentication::Aws {
        region: "eu-central-1".to_owned(),
    };
    let mut protocols = vec![
        Protocol::Http {
            dialect: dialects[0],
            vendor: "groq".to_owned(),
            authentication: Authentication::Dialect,
            addressing: Addressing::Below,
            base_url: "https://api.example.com/v1".to_owned(),
            private_network: false,
            ca_certificates: None,
            client_certificate: Some(Digest::of(&"certificate")),
            stream_usage: false,
            http_version: http_versions[0],
        },
        Protocol::Http {
            dialect: dialects[0],
            vendor: String::new(),
            authentication: Authentication::Dialect,
            addressing: Addressing::Below,
            base_url: "https://api.example.com/v1".to_owned(),
            private_network: true,
            ca_certificates: Some("-----BEGIN CERTIFICATE-----".to_owned()),
            client_certificate: None,
            stream_usage: true,
            http_version: http_versions[1],
        },
        elsewhere(Authentication::Azure, deployments),
        elsewhere(Authentication::Google, Addressing::Publishers),
        elsewhere(aws, Addressing::Below),
    ];
    protocols.extend(dialects[1..].iter().copied().map(http));
    protocols.push(Protocol::Simulated(Simulated {
        text: Some("Hello.".to_owned()),
        tokens: Some(9),
        first_token_latency: Duration::from_millis(20),
        token_latency: Duration::from_millis(5),
        error_percent: 3,
        error_status: 529,
    }));
    let _ = |one: Protocol| match one {
        Protocol::Http { .. } | Protocol::Simulated(_) => (),
    };
    protocols
}

/// What is changed in requests, if it is.
fn amended(so: bool) -> (Parameters, Headers) {
    if !so {
        return (Parameters::default(), Headers::default());
    }
    let member = |name: &str| (name.to_owned(), serde_json::json!({"a": [1]}));
    let parameters = Parameters {
        defaults: [member("seed")].into(),
        overrides: [member("store")].into(),
        remove: ["user".to_owned()].into(),
    };
    let headers = Headers {
        set: [("x-team".to_owned(), "search".to_owned())].into(),
        remove: ["x-trace".to_owned()].into(),
    };
    (parameters, headers)
}

fn model() -> Model {
    Model {
        name: "chat".to_owned(),
        upstream_name: "chat-2026".to_owned(),
        price: Some(ModelPrice::Free),
        facts: ModelFacts {
            window: Some(100_000),
            max_output: Some(4_096),
            supports: vec!["tools".to_owned()],
            lacks: vec!["images".to_owned()],
        },
    }
}

fn endpoints() -> Endpoints {
    Endpoints {
        addresses: vec!["10.0.0.1:8000".to_owned(), "[fd00::1]:8000".to_owned()],
        service: Some(ServicePort {
            name: "vllm".to_owned(),
            port: Some(8000),
            port_name: Some("http".to_owned()),
        }),
        affinity: every!(EndpointAffinity: Prefix, None)[1],
        own_hosts: true,
        inference_pool: Some("vllm".to_owned()),
        metrics: Some(EndpointMetrics {
            path: "/metrics".to_owned(),
            interval: Duration::from_secs(5),
        }),
    }
}

fn provider(protocol: Protocol, overflow: Overflow, access: Access) -> Provider {
    let (parameters, headers) = amended(overflow == Overflow::Fallback);
    Provider {
        protocol,
        endpoints: (overflow == Overflow::Fallback).then(endpoints),
        credentials: vec![Credential {
            name: "main".to_owned(),
            weight: 7,
            models: patterns(),
            value: (overflow != Overflow::Reject).then(|| Digest::of(&"value")),
            identity: (overflow == Overflow::Reject).then(|| WorkloadIdentity {
                role_arn: Some("arn:aws:iam::123456789012:role/bedrock".to_owned()),
            }),
        }],
        credential_strategy: every!(CredentialStrategy: Adaptive, Weighted)
            [usize::from(overflow == Overflow::Reject)],
        models: Some(vec![model()]),
        timeouts: Timeouts {
            connect: seconds(1),
            first_token: seconds(2),
            first_token_reasoning: seconds(7),
            first_token_learned: true,
            first_byte: seconds(3),
            idle: seconds(4),
            total: seconds(5),
        },
        retries: Retries {
            max_retries: 4,
            initial_backoff: seconds(1),
            max_backoff: seconds(9),
            max_retry_after: seconds(8),
        },
        health: Health {
            consecutive_failures: 6,
            error_percent: 70,
            min_requests: 30,
            probe_interval: seconds(6),
            ramp_up: seconds(11),
        },
        concurrency: Some(Concurrency {
            max_in_flight: 12,
            overflow,
            adaptive: true,
        }),
        continuation: Some(Continuation::AssistantPrefix),
        parameters,
        headers,
        passthrough: vec!["/files".to_owned()],
        tracing: Tracing::Propagate,
        price: Some(limits::price()),
        limits: match overflow {
            Overflow::Reject => limits::all(),
            Overflow::Fallback | Overflow::Queue(_) => Limits::default(),
        },
        labels: Labels {
            given: labels(),
            partial: overflow == Overflow::Reject,
        },
        access,
    }
}

fn labels() -> BTreeMap<String, String> {
    [("region".to_owned(), "eu".to_owned())].into()
}

fn selector() -> Selector {
    let operators = every!(Operator: In, NotIn, Exists, DoesNotExist);
    let requirement = |operator| Requirement {
        key: "stage".to_owned(),
        operator,
        values: vec!["live".to_owned()],
    };
    Selector {
        labels: labels(),
        requirements: operators.map(requirement).into(),
    }
}

/// The namespace whose requests are constrained.
pub(crate) const CONSTRAINED: &str = "hr";

fn rules() -> Vec<Rule> {
    let scopes = [
        Scope::VirtualKey(name("key")),
        Scope::Team(name("team")),
        Scope::Organization {
            name: "company".to_owned(),
            namespace: Some("search".to_owned()),
        },
        Scope::Namespace("search".to_owned()),
        Scope::Global,
    ];
    let _ = |one: Scope| match one {
        Scope::VirtualKey(_)
        | Scope::Team(_)
        | Scope::Organization { .. }
        | Scope::Namespace(_)
        | Scope::Global => (),
    };
    let mut rules: Vec<Rule> = Vec::new();
    for scope in scopes {
        for strategy in every!(Strategy:
            Weighted, RoundRobin, Priority, LowestLatency, LowestCost, LeastBusy, Adaptive
        ) {
            rules.push(rule(rules.len(), scope.clone(), strategy));
        }
    }
    let constrained = Scope::Namespace(CONSTRAINED.to_owned());
    let ruled = rule(rules.len() + 1, constrained, Strategy::Weighted);
    rules.push(Rule {
        name: name("held"),
        overrides: true,
        targets: Vec::new(),
        fallbacks: Vec::new(),
        constrain: Some(selector()),
        ..ruled
    });
    rules.extend(continuing(rules.len() + 1));
    fairlead_snapshot::order::sort(&mut rules);
    rules
}

/// One that gives requests another name and what goes with it, and one that only has more patience.
fn continuing(at: usize) -> [Rule; 2] {
    let (parameters, headers) = amended(true);
    let scope = || Scope::Namespace("search".to_owned());
    let continuing = |named: &str, changes: Changes| Rule {
        name: name(named),
        overrides: false,
        targets: Vec::new(),
        fallbacks: Vec::new(),
        hedge: None,
        affinity: None,
        continues: true,
        changes,
        ..rule(at, scope(), Strategy::Weighted)
    };
    let changes = Changes {
        model: Some("gpt-4o".to_owned()),
        parameters,
        headers,
    };
    [
        continuing("aliased", changes),
        continuing("patient", Changes::default()),
    ]
}

fn rule(at: usize, scope: Scope, strategy: Strategy) -> Rule {
    let _ = |one: Affinity| match one {
        Affinity::Header(_) | Affinity::Prefix => (),
    };
    let affinities = [Affinity::Header("x-session".to_owned()), Affinity::Prefix];
    let recoveries = every!(Recovery: Continue, Fail);
    let commits = every!(Commit: Complete, Content);
    let gone = every!(OnClientGone: Finish, Cancel);
    Rule {
        name: name(&format!("r{at}")),
        overrides: at.is_multiple_of(2),
        scope,
        priority: 5,
        created: Some(1_700_000_000),
        models: patterns(),
        when: Some("request.headers[\"x-tier\"] == \"gold\"".to_owned()),
        strategy,
        adaptive: adaptive(strategy),
        targets: targets(at == AMENDING),
        fallbacks: vec![Fallback {
            target: target(9, None, false),
            on: Some(Failover {
                classes: classes(),
                status_codes: vec![529],
            }),
        }],
        timeouts: TimeoutOverrides {
            connect: Some(seconds(1)),
            first_token: Some(seconds(2)),
            first_byte: Some(seconds(3)),
            idle: Some(seconds(4)),
            total: Some(seconds(5)),
        },
        retries: RetryOverrides {
            max_retries: Some(1),
        },
        stream: Streams {
            recovery: recoveries[at % 2],
            commit: commits[at % 2],
            on_client_gone: gone[at % 2],
        },
        hedge: Some(Hedge {
            delay: Some(seconds(2)),
            max_percent: 10,
        }),
        affinity: Some(affinities[at % 2].clone()),
        on_unsupported: every!(OnUnsupported: Refuse, Drop)[at % 2],
        constrain: None,
        max_cost: (at == BOUNDED).then_some(50_000_000),
        sticky: sticky(at),
        mirrors: mirror(at).into_iter().collect(),
        continues: false,
        changes: Changes::default(),
        said_defaults: if at.is_multiple_of(2) {
            every!(SaidDefault: Recovery, Commit, OnClientGone, OnUnsupported).into()
        } else {
            Vec::new()
        },
        logging: logging(at),
    }
}

fn logging(at: usize) -> Option<Arc<Logging>> {
    let contents = every!(LoggedContent: Request, Full);
    let redact = RedactPattern {
        name: "customer".to_owned(),
        pattern: "C-[0-9]{6}".to_owned(),
    };
    Some(Arc::new(Logging {
        content: *contents.get(at)?,
        redact: if at == 0 { vec![redact] } else { Vec::new() },
    }))
}

fn sticky(at: usize) -> Option<Sticky> {
    let _ = |one: Sticky| match one {
        Sticky::Header(_) | Sticky::EndUser => (),
    };
    let all = [Sticky::Header("x-user".to_owned()), Sticky::EndUser];
    all.get(at).cloned()
}

fn mirror(at: usize) -> Option<Mirror> {
    let charges = every!(Charge: Provider, Caller);
    Some(Mirror {
        target: target(11, None, false),
        percent: 5,
        max_in_flight: 16,
        charge: *charges.get(at)?,
    })
}

fn classes() -> Vec<FailureClass> {
    every!(FailureClass:
        Connect, Reset, FirstTokenTimeout, IdleTimeout, TotalTimeout, RateLimited, Overloaded,
        ServerError, ProtocolError, BadCredential, ContextTooLong, ContentFiltered, BadRequest,
        ClientGone, Unavailable)
    .into()
}

fn adaptive(strategy: Strategy) -> Adaptive {
    let usual = Adaptive::default();
    if strategy != Strategy::Adaptive {
        return usual;
    }
    Adaptive {
        interval: seconds(2),
        explore_percent: 0,
        ramp_up: seconds(30),
        weights: AdaptiveWeights {
            errors: 200,
            first_token: 50,
            per_token: 0,
            utilization: 10,
        },
    }
}

/// The rule with targets that change requests.
const AMENDING: usize = 4;
/// The rule whose attempts may cost only so much.
const BOUNDED: usize = 9;

fn targets(amending: bool) -> Vec<Target> {
    let problems = every!(Problem: NotFound, NotPermitted, ModelNotOffered);
    let mut targets = vec![target(0, None, amending)];
    for problem in problems {
        targets.push(target(targets.len(), Some(problem), false));
    }
    targets
}

fn target(at: usize, problem: Option<Problem>, amending: bool) -> Target {
    let (parameters, headers) = amended(amending);
    Target {
        name: format!("t{at}"),
        provider: name("p0"),
        model: Some("chat".to_owned()),
        weight: 3,
        problem,
        parameters,
        headers,
    }
}

fn keys() -> BTreeMap<ObjectName, Key> {
    let refusals = every!(Refusal: Suspended, NoValue, Conflict, NoTeam, NoOrganization);
    let mut keys: Vec<Key> = refusals.map(|refused| key(Some(refused))).into();
    // Of those that are not refused one limits itself, one denies itself something, one takes callers from some networks only, one takes tokens,
    // two have owners that limit them, one is as free as before, one was rotated, and one picks providers by their labels.
    let mut limited = key(None);
    limited.limits = limits::all();
    let mut denied = key(None);
    denied.allow.deny = limits::deny();
    let mut of_team = key(None);
    of_team.team = Some(limits::OWNER.to_owned());
    let mut of_organization = key(None);
    of_organization.organization = Some(limits::OWNER.to_owned());
    let mut from_networks = key(None);
    from_networks.networks = vec!["10.0.0.0/8".parse().unwrap()];
    let mut by_token = key(None);
    by_token.oidc = Some(oidc());
    let mut picking = key(None);
    picking.allow.selector = Some(selector());
    let rotated = Key {
        previous: Some(Previous {
            digest: Digest::of(&"before"),
            until: 1_790_000_000,
        }),
        ..key(None)
    };
    keys.extend([
        limited,
        denied,
        of_team,
        of_organization,
        from_networks,
        by_token,
        key(None),
        rotated,
        picking,
    ]);
    let named = |(at, key): (usize, Key)| {
        let digest = key.oidc.is_none().then(|| Digest::of(&at));
        (name(&format!("k{at}")), Key { digest, ..key })
    };
    keys.into_iter().enumerate().map(named).collect()
}

fn oidc() -> Oidc {
    Oidc {
        issuer: Issuer {
            name: "https://issuer.example".to_owned(),
            jwks_url: Some("https://issuer.example/keys".to_owned()),
            private_network: true,
        },
        audiences: vec!["fairlead".to_owned()],
        claims: BTreeMap::from([("sub".to_owned(), "checkout".to_owned())]),
        created: Some(1_700_000_000),
    }
}

fn key(refused: Option<Refusal>) -> Key {
    Key {
        digest: None,
        oidc: None,
        networks: Vec::new(),
        previous: None,
        refused,
        expires_at: Some(1_800_000_000),
        team: Some("team".to_owned()),
        organization: Some("company".to_owned()),
        allow: Allow {
            models: Some(patterns()),
            providers: Some(vec![AllowedProvider {
                provider: name("p0"),
                weight: 2,
            }]),
            selector: None,
            deny: Deny::default(),
        },
        limits: Limits::default(),
    }
}
