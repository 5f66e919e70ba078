//! The loop: something changed -> gather -> compile -> render -> apply -> report.
//!
//! Everything is computed whole and only what differs is written. Every replica watches; only the leader gets past the first line of
//! [`Rebuild::rebuild`]. A step that fails leaves what is live as it is, and the whole is tried again with a growing pause; statuses are reported
//! all the same.

mod hold;
mod keep;
mod publish;
mod readable;
mod restore;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{
    Compiled, Inputs, RotationStep, Verdict, WantedKey, WantedRotation, compile,
};
use fairlead_process::{Pause, settled};
use fairlead_snapshot::Snapshot;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::apply::{ApplyError, Publisher};
use crate::args::Args;
use crate::clock;
use crate::crds::{Crds, Problem};
use crate::error::Chain;
use crate::gather::gather;
use crate::generate::rotate::Rotations;
use crate::generate::{Keys, Maker};
use crate::live::{Live, LiveError};
use crate::metrics::{Metrics, StepLabels};
use crate::replicas::Replicas;
use crate::report::ledger::Ledger;
use crate::report::{self, Report};
use crate::unread::Things;
use crate::vault::Vault;
use crate::watch::Watched;

/// This format says that a key had another value before.
const OVERLAP_FORMAT: u32 = 2;
/// Changes come in bursts; when nothing has come for this long, everything is compiled.
const SETTLE: Duration = Duration::from_millis(20);
/// Pods come and go by themselves: they alone have everything compiled no more often than this, whoever's they are.
const CALM: Duration = Duration::from_millis(300);
/// A burst that does not end is cut short.
const RESTLESS: Duration = Duration::from_millis(200);
/// The pause after a first failure; it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(5);
/// How often is looked for what somebody took away.
const TIDY: Duration = Duration::from_secs(30);
/// How often something of what nobody can want any more is taken away, where nothing else happens.
const COLLECT: Duration = Duration::from_secs(1);

pub(crate) use readable::Held;

/// The loop and what it remembers.
pub(crate) struct Rebuild {
    args: Args,
    publisher: Publisher,
    maker: Maker,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    leading: watch::Receiver<bool>,
    replicas: watch::Receiver<Replicas>,
    reads: watch::Receiver<Option<u32>>,
    generation: watch::Sender<u64>,
    reports: watch::Sender<Option<Arc<Report>>>,
    held: watch::Sender<Option<Held>>,
    crds: Crds,
    problem: watch::Receiver<Option<Problem>>,
    trouble: watch::Sender<Option<String>>,
    /// How many objects had vanished when the CRDs were last seen to be well.
    vanished: u64,
    /// When pods alone last had everything compiled.
    calmed: Option<Instant>,
    /// CRDs were deleted, and with them every object of their kinds.
    lost: bool,
    led: Option<Leadership>,
}

/// What is remembered for as long as this replica leads.
struct Leadership {
    live: Live,
    /// The shards there are.
    shards: Things,
    /// The values of credentials there are.
    vault: Vault,
    ledger: Ledger,
    keys: Keys,
    rotations: Rotations,
    /// When there is to be a rotation next, seconds since 1970.
    next_rotation: Option<i64>,
    /// What is published does not say what it should, whatever the snapshot says.
    damaged: bool,
    /// How many shards the last publication wrote.
    written: usize,
    tidied: Instant,
    /// When what somebody else had changed was last taken up.
    restored: Option<Instant>,
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
    #[error("{0}")]
    Held(String),
    #[error("the compiler failed")]
    Compile(#[from] tokio::task::JoinError),
}

impl RebuildError {
    fn step(&self) -> &'static str {
        match self {
            Self::Live(_) | Self::List(_) => "read",
            Self::Apply(_) => "apply",
            Self::Compile(_) => "compile",
            Self::Held(_) => "held",
        }
    }
}

/// The ends of the channels that the loop speaks through.
pub(crate) struct Channels {
    /// Whether this replica leads.
    pub leading: watch::Receiver<bool>,
    /// What the gateways enforce.
    pub replicas: watch::Receiver<Replicas>,
    /// The highest format that all of them read.
    pub reads: watch::Receiver<Option<u32>>,
    /// The generation of the live index, for those who ask the gateways.
    pub generation: watch::Sender<u64>,
    /// The last rebuild, for the one who writes statuses.
    pub reports: watch::Sender<Option<Arc<Report>>>,
    /// Why nothing is published, for those who answer probes and contend for the lease: what is published cannot be read.
    pub held: watch::Sender<Option<Held>>,
    /// Why nothing is published, for the one who answers probes: what the watches show is not what people want.
    pub trouble: watch::Sender<Option<String>>,
}

impl Rebuild {
    /// A loop that has done nothing yet.
    #[must_use]
    pub(crate) fn new(
        args: &Args,
        publisher: Publisher,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
        crds: &Crds,
        channels: Channels,
    ) -> Self {
        let recorder = report::recorder(&publisher.client, &args.identity);
        Self {
            args: args.clone(),
            maker: Maker::new(&publisher.client, recorder),
            publisher,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            leading: channels.leading,
            replicas: channels.replicas,
            reads: channels.reads,
            generation: channels.generation,
            reports: channels.reports,
            held: channels.held,
            crds: crds.clone(),
            problem: crds.problem(),
            trouble: channels.trouble,
            vanished: 0,
            calmed: None,
            lost: false,
            led: None,
        }
    }

