//! Connections to the database, and the secret they are made with.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};

use super::tls::Tls;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// A server that has gone without a word is noticed after this.
const SILENCE: Duration = Duration::from_secs(30);

/// A connection string, which is a secret: `postgresql://user:password@host:5432/database?sslmode=require`.
#[derive(Clone)]
pub enum Url {
    /// The text itself, out of the environment.
    Text(String),
    /// The file that holds it, read anew for each connection, so that a password can be exchanged.
    File(PathBuf),
}

impl fmt::Debug for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => out.write_str("Text(..)"),
            Self::File(file) => out.debug_tuple("File").field(file).finish(),
        }
    }
}

/// Why a connection string is not used. It never holds any of the string.
#[derive(Debug, thiserror::Error)]
pub enum BadUrl {
    /// The file cannot be read.
    #[error("the file with the connection string, {}, cannot be read: {}", .0.display(), .1)]
    File(PathBuf, std::io::Error),
    /// It is not understood.
    #[error(
        "the connection string is not understood; it looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require, \
         with % and two digits for characters that have a meaning in it; of sslmode it knows disable, prefer and require, \
         and certificates are verified with both of the latter"
    )]
    Form,
    /// It says nowhere to connect to.
    #[error("the connection string names no host")]
    Host,
}

impl Url {
    /// What it says.
    ///
    /// # Errors
    /// It cannot be read, or is not understood.
    pub fn check(&self) -> Result<(), BadUrl> {
        self.config().map(drop)
    }

    fn config(&self) -> Result<Config, BadUrl> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(file) => {
                std::fs::read_to_string(file).map_err(|error| BadUrl::File(file.clone(), error))?
            }
        };
        // What the parser says may quote a password.
        let mut config: Config = text.trim().parse().map_err(|_| BadUrl::Form)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(BadUrl::Host);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("fairlead");
        }
        config.tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        Ok(config)
    }
}

/// Why the database does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Url(#[from] BadUrl),
    #[error("{0}")]
    Authority(#[from] super::tls::BadAuthority),
    #[error("{}", said(.0))]
    Database(#[from] tokio_postgres::Error),
    #[error("the database does not answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection has ended")]
    Ended,
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("a row is none that was written here: {0}")]
    Row(#[from] serde_json::Error),
}

/// What an error says with what is behind it; of the database's, the message and its code, for details may quote rows.
fn said(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A connection: what is asked goes over the client, for as long as the other half is driven.
pub(super) struct Session {
    pub(super) client: Client,
    traffic: Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>>>>,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// The database cannot be reached, or does not want us.
    pub(super) async fn open(url: &Url, authority: Option<&Path>) -> Result<Self, Fault> {
        let config = url.config()?;
        let (client, traffic): (_, Pin<Box<dyn Future<Output = _>>>) =
            if config.get_ssl_mode() == SslMode::Disable {
                let (client, traffic) = config.connect(tokio_postgres::NoTls).await?;
                (client, Box::pin(traffic))
            } else {
                let tls = Tls::new(authority)?;
                let (client, traffic) = config.connect(tls).await?;
                (client, Box::pin(traffic))
            };
        Ok(Self { client, traffic })
    }

    /// Works with the client while the connection is driven.
    ///
    /// # Errors
    /// Of the work, or the connection has ended before.
    pub(super) async fn drive<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        tokio::select! {
            biased;
            done = work(&mut self.client) => done,
            ended = &mut self.traffic => Err(ended.map_or_else(Fault::Database, |()| Fault::Ended)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_connection_string_is_shown() {
        for bad in [
            "postgresql://user:hunter2@host?sslmode=verify-full",
            "postgresql://user:hunter2@host:port/db",
            "host=h password=hunter2 hunter2=x",
            "user=u password=hunter2",
            "hunter2",
        ] {
            let url = Url::Text(bad.to_owned());
            let error = url.check().unwrap_err();
            let shown = format!("{error} {error:?} {url:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_is_understood_is_read_from_text_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let text = "postgresql://user:p%40ss@db:5432/log?sslmode=require\n";
        std::fs::write(&file, text).unwrap();
        for url in [Url::Text(text.to_owned()), Url::File(file.clone())] {
            let config = url.config().unwrap();
            assert_eq!(config.get_password(), Some(&b"p@ss"[..]));
            assert_eq!(config.get_ssl_mode(), SslMode::Require);
        }
        let missing = Url::File(folder.path().join("none"));
        assert!(missing.check().unwrap_err().to_string().contains("none"));
    }
}
