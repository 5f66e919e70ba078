use super::*;
use serde_json::json;

fn one(text: &str) -> Document {
    let mut found = documents("a.yaml", text).unwrap();
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn fault(text: &str) -> String {
    documents("a.yaml", text).unwrap_err().to_string()
}

#[test]
fn remembers_the_line_of_every_field() {
    let document = one(
        "# a comment\napiVersion: v1\nspec:\n  targets:\n  - name: a\n    providerRef: {name: p}\n  - name: b\n",
    );
    assert_eq!(document.value["spec"]["targets"][1]["name"], json!("b"));
    let line = |path: &str| document.origin.lines.of(path);
    assert_eq!(line(""), Some(2));
    assert_eq!(line("spec.targets"), Some(4));
    assert_eq!(line("spec.targets[0].providerRef.name"), Some(6));
    assert_eq!(line("spec.targets[1].weight"), Some(7));
}

#[test]
fn skips_empty_documents_and_reads_all_others() {
    let found = documents("a.yaml", "---\n# nothing\n---\na: 1\n---\nb: 2\n...\n---\n").unwrap();
    let values: Vec<_> = found
        .iter()
        .map(|document| document.value.clone())
        .collect();
    assert_eq!(values, [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(found[1].origin.lines.of("b"), Some(6));
    assert!(documents("a.yaml", "").unwrap().is_empty());
}

#[test]
fn the_items_of_a_list_stand_for_themselves() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: List\n  items:\n  - kind: B\n    spec: {x: 1}\n";
    let found = documents("a.yaml", text).unwrap();
    assert_eq!(
        found
            .iter()
            .map(|document| document.value["kind"].clone())
            .collect::<Vec<_>>(),
        [json!("A"), json!("B")]
    );
    assert_eq!(found[1].origin.lines.of("spec.x"), Some(8));
}

#[test]
fn reads_json_as_tools_write_it() {
    let document = one(
        "{\n\t\"kind\": \"A\",\n\t\"text\": \"a\\/b \\uD83D\\uDE00\",\n\t\"list\": [1, 2.5, true, null]\n}\n",
    );
    assert_eq!(
        document.value,
        json!({"kind": "A", "text": "a/b \u{1F600}", "list": [1, 2.5, true, null]})
    );
    assert_eq!(document.origin.lines.of("list"), Some(4));
}

#[test]
fn quoted_words_stay_text() {
    let document = one("a: \"true\"\nb: '12'\nc: |\n  3\nd: !!str 4\n");
    assert_eq!(
        document.value,
        json!({"a": "true", "b": "12", "c": "3\n", "d": "4"})
    );
}

#[test]
fn an_alias_stands_for_its_anchor() {
    let document = one("a: &x {k: [1, 2]}\nb: *x\n");
    assert_eq!(document.value["b"], json!({"k": [1, 2]}));
}

#[test]
fn rejects_a_key_that_stands_twice() {
    assert_eq!(
        fault("a: 1\nb:\n  c: 1\n  c: 2\n"),
        "a.yaml:4:3: the key \"c\" stands twice in this object; keep one of them"
    );
    assert_eq!(
        fault("{\"a\": 1, \"a\": 2}"),
        "a.yaml:1:10: the key \"a\" stands twice in this object; keep one of them"
    );
}

#[test]
fn names_line_and_column_of_what_it_cannot_read() {
    assert!(
        fault("a: 1\nb: [1, 2\nc: 3\n").starts_with("a.yaml:3:"),
        "{}",
        fault("a: 1\nb: [1, 2\nc: 3\n")
    );
    assert!(fault("a: b: c\n").starts_with("a.yaml:1:"));
}

#[test]
fn rejects_what_would_be_read_in_two_ways() {
    assert!(fault("a: &x {k: 1}\nb:\n  <<: *x\n").contains("merge keys"));
    assert!(fault("a: !secret b\n").contains("remove the tag"));
    assert!(fault("a: !!int b\n").contains("does not fit its tag !!int"));
    assert!(fault("a: .inf\n").contains("infinity"));
    assert!(fault("- a\n").contains("must be an object"));
    assert!(fault("? [a]\n: 1\n").contains("a key must be a plain text"));
}

#[test]
fn rejects_aliases_that_grow_without_bound() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(fault(&text).contains("aliases of this file expand"));
    assert!(fault("a: &a [*a]\n").contains("alias"));
}

#[test]
fn rejects_a_document_that_nests_too_deep() {
    let text = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(fault(&text).contains("nested deeper than 64"));
}

#[test]
fn shows_no_value_when_printed() {
    let document = one("kind: Secret\nmetadata: {name: s}\nstringData: {apiKey: hunter2hunter2}\n");
    assert!(!format!("{document:?}").contains("hunter2"));
}
