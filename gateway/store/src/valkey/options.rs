//! Where a Valkey or Redis is, and how it is spoken to. Passwords and certificates are read anew for each connection, so that they
//! may be changed while the process runs.

use std::path::PathBuf;

/// One server, several behind Sentinels, or a cluster; TLS; credentials.
#[derive(Debug, Clone)]
pub struct ValkeyOptions {
    /// What is asked, and for what.
    pub servers: Servers,
    /// The ACL user; `None`: the default one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Password>,
    /// Encrypted, if given.
    pub tls: Option<Tls>,
    /// The database's number; a cluster has only 0.
    pub database: u8,
    /// What the names of all keys begin with, so that several gateways can share a server.
    pub prefix: String,
}

/// What is asked, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// One.
    One(Address),
    /// The one that the Sentinels name as the master of a group.
    Sentinel {
        /// The Sentinels. One that answers is enough.
        sentinels: Vec<Address>,
        /// The group's name.
        group: String,
        /// The user at the Sentinels; `None`: the default one.
        username: Option<String>,
        /// The password at the Sentinels; `None`: none.
        password: Option<Password>,
    },
    /// A cluster, known by some of its nodes.
    Cluster(Vec<Address>),
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How what is said is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities that may vouch for the server, PEM; `None`: those of the system.
    pub authority: Option<PathBuf>,
    /// A certificate and its key by which the server knows us, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A password that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As it is.
    Value(String),
    /// In a file, which may change; white space at its end is no part of it.
    File(PathBuf),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(_) => formatter.write_str("Value(..)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Password {
    /// What it is now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self) -> std::io::Result<String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => Ok(std::fs::read_to_string(path)?.trim_end().to_owned()),
        }
    }
}

impl ValkeyOptions {
    /// One server without credentials, as in a test.
    #[must_use]
    pub fn at(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self {
            servers: Servers::One(Address { host, port }),
            username: None,
            password: None,
            tls: None,
            database: 0,
            prefix: "fairlead".to_owned(),
        }
    }
}
