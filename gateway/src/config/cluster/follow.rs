//! The loop itself: look at what the watches have seen, act on it, wait for something new.
//!
//! Only one configuration is loaded at a time; what is published meanwhile is seen at the next look, and then only the newest.

use std::sync::Arc;
use std::time::Duration;

use fairlead_process::Pause;
use fairlead_snapshot::Index;
use fairlead_snapshot::SecretBytes;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::api::Api;
use super::held::Held;
use super::known::{Admin, Known};
use super::last_good::{Copy, LastGood};
use super::load::{self, InForce, LoadError, Published, Whole};
use super::watch::Seen;
use crate::decisions::enforced;
use crate::runtime::Retired;
use crate::status::{Source, Token};
use crate::worker::Shared;

/// The first pause after a failed attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, and how often runtimes that nobody uses any more are looked for.
const LONGEST: Duration = Duration::from_secs(30);

/// What the loop knows.
pub(super) struct Follower {
    api: Api,
    last_good: LastGood,
    shared: Arc<Shared>,
    held: Held,
    /// What was in force before the restart, as long as it may be needed.
    copy: Option<Copy>,
    in_force: Option<InForce>,
    token: Option<SecretBytes>,
    /// Whether the token has had a Secret of its own. The two Secrets are watched apart, so what the other one says may be long past.
    apart: bool,
    retired: Retired,
    /// What was said last.
    told: Option<String>,
}

/// How a look ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Only something new can change anything.
    Settled,
    /// Another attempt may succeed.
    Failed,
}

impl Follower {
    /// Reads the last good copy, whose shards need not be fetched again.
    pub(super) async fn start(api: Api, last_good: LastGood, shared: Arc<Shared>) -> Self {
        let file = last_good.clone();
        let copy = load::blocking(move || file.read()).await.unwrap_or(None);
        Self {
            api,
            last_good,
            shared,
            held: copy
                .as_ref()
                .map_or_else(Held::default, |copy| copy.held.clone()),
            copy,
            in_force: None,
            token: None,
            apart: false,
            retired: Retired::default(),
            told: None,
        }
    }

    /// Follows until the process ends. From `impatient` on, the copy is better than nothing.
    pub(super) async fn follow(
        mut self,
        mut published: Receiver<Seen<Published>>,
        mut known: Receiver<Seen<Known>>,
        mut admin: Receiver<Seen<Admin>>,
        impatient: Instant,
    ) {
        let mut pause = Pause::between(PAUSE, LONGEST);
        loop {
            let index = published.borrow_and_update().clone();
            let secret = known.borrow_and_update().clone();
            let token = self.token_of(&admin.borrow_and_update(), &secret);
            if let Some(token) = token {
                self.take_token(token.as_ref()).await;
            }
            let waits = self.in_force.is_none() && self.copy.is_some();
            let standing = tokio::select! {
                standing = self.look(&index, &secret) => standing,
                () = sleep_until(impatient), if waits => {
                    self.fall_back().await;
                    continue;
                }
            };
            self.retired.sweep();
            let next = match standing {
                Standing::Settled => LONGEST,
                Standing::Failed => pause.grow(),
            };
            let waits = self.in_force.is_none() && self.copy.is_some();
            tokio::select! {
                Ok(()) = published.changed() => pause.reset(),
                Ok(()) = admin.changed() => {}
                Ok(()) = known.changed() => pause.reset(),
                () = tokio::time::sleep(next) => {}
                () = sleep_until(impatient), if waits => self.fall_back().await,
            }
        }
    }

    async fn look(&mut self, index: &Seen<Published>, secret: &Seen<Known>) -> Standing {
        let nothing = Known::default();
        let known = match &secret.object {
            Some(Some(known)) => known,
            // A Secret that is gone takes nothing with it.
            Some(None) | None => &nothing,
        };
        match &index.object {
            None => {
                // The watch has told the log already.
                let trouble = index.trouble.as_deref();
                self.say(Some(
                    trouble.unwrap_or("the API server has not answered yet"),
                ));
                Standing::Settled
            }
            Some(None) => {
                self.tell(&self.absent());
                Standing::Settled
            }
            Some(Some(published)) if self.is_live(published) => {
                self.say(None);
                Standing::Settled
            }
            Some(Some(published)) => match self.attempt(published, known).await {
                Ok(()) => {
                    self.say(None);
                    Standing::Settled
                }
                Err(error) => {
                    self.shared.observe.metrics.config_failures.inc();
                    self.tell(&error.to_string());
                    Standing::Failed
                }
            },
        }
    }

    /// Loads an index, puts it into force and keeps it.
    async fn attempt(&mut self, published: &Published, known: &Known) -> Result<(), LoadError> {
        let before = self.in_force.as_ref();
        let whole = load::load(&self.api, &mut self.held, known, before, published.clone()).await?;
        self.enforce(whole, Source::Live).await?;
        self.keep().await;
        Ok(())
    }

