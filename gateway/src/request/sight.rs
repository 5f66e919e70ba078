//! What conditions see of a request: every header but those that carry keys, the parameters, not the content, and what is to be expected of it.
//!
//! A view and no copy: headers are looked up in the head, parameters are read in the body.

use std::borrow::Cow;
use std::cell::OnceCell;

use fairlead_condition::{Limit, Need, Request as View, Usage};
use fairlead_route::Candidate;
use fairlead_snapshot::{Affinity, ObjectName, Sticky};
use fairlead_wire::json::{Object, Raw, Unreadable};
use fairlead_wire::openai::request::Request;
use http::{HeaderMap, HeaderValue};

use super::affinity;
use super::needed::Needed;
use super::outlook::Outlook;
use super::sticky;
use crate::surface::Operation;

/// Where callers put their keys; no condition sees these.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// A request as conditions see it.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    request: &'a Request<'a>,
    headers: &'a HeaderMap,
    operation: Operation,
    needed: Needed,
    /// The members of the body that hold what the caller wrote.
    content: &'a [&'static str],
    outlook: &'a dyn Outlook,
    /// The conversation it is a turn of, once a rule has asked: the one that takes the request, and no other does.
    conversation: OnceCell<Option<u64>>,
}

impl<'a> Sight<'a> {
    /// The view of a request whose `content` is not shown.
    pub(crate) fn new(
        operation: Operation,
        request: &'a Request<'a>,
        headers: &'a HeaderMap,
        content: &'a [&'static str],
        outlook: &'a dyn Outlook,
    ) -> Self {
        Self {
            request,
            operation,
            needed: Needed::default(),
            headers,
            content,
            outlook,
            conversation: OnceCell::new(),
        }
    }

    fn object(&self) -> &Object<'a> {
        &self.request.object
    }
}

impl View for Sight<'_> {
    fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        header(self.headers, name)
    }

    fn headers(&self) -> usize {
        count(self.headers)
    }

    fn model(&self) -> &str {
        &self.request.model
    }

    fn stream(&self) -> bool {
        self.request.stream
    }

    fn param(&self, name: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        if self.content.contains(&name) {
            return Ok(None);
        }
        self.object().read(name)
    }

    fn params(&self) -> usize {
        let content = |key: &str| self.content.contains(&key);
        let members = self.object().members().iter();
        members.filter(|member| !content(&member.key)).count()
    }

    fn usage(&self, limit: &Limit) -> Option<Usage> {
        self.outlook.usage(limit)
    }

    fn input_tokens(&self) -> u64 {
        self.outlook.input_tokens()
    }

    fn operation(&self) -> &str {
        self.operation.name()
    }

    fn needs(&self, need: Need) -> Option<bool> {
        self.needed.get(need, self.operation, self.request)
    }
}

impl fairlead_route::Request for Sight<'_> {
    fn cost(&self, target: Candidate<'_>) -> Option<i64> {
        self.outlook.cost(target)
    }

    fn cost_of_turn(&self, target: Candidate<'_>, affinity: &Affinity) -> Option<i64> {
        let look = || affinity::conversation(affinity, self.object(), self.headers);
        match self.conversation.get_or_init(look) {
            Some(conversation) => self.outlook.cost_of_turn(target, *conversation),
            None => self.outlook.cost(target),
        }
    }

    fn user(&self, sticky: &Sticky, rule: &ObjectName) -> Option<u64> {
        sticky::number(sticky, rule, self.request, self.headers)
    }
}

/// A header of any name but those that carry keys.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<Cow<'h, str>>, Unreadable> {
    if KEY_HEADERS
        .iter()
        .any(|hidden| hidden.eq_ignore_ascii_case(name))
    {
        return Ok(None);
    }
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let mut all = Cow::Borrowed(text(first)?);
    for value in values {
        let all = all.to_mut();
        all.push_str(", ");
        all.push_str(text(value)?);
    }
    Ok(Some(all))
}

/// How many headers there are.
fn count(headers: &HeaderMap) -> usize {
    let hidden = KEY_HEADERS.iter();
    let hidden = hidden.filter(|name| headers.contains_key(**name));
    headers.keys_len() - hidden.count()
}

/// A request whose body nobody reads, as conditions see it.
#[derive(Debug)]
pub(crate) struct HeadAlone<'a>(pub(crate) &'a HeaderMap);

impl View for HeadAlone<'_> {
    fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        header(self.0, name)
    }

    fn headers(&self) -> usize {
        count(self.0)
    }

    fn model(&self) -> &str {
        ""
    }

    fn stream(&self) -> bool {
        false
    }

    fn param(&self, _: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        Ok(None)
    }

    fn params(&self) -> usize {
        0
    }

    fn usage(&self, _: &Limit) -> Option<Usage> {
        None
    }

    fn input_tokens(&self) -> u64 {
        0
    }

    fn operation(&self) -> &str {
        Operation::Passthrough.name()
    }

    fn is_read(&self) -> bool {
        false
    }
}

/// A value that is no text is there all the same: to take it for missing would let it by rules that look for it.
fn text(value: &HeaderValue) -> Result<&str, Unreadable> {
    std::str::from_utf8(value.as_bytes()).map_err(|_| Unreadable::NotText)
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::request::parse;

    use super::*;

    /// Nothing is to be expected.
    #[derive(Debug)]
    struct Nothing;

    impl Outlook for Nothing {
        fn usage(&self, _: &Limit) -> Option<Usage> {
            None
        }

        fn input_tokens(&self) -> u64 {
            0
        }

        fn cost(&self, _: Candidate<'_>) -> Option<i64> {
            None
        }
    }

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_bytes(value).unwrap())
            })
            .collect()
    }

    #[test]
    fn headers_are_seen_but_for_keys_and_repeated_ones_are_joined() {
        let request = parse(br#"{"model":"m"}"#).unwrap();
        let headers = headers(&[
            ("x-tier", b"gold"),
            ("x-tier", "größer".as_bytes()),
            ("authorization", b"Bearer key"),
            ("api-key", b"key"),
        ]);
        let sight = Sight::new(Operation::Chat, &request, &headers, &[], &Nothing);
        let seen = |name| sight.header(name).unwrap();
        assert_eq!(seen("X-Tier").as_deref(), Some("gold, größer"));
        assert_eq!(seen("Authorization"), None);
        assert_eq!(seen("no such name"), None);
        assert_eq!(sight.headers(), 1);
    }

    #[test]
    fn a_header_that_is_no_text_is_an_error_and_not_missing() {
        let request = parse(br#"{"model":"m"}"#).unwrap();
        for lines in [
            &[("x-data", &b"pii\xff"[..])][..],
            &[("x-data", &b"fine"[..]), ("x-data", &b"\xff"[..])][..],
        ] {
            let headers = headers(lines);
            let sight = Sight::new(Operation::Chat, &request, &headers, &[], &Nothing);
            assert_eq!(sight.header("x-data"), Err(Unreadable::NotText));
        }
    }

    #[test]
    fn parameters_are_seen_but_for_the_content() {
        let request = parse(br#"{"model":"m","messages":[],"prompt":1}"#).unwrap();
        let headers = HeaderMap::new();
        let sight = Sight::new(Operation::Chat, &request, &headers, &["messages"], &Nothing);
        assert_eq!(sight.param("messages"), Ok(None));
        assert_eq!(sight.param("prompt").unwrap().unwrap().text(), "1");
        assert_eq!(sight.params(), 2);
    }
}
