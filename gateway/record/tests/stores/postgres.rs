//! A PostgreSQL of a test's own, in a temporary folder, on a socket there and on a free port of this machine.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fairlead_record::{Postgres, PostgresOptions, Url, Wall};

/// Where Debian puts the commands of its versions.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The user that it runs as where the test is root, which PostgreSQL refuses to be: `nobody`.
const NOBODY: u32 = 65_534;

/// A cluster; it ends when it is dropped.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
    tls: bool,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let cluster = Self::made(false);
        cluster.begin();
        cluster
    }

    /// One that takes encrypted connections with this certificate and key.
    pub(crate) fn with_tls(certificate: &str, key: &str) -> Self {
        let cluster = Self::made(true);
        cluster.file("server.crt", certificate);
        cluster.file("server.key", key);
        cluster.begin();
        cluster
    }

    fn made(tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let cluster = Self { folder, port, tls };
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(cluster.folder.path(), open).unwrap();
        let data = cluster.data();
        std::fs::create_dir(&data).unwrap();
        if root() {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let password = cluster.file("password", "s3cret");
        let mut init = cluster.command("initdb");
        init.args([
            "--auth=scram-sha-256",
            "--username=fairlead",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ])
        .arg("--pwfile")
        .arg(password)
        .arg(cluster.data().join("db"));
        done(&mut init);
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path
    }

    /// Starts it, again if it was stopped.
    pub(crate) fn begin(&self) {
        let data = self.data();
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=30",
            self.port,
            data.display()
        );
        if self.tls {
            let file = |name: &str| data.join(name).display().to_string();
            options += &format!(
                " -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
                file("server.crt"),
                file("server.key")
            );
        }
        let mut start = self.control();
        start.args(["start", "-w", "-l"]).arg(data.join("log"));
        start.args(["-o", &options]);
        done(&mut start);
    }

    /// Stops it as a machine does that is switched off.
    pub(crate) fn stop(&self) {
        done(self.control().args(["stop", "-w", "-m", "immediate"]));
    }

    fn control(&self) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data().join("db"));
        command
    }

    /// One of its commands, of the newest version that there is.
    fn command(&self, name: &str) -> Command {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(DEBIAN)
            .map(|folders| folders.flatten().map(|folder| folder.path()).collect())
            .unwrap_or_default();
        versions.sort();
        let program = versions
            .last()
            .map_or_else(|| name.into(), |version| version.join("bin").join(name));
        let mut command = Command::new(program);
        command.current_dir(self.data()).stdin(Stdio::null());
        if root() {
            use std::os::unix::process::CommandExt as _;
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// How it is connected to.
    pub(crate) fn url(&self) -> String {
        self.url_of("fairlead")
    }

    /// The same as another of its users.
    pub(crate) fn url_of(&self, user: &str) -> String {
        format!(
            "postgresql://{user}:s3cret@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    /// Sets its clock, as far as sessions that begin from now on see it.
    pub(crate) async fn set_clock(&self, unix_s: i64) {
        self.say(&format!(
            "CREATE OR REPLACE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT to_timestamp({unix_s})';
             ALTER DATABASE postgres SET search_path = public, pg_catalog"
        ))
        .await;
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What a log in it is opened with.
    pub(crate) fn options(&self, days: u16, wall: Wall) -> PostgresOptions {
        PostgresOptions {
            url: Url::Text(self.url()),
            authority: None,
            days,
            wall,
        }
    }

    /// A log in it.
    pub(crate) fn log(&self, days: u16, now: i64) -> Postgres {
        Postgres::open(self.options(days, Wall::of(move || now))).unwrap()
    }

    /// Says something to it that is not answered.
    pub(crate) async fn say(&self, text: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        let saying = async { client.batch_execute(text).await.unwrap() };
        tokio::select! {
            () = saying => {}
            ended = connection => panic!("{ended:?}"),
        }
    }

    /// What a question is answered with, the first column of the first row as a number.
    pub(crate) async fn number(&self, question: &str) -> i64 {
        let (client, connection) = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        let asking = async { client.query_one(question, &[]).await.unwrap().get(0) };
        tokio::select! {
            answer = asking => answer,
            ended = connection => panic!("{ended:?}"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self
            .control()
            .args(["stop", "-w", "-m", "immediate"])
            .output();
    }
}

fn done(command: &mut Command) {
    // Its server would hold a pipe open for as long as it runs.
    let log = tempfile::NamedTempFile::new().unwrap();
    let told = |file: &tempfile::NamedTempFile| std::fs::read_to_string(file.path()).unwrap();
    command
        .stdout(log.reopen().unwrap())
        .stderr(log.reopen().unwrap());
    let status = command.status().unwrap_or_else(|error| {
        panic!("PostgreSQL cannot be run, install the package postgresql: {command:?}: {error}")
    });
    assert!(status.success(), "{command:?}: {}", told(&log));
}

fn root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A path that everybody may read.
pub(crate) fn readable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
