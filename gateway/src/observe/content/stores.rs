//! Where content is kept: in memory always, and beside the request log where that is kept beyond the process.

use std::path::PathBuf;
use std::sync::Arc;

use fairlead_record::Wall;
use fairlead_record::content::{ContentMemory, ContentStore};

use crate::args::content::Content as Args;
use crate::args::request_log::RequestLog;

/// So many bytes it may occupy on this machine's disk.
#[cfg(feature = "sqlite")]
const BYTES: u64 = 1_000_000_000;

/// As the command line says, the quickest first.
///
/// # Errors
/// It says something that this gateway cannot do. A folder or a database that is not there yet is no error.
pub(crate) fn open(
    args: Args,
    log: &RequestLog,
    state_dir: Option<&PathBuf>,
) -> anyhow::Result<Vec<Arc<dyn ContentStore>>> {
    let memory = ContentMemory::new(args.hours, Wall::default());
    let mut stores: Vec<Arc<dyn ContentStore>> = vec![Arc::new(memory)];
    if log.days > 0 {
        stores.extend(beyond(args, log, state_dir)?);
    }
    Ok(stores)
}

fn beyond(
    args: Args,
    log: &RequestLog,
    state_dir: Option<&PathBuf>,
) -> anyhow::Result<Option<Arc<dyn ContentStore>>> {
    match state_dir {
        // What several gateways keep together is kept together.
        _ if log.postgres.is_some() || log.postgres_file.is_some() => postgres(args, log),
        Some(dir) => sqlite(args, dir),
        None => Ok(None),
    }
}

#[cfg(feature = "postgres")]
fn postgres(args: Args, log: &RequestLog) -> anyhow::Result<Option<Arc<dyn ContentStore>>> {
    use anyhow::Context as _;
    use fairlead_record::content::ContentPostgres;

    let options = super::super::requests::postgres_options(log)?;
    let store = ContentPostgres::open(options, args.hours).context("content cannot be kept")?;
    Ok(Some(Arc::new(store)))
}

/// Whoever has built it so is told by what keeps requests.
#[cfg(not(feature = "postgres"))]
fn postgres(_: Args, _: &RequestLog) -> anyhow::Result<Option<Arc<dyn ContentStore>>> {
    Ok(None)
}

#[cfg(feature = "sqlite")]
fn sqlite(
    args: Args,
    state_dir: &std::path::Path,
) -> anyhow::Result<Option<Arc<dyn ContentStore>>> {
    use anyhow::Context as _;
    use fairlead_record::content::{ContentSqlite, ContentSqliteOptions};

    let options = ContentSqliteOptions {
        dir: state_dir.join("content"),
        hours: args.hours,
        bytes: BYTES,
        wall: Wall::default(),
    };
    let store = ContentSqlite::open(options).context("content cannot be kept")?;
    Ok(Some(Arc::new(store)))
}

/// Whoever has built it so knows that it is kept in memory alone.
#[cfg(not(feature = "sqlite"))]
fn sqlite(_: Args, _: &std::path::Path) -> anyhow::Result<Option<Arc<dyn ContentStore>>> {
    Ok(None)
}
