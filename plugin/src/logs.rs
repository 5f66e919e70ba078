//! `logs`: access lines of all gateways, told as rows. Where lines come from is a [`Source`], so that what is told of them does not change with it.

mod line;
mod source;

use std::io::Write;

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::args::{Format, Logs, Place};
use crate::error::Error;
use crate::output::{json, yaml};
use crate::session::Session;
use crate::table::plain_lines;
use line::{HEADER, row, story};
use source::{File, PodLogs, Source};

/// Which lines are told.
#[derive(Debug, Default)]
struct Filter {
    id: Option<String>,
    key: Option<String>,
    rule: Option<String>,
    outcome: Option<String>,
    failed: bool,
}

/// Prints lines, to the end of what there is or until it is interrupted.
///
/// # Errors
/// The user may not read logs, nobody reads, or the request with this id is not there.
pub(crate) async fn logs(
    place: &Place,
    args: &Logs,
    out: &mut (dyn Write + Send),
) -> Result<bool, Error> {
    let (source, namespace): (Box<dyn Source>, String) = match &args.from {
        // Names without a namespace mean that of the command line, for there need be no context.
        Some(path) => (
            Box::new(File::new(path)),
            place
                .namespace
                .clone()
                .unwrap_or_else(|| "default".to_owned()),
        ),
        None => {
            let session = Session::open(place).await?;
            let namespace = session.namespace.clone();
            let logs = PodLogs::open(session, place, args).await?;
            (Box::new(logs), namespace)
        }
    };
    let filter = Filter::of(args, &namespace);
    let found = if args.follow {
        follow(source, &filter, place.output, out).await?
    } else {
        at_once(source, &filter, place.output, out).await?
    };
    match &args.id {
        Some(id) if found == 0 => Err(Error::Other(format!(
            "no gateway's log has the request {id}; logs go with their pods, and the access log may be off (--access-log)"
        ))),
        _ => Ok(true),
    }
}

