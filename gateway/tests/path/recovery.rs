//! `recovery: Continue`: a stream that breaks after its content is gone on with by another target, and its caller does not notice.

use std::time::Duration;

use fairlead_faults::{Play, Provider, Reply, Seen, Shape, Step};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, serve, streamed};

const WORDS: [&str; 4] = ["Hel", "lo", " \"wor", "ld\"."];
const CONTINUES: &str = "continuation: AssistantPrefix, retries: {maxRetries: 0}";
const RULE: &str = "stream: {recovery: Continue}";

/// Gateway, and its targets `a`, `b` and so on in the order in which they are tried; the text is what each provider declares.
async fn gateway<const N: usize>(targets: [(&Provider, &str); N], rule: &str) -> Gateway {
    let names = &["a", "b", "c"][..N];
    let providers: Vec<String> = names
        .iter()
        .zip(targets)
        .map(|(name, (target, more))| provider(name, &target.base_url(), more))
        .collect();
    serve([providers.concat(), caller(), chain("chat", names, rule)]).await
}

/// A model that goes on where the conversation's last message leaves off.
async fn continuing() -> Provider {
    Provider::start(rest).await
}

fn rest(seen: &Seen) -> Play {
    let said = said(&seen.json()).unwrap_or_default();
    let whole = WORDS.concat();
    let rest = whole.strip_prefix(&said).expect("nobody said that");
    Play::words(rest.split_inclusive(' '))
}

/// What the assistant has said, if the request ends with that.
fn said(request: &Value) -> Option<String> {
    let last = request["messages"].as_array()?.last()?;
    (last["role"] == "assistant").then(|| last["content"].as_str().unwrap_or_default().to_owned())
}

/// Members of the chunks of a stream, `null` where a chunk has none.
fn each(answer: &Answer, pointer: &str) -> Vec<Value> {
    let chunk = |event: &String| serde_json::from_str::<Value>(event).ok();
    answer
        .events()
        .iter()
        .filter_map(chunk)
        .map(|chunk| chunk.pointer(pointer).cloned().unwrap_or_default())
        .collect()
}

/// Whether a stream looks as if one model had made all of it.
fn unbroken(answer: &Answer) -> bool {
    let ids = each(answer, "/id");
    let roles = each(answer, "/choices/0/delta/role");
    answer.done()
        && answer.content() == WORDS.concat()
        && ids.iter().all(|id| *id == ids[0])
        && roles.iter().filter(|role| !role.is_null()).count() == 1
}

/// Whether a stream ended with an error and without `[DONE]`.
fn told(answer: &Answer) -> bool {
    !answer.text().contains("[DONE]")
        && answer
            .events()
            .last()
            .is_some_and(|last| last.contains("\"error\""))
}

