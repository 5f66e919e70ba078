//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// See and work with an installation of Fairlead.
#[derive(Debug, Parser)]
#[command(name = "kubectl-fairlead", bin_name = "kubectl fairlead", version)]
pub struct Args {
    #[command(flatten)]
    #[doc(hidden)]
    pub place: Place,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which cluster, namespace and installation.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// The namespace of objects. Absent: that of the context.
    #[arg(short, long, global = true, value_name = "NS")]
    pub namespace: Option<String>,
    /// Objects of all namespaces.
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The context of the kubeconfig. Absent: its current one.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig. Absent: KUBECONFIG, or ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The namespace of the gateways.
    #[arg(
        long,
        global = true,
        value_name = "NS",
        default_value = "fairlead-system"
    )]
    pub gateway_namespace: String,
    /// The installation, as gatewayName of the chart says it.
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    pub gateway_name: String,
    /// The admin port of gateways.
    #[arg(long, global = true, value_name = "PORT", default_value_t = 9090)]
    pub admin_port: u16,
    /// The admin address of a gateway (HOST:PORT), instead of those in the cluster; repeat it for more. For gateways without a cluster, and where
    /// forwarding ports is not allowed.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub gateway: Vec<String>,
    /// With --gateway: the file with the admin token.
    #[arg(long, global = true, value_name = "FILE", requires = "gateway")]
    pub admin_token_file: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    pub output: Format,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Objects that are not ok, in the operator's words, and which generation each gateway enforces.
    Status(Status),
    /// Requests, errors, latency, tokens and spend a second, of all gateways together.
    Top(Top),
    /// Breakers, resting credentials and limits of every gateway.
    Health(Health),
    /// Which rule and targets a request would get, and why every other rule does not take it.
    Explain(Explain),
    /// Access lines of all gateways.
    Logs(Logs),
    /// How budgets and rates stand.
    Usage(Usage),
    /// List, rotate and suspend virtual keys.
    Keys(Keys),
    /// What is right and wrong with the resources in a folder; exit with 1 if anything is wrong.
    Check(Folder),
    /// What gateways would get of the resources in a folder, every default resolved and without secrets.
    Render(Render),
}

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// Exit with 1 if an object is not ok, or a gateway does not enforce the live generation.
    #[arg(long)]
    pub fail: bool,
}

/// Arguments of `top`.
#[derive(Debug, clap::Args)]
pub struct Top {
    /// Of what.
    #[arg(value_enum, default_value = "providers")]
    pub what: What,
    /// Again and again, until it is interrupted.
    #[arg(short, long)]
    pub watch: bool,
    /// Over how long rates are measured, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub interval: Duration,
}

/// What `top` tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Providers, by the model that was asked for.
    Providers,
    /// Keys, by what they spend.
    Keys,
}

/// Arguments of `health`.
#[derive(Debug, clap::Args)]
pub struct Health {
    /// Only this provider: NAMESPACE/NAME.
    pub provider: Option<String>,
    /// Exit with 1 if a breaker of any gateway is so.
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,
}

