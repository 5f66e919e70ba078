//! Where access lines come from.

use std::path::{Path, PathBuf};

use futures_util::stream::{BoxStream, select_all};
use futures_util::{AsyncBufReadExt as _, StreamExt as _, TryStreamExt as _, stream};
use kube::api::LogParams;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};

use crate::args::{Logs, Place};
use crate::error::{Error, Need};
use crate::reach::Pods;
use crate::session::Session;

/// The container of a gateway's pod, for others may have been put beside it.
const CONTAINER: &str = "gateway";
/// How many lines of each gateway are looked through, where nothing else says how far back.
const LINES: u32 = 1000;

/// Gives lines: what there is, and where that is wanted, what comes.
pub(super) trait Source {
    /// The lines, access lines among others.
    fn lines(self: Box<Self>) -> BoxStream<'static, Result<String, Error>>;
}

/// The logs of all ready gateways.
pub(super) struct PodLogs(Vec<BoxStream<'static, Result<String, Error>>>);

impl PodLogs {
    /// Begins to read.
    ///
    /// # Errors
    /// The user may not read logs, or no gateway is ready.
    pub(super) async fn open(session: &Session, place: &Place, args: &Logs) -> Result<Self, Error> {
        let pods = Pods::find(session, place).await?;
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
        let mut streams = Vec::new();
        for pod in pods.names() {
            let namespace = pods.namespace().to_owned();
            let what = format!("reading the log of {pod}");
            let failed = move |error: &kube::Error| {
                Need::new("get", "pods/log", Some(&namespace)).failed(&what, error)
            };
            let lines = pods
                .api()
                .log_stream(&pod, &params)
                .await
                .map_err(|error| failed(&error))?;
            let broken = move |error| Error::Gateway {
                gateway: pod.clone(),
                why: format!("its log breaks off: {error}"),
            };
            streams.push(lines.lines().map_err(broken).boxed());
        }
        Ok(Self(streams))
    }
}

impl Source for PodLogs {
    fn lines(self: Box<Self>) -> BoxStream<'static, Result<String, Error>> {
        select_all(self.0).boxed()
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