    async fn enforce(&mut self, whole: Whole, source: Source) -> Result<(), LoadError> {
        let current = self.shared.live.load_full();
        let built = load::blocking(move || {
            let generation = whole.index.generation;
            let runtime = current.published(&whole.snapshot, &whole.credentials, generation);
            (whole, runtime)
        });
        let (whole, runtime) = built.await?;
        // From here to the end nothing waits, so that nothing is done by half.
        self.retired.replace(&self.shared.live, runtime);
        tracing::info!(
            generation = whole.index.generation,
            source = source.as_str(),
            providers = whole.snapshot.providers.len(),
            rules = whole.snapshot.rules.len(),
            keys = whole.snapshot.keys.len(),
            "configuration in force"
        );
        let digest = self.shared.live.load().digest.clone();
        let line = enforced(whole.index.generation, digest.as_str(), source.as_str());
        self.shared.decisions.tell(line);
        let metrics = &self.shared.observe.metrics;
        let generation = i64::try_from(whole.index.generation).unwrap_or(i64::MAX);
        metrics.config_generation.set(generation);
        let copied = source == Source::LastGood;
        metrics.config_from_last_good.set(i64::from(copied));
        self.held.keep_only(&whole.index);
        self.copy = None;
        self.in_force = Some(InForce {
            published: whole.published,
            generation: whole.index.generation,
            credentials: whole.credentials,
        });
        self.shared
            .status
            .send_modify(|status| status.source = Some(source));
        Ok(())
    }

    /// Puts the copy into force, if nothing is.
    async fn fall_back(&mut self) {
        let Some(copy) = self.copy.take() else { return };
        let token = copy.token.clone();
        match self.restore(copy).await {
            Ok(()) => {
                tracing::warn!(
                    "the live configuration has not come in time; serving the last good one"
                );
                if self.token.is_none() {
                    self.show(token);
                }
            }
            Err(error) => tracing::error!("the last good configuration cannot be used: {error}"),
        }
    }

    async fn restore(&mut self, copy: Copy) -> Result<(), LoadError> {
        let index = Index::read(&copy.text)?;
        let whole = Whole {
            snapshot: load::join(index.clone(), copy.held).await?,
            index,
            published: Published {
                text: copy.text,
                uid: String::new(),
            },
            credentials: copy.credentials,
        };
        self.enforce(whole, Source::LastGood).await
    }

    /// Writes what is in force into the last good copy.
    async fn keep(&self) {
        let Some(in_force) = &self.in_force else {
            return;
        };
        let (file, copy) = (
            self.last_good.clone(),
            Copy {
                text: Arc::clone(&in_force.published.text),
                held: self.held.clone(),
                credentials: in_force.credentials.clone(),
                token: self.token.clone(),
            },
        );
        // It says itself what goes wrong.
        let _ = load::blocking(move || file.write(&copy)).await;
    }

    /// The token of the admin port, where a Secret says anything about it: the one of its own, or the one in which it stood before there was that. A
    /// Secret that is gone takes nothing with it.
    fn token_of(
        &mut self,
        admin: &Seen<Admin>,
        secret: &Seen<Known>,
    ) -> Option<Option<SecretBytes>> {
        if let Some(Some(admin)) = &admin.object {
            self.apart = true;
            return Some(admin.0.clone());
        }
        if self.apart {
            return None;
        }
        let known = secret.object.as_ref()?.as_ref()?;
        known.token.clone().map(Some)
    }

    async fn take_token(&mut self, token: Option<&SecretBytes>) {
        if self.token.as_ref() == token {
            return;
        }
        // Kept first: whoever is let in by it is so after a restart.
        self.token = token.cloned();
        if self.source() == Some(Source::Live) {
            self.keep().await;
        }
        self.show(token.cloned());
    }

    fn show(&mut self, token: Option<SecretBytes>) {
        self.shared.status.send_modify(|status| {
            status.token = token.as_ref().and_then(|token| Token::of(token.expose()));
        });
        self.token = token;
    }

    fn source(&self) -> Option<Source> {
        self.shared.status.borrow().source
    }

    fn is_live(&self, published: &Published) -> bool {
        let in_force = self.in_force.as_ref();
        self.source() == Some(Source::Live)
            && in_force.is_some_and(|in_force| in_force.published == *published)
    }

    fn absent(&self) -> String {
        let (name, namespace) = (self.api.index_name(), &self.api.installation.namespace);
        format!(
            "there is no ConfigMap {namespace}/{name}, which the operator makes; see to it that one runs for this installation"
        )
    }

    /// Tells the log and the admin port why nothing newer is in force, once for each state of affairs.
    fn tell(&mut self, trouble: &str) {
        if self.told.as_deref() != Some(trouble) {
            let meanwhile = match self.in_force {
                Some(_) => "what is in force stays",
                None => "nothing is served yet",
            };
            tracing::error!("{trouble}; {meanwhile}");
        }
        self.say(Some(trouble));
    }

    /// Tells the admin port.
    fn say(&mut self, trouble: Option<&str>) {
        self.told = trouble.map(str::to_owned);
        let told = &self.told;
        self.shared.status.send_if_modified(|status| {
            let differs = status.error != *told;
            status.error.clone_from(told);
            differs
        });
    }
}