/// All that there is, in the order of time, whichever gateway it is from.
async fn at_once(
    source: Box<dyn Source>,
    filter: &Filter,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<usize, Error> {
    let all: Vec<String> = source.lines().try_collect().await?;
    let mut lines: Vec<Value> = all.iter().filter_map(|text| filter.read(text)).collect();
    lines.sort_by_key(|line| line["time_unix_ms"].as_i64());
    let mut text = String::new();
    if format == Format::Table && filter.id.is_none() {
        text.push_str(HEADER);
    }
    for line in &lines {
        text.push_str(&told(line, filter, format)?);
    }
    out.write_all(text.as_bytes()).map_err(Error::Output)?;
    Ok(lines.len())
}

/// Lines as they come.
async fn follow(
    source: Box<dyn Source>,
    filter: &Filter,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<usize, Error> {
    let mut print = |text: &str| {
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Error::Output)
    };
    if format == Format::Table && filter.id.is_none() {
        print(HEADER)?;
    }
    let (mut lines, mut found) = (source.lines(), 0);
    while let Some(text) = lines.next().await {
        let Some(line) = filter.read(&text?) else {
            continue;
        };
        found += 1;
        print(&told(&line, filter, format)?)?;
        if filter.id.is_some() {
            break;
        }
    }
    Ok(found)
}

fn told(line: &Value, filter: &Filter, format: Format) -> Result<String, Error> {
    Ok(match format {
        Format::Table if filter.id.is_some() => plain_lines(&story(line)),
        Format::Table => plain_lines(&row(line)),
        Format::Json => json(&format!("{line}\n")),
        Format::Yaml => format!("---\n{}", yaml(line)?),
    })
}

impl Filter {
    fn of(args: &Logs, namespace: &str) -> Self {
        let full = |name: &String| {
            if name.contains('/') {
                name.clone()
            } else {
                format!("{namespace}/{name}")
            }
        };
        Self {
            id: args.id.clone(),
            key: args.key.as_ref().map(full),
            rule: args.rule.as_ref().map(full),
            outcome: args.outcome.clone(),
            failed: args.failed,
        }
    }

    /// The access line of a text, if it is one and is wanted. A gateway's log holds other lines, too.
    fn read(&self, text: &str) -> Option<Value> {
        let line: Value = serde_json::from_str(text).ok()?;
        let attempts = line["attempts"].as_array()?;
        let is = |field: &str, wanted: &Option<String>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| line[field] == *wanted)
        };
        let ended = |wanted: &String| {
            attempts
                .iter()
                .any(|attempt| attempt["outcome"] == **wanted)
        };
        let failed = line["error.type"].is_string() || line["complete"] == false;
        let wanted = is("request_id", &self.id)
            && is("key", &self.key)
            && is("rule", &self.rule)
            && self.outcome.as_ref().is_none_or(ended)
            && (!self.failed || failed);
        wanted.then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"time_unix_ms":1764504067412,"request_id":"00000000f3a90001","gen_ai.operation.name":"chat","stream":true,"key":"search/checkout","gen_ai.request.model":"chat","rule":"search/chat","provider":"default/claude","gen_ai.response.model":"sonnet-4","status":200,"complete":true,"gen_ai.usage.input_tokens":1200,"gen_ai.usage.output_tokens":310,"gen_ai.usage.cache_read.input_tokens":1000,"cost_usd":0.0082,"first_token_ms":640.2,"duration_ms":1940.5,"attempts":[{"target":"openai","provider":"default/openai","model":"gpt-4o","outcome":"rate_limited","ms":1100.1},{"target":"claude","provider":"default/claude","model":"sonnet-4","outcome":"ok","ms":800.0}]}"#;

    fn filter() -> Filter {
        Filter::default()
    }

    #[test]
    fn lines_are_chosen_by_key_rule_outcome_and_end() {
        let some = |text: &str| Some(text.to_owned());
        let takes = |filter: Filter| filter.read(LINE).is_some();
        assert!(
            takes(filter())
                && takes(Filter {
                    outcome: some("rate_limited"),
                    key: some("search/checkout"),
                    ..filter()
                })
        );
        assert!(
            !takes(Filter {
                outcome: some("timeout"),
                ..filter()
            }) && !takes(Filter {
                rule: some("search/other"),
                ..filter()
            })
        );
        assert!(
            !takes(Filter {
                failed: true,
                ..filter()
            }) && takes(Filter {
                id: some("00000000f3a90001"),
                ..filter()
            })
        );
        let cut = LINE.replace(r#""complete":true"#, r#""complete":false"#);
        assert!(
            Filter {
                failed: true,
                ..filter()
            }
            .read(&cut)
            .is_some()
        );
        // What a gateway says besides.
        assert!(
            filter().read("INFO serving").is_none()
                && filter().read(r#"{"level":"INFO"}"#).is_none()
        );
    }

    #[test]
    fn a_row_shows_the_attempts() {
        let line = filter().read(LINE).unwrap();
        let text = row(&line);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "12:01:07.412",
                "chat",
                "->",
                "sonnet-4",
                "search/checkout",
                "openai=rate_limited,",
                "claude=ok",
                "200",
                "1.94",
                "s",
                "1.2k/310",
                "$0.0082",
                "00000000f3a90001"
            ],
        );
    }

    #[test]
    fn one_request_is_told_attempt_by_attempt() {
        let text = told(
            &filter().read(LINE).unwrap(),
            &Filter {
                id: Some("00000000f3a90001".to_owned()),
                ..filter()
            },
            Format::Table,
        )
        .unwrap();
        for says in [
            "rule search/chat",
            "1200 in (1000 cached), 310 out",
            "1  openai",
            "rate_limited  1100.1 ms",
            "first content after 640.2 ms",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }

    #[test]
    fn a_line_steers_no_terminal_in_any_format() {
        let hostile = r"\u001b[2J\u009b2J\u202e";
        let line = LINE
            .replace(r#""chat","rule""#, &format!(r#""{hostile}","rule""#))
            .replace(r#""status":200"#, &format!(r#""status":"{hostile}""#));
        let line = filter().read(&line).unwrap();
        let one = Filter {
            id: Some("00000000f3a90001".to_owned()),
            ..filter()
        };
        for filter in [filter(), one] {
            for format in [Format::Table, Format::Json, Format::Yaml] {
                let text = told(&line, &filter, format).unwrap();
                let bad = text
                    .chars()
                    .any(|char| char != '\n' && crate::table::steers(char));
                assert!(!bad, "{format:?}: {text:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_told_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let earlier = LINE
            .replace("1764504067412", "1764504060000")
            .replace("f3a90001", "f3a90000");
        std::fs::write(&path, format!("{LINE}\nnot a line\n{earlier}\n")).unwrap();
        let mut out = Vec::new();
        let found = at_once(
            Box::new(File::new(&path)),
            &filter(),
            Format::Table,
            &mut out,
        )
        .await
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let ids: Vec<&str> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert_eq!(
            (found, ids),
            (2, vec!["00000000f3a90000", "00000000f3a90001"])
        );
    }
}
