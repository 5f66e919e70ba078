//! Where the cases are played: one provider that fails, one that is well, and a gateway that knows them under many names.

use std::fmt::Write as _;

use fairlead_faults::{Dialect, Fault, Play, Provider};

use super::case::{Case, IMPATIENCE};
use super::surface::Surface;
use crate::harness::yaml::{caller, chain, object, rule, secret};
use crate::harness::{Gateway, eventually, serve};

/// What the providers are sent, and no caller may see.
pub(super) const SECRET: &str = "sk-upstream-0123456789abcdef-secret";
/// What the healthy provider says.
pub(super) const SPARE: &str = "All is well.";

/// The gateway and its providers.
pub(super) struct Stage {
    dialect: Dialect,
    surface: Surface,
    pub(super) gateway: Gateway,
    failing: Provider,
    spare: Provider,
}

impl Stage {
    /// Starts everything for the cases of a dialect and a surface.
    pub(super) async fn set(dialect: Dialect, surface: Surface, cases: &[Case]) -> Self {
        let failing = Provider::builder()
            .early(|seen| {
                let fault = Fault::asked_by(seen).filter(|fault| fault.early)?;
                Some(fault.play(seen))
            })
            .start(|seen| {
                Fault::asked_by(seen)
                    .expect("a path without a fault")
                    .play(seen)
            })
            .await;
        let spare = Provider::always(Play::words(SPARE.split_inclusive(' '))).await;
        let mut objects = secret("upstream", "credential", &format!("apiKey: {SECRET}"));
        for case in cases {
            write!(objects, "{}", objects_of(case, &failing)).unwrap();
        }
        let more = format!("{NEVER_DOWN}, {CREDENTIALS}, continuation: AssistantPrefix");
        let spare_object = provider(dialect, "spare", &spare.base_url(), &more);
        let well = chain("well", &["spare"], "");
        let gateway = serve([objects, spare_object, well, caller()]).await;
        Self {
            dialect,
            surface,
            gateway,
            failing,
            spare,
        }
    }

    /// How often the failing provider was asked for this case.
    pub(super) fn asked(&self, case: &Case) -> usize {
        let path = path(case);
        self.failing.count(|seen| seen.path.starts_with(&path))
    }

    /// Whether the healthy provider was asked for this case.
    pub(super) fn fell_back(&self, case: &Case) -> bool {
        let model = case.name();
        self.spare.count(|seen| seen.model() == model) == 1
    }

    /// Whether a plain request is answered.
    pub(super) async fn is_healthy(&self) -> bool {
        let answer = self.surface.ask(&self.gateway, "well", false, "Hi.").await;
        let said = self.surface.whole(&answer.json());
        answer.status == 200 && said.text.as_deref() == Some(SPARE)
    }

    /// Whether the failing provider was sent the credential, so that it could give it away.
    pub(super) fn knows_the_secret(&self) -> bool {
        self.failing
            .count(|seen| !self.dialect.key_of(seen).ends_with(SECRET))
            == 0
    }

    /// Waits until nothing is left of the cases: no request that is still being answered.
    pub(super) async fn is_as_it_was(&self) {
        let Self { failing, spare, .. } = self;
        eventually("every play ends", async || {
            let open = failing.requests() + spare.requests()
                - failing.played().len()
                - spare.played().len();
            (open == 0).then_some(())
        })
        .await;
    }
}

/// No case may be decided by what another one did.
const NEVER_DOWN: &str = "health: {consecutiveFailures: 0, errorPercent: 0}";
const CREDENTIALS: &str = "credentials: [{name: main, secretRef: {name: upstream, key: apiKey}}]";

/// An `LLMProvider` that speaks this; `more` are further fields.
pub(crate) fn provider(dialect: Dialect, name: &str, base_url: &str, more: &str) -> String {
    let kind = format!("type: {}", dialect.name());
    let address = format!("baseURL: \"{base_url}\", allowPrivateNetwork: true");
    let fields = [kind.as_str(), address.as_str(), dialect.settings(), more];
    let fields: Vec<_> = fields
        .into_iter()
        .filter(|field| !field.is_empty())
        .collect();
    object("LLMProvider", name, &fields.join(", "))
}

fn path(case: &Case) -> String {
    format!("/play/{}/{}/", case.fault.name, case.name())
}

/// The provider of a case and the rule that leads to it.
fn objects_of(case: &Case, failing: &Provider) -> String {
    let name = case.name();
    let url = format!("http://{}{}v1", failing.address(), path(case));
    let retries = format!(
        "retries: {{maxRetries: {}, backoff: {{initial: 1ms, max: 5ms}}}}",
        case.retries
    );
    let timeouts = if case.waits() {
        let millis = IMPATIENCE.as_millis();
        format!(", timeouts: {{firstToken: {millis}ms, firstByte: {millis}ms, idle: {millis}ms}}")
    } else {
        String::new()
    };
    let more = format!("{CREDENTIALS}, {retries}, {NEVER_DOWN}{timeouts}");
    let target = |target: &str, provider: &str, model: &str| {
        format!("{{name: {target}, providerRef: {{name: {provider}}}, model: {model}}}")
    };
    let fallbacks = if case.spare {
        target("spare", "spare", &name)
    } else {
        String::new()
    };
    let relay = case.relay.in_rule();
    let spec = format!(
        "match: {{models: [{name}]}}, targets: [{}], fallbacks: [{fallbacks}]{relay}",
        target("a", &name, "m")
    );
    provider(case.dialect, &name, &url, &more) + &rule(&name, &spec)
}
