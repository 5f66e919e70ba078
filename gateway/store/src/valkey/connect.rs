//! From options to a connection that may be counted on: it leads to a master that never evicts what is written.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, TlsCertificates, TlsMode,
};

use super::options::{Address, Password, Servers, Tls, ValkeyOptions};

/// A server that accepts a connection answers on it within this, or is taken for away.
const GREETING: Duration = Duration::from_secs(1);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}: {1}")]
    File(std::path::PathBuf, std::io::Error),
    #[error("{0}")]
    Server(#[from] RedisError),
    #[error("no answer within {} s", GREETING.as_secs())]
    Silent,
    /// What it holds would go where memory is short, and a budget with it.
    #[error(
        "its maxmemory-policy is {0}, so it may forget what was spent: nothing is counted on it until it is noeviction"
    )]
    Evicts(String),
    #[error("it is a replica: only a master can be written to")]
    Replica,
    #[error("it does not say {0}")]
    Unreadable(&'static str),
}

/// A connection, to be cloned.
#[derive(Clone)]
pub(crate) enum Connection {
    /// To the one server.
    One(MultiplexedConnection),
    /// To all nodes of a cluster.
    Cluster(ClusterConnection),
}

/// Connects.
pub(super) async fn connect(options: &ValkeyOptions) -> Result<Connection, ConnectError> {
    let opened = tokio::time::timeout(GREETING, open(options)).await;
    opened.map_err(|_| ConnectError::Silent)?
}

async fn open(options: &ValkeyOptions) -> Result<Connection, ConnectError> {
    let certificates = options.tls.as_ref().map(certificates).transpose()?;
    let password = options.password.as_ref().map(secret).transpose()?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(GREETING))
        .set_response_timeout(Some(GREETING));
    let client = match &options.servers {
        Servers::One(address) => {
            let info = info(address, options, password.as_deref())?;
            match certificates {
                Some(certificates) => Client::build_with_tls(info, certificates)?,
                None => Client::open(info)?,
            }
        }
        Servers::Sentinel { .. } => {
            let mut sentinels = sentinels(options, password.as_deref(), certificates)?;
            sentinels.async_get_client().await?
        }
        Servers::Cluster(nodes) => {
            let nodes = nodes
                .iter()
                .map(|node| info(node, options, password.as_deref()))
                .collect::<Result<Vec<_>, _>>()?;
            return cluster(nodes, certificates).await;
        }
    };
    let connected = client.get_multiplexed_async_connection_with_config(&config);
    Ok(Connection::One(connected.await?))
}

fn secret(password: &Password) -> Result<String, ConnectError> {
    password.read().map_err(|error| match password {
        Password::File(path) => ConnectError::File(path.clone(), error),
        Password::Value(_) => ConnectError::File(std::path::PathBuf::new(), error),
    })
}

fn certificates(tls: &Tls) -> Result<TlsCertificates, ConnectError> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path).map_err(|error| ConnectError::File(path.clone(), error))
    };
    let client_tls = match &tls.identity {
        Some((certificate, key)) => Some(ClientTlsConfig {
            client_cert: read(certificate)?,
            client_key: read(key)?,
        }),
        None => None,
    };
    Ok(TlsCertificates {
        client_tls,
        root_cert: tls.authority.as_ref().map(read).transpose()?,
    })
}

fn place(address: &Address, encrypted: bool) -> ConnectionAddr {
    let Address { host, port } = address.clone();
    if encrypted {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

fn info(
    address: &Address,
    options: &ValkeyOptions,
    password: Option<&str>,
) -> Result<ConnectionInfo, RedisError> {
    let mut settings = RedisConnectionInfo::default().set_db(i64::from(options.database));
    if let Some(username) = &options.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    let info = place(address, options.tls.is_some()).into_connection_info()?;
    Ok(info.set_redis_settings(settings))
}

fn sentinels(
    options: &ValkeyOptions,
    master_password: Option<&str>,
    certificates: Option<TlsCertificates>,
) -> Result<redis::sentinel::SentinelClient, ConnectError> {
    let Servers::Sentinel {
        sentinels,
        group,
        username,
        password,
    } = &options.servers
    else {
        return Err(ConnectError::Unreadable("which Sentinels there are"));
    };
    let encrypted = options.tls.is_some();
    let places = sentinels.iter().map(|sentinel| place(sentinel, encrypted));
    let mut builder = SentinelClientBuilder::new(places, group, SentinelServerType::Master)?
        .set_client_to_redis_db(i64::from(options.database));
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(certificates);
    }
    if let Some(username) = &options.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = master_password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(username) = username {
        builder = builder.set_client_to_sentinel_username(username);
    }
    if let Some(password) = password {
        builder = builder.set_client_to_sentinel_password(secret(password)?);
    }
    Ok(builder.build()?)
}

async fn cluster(
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
) -> Result<Connection, ConnectError> {
    let mut builder = ClusterClient::builder(nodes).retries(1);
    if let Some(certificates) = certificates {
        builder = builder.tls(TlsMode::Secure).certs(certificates);
    }
    let config = ClusterConfig::new()
        .set_connection_timeout(GREETING)
        .set_response_timeout(GREETING);
    let client = builder.build()?;
    let connected = client.get_async_connection_with_config(config);
    Ok(Connection::Cluster(connected.await?))
}