/// What `health` fails on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Open.
    Open,
    /// Anything but closed: open, probing or ramping.
    NotClosed,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The virtual key, NAMESPACE/NAME, or NAME in the namespace; its value is not needed.
    #[arg(short, long, required_unless_present = "file")]
    pub key: Option<String>,
    /// The model that is asked for.
    #[arg(short, long, required_unless_present = "file")]
    pub model: Option<String>,
    /// A header of the request, 'NAME: VALUE'; repeat it for more.
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub header: Vec<String>,
    /// What is asked for, as the path says it below /v1. Absent: chat/completions.
    #[arg(long, value_name = "PATH")]
    pub operation: Option<String>,
    /// The request, as YAML or JSON: key, headers, body, usage, estimate. What is said beside it goes first.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// By the resources in this folder instead of what gateways enforce: before a merge.
    #[arg(long, value_name = "DIR")]
    pub local: Option<PathBuf>,
}

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Only this request, with its attempts one by one.
    pub id: Option<String>,
    /// Only requests of this key: NAMESPACE/NAME, or NAME in the namespace.
    #[arg(short, long)]
    pub key: Option<String>,
    /// Only requests that this rule took: NAMESPACE/NAME, or NAME in the namespace.
    #[arg(long)]
    pub rule: Option<String>,
    /// Only requests one of whose attempts ended so: ok, rate_limited, timeout, ...
    #[arg(long)]
    pub outcome: Option<String>,
    /// Only requests that were answered with an error, or not to the end.
    #[arg(long)]
    pub failed: bool,
    /// Go on as requests end.
    #[arg(short, long)]
    pub follow: bool,
    /// Requests of the last so many seconds, minutes or hours: 30s, 5m, 2h. Absent: what gateways' logs have.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Duration>,
    /// The most lines of each gateway's log that are looked through. Absent: 1000, or all with --since or an id.
    #[arg(long, value_name = "COUNT")]
    pub tail: Option<u32>,
    /// Lines of this file instead of the gateways' logs; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "tail"])]
    pub from: Option<PathBuf>,
}

/// Arguments of `usage`.
#[derive(Debug, clap::Args)]
pub struct Usage {
    /// Only of these.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub by: Vec<Level>,
    /// As a gateway knows it now, instead of what statuses say, which are up to a minute old.
    #[arg(long)]
    pub live: bool,
}

/// Who has limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Virtual keys.
    Key,
    /// Teams.
    Team,
    /// Organizations.
    Organization,
    /// Providers.
    Provider,
}

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
pub struct Keys {
    /// What to do with keys.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Keys, and how they are.
    List,
    /// Give a generated key another value, and print it once. The one before works for the overlap.
    Rotate(Rotate),
    /// Refuse a key until it is resumed.
    Suspend(Named),
    /// Take a suspension back.
    Resume(Named),
}

/// A key.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// NAMESPACE/NAME, or NAME in the namespace.
    pub key: String,
    /// Have the API server check it, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `keys rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    #[command(flatten)]
    #[doc(hidden)]
    pub key: Named,
    /// Also set spec.rotation.overlap, for how long the value before works: 24h; 0s if it has leaked.
    #[arg(long, value_name = "TIME")]
    pub overlap: Option<String>,
    /// Do not print the value; say where it stands.
    #[arg(long)]
    pub quiet: bool,
}

/// A folder of resources.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// The folder with YAML and JSON files; files in folders below it are not read.
    #[arg(short, long = "file", value_name = "DIR")]
    pub folder: PathBuf,
    /// A folder with Secrets as files NAMESPACE/NAME/KEY.
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
}

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct Render {
    #[command(flatten)]
    #[doc(hidden)]
    pub folder: Folder,
    /// Only this part.
    #[arg(long, value_enum)]
    pub only: Option<Part>,
}

/// A part of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Providers.
    Providers,
    /// Rules, in the order in which they are tried.
    Rules,
    /// Keys.
    Keys,
    /// Teams that limit their keys.
    Teams,
    /// Organizations that limit their teams.
    Organizations,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a number of seconds from 0.2 to 3600");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if (0.2..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(wrong())
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30s, 5m or 2h");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        "d" => number.checked_mul(86_400),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "5", "m", "5w", "-1s", "5.5m", "5\u{e9}"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn explain_needs_a_key_and_a_model_or_a_file() {
        let parse = |more: &[&str]| {
            Args::try_parse_from(["kubectl-fairlead", "explain"].iter().chain(more)).is_ok()
        };
        assert!(parse(&["-k", "a/b", "-m", "chat", "-H", "x: y"]) && parse(&["-f", "r.yaml"]));
        assert!(!parse(&[]) && !parse(&["-k", "a/b"]));
    }
}
