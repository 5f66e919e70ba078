//! The loop: something changed -> gather -> compile -> render -> apply -> report.
//!
//! Everything is computed whole and only what differs is written. Every replica watches; only the leader gets past the first line of
//! [`Rebuild::rebuild`]. A step that fails leaves what is live as it is, and the whole is tried again with a growing pause.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Compiled, Inputs, WantedKey, compile};
use fairlead_snapshot::{Index, ObjectName, Publication, Snapshot};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::apply::{ApplyError, Publisher};
use crate::args::Args;
use crate::error::Chain;
use crate::gather::gather;
use crate::generate::generate;
use crate::live::{Live, LiveError};
use crate::metrics::{Metrics, StepLabels};
use crate::replicas::Replicas;
use crate::report::Report;
use crate::report::ledger::Ledger;
use crate::watch::Watched;

/// Changes come in bursts; when nothing has come for this long, everything is compiled.
const SETTLE: Duration = Duration::from_millis(20);
/// A burst that does not end is cut short.
const RESTLESS: Duration = Duration::from_millis(200);
/// The pause after a first failure; it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);
/// How often is looked for what nobody reads any more, and for what somebody took away.
const TIDY: Duration = Duration::from_secs(30);

/// The loop and what it remembers.
pub struct Rebuild {
    args: Args,
    publisher: Publisher,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    leading: watch::Receiver<bool>,
    replicas: watch::Receiver<Replicas>,
    generation: watch::Sender<u64>,
    reports: watch::Sender<Option<Arc<Report>>>,
    led: Option<Leadership>,
}

/// What is remembered for as long as this replica leads.
struct Leadership {
    live: Live,
    /// The shards there are.
    shards: BTreeSet<String>,
    ledger: Ledger,
    /// Keys whose Secret somebody else has.
    taken: BTreeMap<ObjectName, WantedKey>,
    /// What is published does not say what it should, whatever the snapshot says.
    damaged: bool,
    tidied: Instant,
}

/// A rebuild that came to nothing.
#[derive(Debug, thiserror::Error)]
enum RebuildError {
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("cannot list the shards")]
    List(#[source] kube::Error),
    #[error("the compiler failed")]
    Compile(#[from] tokio::task::JoinError),
}

impl RebuildError {
    fn step(&self) -> &'static str {
        match self {
            Self::Live(_) | Self::List(_) => "read",
            Self::Apply(_) => "apply",
            Self::Compile(_) => "compile",
        }
    }
}

/// The ends of the channels that the loop speaks through.
pub struct Channels {
    /// Whether this replica leads.
    pub leading: watch::Receiver<bool>,
    /// What the gateways enforce.
    pub replicas: watch::Receiver<Replicas>,
    /// The generation of the live index, for those who ask the gateways.
    pub generation: watch::Sender<u64>,
    /// The last rebuild, for the one who writes statuses.
    pub reports: watch::Sender<Option<Arc<Report>>>,
}

impl Rebuild {
    /// A loop that has done nothing yet.
    #[must_use]
    pub fn new(
        args: &Args,
        publisher: Publisher,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
        channels: Channels,
    ) -> Self {
        Self {
            args: args.clone(),
            publisher,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            leading: channels.leading,
            replicas: channels.replicas,
            generation: channels.generation,
            reports: channels.reports,
            led: None,
        }
    }

    /// Rebuilds whenever something changed, for ever.
    pub async fn run(mut self) {
        let mut pause = SHORTEST;
        let mut failed = false;
        loop {
            if failed {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            } else {
                self.wait().await;
                pause = SHORTEST;
            }
            let began = Instant::now();
            failed = match self.rebuild().await {
                Ok(()) => false,
                Err(error) => {
                    self.metrics
                        .rebuild_failures
                        .get_or_create(&StepLabels {
                            step: error.step().to_owned(),
                        })
                        .inc();
                    tracing::error!(error = %Chain(&error), "a rebuild failed; what is live stays in force");
                    if matches!(error, RebuildError::Apply(ApplyError::Overtaken)) {
                        self.led = None;
                    }
                    true
                }
            };
            self.metrics
                .rebuild_seconds
                .observe(began.elapsed().as_secs_f64());
        }
    }

