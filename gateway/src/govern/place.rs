//! Where counters are kept, as the command line says it.

use std::path::PathBuf;

use fairlead_store::{Options, Where};

use crate::clock::Clock;

/// Arguments that say where counters are kept.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Store {
    /// The Valkey or Redis that several gateways count on: valkey://HOST:PORT, valkey+sentinel://HOST:PORT,HOST:PORT/GROUP or
    /// valkey+cluster://HOST:PORT,HOST:PORT; valkeys.. for TLS. Absent: this gateway counts by itself, in --state-dir if there is one.
    #[arg(long, value_name = "URL", env = "FAIRLEAD_STORE")]
    pub store: Option<String>,
    /// The user at the store. Absent: the default one.
    #[arg(long, value_name = "NAME", requires = "store")]
    pub store_username: Option<String>,
    /// The file with its password; read anew for each connection.
    #[arg(long, value_name = "FILE", requires = "store")]
    pub store_password_file: Option<PathBuf>,
    /// The file with the password at the Sentinels. Absent: none.
    #[arg(long, value_name = "FILE", requires = "store")]
    pub store_sentinel_password_file: Option<PathBuf>,
    /// The certificates (PEM) that may vouch for the store. Absent: the system's.
    #[arg(long, value_name = "FILE", requires = "store")]
    pub store_ca: Option<PathBuf>,
    /// The certificate (PEM) that the store sees.
    #[arg(long, value_name = "FILE", requires_all = ["store", "store_key"])]
    pub store_cert: Option<PathBuf>,
    /// The key (PEM) of that certificate.
    #[arg(long, value_name = "FILE", requires = "store_cert")]
    pub store_key: Option<PathBuf>,
    /// What the names of all keys in the store begin with. Absent: fairlead/NAMESPACE/NAME of the installation.
    #[arg(long, value_name = "TEXT", requires = "store")]
    pub store_prefix: Option<String>,
    /// The file in which a gateway notes what it has not reported yet, so that it survives the process. Absent: in --state-dir.
    #[arg(long, value_name = "FILE")]
    pub store_journal: Option<PathBuf>,
}

impl Store {
    /// What to open.
    ///
    /// # Errors
    /// The URL is none that is understood.
    pub(crate) fn options(
        &self,
        state_dir: Option<&PathBuf>,
        installation: &str,
        clock: Clock,
    ) -> anyhow::Result<Options> {
        let journal = self.store_journal.clone();
        let place = match &self.store {
            None => Where::Embedded {
                dir: state_dir.map(|dir| dir.join("counters")),
            },
            Some(url) => self.valkey(url, installation)?,
        };
        Ok(Options {
            journal: journal.or_else(|| state_dir.map(|dir| dir.join("counters.journal"))),
            place,
            started: clock.started(),
        })
    }

    #[cfg(not(feature = "valkey"))]
    fn valkey(&self, _: &str, _: &str) -> anyhow::Result<Where> {
        anyhow::bail!("this gateway was built without the feature valkey; leave --store out")
    }

    #[cfg(feature = "valkey")]
    fn valkey(&self, url: &str, installation: &str) -> anyhow::Result<Where> {
        use anyhow::Context as _;
        use fairlead_store::{Password, Tls, ValkeyOptions};

        let password = |file: &Option<PathBuf>| file.clone().map(Password::File);
        let parsed = url::Store::parse(url)
            .with_context(|| format!("--store: {} is not understood", url::without_secrets(url)))?;
        let tls = Tls {
            authority: self.store_ca.clone(),
            identity: self.store_cert.clone().zip(self.store_key.clone()),
        };
        let given = tls != Tls::default();
        anyhow::ensure!(
            parsed.encrypted || !given,
            "--store-ca, --store-cert and --store-key are for TLS; begin the URL of --store with valkeys"
        );
        Ok(Where::Valkey(Box::new(ValkeyOptions {
            servers: parsed.servers(password(&self.store_sentinel_password_file)),
            username: self.store_username.clone(),
            password: password(&self.store_password_file),
            tls: parsed.encrypted.then_some(tls),
            database: parsed.database,
            prefix: self
                .store_prefix
                .clone()
                .unwrap_or_else(|| format!("fairlead/{installation}")),
        })))
    }
}

#[cfg(feature = "valkey")]
mod url {
    use fairlead_store::{Address, Password, Servers};

    /// The port where none is said.
    const PORT: u16 = 6379;
    /// The port of Sentinels where none is said.
    const SENTINEL_PORT: u16 = 26379;

    /// A URL, taken apart.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Store {
        kind: Kind,
        /// Whether what is said is encrypted.
        pub(super) encrypted: bool,
        addresses: Vec<Address>,
        /// The database's number.
        pub(super) database: u8,
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Kind {
        One,
        Sentinel(String),
        Cluster,
    }

