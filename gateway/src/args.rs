//! The command line.

pub(crate) mod audit;
#[cfg(all(feature = "console", feature = "kubernetes"))]
pub mod console;
pub(crate) mod content;
pub(crate) mod request_log;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::govern::place::Store;
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use fairlead_snapshot::Network;

/// An LLM gateway that is configured by custom resources.
#[derive(Debug, Parser)]
#[command(name = "fairlead-gateway", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve requests as the resources in a folder or in a cluster say.
    Serve(Box<Serve>),
    /// Show how the gateways of a cluster do, to each viewer what the cluster lets them see.
    #[cfg(all(feature = "console", feature = "kubernetes"))]
    Console(Box<console::Console>),
    /// Print what is right and wrong with every resource in a folder; exit with 1 if anything is wrong.
    Check(Folder),
    /// Say which rule and targets a request would get, and why every other rule does not take it.
    Explain(Explain),
    /// Say which providers `serve` would find in the environment, and by which variables; exit with 1 if there is none.
    Providers,
    /// Say whether a file of the audit holds: nothing in it was edited, removed or put elsewhere; exit with 1 if not.
    Audit {
        /// What to do.
        #[arg(value_parser = ["verify"])]
        action: String,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A hash that was told elsewhere, by the log or the admin port: the file has to have it, or its end was cut off.
        #[arg(long, value_name = "HASH")]
        anchor: Option<String>,
    },
    /// Make resources of the configuration of LiteLLM (config.yaml) or Bifrost (config.json), and list what could not be carried over.
    Import(Import),
}

/// Where resources are read from.
#[derive(Debug, Clone, clap::Args)]
pub struct Folder {
    /// The folder with YAML and JSON files; files in folders below it are not read.
    #[arg(value_name = "DIR")]
    pub config_dir: PathBuf,
    #[command(flatten)]
    #[doc(hidden)]
    pub settings: Settings,
}

/// What an installation says apart from its resources.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// A folder with Secrets as files NAMESPACE/NAME/KEY.
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
    /// A folder for what must outlive a restart: generated keys, the last accepted configuration, the admin token.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The namespace that counts as the gateway's own.
    #[arg(
        long,
        value_name = "NS",
        env = "POD_NAMESPACE",
        default_value = "default"
    )]
    pub gateway_namespace: String,
    /// The installation: objects of another spec.gatewayName are not looked at.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub gateway_name: String,
}