fn outcomes(line: &Value) -> Vec<String> {
    let outcome = |attempt: &Value| {
        format!(
            "{}={}",
            attempt["target"].as_str().unwrap_or_default(),
            attempt["outcome"].as_str().unwrap_or_default()
        )
    };
    line["attempts"]
        .as_array()
        .map(|attempts| attempts.iter().map(outcome).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_stream_cut_anywhere_is_gone_on_with() {
    for pieces in 2..=WORDS.len() + 1 {
        let (a, b) = (
            Provider::always(Play::words(WORDS).cut_after(pieces)).await,
            continuing().await,
        );
        let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
        let answer = gateway.ask(&streamed("chat")).await;
        assert!(unbroken(&answer), "{pieces}: {}", answer.text());
        let sent = b.seen()[0].json();
        assert_eq!(said(&sent), Some(WORDS[..pieces - 1].concat()));
        assert_eq!(sent["messages"][0], streamed("chat")["messages"][0]);
        let line = gateway.access(|line| line["stream"] == true).await;
        assert_eq!(outcomes(&line), ["a=reset", "b=ok"]);
        assert!(
            line["complete"] == true && line["error.type"].is_null(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn whatever_breaks_a_stream_it_is_gone_on_with() {
    let chunk = |text: &str| {
        json!({"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}).to_string()
    };
    let first = chunk(WORDS[0]);
    let broken = [
        (Play::words(WORDS).reset_after(2), "reset"),
        (Play::words(WORDS).hang_after(2), "idle_timeout"),
        (
            Play::events([first.as_str(), "{\"error\":{\"message\":\"It broke.\"}}"]),
            "server_error",
        ),
        (
            Play::events([first.as_str(), "{\"choices\":["]),
            "protocol_error",
        ),
        (Play::events([first.as_str(), "[DONE]"]), "protocol_error"),
    ];
    for (play, class) in broken {
        let (a, b) = (Provider::always(play).await, continuing().await);
        let rule = "stream: {recovery: Continue}, timeouts: {idle: 200ms}";
        let gateway = gateway([(&a, ""), (&b, CONTINUES)], rule).await;
        let answer = gateway.ask(&streamed("chat")).await;
        assert!(unbroken(&answer), "{class}: {}", answer.text());
        let line = gateway.access(|line| line["stream"] == true).await;
        assert_eq!(outcomes(&line), [format!("a={class}"), "b=ok".to_owned()]);
    }
}

#[tokio::test]
async fn without_a_rule_that_says_so_nobody_goes_on() {
    let (a, b) = (
        Provider::always(Play::words(WORDS).cut_after(3)).await,
        continuing().await,
    );
    let answer = gateway([(&a, CONTINUES), (&b, CONTINUES)], "")
        .await
        .ask(&streamed("chat"))
        .await;
    assert!(told(&answer) && b.requests() == 0, "{}", answer.text());
}

#[tokio::test]
async fn only_a_target_that_declares_it_goes_on() {
    let (a, b, c) = (
        Provider::always(Play::words(WORDS).cut_after(3)).await,
        continuing().await,
        continuing().await,
    );
    let gateway = gateway([(&a, ""), (&b, ""), (&c, CONTINUES)], RULE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(unbroken(&answer), "{}", answer.text());
    assert_eq!((b.requests(), c.requests()), (0, 1));
}

#[tokio::test]
async fn a_target_may_go_on_with_its_own_answer() {
    let a = Provider::start(|seen| match said(&seen.json()) {
        None => Play::words(WORDS).cut_after(3),
        Some(_) => rest(seen),
    })
    .await;
    let gateway = gateway([(&a, CONTINUES)], RULE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(
        unbroken(&answer) && a.requests() == 2,
        "{} {}",
        a.requests(),
        answer.text()
    );
}

#[tokio::test]
async fn a_stream_that_breaks_twice_is_gone_on_with_twice() {
    let (a, b, c) = (
        Provider::always(Play::words(WORDS).cut_after(2)).await,
        Provider::always(Play::words(WORDS.into_iter().skip(1)).cut_after(2)).await,
        continuing().await,
    );
    let gateway = gateway([(&a, ""), (&b, CONTINUES), (&c, CONTINUES)], RULE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(unbroken(&answer), "{}", answer.text());
    assert_eq!(
        said(&c.seen()[0].json()),
        Some(WORDS[..2].concat()),
        "what both have said"
    );
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(outcomes(&line), ["a=reset", "b=reset", "c=ok"]);
}

#[tokio::test]
async fn if_nobody_goes_on_the_caller_is_told_what_broke_the_stream() {
    let (a, b) = (
        Provider::always(Play::words(WORDS).cut_after(3)).await,
        Provider::always(Play::status(400)).await,
    );
    let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(
        told(&answer) && answer.content() == "Hello",
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("connection broke"),
        "{}",
        answer.text()
    );
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(outcomes(&line), ["a=reset", "b=bad_request"]);
    assert_eq!(
        (&line["error.type"], &line["complete"]),
        (&json!("reset"), &json!(false))
    );
}

#[tokio::test]
async fn only_one_plain_text_is_gone_on_with() {
    let asked = |member: &str, value: Value| {
        let mut body = streamed("chat");
        body[member] = value;
        body
    };
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let reasoning: Play = Reply::words(WORDS)
        .shape(Shape::DeepSeek)
        .reasoning(["Hm."])
        .into();
    let table = [
        (asked("tools", tools), Play::words(WORDS)),
        (
            asked("response_format", json!({"type": "json_object"})),
            Play::words(WORDS),
        ),
        (asked("logprobs", json!(true)), Play::words(WORDS)),
        (streamed("chat"), reasoning),
    ];
    for (body, play) in table {
        let (a, b) = (
            Provider::always(play.cut_after(4)).await,
            continuing().await,
        );
        let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
        let answer = gateway.ask(&body).await;
        assert!(
            told(&answer) && b.requests() == 0,
            "{body}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn what_both_have_used_is_counted() {
    let rest: Play = Reply::words([" \"wor", "ld\"."]).usage(12, 0, 2).into();
    let (a, b) = (
        Provider::always(Play::words(WORDS).cut_after(3)).await,
        Provider::always(rest).await,
    );
    let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
    assert!(unbroken(&gateway.ask(&streamed("chat")).await));
    let line = gateway.access(|line| line["stream"] == true).await;
    // 10 in and 2 out before the break, as the 12 in of the rest tell; 12 in and 2 out after it.
    assert_eq!(
        (
            &line["gen_ai.usage.input_tokens"],
            &line["gen_ai.usage.output_tokens"]
        ),
        (&json!(22), &json!(4)),
        "{line}"
    );
}

#[tokio::test]
async fn however_the_bytes_fall_nothing_is_lost_or_doubled() {
    let chunk = |id: &str, text: &str| {
        let role = if text == WORDS[0] {
            "\"role\":\"assistant\","
        } else {
            ""
        };
        format!(
            "data: {{\"id\":\"{id}\",\r\ndata: \"choices\":[{{\"delta\":{{{role}\"content\":{}}}}}]}}\r\n\r\n",
            json!(text)
        )
    };
    let role = "data: {\"id\":\"two\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n";
    let stop = "data: {\"id\":\"two\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n";
    let first = chunk("one", WORDS[0]);
    let broken = [&chunk("one", WORDS[1]), "data: {\r\n\r\n"].concat();
    let rest = [role, &chunk("two", WORDS[2]), &chunk("two", WORDS[3]), stop].concat();
    for size in [1, 7, 100_000] {
        let (a, b) = (
            Provider::always(pieces(&first, &broken, size)).await,
            Provider::always(pieces(": hello\r\n\r\n", &rest, size)).await,
        );
        let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
        let answer = gateway.ask(&streamed("chat")).await;
        let said = said(&b.seen()[0].json());
        assert_eq!(said, Some(WORDS[..2].concat()), "{size}");
        // An event of several data lines is joined by whoever reads it; here the lines are put back together first.
        let text = answer.text().replace("\r\ndata: ", "");
        assert!(
            WORDS
                .iter()
                .all(|word| text.matches(&json!(word).to_string()).count() == 1),
            "{size}: {text}"
        );
        assert!(
            !text.contains("two") && text.contains("[DONE]"),
            "{size}: {text}"
        );
        assert_eq!(text.matches("\"role\"").count(), 1, "{size}: {text}");
    }
}

/// A stream that begins with `first` and goes on in pieces of so many bytes.
fn pieces(first: &str, rest: &str, size: usize) -> Play {
    let body = |piece: &[u8]| Step::Body(piece.to_vec().into());
    let mut steps = vec![Step::event_stream(), body(first.as_bytes())];
    steps.push(Step::Pause(Duration::from_millis(50)));
    steps.extend(rest.as_bytes().chunks(size).map(body));
    steps.push(Step::End);
    Play::steps(steps)
}

/// Takes longer than anything else here: the time after which there is company is not for anyone to set.
#[tokio::test]
async fn a_caller_has_company_while_the_rest_is_awaited() {
    let a = Provider::always(Play::words(WORDS).cut_after(3)).await;
    let b = Provider::start(|seen| rest(seen).after(Duration::from_secs(16))).await;
    let gateway = gateway([(&a, ""), (&b, CONTINUES)], RULE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(unbroken(&answer), "{}", answer.text());
    let text = answer.text();
    let (before, after) = text.split_once(": waiting\n").expect("there was none");
    assert!(
        before.contains("lo") && after.starts_with("data: ") && after.contains("wor"),
        "{text}"
    );
}