    impl Store {
        pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
            let (scheme, rest) = url
                .split_once("://")
                .ok_or_else(|| anyhow::anyhow!("it is no URL, such as valkey://valkey:6379"))?;
            anyhow::ensure!(
                !rest.contains('@'),
                "it holds credentials; use --store-username and --store-password-file"
            );
            let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
            let encrypted = match scheme {
                "valkey" | "redis" => false,
                "valkeys" | "rediss" => true,
                _ => anyhow::bail!("it begins with none of valkey, valkeys, redis, rediss"),
            };
            let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (kind, port, database) = match kind {
                "" => (Kind::One, PORT, number(path)?),
                "cluster" => (Kind::Cluster, PORT, 0),
                "sentinel" => {
                    let (group, database) = path.split_once('/').unwrap_or((path, ""));
                    anyhow::ensure!(!group.is_empty(), "it names no group: ..HOST:PORT/GROUP");
                    (
                        Kind::Sentinel(group.to_owned()),
                        SENTINEL_PORT,
                        number(database)?,
                    )
                }
                other => anyhow::bail!("+{other} is neither +sentinel nor +cluster"),
            };
            let addresses: Vec<_> = hosts
                .split(',')
                .map(|host| address(host, port))
                .collect::<Result<_, _>>()?;
            anyhow::ensure!(
                kind != Kind::One || addresses.len() == 1,
                "several hosts are for +sentinel or +cluster"
            );
            Ok(Self {
                kind,
                encrypted,
                addresses,
                database,
            })
        }

        pub(super) fn servers(&self, sentinel_password: Option<Password>) -> Servers {
            let addresses = self.addresses.clone();
            match &self.kind {
                Kind::Sentinel(group) => Servers::Sentinel {
                    sentinels: addresses,
                    group: group.clone(),
                    username: None,
                    password: sentinel_password,
                },
                Kind::Cluster => Servers::Cluster(addresses),
                Kind::One => addresses
                    .into_iter()
                    .next()
                    .map_or_else(|| Servers::Cluster(Vec::new()), Servers::One),
            }
        }
    }

    fn number(path: &str) -> anyhow::Result<u8> {
        if path.is_empty() {
            return Ok(0);
        }
        path.parse()
            .map_err(|_| anyhow::anyhow!("{path:?} is not the number of a database"))
    }

    fn address(text: &str, usual: u16) -> anyhow::Result<Address> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let port = port
                    .parse()
                    .map_err(|_| anyhow::anyhow!("{port:?} is not a port"))?;
                (host, port)
            }
            _ => (text, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        anyhow::ensure!(!host.is_empty(), "it names no host");
        Ok(Address {
            host: host.to_owned(),
            port,
        })
    }

    /// A URL as it may be shown.
    pub(super) fn without_secrets(url: &str) -> String {
        match (url.find("://"), url.rfind('@')) {
            (Some(begin), Some(end)) if begin < end => {
                format!("{}...{}", &url[..begin + 3], &url[end..])
            }
            _ => url.to_owned(),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn at(host: &str, port: u16) -> Address {
            Address {
                host: host.to_owned(),
                port,
            }
        }

        #[test]
        fn urls_of_every_kind_are_understood() {
            let one = Store::parse("valkey://valkey").unwrap();
            assert_eq!(one.servers(None), Servers::One(at("valkey", 6379)));
            let one = Store::parse("rediss://[::1]:7000/3").unwrap();
            assert_eq!(
                (one.servers(None), one.encrypted, one.database),
                (Servers::One(at("::1", 7000)), true, 3)
            );
            let sentinels = Store::parse("valkey+sentinel://a,b:1/main").unwrap();
            let Servers::Sentinel {
                sentinels, group, ..
            } = sentinels.servers(None)
            else {
                panic!("{sentinels:?}")
            };
            assert_eq!(
                (sentinels, &*group),
                (vec![at("a", 26379), at("b", 1)], "main")
            );
            let cluster = Store::parse("valkeys+cluster://a:1,b:2").unwrap();
            assert_eq!(
                cluster.servers(None),
                Servers::Cluster(vec![at("a", 1), at("b", 2)])
            );
        }

        #[test]
        fn what_is_no_such_url_is_refused_without_showing_a_password() {
            for url in [
                "valkey",
                "http://valkey",
                "valkey://user:secret@valkey",
                "valkey://a,b",
                "valkey://valkey:port",
                "valkey://valkey/one",
                "valkey+sentinel://a",
                "valkey+ring://a",
                "valkey://",
            ] {
                let error = Store::parse(url).expect_err(url);
                assert!(!error.to_string().contains("secret"));
            }
            assert_eq!(
                without_secrets("valkey://user:secret@valkey"),
                "valkey://...@valkey"
            );
        }
    }
}
