//! Where decisions are told, as the command line says it.

use crate::args::audit::{Audit, POSTGRES};
use crate::decisions::Decisions;

/// Opens the file, and begins to copy it where that is wanted.
///
/// # Errors
/// The file cannot be written, is written by another process, or does not hold; or what is said of PostgreSQL cannot be meant. One that is not
/// there yet is no error.
pub(super) fn decisions(args: &Audit) -> anyhow::Result<Decisions> {
    let copied = args.postgres.is_some() || args.postgres_file.is_some();
    anyhow::ensure!(
        args.postgres.is_none() || args.postgres_file.is_none(),
        "{POSTGRES} and --audit-postgres-file both say where PostgreSQL is; leave one of them out"
    );
    anyhow::ensure!(
        copied || args.postgres_ca.is_none(),
        "--audit-postgres-ca is for PostgreSQL; say where that is in {POSTGRES} or --audit-postgres-file"
    );
    anyhow::ensure!(
        !copied || args.file.is_some(),
        "PostgreSQL has a copy of --audit-file; say where that is"
    );
    if copied {
        return copying(args);
    }
    Decisions::open(args.file.as_deref())
}

#[cfg(feature = "postgres")]
fn copying(args: &Audit) -> anyhow::Result<Decisions> {
    use anyhow::Context as _;
    use fairlead_record::{AuditOptions, Url};

    let (url, said) = match (&args.postgres, &args.postgres_file) {
        (_, Some(file)) => (Url::File(file.clone()), "--audit-postgres-file"),
        (url, None) => (Url::Text(url.clone().unwrap_or_default()), POSTGRES),
    };
    url.check().context(said)?;
    let options = AuditOptions {
        url,
        authority: args.postgres_ca.clone(),
        replica: replica(),
    };
    Decisions::copied(args.file.as_deref().unwrap_or_else(|| "".as_ref()), options)
}

/// What people call this gateway: the pod, of which the name is the machine's.
#[cfg(feature = "postgres")]
fn replica() -> String {
    let told = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
    let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = told("POD_NAME")
        .or_else(|| told("HOSTNAME"))
        .or_else(machine);
    name.map_or_else(|| "gateway".to_owned(), |name| name.trim().to_owned())
}

#[cfg(not(feature = "postgres"))]
fn copying(_: &Audit) -> anyhow::Result<Decisions> {
    anyhow::bail!(
        "this gateway was built without the feature postgres; leave {POSTGRES} and --audit-postgres-file out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_of_a_file_and_said_in_one_place() {
        let secret = || Some("postgresql://user:hunter2@host/db".to_owned());
        let file = || Some("audit.jsonl".into());
        for (args, says) in [
            (
                Audit {
                    postgres: secret(),
                    postgres_file: Some("url".into()),
                    file: file(),
                    ..Audit::default()
                },
                POSTGRES,
            ),
            (
                Audit {
                    postgres: secret(),
                    ..Audit::default()
                },
                "--audit-file",
            ),
            (
                Audit {
                    postgres_ca: Some("ca".into()),
                    file: file(),
                    ..Audit::default()
                },
                "--audit-postgres-ca",
            ),
        ] {
            let refused = decisions(&args).unwrap_err().to_string();
            assert!(
                refused.contains(says) && !refused.contains("hunter2"),
                "{refused}"
            );
        }
    }
}
