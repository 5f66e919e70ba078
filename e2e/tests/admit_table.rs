//! A real API server takes our CRDs and judges the table of YAML (`crds/tests/table/`) as it is written.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_crds::table::{self, Case, Outcome};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{Answer, ApiServer, Client, Write, inference_pools};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// How long a CRD may take to be served.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);
/// The least that the table must hold.
const CASES: f64 = 80.0;
/// The most that an API server may take to start, in seconds; far above what it takes.
const START: f64 = 120.0;

#[tokio::test]
async fn the_api_server_judges_every_case_as_the_table_says() -> Result<()> {
    let server = ApiServer::start().await?;
    let client = server.client();
    install_crds(client).await?;
    for object in table::world()? {
        let answer = client.create(&object, Write::Stored).await?;
        ensure!(
            answer.is_success(),
            "world.yaml is refused: {}",
            answer.message()
        );
    }

    let cases = table::cases()?;
    let (mut wrong, mut refused) = (String::new(), 0);
    for case in &cases {
        match complaint(client, case)
            .await
            .with_context(|| format!("{}: {}", case.file, case.name))?
        {
            Some(complaint) => writeln!(wrong, "{}: {}: {complaint}", case.file, case.name)?,
            None => refused += usize::from(matches!(case.outcome, Outcome::Refused { .. })),
        }
    }
    record(&cases, refused, server.started_in())?;
    assert!(wrong.is_empty(), "\n{wrong}");
    Ok(())
}

fn record(cases: &[Case], refused: usize, started_in: Duration) -> Result<()> {
    let expected = cases
        .iter()
        .filter(|case| matches!(case.outcome, Outcome::Refused { .. }))
        .count();
    let count = |count: usize| u32::try_from(count).map(f64::from);
    results::record(&[
        Figure::at_least(
            "table: cases put before the API server",
            count(cases.len())?,
            "cases",
            CASES,
        ),
        Figure::at_least(
            "table: refused as expected",
            count(refused)?,
            "cases",
            count(expected)?,
        ),
        Figure::at_most("API server: start", started_in.as_secs_f64(), "s", START),
    ])
}

/// Applies the manifests as users get them. A warning counts as a refusal: users would see it at every apply.
async fn install_crds(client: &Client) -> Result<()> {
    let manifests = fairlead_crds::manifests();
    assert_eq!(manifests.len(), fairlead_crds::all().len());
    for (name, text) in manifests {
        let crd: Value = serde_saphyr::from_str(&text).with_context(|| name.clone())?;
        let answer = client.create(&crd, Write::Stored).await?;
        ensure!(
            answer.is_success(),
            "{name} is refused: {}",
            answer.message()
        );
        ensure!(
            answer.warnings.is_empty(),
            "{name} is warned of: {:?}",
            answer.warnings
        );
        timeout(ESTABLISHED_WITHIN, established(client, &crd))
            .await
            .with_context(|| format!("{name} is not established"))??;
    }
    // What stands beside a case may be of this kind.
    let others = inference_pools();
    client.create(&others, Write::Stored).await?;
    timeout(ESTABLISHED_WITHIN, established(client, &others)).await??;
    Ok(())
}

async fn established(client: &Client, crd: &Value) -> Result<()> {
    loop {
        let found = client.get(crd).await?.body;
        let conditions = found["status"]["conditions"].as_array();
        if conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// What is not as the table says; `None` when all is.
async fn complaint(client: &Client, case: &Case) -> Result<Option<String>> {
    for object in &case.also {
        let answer = client.create(object, Write::DryRun).await?;
        ensure!(
            answer.is_success(),
            "an object beside it is refused: {}",
            answer.message()
        );
    }
    let answer = match &case.before {
        None => client.create(&case.object, Write::DryRun).await?,
        Some(before) => update(client, before, &case.object).await?,
    };
    Ok(match &case.outcome {
        Outcome::Refused { .. } if answer.is_success() => {
            Some("should be refused and is accepted".to_owned())
        }
        Outcome::Refused { field, says, .. } => {
            let as_expected = answer.blames(field) && answer.message().contains(says.as_str());
            (!as_expected).then(|| {
                format!(
                    "should name {field} and say {says:?}, but says: {}",
                    answer.message()
                )
            })
        }
        Outcome::Condition { .. } | Outcome::Accepted if answer.is_success() => {
            // What comes back otherwise than it was applied is drift for ever to a tool that compares the two.
            let drifted = answer.body["spec"] != case.object["spec"];
            drifted.then(|| {
                format!(
                    "should come back as it was applied, but: {}",
                    answer.body["spec"]
                )
            })
        }
        Outcome::Condition { .. } | Outcome::Accepted => {
            Some(format!("should be accepted, but: {}", answer.message()))
        }
    })
}

/// Stores `before`, tries `after` in its place, and takes `before` away again.
async fn update(client: &Client, before: &Value, after: &Value) -> Result<Answer> {
    let stored = client.create(before, Write::Stored).await?;
    ensure!(
        stored.is_success(),
        "the object before the update is refused: {}",
        stored.message()
    );
    let mut after = after.clone();
    after["metadata"]["resourceVersion"] = json!(stored.body["metadata"]["resourceVersion"]);
    let answer = client.replace(&after, Write::DryRun).await;
    client.delete(before).await?;
    answer
}
