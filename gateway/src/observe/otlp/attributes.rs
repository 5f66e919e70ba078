//! Attributes of spans and log records, written one after the other.

use fairlead_record::Cost;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

use super::names::{Name, Names};

/// Attributes so far.
#[derive(Debug)]
pub(super) struct Attributes {
    names: Names,
    list: Vec<KeyValue>,
}

impl Attributes {
    /// None yet, with room for so many.
    pub(super) fn new(names: Names, room: usize) -> Self {
        Self {
            names,
            list: Vec::with_capacity(room),
        }
    }

    /// Adds what has a name in the conventions for GenAI.
    pub(super) fn named(&mut self, name: Name, value: impl Into<Told>) {
        let value = value.into();
        for name in self.names.of(name) {
            self.put(name, value.clone());
        }
    }

    /// Adds what has one name.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Told>) {
        if let Told(Some(value)) = value.into() {
            self.list.push(attribute(name, value));
        }
    }

    /// Adds an amount of money, in USD.
    pub(super) fn cost(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.put("fairlead.cost_usd", usd(cost.nanos));
            self.put("fairlead.cost_estimated", cost.estimated.then_some(true));
        }
    }

    /// All of them.
    pub(super) fn done(self) -> Vec<KeyValue> {
        self.list
    }
}

/// A float holds nano-dollars of any amount that a request may cost.
#[expect(
    clippy::cast_precision_loss,
    reason = "of amounts that large nobody counts nanos"
)]
fn usd(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

/// An attribute.
pub(super) fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A value, where there is one.
#[derive(Debug, Clone)]
pub(super) struct Told(Option<Value>);

impl From<&str> for Told {
    fn from(text: &str) -> Self {
        Self(Some(Value::StringValue(text.to_owned())))
    }
}

impl From<String> for Told {
    fn from(text: String) -> Self {
        Self(Some(Value::StringValue(text)))
    }
}

impl From<Option<&str>> for Told {
    fn from(text: Option<&str>) -> Self {
        Self(text.map(|text| Value::StringValue(text.to_owned())))
    }
}

impl From<bool> for Told {
    fn from(value: bool) -> Self {
        Self(Some(Value::BoolValue(value)))
    }
}

impl From<Option<bool>> for Told {
    fn from(value: Option<bool>) -> Self {
        Self(value.map(Value::BoolValue))
    }
}

impl From<f64> for Told {
    fn from(value: f64) -> Self {
        Self(Some(Value::DoubleValue(value)))
    }
}

impl From<Option<f64>> for Told {
    fn from(value: Option<f64>) -> Self {
        Self(value.map(Value::DoubleValue))
    }
}

impl From<u64> for Told {
    fn from(value: u64) -> Self {
        Self(Some(Value::IntValue(
            i64::try_from(value).unwrap_or(i64::MAX),
        )))
    }
}

impl From<Option<u64>> for Told {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self(None), Self::from)
    }
}

impl From<Vec<String>> for Told {
    /// A list; none where there is nothing in it.
    fn from(list: Vec<String>) -> Self {
        let values = list.into_iter().map(|text| AnyValue {
            value: Some(Value::StringValue(text)),
        });
        let values: Vec<_> = values.collect();
        Self((!values.is_empty()).then_some(Value::ArrayValue(ArrayValue { values })))
    }
}
