//! Where decisions are kept, as the command line says it.

use std::path::PathBuf;

/// The variable that says where PostgreSQL is.
pub(crate) const POSTGRES: &str = "FAIRLEAD_AUDIT_POSTGRES";

/// Arguments that say where decisions are kept, beside the log.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Audit {
    /// The file into which decisions on configurations, keys and limits are written, each line chained to the one before. Absent: they are in the log alone.
    #[arg(id = "audit_file", long = "audit-file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The PostgreSQL into which --audit-file is copied: postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require. Said in the environment
    /// alone, for other users of this machine can read a command line. Absent: it is not copied.
    #[arg(skip = std::env::var(POSTGRES).ok())]
    pub(crate) postgres: Option<String>,
    /// The file that holds it instead of FAIRLEAD_AUDIT_POSTGRES; read anew for each connection.
    #[arg(
        id = "audit_postgres_file",
        long = "audit-postgres-file",
        value_name = "FILE",
        requires = "audit_file"
    )]
    pub(crate) postgres_file: Option<PathBuf>,
    /// The certificates (PEM) that may vouch for that PostgreSQL. Absent: the system's.
    #[arg(
        id = "audit_postgres_ca",
        long = "audit-postgres-ca",
        value_name = "FILE",
        requires = "audit_file"
    )]
    pub(crate) postgres_ca: Option<PathBuf>,
}
