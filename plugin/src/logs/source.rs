//! Where access lines come from.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{AsyncBufReadExt as _, StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio::time::{Instant, Interval, interval_at};

use crate::args::{Logs, Place};
use crate::error::{Error, Need};
use crate::session::Session;

/// The container of a gateway's pod, for others may have been put beside it.
const CONTAINER: &str = "gateway";
/// How many lines of each gateway are looked through, where nothing else says how far back.
const LINES: u32 = 1000;

/// Gives lines: what there is, and where that is wanted, what comes.
pub(super) trait Source {
    /// The lines, access lines among others.
    fn lines(self: Box<Self>) -> Lines;
}

/// How often pods are looked for that have come since.
const LOOK: Duration = Duration::from_secs(5);

type Lines = BoxStream<'static, Result<String, Error>>;

/// The logs of all gateways, ready or not: why one is not stands there.
pub(super) struct PodLogs {
    pods: Pods,
    params: LogParams,
    open: SelectAll<Lines>,
    reads: BTreeSet<String>,
}

/// What is asked for logs.
struct Pods {
    session: Session,
    place: Place,
    api: Api<Pod>,
}

impl PodLogs {
    /// Begins to read.
    ///
    /// # Errors
    /// The user may not read logs, or of no gateway there is one.
    pub(super) async fn open(session: Session, place: &Place, args: &Logs) -> Result<Self, Error> {
        let unbounded = args.since.is_some() || args.id.is_some();
        let tail = args.tail.or_else(|| (!unbounded).then_some(LINES));
        let params = LogParams {
            container: Some(CONTAINER.to_owned()),
            follow: args.follow,
            since_seconds: args
                .since
                .and_then(|since| i64::try_from(since.as_secs()).ok()),
            tail_lines: tail.map(i64::from),
            ..LogParams::default()
        };
        let pods = Pods {
            api: Api::namespaced(session.client.clone(), &place.gateway_namespace),
            session,
            place: place.clone(),
        };
        let (mut open, mut problem) = (SelectAll::new(), None);
        let mut reads = BTreeSet::new();
        for name in pods.names(true).await? {
            match pods.lines(&name, &params).await {
                Ok(lines) => {
                    open.push(lines);
                    reads.insert(name);
                }
                // Nobody reads anything without the right.
                Err(error @ Error::Forbidden { .. }) => return Err(error),
                Err(error) => {
                    note(&error);
                    problem = Some(error);
                }
            }
        }
        match problem {
            Some(error) if open.is_empty() && !args.follow => Err(error),
            _ => Ok(Self {
                pods,
                params,
                open,
                reads,
            }),
        }
    }

    /// Lines as they come, of pods too that come later. One that has gone takes nothing away but its own.
    fn followed(self) -> Lines {
        let Self {
            pods,
            mut params,
            open,
            reads,
        } = self;
        // Of a pod that comes later everything is new.
        (params.since_seconds, params.tail_lines) = (None, None);
        let followed = Followed {
            ticks: interval_at(Instant::now() + LOOK, LOOK),
            reads,
            unread: BTreeSet::new(),
            pods,
            params,
            open,
        };
        stream::unfold(followed, |mut followed| async {
            let line = followed.next().await;
            Some((line, followed))
        })
        .boxed()
    }
}

/// Logs that are followed.
struct Followed {
    pods: Pods,
    params: LogParams,
    open: SelectAll<Lines>,
    ticks: Interval,
    /// Which pods are read, and which cannot be and were said not to be.
    reads: BTreeSet<String>,
    unread: BTreeSet<String>,
}

impl Followed {
    /// The next line, whenever it comes.
    async fn next(&mut self) -> Result<String, Error> {
        loop {
            tokio::select! {
                Some(line) = self.open.next() => match line {
                    Ok(line) => return Ok(line),
                    Err(error) => note(&error),
                },
                _ = self.ticks.tick() => self.look().await,
            }
        }
    }

    async fn look(&mut self) {
        let names = match self.pods.names(false).await {
            Ok(names) => names,
            Err(error) => return note(&error),
        };
        // A name that comes again is another pod's.
        self.reads.retain(|name| names.contains(name));
        for name in names {
            if self.reads.contains(&name) {
                continue;
            }
            match self.pods.lines(&name, &self.params).await {
                Ok(lines) => {
                    self.open.push(lines);
                    self.reads.insert(name);
                }
                Err(error) if self.unread.insert(name) => note(&error),
                Err(_) => {}
            }
        }
    }
}

impl Pods {
    /// The names of those whose logs can be read; `ended` too, or only those that may still write some.
    async fn names(&self, ended: bool) -> Result<BTreeSet<String>, Error> {
        let all = crate::reach::Pods::all(&self.session, &self.place).await?;
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        let reads = |pod: &Pod| match phase(pod).as_deref() {
            Some("Pending") => false,
            Some("Succeeded" | "Failed") => ended,
            _ => true,
        };
        let read = all.into_iter().filter(reads);
        Ok(read.filter_map(|pod| pod.metadata.name).collect())
    }

    async fn lines(&self, name: &str, params: &LogParams) -> Result<Lines, Error> {
        let namespace = &self.place.gateway_namespace;
        let lines = self.api.log_stream(name, params).await.map_err(|error| {
            let need = Need::new("get", "pods/log", Some(namespace));
            need.failed(&format!("reading the log of {name}"), &error)
        })?;
        let gateway = name.to_owned();
        let broken = move |error| Error::Gateway {
            gateway: gateway.clone(),
            why: format!("its log breaks off: {error}"),
        };
        Ok(lines.lines().map_err(broken).boxed())
    }
}

/// Says what cannot be read, beside what can.
fn note(error: &Error) {
    // Nobody is left to tell where this fails.
    let _ = writeln!(std::io::stderr(), "left out: {}", crate::shown(error));
}

impl Source for PodLogs {
    fn lines(self: Box<Self>) -> Lines {
        if self.params.follow {
            return self.followed();
        }
        let told = |line: Result<String, Error>| async { line.inspect_err(note).ok().map(Ok) };
        self.open.filter_map(told).boxed()
    }
}

/// A file, or standard input: for gateways without a cluster, and for logs that were collected.
pub(super) struct File(PathBuf);

impl File {
    /// `-` is standard input.
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Source for File {
    fn lines(self: Box<Self>) -> BoxStream<'static, Result<String, Error>> {
        let path = self.0;
        if path == Path::new("-") {
            return lines_of(BufReader::new(tokio::io::stdin()), path);
        }
        let open = async move {
            match tokio::fs::File::open(&path).await {
                Ok(file) => lines_of(BufReader::new(file), path),
                Err(error) => stream::iter([Err(Error::File(path, error))]).boxed(),
            }
        };
        stream::once(open).flatten().boxed()
    }
}

fn lines_of(
    reader: impl AsyncBufRead + Send + Unpin + 'static,
    path: PathBuf,
) -> BoxStream<'static, Result<String, Error>> {
    let lines = (reader.lines(), path);
    let next = |(mut lines, path): (tokio::io::Lines<_>, PathBuf)| async move {
        match lines.next_line().await {
            Ok(line) => Ok(line.map(|line| (line, (lines, path)))),
            Err(error) => Err(Error::File(path, error)),
        }
    };
    stream::try_unfold(lines, next).boxed()
}
