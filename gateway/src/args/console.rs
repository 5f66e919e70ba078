//! Arguments of `console`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use fairlead_snapshot::Network;

/// Whether rules may be written from the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum ApplyMode {
    /// Nothing is written, and who signs in does so with a token that is worth nothing elsewhere.
    Off,
    /// The API server says what it would make of a rule, and stores nothing.
    DryRun,
    /// The same, and then it may be written.
    On,
}

/// Arguments of `console`: it shows how the gateways of an installation do, and each viewer what the cluster lets them see.
#[derive(Debug, Clone, clap::Args)]
pub struct Console {
    /// The installation.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub gateway_name: String,
    /// The namespace of its gateways, and of what its operator publishes.
    #[arg(
        long,
        value_name = "NS",
        env = "POD_NAMESPACE",
        default_value = "default"
    )]
    pub gateway_namespace: String,
    /// The Service whose endpoints are the gateways.
    #[arg(long, value_name = "NAME", default_value = "fairlead-gateway")]
    pub gateway_service: String,
    /// The port on which gateways tell how they do.
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    pub gateway_admin_port: u16,
    /// The namespaces to look at, beside the gateways' own. Absent: all.
    #[arg(long, value_name = "NS,..", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Where callers reach the gateways, as a URL: what snippets begin with.
    #[arg(long, value_name = "URL")]
    pub callers_at: Option<String>,
    /// Where browsers connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where probes and Prometheus connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,
    /// What tokens to sign in with are made for.
    #[arg(long, value_name = "NAME", default_value = "fairlead-console")]
    pub audience: String,
    /// Whether rules may be written from the builder, with the rights of the viewer's own token, which the API server has to take.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ApplyMode::Off)]
    pub(crate) apply: ApplyMode,
    /// A name, without a port, under which browsers may ask for it, beside localhost; repeat it for more.
    #[arg(long, value_name = "HOST")]
    pub console_host: Vec<String>,
    /// Let nobody sign in with a virtual key.
    #[arg(long)]
    pub no_holders: bool,
    /// How many tabs may follow the live view.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1_000), default_value_t = 100)]
    pub viewers: u16,
    /// Proxies that are believed when they say in X-Forwarded-For who signs in: networks such as 10.0.0.0/8. Absent: none.
    #[arg(long, value_name = "CIDR,..", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// The certificate chain (PEM) that browsers see; read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key (PEM) of the certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The file that says where the PostgreSQL is in which gateways keep requests, as a role that may SELECT; read anew for each connection.
    /// Absent: the last 10,000 of all gateways, since the console has begun.
    #[arg(
        id = "console_postgres_file",
        long = "request-log-postgres-file",
        value_name = "FILE"
    )]
    pub postgres_file: Option<PathBuf>,
    /// The certificates (PEM) that may vouch for PostgreSQL. Absent: the system's.
    #[arg(
        id = "console_postgres_ca",
        long = "request-log-postgres-ca",
        value_name = "FILE",
        requires = "console_postgres_file"
    )]
    pub postgres_ca: Option<PathBuf>,
}
