//! What is exported, and where to: by the environment variables that OpenTelemetry has for it (source: its specification, "Environment Variable
//! Specification" and "OTLP Exporter").

use std::time::Duration;

use anyhow::{Context as _, bail};
use opentelemetry_proto::tonic::resource::v1::Resource;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::names::Names;
use super::resource;
use super::spans::{Form, Usage};
use crate::observe::trace::{Root, Sampler};

/// The share of traces that begin here and are kept, where nobody says otherwise.
const SHARE: f64 = 0.1;
/// How long a collector may take, where nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A place to send a signal to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) gzip: bool,
    /// The certificates (PEM) to trust instead of the system's.
    pub(super) certificates: Option<Vec<u8>>,
}

/// What is exported.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) traces: Option<Endpoint>,
    pub(super) metrics: Option<Endpoint>,
    pub(super) logs: Option<Endpoint>,
    /// Which traces are kept.
    pub(crate) sampler: Sampler,
    pub(super) form: Form,
    pub(super) resource: Resource,
    pub(super) interval: Duration,
}

/// Variables, by name.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// As the variables say; `None`: nothing is exported.
    ///
    /// # Errors
    /// A value that cannot be heeded; what it should be is said.
    pub(crate) fn of(
        get: Variables<'_>,
        usage: Usage,
        slow: Duration,
    ) -> anyhow::Result<Option<Self>> {
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        if flag(&get, "OTEL_SDK_DISABLED")? {
            return Ok(None);
        }
        let endpoint = |signal: &str, unless_said: &str| endpoint(&get, signal, unless_said);
        let (traces, metrics) = (endpoint("TRACES", "otlp")?, endpoint("METRICS", "otlp")?);
        // They say what standard output says already.
        let logs = endpoint("LOGS", "none")?;
        if traces.is_none() && metrics.is_none() && logs.is_none() {
            return Ok(None);
        }
        let names = get("OTEL_SEMCONV_STABILITY_OPT_IN").unwrap_or_default();
        let given = get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let given = pairs(&given).context("OTEL_RESOURCE_ATTRIBUTES cannot be read")?;
        Ok(Some(Self {
            traces,
            metrics,
            logs,
            sampler: sampler(&get, slow)?,
            form: Form {
                names: Names::opted_in(&names),
                usage,
            },
            resource: resource::of(get("OTEL_SERVICE_NAME").as_deref(), &given),
            interval: interval(&get)?,
        }))
    }

    /// Whether traces are exported.
    #[must_use]
    pub(crate) fn traces(&self) -> bool {
        self.traces.is_some()
    }
}

/// Where a signal goes, if it is wanted and there is a place for it.
fn endpoint(
    get: Variables<'_>,
    signal: &str,
    unless_said: &str,
) -> anyhow::Result<Option<Endpoint>> {
    let own = |what: &str| get(&format!("OTEL_EXPORTER_OTLP_{signal}_{what}"));
    let said = |what: &str| own(what).or_else(|| get(&format!("OTEL_EXPORTER_OTLP_{what}")));
    let exporter = format!("OTEL_{signal}_EXPORTER");
    let wanted = get(&exporter);
    let unless_said = if own("ENDPOINT").is_some() {
        "otlp"
    } else {
        unless_said
    };
    match wanted.as_deref().unwrap_or(unless_said) {
        // What Prometheus scrapes is there whatever this says.
        "none" | "prometheus" => return Ok(None),
        "otlp" => {}
        other => bail!("{exporter} is {other:?}; it can be otlp or none"),
    }
    let text = match (own("ENDPOINT"), get("OTEL_EXPORTER_OTLP_ENDPOINT")) {
        (Some(own), _) => own,
        (None, Some(all)) => {
            format!("{}/v1/{}", all.trim_end_matches('/'), signal.to_lowercase())
        }
        (None, None) => return Ok(None),
    };
    match said("PROTOCOL").as_deref() {
        None | Some("http/protobuf") => {}
        Some("grpc") => bail!(
            "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which the gateway does not speak; collectors take http/protobuf too, usually on port 4318: set it to that and the endpoint to that port"
        ),
        Some(other) => {
            bail!("OTEL_EXPORTER_OTLP_PROTOCOL is {other:?}; it can be http/protobuf only")
        }
    }
    let url: Url = text.parse().ok().filter(|url: &Url| ["http", "https"].contains(&url.scheme())).with_context(|| {
        format!("the endpoint of {} is no http or https URL; OTEL_EXPORTER_OTLP_ENDPOINT looks like http://collector:4318", signal.to_lowercase())
    })?;
    let gzip = match said("COMPRESSION").as_deref() {
        None | Some("gzip") => true,
        Some("none") => false,
        Some(other) => bail!("OTEL_EXPORTER_OTLP_COMPRESSION is {other:?}; it can be gzip or none"),
    };
    let certificates = said("CERTIFICATE").map(|file| {
        std::fs::read(&file).with_context(|| {
            format!("OTEL_EXPORTER_OTLP_CERTIFICATE names {file}, which cannot be read")
        })
    });
    Ok(Some(Endpoint {
        url,
        headers: headers(&said("HEADERS").unwrap_or_default())?,
        timeout: timeout(get, signal)?,
        gzip,
        certificates: certificates.transpose()?,
    }))
}

