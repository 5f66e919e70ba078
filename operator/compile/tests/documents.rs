//! The reader of files, against texts nobody thought of.

use fairlead_compile::{Inputs, Settings, compile, documents, report};
use proptest::prelude::*;
use serde_json::Value;

/// Values as JSON has them; whole numbers only, because a fraction may lose a digit on its way through a decimal.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from);
        let object = prop::collection::btree_map("[a-z<~ :#-]{1,8}", inner, 0..5)
            .prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![list, object]
    })
}

/// Texts made of what YAML gives a meaning to, so that most of them get past the first line.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        "\"",
        "'",
        "|",
        ">",
        "&x ",
        "*x",
        "!!str ",
        "!t ",
        "# c",
        "---\n",
        "...\n",
        "? ",
        "~",
        "12",
        "\t",
        "kind: List\nitems:\n",
        "apiVersion: fairlead.dev/v1alpha1\nkind: RoutingRule\n",
        "metadata: {name: x}\n",
        "spec: ",
        "é",
        "\u{feff}",
        "\r\n",
        "%YAML 1.2\n",
        "<<: ",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reads_what_a_json_writer_writes(value in json()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let found = documents("a.json", &format!("{{\"kind\": \"A\", \"value\": {text}}}")).unwrap();
            prop_assert_eq!(&found[0].value["value"], &value);
        }
    }

    #[test]
    fn reads_or_refuses_any_text(text in prop_oneof![yamlish(), any::<String>()]) {
        match documents("a.yaml", &text) {
            Ok(found) => {
                let (inputs, strays) = Inputs::from_documents(Settings::new("default"), found);
                let verdicts = compile(None, &inputs).verdicts;
                prop_assert!(report(&strays).ends_with('\n') && report(&verdicts).ends_with('\n'));
            }
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty(), "{}", error),
        }
    }
}

#[test]
fn reads_files_as_windows_writes_them() {
    let found = documents(
        "a.yaml",
        "\u{feff}kind: A\r\nspec:\r\n  x: 1\r\n---\r\nkind: B\r\n",
    )
    .unwrap();
    assert_eq!(
        found[0].value,
        serde_json::json!({"kind": "A", "spec": {"x": 1}})
    );
    assert_eq!(found[1].origin.lines.of("kind"), Some(5));
}
