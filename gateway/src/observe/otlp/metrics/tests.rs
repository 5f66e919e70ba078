use serde_json::{Value as Json, json};

use super::*;

const TEXT: &str = r#"# HELP fairlead_rejections Requests that were answered with an error, by code.
# TYPE fairlead_rejections counter
fairlead_rejections_total{code="a \"b\", c"} 3
# HELP fairlead_in_flight Requests at a provider.
# TYPE fairlead_in_flight gauge
fairlead_in_flight{provider="default/a"} 2
# HELP gen_ai_server_request_duration_seconds From the head.
# TYPE gen_ai_server_request_duration_seconds histogram
# UNIT gen_ai_server_request_duration_seconds seconds
gen_ai_server_request_duration_seconds_sum{gen_ai_operation_name="chat",error_type=""} 1.5
gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",error_type=""} 3
gen_ai_server_request_duration_seconds_bucket{le="0.1",gen_ai_operation_name="chat",error_type=""} 1 # {trace_id="4bf9"} 0.05
gen_ai_server_request_duration_seconds_bucket{le="1.0",gen_ai_operation_name="chat",error_type=""} 3
gen_ai_server_request_duration_seconds_bucket{le="+Inf",gen_ai_operation_name="chat",error_type=""} 3
# HELP gen_ai_client_token_usage Tokens.
# TYPE gen_ai_client_token_usage histogram
gen_ai_client_token_usage_sum{gen_ai_token_type="input"} 10.0
gen_ai_client_token_usage_count{gen_ai_token_type="input"} 1
gen_ai_client_token_usage_bucket{le="16.0",gen_ai_token_type="input"} 1
gen_ai_client_token_usage_bucket{le="+Inf",gen_ai_token_type="input"} 1
# HELP fairlead_retries None yet.
# TYPE fairlead_retries counter
# EOF
"#;

fn metrics(names: Names) -> Vec<Json> {
    let times = Times { start: 1, now: 2 };
    let metrics = of_text(TEXT, names, times);
    let told = serde_json::to_value(&metrics).unwrap();
    told.as_array().unwrap().clone()
}

fn names(metrics: &[Json]) -> Vec<&str> {
    metrics
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

#[test]
fn what_a_scrape_gets_is_told_under_the_names_of_the_conventions() {
    let all = metrics(Names::Stable);
    assert_eq!(
        names(&all),
        [
            "fairlead_rejections",
            "fairlead_in_flight",
            "gen_ai.server.request.duration",
            "gen_ai.client.token.usage"
        ]
    );
    let counter = &all[0]["sum"];
    assert_eq!(counter["isMonotonic"], true);
    assert_eq!(counter["dataPoints"][0]["asDouble"], 3.0);
    let label = &counter["dataPoints"][0]["attributes"][0];
    assert_eq!(label["value"]["stringValue"], "a \"b\", c");
    let duration = &all[2]["histogram"]["dataPoints"][0];
    assert_eq!(duration["explicitBounds"], json!([0.1, 1.0]));
    assert_eq!(duration["bucketCounts"], json!(["1", "2", "0"]));
    assert_eq!(
        (&duration["count"], &duration["sum"]),
        (&json!("3"), &json!(1.5))
    );
    assert_eq!(
        duration["attributes"].as_array().unwrap().len(),
        1,
        "what is empty says nothing"
    );
    assert_eq!(all[2]["unit"], "s");
    assert_eq!(points(&of_text(TEXT, Names::Stable, Times::default())), 4);
}

#[test]
fn the_latest_conventions_have_tokens_by_their_kind() {
    let latest = [
        "gen_ai.client.inference.usage.input_tokens",
        "gen_ai.client.inference.operation.input_tokens",
    ];
    let all = metrics(Names::Latest);
    let told = names(&all);
    assert!(latest.iter().all(|name| told.contains(name)), "{told:?}");
    assert!(!told.contains(&"gen_ai.client.token.usage"));
    let counter = all.iter().find(|one| one["name"] == latest[0]).unwrap();
    assert_eq!(counter["sum"]["dataPoints"][0]["asDouble"], 10.0);
    let both = metrics(Names::Both);
    let told = names(&both);
    assert!(told.contains(&latest[0]) && told.contains(&"gen_ai.client.token.usage"));
}
