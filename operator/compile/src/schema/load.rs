//! CRDs -> [`Schema`]s, once per process.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex::Regex;

use super::{Fields, List, Range, Schema, Shape, Text, Unique};

static SPECS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
    fairlead_crds::all()
        .iter()
        .filter_map(|crd| Some((crd.spec.names.kind.clone(), Schema::of(spec_props(crd)?))))
        .collect()
});

/// The schema of a kind's `spec`.
pub(crate) fn spec_of(kind: &str) -> Option<&'static Schema> {
    SPECS.get(kind)
}

/// The `spec` in the only version of a CRD.
pub(super) fn spec_props(crd: &CustomResourceDefinition) -> Option<&JSONSchemaProps> {
    let root = crd
        .spec
        .versions
        .first()?
        .schema
        .as_ref()?
        .open_api_v3_schema
        .as_ref()?;
    root.properties.as_ref()?.get("spec")
}

impl Schema {
    pub(super) fn of(props: &JSONSchemaProps) -> Self {
        Self {
            nullable: props.nullable == Some(true),
            shape: Shape::of(props),
        }
    }
}

impl Shape {
    fn of(props: &JSONSchemaProps) -> Self {
        if props.x_kubernetes_int_or_string == Some(true) {
            return Self::IntOrText;
        }
        if props.x_kubernetes_preserve_unknown_fields == Some(true) {
            return Self::Any;
        }
        let range = Range {
            least: props.minimum,
            most: props.maximum,
        };
        match props.type_.as_deref() {
            Some("object") => object(props),
            Some("array") => list(props),
            Some("string") => Self::Text(text(props)),
            Some("integer") => Self::Integer(range),
            Some("number") => Self::Number(range),
            Some("boolean") => Self::Boolean,
            _ => Self::Any,
        }
    }
}

fn object(props: &JSONSchemaProps) -> Shape {
    match &props.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Shape::Map {
            values: Box::new(Schema::of(values)),
            most: bound(props.max_properties),
        },
        Some(JSONSchemaPropsOrBool::Bool(true)) => Shape::Any,
        Some(JSONSchemaPropsOrBool::Bool(false)) | None => {
            let known = props
                .properties
                .iter()
                .flatten()
                .map(|(name, field)| (name.clone(), Schema::of(field)))
                .collect();
            Shape::Object(Fields {
                known,
                required: props.required.clone().unwrap_or_default(),
            })
        }
    }
}

fn list(props: &JSONSchemaProps) -> Shape {
    let items = match &props.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Schema::of(items),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => Schema {
            nullable: true,
            shape: Shape::Any,
        },
    };
    let unique = match props.x_kubernetes_list_type.as_deref() {
        Some("set") => Unique::Value,
        Some("map") => Unique::Keys(props.x_kubernetes_list_map_keys.clone().unwrap_or_default()),
        _ => Unique::No,
    };
    Shape::List(List {
        items: Box::new(items),
        least: bound(props.min_items),
        most: bound(props.max_items),
        unique,
    })
}

fn text(props: &JSONSchemaProps) -> Text {
    Text {
        least: bound(props.min_length),
        most: bound(props.max_length),
        pattern: props
            .pattern
            .as_deref()
            .and_then(|pattern| Regex::new(pattern).ok()),
        allowed: props
            .enum_
            .iter()
            .flatten()
            .filter_map(|value| value.0.as_str().map(str::to_owned))
            .collect(),
        date_time: props.format.as_deref() == Some("date-time"),
    }
}

fn bound(limit: Option<i64>) -> Option<usize> {
    limit.and_then(|limit| usize::try_from(limit).ok())
}
