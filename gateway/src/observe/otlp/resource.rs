//! Who tells: the service as OpenTelemetry knows it.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::attributes::attribute;

/// What writes the spans.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "fairlead".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// The service by the attributes that it was given, with what is said of itself where they say nothing.
pub(super) fn of(name: Option<&str>, given: &[(String, String)]) -> Resource {
    let text = |name: &str, value: &str| attribute(name, Value::StringValue(value.to_owned()));
    let mut attributes: Vec<KeyValue> = given
        .iter()
        .filter(|(key, _)| !(key == "service.name" && name.is_some()))
        .map(|(key, value)| text(key, value))
        .collect();
    let mut add = |key: &str, value: &str| {
        if !attributes.iter().any(|attribute| attribute.key == key) {
            attributes.push(text(key, value));
        }
    };
    add("service.name", name.unwrap_or("fairlead-gateway"));
    add("service.version", env!("CARGO_PKG_VERSION"));
    add(
        "service.instance.id",
        &format!("{:032x}", fastrand::u128(..)),
    );
    Resource {
        attributes,
        ..Resource::default()
    }
}
