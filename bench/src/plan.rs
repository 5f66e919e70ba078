//! What to measure, and how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::scenario::Scenario;

/// Where finished requests are kept beside memory, in which the last of them always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RequestLog {
    /// Nowhere.
    Memory,
    /// On disk.
    Sqlite,
}

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The gateway to measure: a release build.
    #[arg(long)]
    pub(crate) gateway: Option<PathBuf>,
    /// The tool that makes the load.
    #[arg(long, default_value = "oha")]
    pub(crate) oha: PathBuf,
    /// What to measure; repeat it for more. Absent: everything.
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Scenario>,
    /// How often each process takes its turn.
    #[arg(long, default_value_t = 10)]
    pub(crate) rounds: usize,
    /// How long a turn is, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Connections of the load where nothing else is said.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Where the gateway keeps finished requests.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) request_log: RequestLog,
    /// The folder of resources that a first start is measured with.
    #[arg(long, default_value = "examples/quickstart")]
    pub(crate) quickstart: PathBuf,
    /// Each turn once, for a second: shows that everything works, and no figure of it means anything.
    #[arg(long)]
    pub(crate) short: bool,
    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/bench/results.json")]
    pub(crate) results: PathBuf,
    /// The page in which the tables are renewed. Absent: they are printed alone.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
}

impl Plan {
    /// Rounds, no more than that.
    pub(crate) fn rounds(&self, most: usize) -> usize {
        if self.short { 1 } else { self.rounds.min(most) }
    }

    /// How long a turn is.
    pub(crate) fn turn(&self) -> Duration {
        Duration::from_secs_f64(if self.short { 1.0 } else { self.seconds })
    }

    /// How long a turn is that does not count.
    pub(crate) fn warm_up(&self) -> Duration {
        if self.short {
            Duration::from_millis(200)
        } else {
            self.turn().min(Duration::from_secs(1))
        }
    }

    /// How long a process is left alone before its memory is read.
    pub(crate) fn rest(&self) -> Duration {
        Duration::from_secs(if self.short { 1 } else { 3 })
    }

    /// How long after a start with much to read: what that left free has been given back by then.
    pub(crate) fn long_rest(&self) -> Duration {
        self.rest() * 3
    }
}
