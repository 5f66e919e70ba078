//! Finished requests, to be looked at: the last ones in memory, and those of days in SQLite or PostgreSQL, if they are kept.

pub(crate) mod metrics;

use std::path::PathBuf;
use std::sync::Arc;

use fairlead_record::{
    Answer, Ask, Entry, Filter, Page, RequestLog, Ring, Scope, Sink, Standing, Store, Usage,
    UsageAsk,
};

use crate::args::request_log::{POSTGRES, RequestLog as Args};

/// Where they are kept.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    ring: Arc<Ring>,
    store: Option<Arc<dyn Store>>,
}

impl Requests {
    /// As the command line says.
    ///
    /// # Errors
    /// It says something that this gateway cannot do. A folder or a database that is not there yet is no error.
    pub(crate) fn open(args: &Args, state_dir: Option<&PathBuf>) -> anyhow::Result<Self> {
        let in_database = args.postgres.is_some() || args.postgres_file.is_some();
        anyhow::ensure!(
            args.postgres.is_none() || args.postgres_file.is_none(),
            "{POSTGRES} and --request-log-postgres-file both say where PostgreSQL is; leave one of them out"
        );
        anyhow::ensure!(
            in_database || args.postgres_ca.is_none(),
            "--request-log-postgres-ca is for PostgreSQL; say where that is in {POSTGRES} or --request-log-postgres-file"
        );
        let store = match state_dir {
            _ if args.days == 0 => None,
            _ if in_database => Some(postgres(args)?),
            Some(dir) => sqlite(args, dir)?,
            None => None,
        };
        Ok(Self {
            ring: Arc::default(),
            store,
        })
    }

    /// In this store.
    #[cfg(test)]
    pub(crate) fn in_store(store: Arc<dyn Store>) -> Self {
        Self {
            ring: Arc::default(),
            store: Some(store),
        }
    }

    /// What every finished request is given to.
    pub(crate) fn sinks(&self) -> impl Iterator<Item = Box<dyn Sink>> {
        let ring: Box<dyn Sink> = Box::new(Arc::clone(&self.ring));
        let store = self.store.as_ref();
        std::iter::once(ring)
            .chain(store.map(|store| -> Box<dyn Sink> { Box::new(Arc::clone(store)) }))
    }

    /// Every request from now on, as it ends.
    #[must_use]
    pub(crate) fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Arc<Entry>> {
        self.ring.subscribe()
    }

    /// How the store stands, with its name; `None`: there is none.
    #[must_use]
    pub(crate) fn standing(&self) -> Option<(&'static str, Standing)> {
        let store = self.store.as_ref()?;
        Some((store.name(), store.standing()))
    }

    /// Waits until what was taken is written; for a while only.
    pub(crate) fn end(&self) {
        if let Some(store) = &self.store {
            store.end();
        }
    }

    /// Where they are kept for the longest.
    fn kept(&self) -> &dyn RequestLog {
        match &self.store {
            None => &*self.ring,
            Some(store) => &**store,
        }
    }
}

impl RequestLog for Requests {
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page> {
        self.kept().search(filter, ask)
    }

    /// One that has just ended is in no store yet.
    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        Box::pin(async move {
            match self.ring.get(id, scope).await? {
                None => self.kept().get(id, scope).await,
                found => Ok(found),
            }
        })
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        self.kept().usage(ask)
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(args: &Args, state_dir: &std::path::Path) -> anyhow::Result<Option<Arc<dyn Store>>> {
    use anyhow::Context as _;

    let options = fairlead_record::SqliteOptions {
        dir: state_dir.join("requests"),
        days: args.days,
        bytes: args.bytes,
        wall: fairlead_record::Wall::default(),
    };
    let log = fairlead_record::Sqlite::open(options).context("requests cannot be kept")?;
    Ok(Some(Arc::new(log)))
}

/// Whoever has built it so knows that they are kept in memory alone.
#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Args, _: &std::path::Path) -> anyhow::Result<Option<Arc<dyn Store>>> {
    Ok(None)
}

#[cfg(feature = "postgres")]
fn postgres(args: &Args) -> anyhow::Result<Arc<dyn Store>> {
    use anyhow::Context as _;

    let log = fairlead_record::Postgres::open(postgres_options(args)?);
    Ok(Arc::new(log.context("requests cannot be kept")?))
}

/// The PostgreSQL that the command line names.
///
/// # Errors
/// It cannot be read, or is not understood.
#[cfg(feature = "postgres")]
pub(crate) fn postgres_options(args: &Args) -> anyhow::Result<fairlead_record::PostgresOptions> {
    use anyhow::Context as _;
    use fairlead_record::{PostgresOptions, Url, Wall};

    let (url, said) = match (&args.postgres, &args.postgres_file) {
        (_, Some(file)) => (Url::File(file.clone()), "--request-log-postgres-file"),
        (url, None) => (Url::Text(url.clone().unwrap_or_default()), POSTGRES),
    };
    url.check().context(said)?;
    Ok(PostgresOptions {
        url,
        authority: args.postgres_ca.clone(),
        days: args.days,
        wall: Wall::default(),
    })
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Args) -> anyhow::Result<Arc<dyn Store>> {
    anyhow::bail!(
        "this gateway was built without the feature postgres; leave {POSTGRES} and --request-log-postgres-file out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_said_in_one_place() {
        let args = Args {
            days: 7,
            bytes: 16_000_000,
            postgres: Some("postgresql://user:hunter2@host/db".to_owned()),
            postgres_file: Some(PathBuf::from("url")),
            postgres_ca: None,
        };
        let refused = Requests::open(&args, None).unwrap_err().to_string();
        assert!(
            refused.contains(POSTGRES) && !refused.contains("hunter2"),
            "{refused}"
        );
    }
}
