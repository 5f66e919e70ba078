use super::*;

fn read(variables: &[(&str, &str)]) -> anyhow::Result<Option<Settings>> {
    let get = |name: &str| {
        let found = variables.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Settings::of(&get, Usage::Always, Duration::from_secs(10))
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    read(variables).unwrap().unwrap()
}

fn said(variables: &[(&str, &str)]) -> String {
    format!("{:#}", read(variables).unwrap_err())
}

const HERE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

fn url(endpoint: Option<&Endpoint>) -> Option<&str> {
    endpoint.map(|endpoint| endpoint.url.as_str())
}

#[test]
fn nothing_is_exported_without_a_place_for_it() {
    assert!(read(&[]).unwrap().is_none());
    assert!(
        read(&[HERE, ("OTEL_SDK_DISABLED", "true")])
            .unwrap()
            .is_none()
    );
    let none = [
        HERE,
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
    ];
    assert!(read(&none).unwrap().is_none());
}

#[test]
fn each_signal_has_its_path_below_the_common_place_or_a_place_of_its_own() {
    let all = settings(&[HERE, ("OTEL_LOGS_EXPORTER", "otlp")]);
    assert_eq!(
        url(all.traces.as_ref()),
        Some("http://collector:4318/v1/traces")
    );
    assert_eq!(
        url(all.metrics.as_ref()),
        Some("http://collector:4318/v1/metrics")
    );
    assert_eq!(
        url(all.logs.as_ref()),
        Some("http://collector:4318/v1/logs")
    );
    let usual = settings(&[HERE]);
    assert!(usual.logs.is_none(), "standard output has them");
    let own = settings(&[(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "https://langfuse.example/api/public/otel/v1/traces",
    )]);
    assert_eq!(
        url(own.traces.as_ref()),
        Some("https://langfuse.example/api/public/otel/v1/traces")
    );
    assert!(own.metrics.is_none());
}

#[test]
fn headers_are_percent_encoded_and_never_shown() {
    let all = settings(&[
        HERE,
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Basic%20c2VjcmV0, x-team=a",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
    ]);
    let traces = all.traces.as_ref().unwrap();
    assert_eq!(traces.headers["authorization"], "Basic c2VjcmV0");
    assert_eq!(traces.headers["x-team"], "a");
    assert!(!format!("{all:?}").contains("c2VjcmV0"));
    assert_eq!(
        (traces.timeout, traces.gzip),
        (Duration::from_millis(2500), false)
    );
    assert!(all.metrics.unwrap().gzip);
}

#[test]
fn the_sampler_is_named_as_everywhere() {
    let root = |name, share| {
        let sampler = [
            HERE,
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", share),
        ];
        let sampler = settings(&sampler).sampler;
        (sampler.parent, sampler.root)
    };
    assert_eq!(root("", ""), (true, Root::share(0.1)));
    assert_eq!(
        root("parentbased_traceidratio", "0.25"),
        (true, Root::share(0.25))
    );
    assert_eq!(root("traceidratio", "1"), (false, Root::From(0)));
    assert_eq!(root("always_on", ""), (false, Root::Always));
    assert_eq!(root("parentbased_always_off", ""), (true, Root::Never));
}

#[test]
fn the_service_says_who_it_is() {
    let resource = settings(&[
        HERE,
        ("OTEL_SERVICE_NAME", "llm"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,k8s.pod.name=gw-0,team=a%2Cb",
        ),
    ])
    .resource;
    let told = serde_json::to_value(&resource).unwrap();
    let value = |key: &str| {
        let mut all = told["attributes"].as_array().unwrap().iter();
        let found = all.find(|attribute| attribute["key"] == key).unwrap();
        found["value"]["stringValue"].as_str().unwrap().to_owned()
    };
    assert_eq!(value("service.name"), "llm");
    assert_eq!(value("k8s.pod.name"), "gw-0");
    assert_eq!(value("team"), "a,b");
    assert_eq!(value("service.instance.id").len(), 32);
    assert_eq!(told["attributes"].as_array().unwrap().len(), 5);
}

#[test]
fn what_cannot_be_heeded_is_said() {
    for (name, value, part) in [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "usually on port 4318",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "http/json",
            "http/protobuf only",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "collector:4318",
            "http://collector:4318",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization: x",
            "name=value",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/none/ca.pem",
            "/none/ca.pem",
        ),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "10", "from 0 to 1"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp or none"),
        ("OTEL_SDK_DISABLED", "yes", "true or false"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz", "percent-encoded"),
    ] {
        let said = said(&[HERE, (name, value)]);
        assert!(
            said.contains(part) && said.contains("OTEL_"),
            "{name}: {said}"
        );
    }
}

#[test]
fn no_part_of_a_header_is_said_where_it_cannot_be_heeded() {
    for (headers, place) in [
        ("authorization=sk%0Asecret", 1),
        ("authorization: Basic secret==", 1),
        ("x-team=a, ,authorization: secret", 3),
        ("x-team=a,authorization=%zzsecret", 2),
        ("secret key=a", 1),
    ] {
        let said = said(&[HERE, ("OTEL_EXPORTER_OTLP_HEADERS", headers)]);
        assert!(!said.contains("secret"), "{said}");
        assert!(said.contains(&format!("entry {place}")), "{said}");
    }
}

#[test]
fn no_time_at_all_is_no_timeout_and_no_interval() {
    let zero = ("OTEL_EXPORTER_OTLP_TIMEOUT", "0");
    let timeout = |variables: &[(&str, &str)]| settings(variables).traces.unwrap().timeout;
    assert_eq!(timeout(&[HERE, zero]), Duration::from_secs(10));
    let own = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0");
    let common = ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500");
    assert_eq!(timeout(&[HERE, own, common]), Duration::from_millis(2500));
    let said = said(&[HERE, ("OTEL_METRIC_EXPORT_INTERVAL", "0")]);
    assert!(said.contains("60000"), "{said}");
}