    /// Waits until there may be something to do, and until the burst is over.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.watched.changed.notified() => {}
            changed = self.leading.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            () = tokio::time::sleep(TIDY) => {}
        }
        let end = Instant::now() + RESTLESS;
        while Instant::now() < end
            && tokio::time::timeout(SETTLE, self.watched.changed.notified())
                .await
                .is_ok()
        {}
    }

    async fn rebuild(&mut self) -> Result<(), RebuildError> {
        let Some(mut led) = self.leadership().await? else {
            return Ok(());
        };
        let inputs = gather(
            &self.args,
            &self.watched,
            &led.taken.keys().cloned().collect(),
        );
        let outcome = self.carry_out(&mut led, inputs).await;
        self.led = Some(led);
        outcome
    }

    async fn carry_out(&self, led: &mut Leadership, inputs: Inputs) -> Result<(), RebuildError> {
        let compiled = self.compile(led, inputs).await?;
        self.generate(led, &compiled.wanted).await;
        let compiled = self.publish(led, compiled).await?;
        self.report(led, compiled);
        self.tidy(led).await;
        Ok(())
    }

    /// What this replica remembers as leader; `None`: it does not lead, or has not seen everything yet. Nothing may be published before every
    /// watch has finished its first list: what is not listed yet would look deleted.
    async fn leadership(&mut self) -> Result<Option<Leadership>, RebuildError> {
        let leads = *self.leading.borrow_and_update();
        self.metrics.leader.set(i64::from(leads));
        if !leads || !self.watched.incomplete().is_empty() {
            if !leads {
                self.led = None;
                self.reports.send_replace(None);
                self.generation.send_replace(0);
            }
            return Ok(None);
        }
        if let Some(led) = self.led.take() {
            return Ok(Some(led));
        }
        let publisher = &self.publisher;
        let live = Live::read(
            &publisher.client,
            &publisher.namespace,
            &publisher.gateway_name,
        )
        .await?;
        let (shards, _) = publisher.list_shards().await.map_err(RebuildError::List)?;
        Ok(Some(Leadership {
            live,
            shards,
            ledger: Ledger::default(),
            taken: BTreeMap::new(),
            damaged: false,
            tidied: Instant::now(),
        }))
    }

    /// Takes seconds of a core with many objects, so it runs beside the others.
    async fn compile(&self, led: &Leadership, inputs: Inputs) -> Result<Compiled, RebuildError> {
        let previous = led.live.snapshot.clone();
        let compiled =
            tokio::task::spawn_blocking(move || compile(previous.as_deref(), &inputs)).await?;
        Ok(compiled)
    }

    /// Makes the keys that are wanted, and looks whether names that were taken are free by now.
    async fn generate(&self, led: &mut Leadership, wanted: &[WantedKey]) {
        let again = led.tidied.elapsed() >= TIDY;
        let mut all = wanted.to_vec();
        if again {
            all.extend(led.taken.values().cloned());
        }
        if all.is_empty() {
            return;
        }
        let taken = generate(&self.publisher.client, &self.watched, &all).await;
        let before: BTreeSet<ObjectName> = led.taken.keys().cloned().collect();
        led.taken.retain(|name, _| !again || taken.contains(name));
        led.taken.extend(
            all.into_iter()
                .filter(|wanted| taken.contains(&wanted.secret))
                .map(|wanted| (wanted.secret.clone(), wanted)),
        );
        if led.taken.keys().ne(before.iter()) {
            // The verdict on the key is another now.
            self.watched.changed.notify_one();
        }
    }

    /// Renders and applies, if anything differs from what is live.
    async fn publish(
        &self,
        led: &mut Leadership,
        compiled: Compiled,
    ) -> Result<Compiled, RebuildError> {
        let before = led.live.snapshot.clone();
        let now = Instant::now();
        if led.damaged || before.as_deref() != Some(&compiled.snapshot) {
            let generation = led.live.generation.max(self.reported()) + 1;
            let previous = led.live.index.as_ref().map(|(index, _)| index.clone());
            let (compiled, publication) = render(compiled, generation, previous).await?;
            self.publisher.credentials(&compiled.credentials).await?;
            let written = self.publisher.shards(&publication, &led.shards).await?;
            let replaces = led.live.index.as_ref().map(|(_, version)| version.as_str());
            let version = self.publisher.index(&publication.index, replaces).await?;
            self.metrics
                .shards_written
                .inc_by(u64::try_from(written).unwrap_or_default());
            tracing::info!(
                generation,
                shards_written = written,
                objects = compiled.verdicts.len(),
                "published"
            );
            self.remember(led, &compiled, &publication, version);
            led.ledger.note(
                before.as_deref(),
                &compiled.snapshot,
                &compiled.verdicts,
                generation,
                now,
            );
            self.generation.send_replace(generation);
            return Ok(compiled);
        }
        if led.tidied.elapsed() >= TIDY {
            // Somebody may have deleted it.
            self.publisher.credentials(&compiled.credentials).await?;
        }
        led.ledger.note(
            before.as_deref(),
            &compiled.snapshot,
            &compiled.verdicts,
            led.live.generation,
            now,
        );
        self.metrics
            .generation
            .set(i64::try_from(led.live.generation).unwrap_or(i64::MAX));
        self.generation.send_if_modified(|live| {
            std::mem::replace(live, led.live.generation) != led.live.generation
        });
        Ok(compiled)
    }

    fn remember(
        &self,
        led: &mut Leadership,
        compiled: &Compiled,
        publication: &Publication,
        version: String,
    ) {
        let generation = publication.index.generation;
        self.metrics
            .generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        led.shards.extend(
            publication
                .shards
                .iter()
                .map(|shard| self.publisher.shard_name(shard)),
        );
        led.live = Live {
            generation,
            index: Some((publication.index.clone(), version)),
            snapshot: Some(Arc::new(compiled.snapshot.clone())),
        };
        led.damaged = false;
    }

    /// The highest generation that a gateway says it enforces: should the index have been deleted, the next one must not look older.
    fn reported(&self) -> u64 {
        let replicas = self.replicas.borrow();
        replicas
            .iter()
            .filter_map(|replica| replica.enforces)
            .max()
            .unwrap_or_default()
    }

    fn report(&self, led: &Leadership, compiled: Compiled) {
        self.reports.send_replace(Some(Arc::new(Report {
            verdicts: compiled.verdicts,
            ledger: led.ledger.clone(),
        })));
    }

    /// Failures here harm nobody and are seen again in half a minute.
    async fn tidy(&self, led: &mut Leadership) {
        if led.tidied.elapsed() < TIDY {
            return;
        }
        led.tidied = Instant::now();
        if let Err(error) = self.try_tidy(led).await {
            tracing::warn!(error = %Chain(&error), "cannot tidy up");
        }
    }

    async fn try_tidy(&self, led: &mut Leadership) -> kube::Result<()> {
        let (there, old) = self.publisher.list_shards().await?;
        led.shards = there;
        let Some((index, version)) = &led.live.index else {
            return Ok(());
        };
        if !self.publisher.is_live(version).await? || !self.publisher.has_all(index, &led.shards) {
            tracing::warn!("what is published was changed by someone else; it is written anew");
            let found = Live::read(
                &self.publisher.client,
                &self.publisher.namespace,
                &self.publisher.gateway_name,
            );
            let LiveError::Api(error) = match found.await {
                Ok(found) => {
                    led.damaged = found.snapshot.is_none();
                    led.live = found.or(&led.live);
                    self.watched.changed.notify_one();
                    return Ok(());
                }
                Err(error) => error,
            };
            return Err(error);
        }
        let replicas = self.replicas.borrow().clone();
        let settled = replicas
            .iter()
            .all(|replica| replica.enforces == Some(led.live.generation));
        if !replicas.is_empty() && settled {
            let deleted = self.publisher.delete_unread(index, &old).await?;
            self.metrics.shards_deleted.inc_by(deleted);
            if let Some(snapshot) = &led.live.snapshot {
                self.publisher.forget_credentials(snapshot).await?;
            }
        }
        Ok(())
    }
}

async fn render(
    compiled: Compiled,
    generation: u64,
    previous: Option<Index>,
) -> Result<(Compiled, Publication), RebuildError> {
    let rendered = tokio::task::spawn_blocking(move || {
        let publication = Snapshot::publish(&compiled.snapshot, generation, previous.as_ref());
        publication.map(|publication| (compiled, publication))
    });
    Ok(rendered.await?.map_err(ApplyError::Json)?)
}