    /// Rebuilds whenever something changed, for ever.
    pub(crate) async fn run(mut self) {
        let mut pause = Pause::between(SHORTEST, LONGEST);
        let mut failed = false;
        loop {
            if failed {
                tokio::time::sleep(pause.grow()).await;
            } else {
                self.wait().await;
                pause.reset();
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
            // Also where rebuilds follow each other without a pause: more goes than was written.
            self.collect().await;
        }
    }

    /// Waits until there may be something to do, and until the burst is over.
    async fn wait(&mut self) {
        let due = self.led.as_ref().and_then(|led| led.next_rotation);
        let mut look = Instant::now() + due.map_or(TIDY, |due| clock::until(due).min(TIDY));
        let mut pods = false;
        loop {
            tokio::select! {
                () = self.watched.changed.notified() => break,
                () = self.watched.pods.changed.notified() => {
                    let calm = self.calmed.map_or_else(Instant::now, |calmed| calmed + CALM);
                    look = look.min(calm);
                    pods = true;
                }
                changed = self.leading.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    break;
                }
                () = self.watched.index_changed.notified() => {
                    if self.led.as_ref().is_some_and(|led| self.is_contested(led)) {
                        break;
                    }
                }
                _ = self.reads.changed() => break,
                _ = self.problem.changed() => break,
                () = tokio::time::sleep_until(look) => break,
                () = tokio::time::sleep(COLLECT) => self.collect().await,
            }
        }
        if pods {
            self.calmed = Some(Instant::now());
        }
        settled(&self.watched.changed, SETTLE, RESTLESS).await;
    }

    async fn rebuild(&mut self) -> Result<(), RebuildError> {
        let Some(mut led) = self.leadership().await? else {
            return Ok(());
        };
        let live = led.live.snapshot.as_deref();
        self.watched.want(&self.args.gateway_name, live).await;
        let inputs = gather(&self.args, &self.watched, &led.keys.taken());
        let trouble = self.trouble(&led).await;
        self.trouble.send_if_modified(|told| {
            let changed = *told != trouble;
            told.clone_from(&trouble);
            changed
        });
        led.next_rotation = None;
        let outcome = match trouble {
            Some(_) => Ok(()),
            None => self.carry_out(&mut led, inputs).await,
        };
        self.led = Some(led);
        outcome
    }

    async fn carry_out(&self, led: &mut Leadership, inputs: Inputs) -> Result<(), RebuildError> {
        if self.is_contested(led) {
            self.restore_if_changed(led).await?;
        }
        self.look_again(led).await?;
        let compiled = self.compile(led, inputs).await?;
        self.hold(led, &compiled)?;
        let Compiled {
            snapshot,
            credentials,
            wanted,
            rotations,
            next_rotation,
            verdicts,
        } = compiled;
        led.next_rotation = next_rotation;
        let snapshot = Arc::new(snapshot);
        let published = self.publish(led, &snapshot, &credentials, &verdicts).await;
        match &published {
            Ok(()) => self.report(led.ledger.clone(), verdicts, &snapshot),
            // What is to come is told with a generation that no gateway enforces.
            Err(_) => {
                let ledger = self.expected(led, &snapshot, &verdicts);
                self.report(ledger, verdicts, &snapshot);
            }
        }
        self.generate(led, &wanted).await;
        published?;
        // A new value that cannot be published would be refused.
        self.rotate(led, &rotations).await;
        self.tidy(led, &credentials).await;
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
                self.watched.want_nothing();
                self.reports.send_replace(None);
                self.generation.send_replace(0);
                self.rest().await;
                self.trouble.send_replace(None);
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
        self.token().await;
        self.store_password().await;
        let mut led = Leadership {
            live,
            shards: Things::default(),
            vault: Vault::default(),
            ledger: Ledger::default(),
            keys: Keys::default(),
            rotations: Rotations::default(),
            next_rotation: None,
            damaged: false,
            written: 0,
            tidied: Instant::now(),
            restored: None,
        };
        self.look(&mut led).await.map_err(RebuildError::List)?;
        Ok(Some(led))
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
        let keys = &mut led.keys;
        if keys
            .generate(&self.maker, &self.watched, wanted, again)
            .await
        {
            self.watched.changed.notify_one();
        }
    }

    /// Rotates the keys that are due. A value whose overlap no gateway would keep, for the format that all of them read does not have it, is not
    /// replaced: as soon as they read a newer one, this comes again.
    async fn rotate(&self, led: &mut Leadership, wanted: &[WantedRotation]) {
        let kept = self.format(led) >= OVERLAP_FORMAT;
        let is_kept = |wanted: &&WantedRotation| match &wanted.step {
            RotationStep::Replace { overlap, .. } => kept || overlap.is_zero(),
            RotationStep::Forget => true,
        };
        let wanted: Vec<_> = wanted.iter().filter(is_kept).cloned().collect();
        let rotations = &mut led.rotations;
        if rotations
            .carry_out(&self.maker, &self.watched, &wanted)
            .await
        {
            self.watched.changed.notify_one();
        }
    }

    fn report(&self, ledger: Ledger, verdicts: Vec<Verdict>, snapshot: &Snapshot) {
        let keys = snapshot.keys.iter();
        let previous = keys.filter_map(|(name, key)| {
            let until = key.previous.as_ref()?.until;
            Some((name.clone(), until))
        });
        self.reports.send_replace(Some(Arc::new(Report {
            previous: previous.collect(),
            verdicts,
            ledger,
        })));
    }
}