/// Arguments of `serve`. Without a configuration it serves the providers whose variables are set: OPENAI_API_KEY, ANTHROPIC_API_KEY and others.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("configuration").args(["config_dir", "kubernetes", "simulated"]))]
pub struct Serve {
    /// The folder with YAML and JSON files; files in folders below it are not read. Absent: the providers whose variables are set.
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
    /// Serve a provider that answers by itself, so that nothing has to be set.
    #[arg(long)]
    pub simulated: bool,
    /// Write what is found in the environment into this folder as YAML, and serve that; nothing that is there is overwritten.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config_dir", "kubernetes"])]
    pub write_config: Option<PathBuf>,
    /// Serve as the operator of this cluster publishes it for --gateway-name in --gateway-namespace.
    #[arg(long, conflicts_with_all = ["secrets_dir", "state_dir"])]
    pub kubernetes: bool,
    /// With --kubernetes: a folder in memory for the last good configuration, credentials included, to restart without an API server.
    #[arg(
        long,
        value_name = "DIR",
        requires = "kubernetes",
        conflicts_with = "config_dir"
    )]
    pub last_good_dir: Option<PathBuf>,
    /// How long the live configuration is waited for before the last good one is put into force.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub api_server_patience: Duration,
    #[command(flatten)]
    #[doc(hidden)]
    pub settings: Settings,
    #[command(flatten)]
    #[doc(hidden)]
    pub store: Store,
    #[command(flatten)]
    #[doc(hidden)]
    pub(crate) request_log: request_log::RequestLog,
    #[command(flatten)]
    #[doc(hidden)]
    pub(crate) content: content::Content,
    /// Where callers connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where probes, Prometheus and operators connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,
    /// The certificate chain (PEM) that callers see; read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key (PEM) of the certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Have no console on the admin port.
    #[cfg(feature = "console")]
    #[arg(long)]
    pub no_console: bool,
    /// A name, without a port, under which browsers may ask for the console, beside localhost; repeat it for more.
    #[cfg(feature = "console")]
    #[arg(long, value_name = "HOST")]
    pub console_host: Vec<String>,
    /// How many cores serve requests. Absent: all that this process may use.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub cores: Option<u16>,
    /// Where one JSON line per request goes.
    #[arg(long, value_enum, default_value = "stdout")]
    pub access_log: AccessLogTo,
    #[command(flatten)]
    #[doc(hidden)]
    pub(crate) audit: audit::Audit,
    /// A header of requests whose value is noted in logs and traces, its first 128 bytes; repeat it for more, eight at most. Absent: none.
    #[arg(long, value_name = "NAME", value_parser = noted)]
    pub log_header: Vec<http::HeaderName>,
    /// Whether spans say what requests used. WhenRoot: not those of callers who trace, and tell it themselves.
    #[arg(long, value_enum, default_value = "always")]
    pub otlp_usage: OtlpUsage,
    /// From what time to the first content on a trace is kept that begins here and was to be left out.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub trace_slow: Duration,
    /// The largest request body, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = crate::limits::Limits::default().body_bytes)]
    pub max_request_bytes: usize,
    /// The most bytes that request bodies and held answers may occupy together. Absent: 40 % of what this process may use.
    #[arg(long, value_name = "BYTES")]
    pub max_memory_bytes: Option<usize>,
    /// The most connections of callers. Absent: half of the descriptors that this process may have, less what is kept for other things.
    #[arg(long, value_name = "COUNT")]
    pub max_connections: Option<usize>,
    /// How long a connection may take to the end of the first head.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub head_time: Duration,
    /// How long a connection may be silent between two requests.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds, default_value = "75")]
    pub idle_time: Duration,
    /// How long a caller may take nothing of its answer.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub write_stall: Duration,
    /// Web pages of this origin may call and read answers; repeat it for more, or say * for every page. Absent: none.
    #[arg(long, value_name = "ORIGIN")]
    pub cors_allow_origin: Vec<http::HeaderValue>,
    /// Proxies that are believed when they say in X-Forwarded-For who calls, for keys with spec.networks: networks such as 10.0.0.0/8. Absent: none,
    /// and a caller is whoever connects.
    #[arg(long, value_name = "CIDR,..", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// After SIGTERM: how long requests are still taken, so that load balancers can notice. SIGINT does not wait.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "15")]
    pub drain_delay: Duration,
    /// After that: how long streams in flight may go on.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "900")]
    pub drain_timeout: Duration,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    #[command(flatten)]
    #[doc(hidden)]
    pub folder: Folder,
    /// The request, as YAML or JSON: key (namespace/name), headers, body, usage, estimate.
    #[arg(long, value_name = "FILE")]
    pub request: PathBuf,
    /// What a running gateway has said at GET /health on its admin port, as JSON; -: read it from standard input. Then it is told how the targets
    /// of a rule stand that judges them.
    #[arg(long, value_name = "FILE")]
    pub health: Option<PathBuf>,
}

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The file of the other gateway.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the resources into this folder, with the values that the file holds or that its variables have; nothing that is there is
    /// overwritten. Absent: they are printed, without values.
    #[arg(long, value_name = "DIR")]
    pub write_config: Option<PathBuf>,
}

/// Whose tokens spans tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OtlpUsage {
    /// Everybody's.
    Always,
    /// Those of callers who do not trace.
    WhenRoot,
}

/// Where access lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessLogTo {
    /// Standard output.
    Stdout,
    /// Nowhere.
    Off,
}

/// Headers that show who a caller is must not get into a log.
fn noted(text: &str) -> Result<http::HeaderName, String> {
    let name: http::HeaderName =
        (text.parse()).map_err(|_| format!("{text:?} is no name of a header"))?;
    let secret = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
    ];
    if secret.contains(&name.as_str()) {
        return Err(format!(
            "{name} holds keys, which are never logged; name another header"
        ));
    }
    Ok(name)
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("{text:?} is not a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_ten_seconds_for_their_first_head_unless_somebody_says_otherwise() {
        let args = Args::parse_from(["fairlead-gateway", "serve", "--config-dir", "."]);
        let Command::Serve(serve) = args.command else {
            unreachable!("it is serve")
        };
        assert_eq!(serve.head_time, Duration::from_secs(10));
    }

    #[test]
    fn where_the_request_log_is_cannot_be_read_off_a_command_line() {
        let url = ["--request-log-postgres", "postgresql://user:secret@host/db"];
        let serve = ["fairlead-gateway", "serve", "--config-dir", "."];
        assert!(Args::try_parse_from([&serve[..], &url].concat()).is_err());
    }
}
