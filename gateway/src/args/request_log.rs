//! Where finished requests are kept, as the command line says it.

use std::path::PathBuf;

/// The variable that says where PostgreSQL is.
pub(crate) const POSTGRES: &str = "FAIRLEAD_REQUEST_LOG_POSTGRES";

/// Arguments that say where finished requests are kept, beside the last 10,000 in memory.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RequestLog {
    /// How many days finished requests are kept, today among them, in --state-dir or in PostgreSQL. 0: only the last 10,000 are, in memory.
    #[arg(
        id = "request_log_days",
        long = "request-log-days",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u16).range(0..=3_660),
        default_value_t = 7
    )]
    pub(crate) days: u16,
    /// How many bytes they may occupy in --state-dir; the oldest give way.
    #[arg(
        id = "request_log_max_bytes",
        long = "request-log-max-bytes",
        value_name = "BYTES",
        value_parser = clap::value_parser!(u64).range(16_000_000..),
        default_value_t = 2_000_000_000
    )]
    pub(crate) bytes: u64,
    /// The PostgreSQL in which several gateways keep them: postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require. Said in the environment
    /// alone, for other users of this machine can read a command line. Absent: --state-dir, if there is one.
    #[arg(skip = std::env::var(POSTGRES).ok())]
    pub(crate) postgres: Option<String>,
    /// The file that holds it instead of FAIRLEAD_REQUEST_LOG_POSTGRES; read anew for each connection.
    #[arg(
        id = "request_log_postgres_file",
        long = "request-log-postgres-file",
        value_name = "FILE"
    )]
    pub(crate) postgres_file: Option<PathBuf>,
    /// The certificates (PEM) that may vouch for PostgreSQL. Absent: the system's.
    #[arg(
        id = "request_log_postgres_ca",
        long = "request-log-postgres-ca",
        value_name = "FILE"
    )]
    pub(crate) postgres_ca: Option<PathBuf>,
}