/// How long a collector may take. 0 is as if nobody had said anything, here as elsewhere: no answer comes in no time.
fn timeout(get: Variables<'_>, signal: &str) -> anyhow::Result<Duration> {
    for said in [format!("{signal}_TIMEOUT"), "TIMEOUT".to_owned()] {
        let said = millis(get, &format!("OTEL_EXPORTER_OTLP_{said}"), 0)?;
        if said > Duration::ZERO {
            return Ok(said);
        }
    }
    Ok(TIMEOUT)
}

fn interval(get: Variables<'_>) -> anyhow::Result<Duration> {
    let interval = millis(get, "OTEL_METRIC_EXPORT_INTERVAL", 60_000)?;
    if interval.is_zero() {
        bail!(
            "OTEL_METRIC_EXPORT_INTERVAL is 0; it is the milliseconds from one push of metrics to the next, such as 60000 (OTEL_METRICS_EXPORTER=none for no push)"
        );
    }
    Ok(interval)
}

fn flag(get: Variables<'_>, name: &str) -> anyhow::Result<bool> {
    match get(name).as_deref().map(str::trim) {
        None => Ok(false),
        Some(said) if said.eq_ignore_ascii_case("true") => Ok(true),
        Some(said) if said.eq_ignore_ascii_case("false") => Ok(false),
        Some(other) => bail!("{name} is {other:?}; it can be true or false"),
    }
}

fn millis(get: Variables<'_>, name: &str, absent: u64) -> anyhow::Result<Duration> {
    let millis = match get(name) {
        None => absent,
        Some(text) => text.trim().parse().with_context(|| {
            format!("{name} is {text:?}, which is no whole number of milliseconds")
        })?,
    };
    Ok(Duration::from_millis(millis))
}

/// `name=value,name=value`, with values percent-encoded (source: W3C Baggage). What is wrong with one is said by its place: any of it may be a
/// part of a key.
fn pairs(list: &str) -> anyhow::Result<Vec<(String, String)>> {
    members(list)
        .map(|(place, member)| {
            let (name, value) = member.split_once('=').with_context(|| {
                format!("its entry {place} is no name=value; it is a list of these with commas between them")
            })?;
            let value = percent_decoded(value.trim())
                .with_context(|| format!("the value of its entry {place} is not percent-encoded text"))?;
            Ok((name.trim().to_owned(), value))
        })
        .collect()
}

/// The members of a list that say anything, with their places from 1.
fn members(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let members = (1..).zip(list.split(',').map(str::trim));
    members.filter(|(_, member)| !member.is_empty())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (code, after) = rest.split_at_checked(2)?;
        rest = after;
        bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn headers(list: &str) -> anyhow::Result<HeaderMap> {
    let all = pairs(list).context("OTEL_EXPORTER_OTLP_HEADERS cannot be read")?;
    let mut headers = HeaderMap::new();
    for ((place, _), (name, value)) in members(list).zip(all) {
        let name: HeaderName = name.parse().with_context(|| {
            format!("entry {place} of OTEL_EXPORTER_OTLP_HEADERS has no name of a header before its first =; an entry is name=value")
        })?;
        let mut value = HeaderValue::from_str(&value).with_context(|| {
            format!(
                "entry {place} of OTEL_EXPORTER_OTLP_HEADERS has a value that no header can have"
            )
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn sampler(get: Variables<'_>, slow: Duration) -> anyhow::Result<Sampler> {
    let name = get("OTEL_TRACES_SAMPLER");
    let name = name.as_deref().unwrap_or("parentbased_traceidratio").trim();
    let (parent, kind) = match name.strip_prefix("parentbased_") {
        Some(kind) => (true, kind),
        None => (false, name),
    };
    let root = match kind {
        "always_on" => Root::Always,
        "always_off" => Root::Never,
        "traceidratio" => Root::share(share(get)?),
        _ => bail!(
            "OTEL_TRACES_SAMPLER is {name:?}; it can be always_on, always_off or traceidratio, each also behind parentbased_"
        ),
    };
    Ok(Sampler { parent, root, slow })
}

fn share(get: Variables<'_>) -> anyhow::Result<f64> {
    let Some(text) = get("OTEL_TRACES_SAMPLER_ARG") else {
        return Ok(SHARE);
    };
    let share = text.trim().parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .with_context(|| {
            format!("OTEL_TRACES_SAMPLER_ARG is {text:?}; it is a share from 0 to 1, such as 0.1")
        })
}

#[cfg(test)]
mod tests;
