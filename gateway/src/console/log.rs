//! Requests that have ended, of all gateways: in the PostgreSQL where they keep them, or the last of them in memory, as gateways tell.

use std::sync::Arc;

use fairlead_console::view::standing::LogView;
use fairlead_record::{Answer, Ask, Entry, Filter, Page, RequestLog, Ring, Scope, Usage, UsageAsk};
use jiff::Timestamp;

use crate::args::console::Console;

/// Where they are.
pub(super) enum Log {
    /// Here, the last of them, since this process has begun.
    Memory {
        /// They themselves.
        ring: Arc<Ring>,
        /// When it has.
        since: Timestamp,
    },
    /// In the gateways' database, which is only read.
    #[cfg(feature = "postgres")]
    Postgres(fairlead_record::Postgres),
}

impl Log {
    /// As the command line says.
    ///
    /// # Errors
    /// It says something that cannot be done. A database that is not there is no error.
    pub(super) fn open(args: &Console) -> anyhow::Result<Self> {
        match &args.postgres_file {
            Some(file) => postgres(args, file),
            None => Ok(Self::Memory {
                ring: Arc::default(),
                since: Timestamp::now(),
            }),
        }
    }

    /// Where requests are kept that gateways tell of, if that is here.
    #[must_use]
    pub(super) fn ring(&self) -> Option<Arc<Ring>> {
        match self {
            Self::Memory { ring, .. } => Some(Arc::clone(ring)),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }

    /// In words; `skipped`: how many gateways have left out.
    #[must_use]
    pub(super) fn view(&self, skipped: u64) -> LogView {
        match self {
            Self::Memory { since, .. } => LogView {
                kept_in: "memory".to_owned(),
                reach: format!("the last 10,000 of all gateways, since {since:.0}"),
                dropped: skipped,
            },
            // What the live view missed is in the database all the same.
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => LogView {
                kept_in: "postgres".to_owned(),
                reach: "as long as gateways keep them, in PostgreSQL".to_owned(),
                dropped: 0,
            },
        }
    }

    fn kept(&self) -> &dyn RequestLog {
        match self {
            Self::Memory { ring, .. } => &**ring,
            #[cfg(feature = "postgres")]
            Self::Postgres(log) => log,
        }
    }
}

impl RequestLog for Log {
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page> {
        self.kept().search(filter, ask)
    }

    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        self.kept().get(id, scope)
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        self.kept().usage(ask)
    }
}

#[cfg(feature = "postgres")]
fn postgres(args: &Console, file: &std::path::Path) -> anyhow::Result<Log> {
    use anyhow::Context as _;
    use fairlead_record::{Postgres, PostgresOptions, Url, Wall};

    let url = Url::File(file.to_owned());
    url.check().context("--request-log-postgres-file")?;
    let options = PostgresOptions {
        url,
        authority: args.postgres_ca.clone(),
        // It removes nothing.
        days: 0,
        wall: Wall::default(),
    };
    let log = Postgres::reader(options).context("requests cannot be read")?;
    Ok(Log::Postgres(log))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Console, _: &std::path::Path) -> anyhow::Result<Log> {
    anyhow::bail!(
        "this console was built without the feature postgres; leave --request-log-postgres-file out"
    )
}
