//! Strings with a grammar. One declaration gives the parser and the CRD schema, so the two cannot disagree.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A string that does not follow its type's grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct TextError {
    value: String,
    expected: &'static str,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident { min: $min:expr, max: $max:expr, pattern: $pattern:expr, is: $is:expr $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The regular expression a value matches, as it stands in the CRD schema.
            pub const PATTERN: &'static str = $pattern;

            /// The text as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(value: &str) -> Result<Self, TextError> {
                static GRAMMAR: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new($pattern).ok());
                let length = value.chars().count();
                let fits = ($min..=$max).contains(&length) && GRAMMAR.as_ref().is_some_and(|grammar| grammar.is_match(value));
                if fits { Ok(Self(value.to_owned())) } else { Err(TextError { value: value.to_owned(), expected: $is }) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "minLength": $min, "maxLength": $max, "pattern": $pattern})
            }
        }
    };
}

text! {
    /// The name of one of our own objects, or of an entry in a list: a DNS label (RFC 1123).
    Label { min: 1, max: 63, pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", is: "a DNS label (lower-case letters, digits and '-', at most 63)" }
}

text! {
    /// The name of an object of another's kind, as most may be called: a DNS subdomain (RFC 1123).
    ObjectText { min: 1, max: 253, pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", is: "the name of an object (lower-case letters, digits, '-' and '.', at most 253)" }
}

text! {
    /// The name of a Secret: a DNS subdomain (RFC 1123).
    SecretName { min: 1, max: 253, pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", is: "the name of a Secret (lower-case letters, digits, '-' and '.', at most 253)" }
}

text! {
    /// A key in a Secret's `data`.
    SecretKey { min: 1, max: 253, pattern: "^[-._a-zA-Z0-9]+$", is: "a key of a Secret (letters, digits, '-', '_' and '.', at most 253)" }
}

text! {
    /// A model name, exactly as a caller sends it.
    ModelName { min: 1, max: 256, pattern: r"^[^\s*]+$", is: "a model name (no spaces, no '*', at most 256 characters)" }
}

text! {
    /// A model name, or a prefix of model names followed by one `*`.
    ModelPattern { min: 1, max: 256, pattern: r"^[^\s*]*\*?$", is: "a model name, or a prefix ending in '*'" }
}

text! {
    /// The name of an HTTP header, in lower case.
    HeaderName { min: 1, max: 64, pattern: "^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$", is: "the name of a header in lower case (letters, digits, '-' and '_', at most 64)" }
}

text! {
    /// An `http` or `https` URL without credentials, query or fragment: a host name, an IPv4 address or an IPv6 address in brackets, a port
    /// from 1 to 65535 if any, then a path of printable ASCII.
    BaseUrl { min: 8, max: 2048, pattern: r"^https?://([-._A-Za-z0-9]+|\[[0-9A-Fa-f:.]+\])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[!$->A-~]*)?$", is: "an http:// or https:// URL without user, query or fragment" }
}

text! {
    /// A server: a host name, an IPv4 address or an IPv6 address in brackets, and a port from 1 to 65535.
    EndpointAddress { min: 3, max: 262, pattern: r"^([-._A-Za-z0-9]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$", is: "a server and its port, such as 10.0.0.1:8000, [fd00::1]:8000 or gpu-1.example:8000" }
}

text! {
    /// The value of an HTTP header: printable ASCII.
    HeaderText { min: 1, max: 1024, pattern: "^[!-~]([ -~]*[!-~])?$", is: "the value of a header (printable ASCII, no space at an end, at most 1024)" }
}

text! {
    /// A member at the top of a request body.
    Member { min: 1, max: 64, pattern: "^[A-Za-z_][A-Za-z0-9_]*$", is: "a member of a request body (letters, digits and '_', at most 64)" }
}

text! {
    /// A version of Azure's API by deployments.
    ApiVersion { min: 10, max: 32, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$", is: "a version such as 2024-10-21 or 2025-04-01-preview" }
}

text! {
    /// Whom a token is for, as it stands in the token: printable ASCII.
    Audience { min: 1, max: 256, pattern: "^[!-~]+$", is: "an audience (printable ASCII without spaces, at most 256)" }
}

text! {
    /// A network in CIDR notation. Whether it is one, and has no bits behind its length, is not said.
    NetworkText { min: 4, max: 49, pattern: "^[0-9A-Fa-f:.]+/[0-9]{1,3}$", is: "a network in CIDR notation such as 10.1.0.0/16 or 2001:db8::/32" }
}

text! {
    /// The name of a role at AWS.
    RoleArn { min: 20, max: 2048, pattern: "^arn:aws[-a-z]*:iam::[0-9]{12}:role/[!-~]+$", is: "the ARN of a role, such as arn:aws:iam::123456789012:role/bedrock" }
}

text! {
    /// A path below a provider's base URL, without an end slash: whole segments of letters, digits, '-', '_' and '.', none of which begins with '.'.
    PathText { min: 2, max: 128, pattern: "^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$", is: "a path such as /files or /fine_tuning/jobs (at most 128)" }
}

text! {
    /// An amount of US dollars: at most 4,000,000, to the billionth.
    Usd { min: 1, max: 17, pattern: r"^(([0-9]{1,6}|[1-3][0-9]{6})(\.[0-9]{1,9})?|4000000(\.0{1,9})?)$", is: "an amount of US dollars such as 100 or 0.05, at most 4000000, with at most 9 digits after the point" }
}

text! {
    /// A price in US dollars a million tokens: at most 10,000, to the millionth.
    PerMillion { min: 1, max: 12, pattern: r"^([0-9]{1,4}(\.[0-9]{1,6})?|10000(\.0{1,6})?)$", is: "a price such as 2.50, at most 10000, with at most 6 digits after the point" }
}

text! {
    /// The name of a time zone in the IANA database. Whether there is such a zone is not said.
    TimeZoneName { min: 1, max: 64, pattern: "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", is: "the name of a time zone such as Europe/Berlin" }
}

text! {
    /// A length of time as in Gateway API: whole numbers with units `h`, `m`, `s`, `ms`, for example `1m30s`
    /// (source: GEP-2257, <https://gateway-api.sigs.k8s.io/geps/gep-2257/>).
    DurationText { min: 2, max: 32, pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$", is: "a duration such as 500ms, 10s or 1m30s" }
}

impl Usd {
    /// The amount in billionths of a dollar.
    #[must_use]
    pub fn to_nanos(&self) -> i64 {
        i64::try_from(shifted(&self.0, 9)).unwrap_or(i64::MAX)
    }
}

impl PerMillion {
    /// The price of one token, in trillionths of a dollar.
    #[must_use]
    pub fn to_picos(&self) -> u64 {
        shifted(&self.0, 6)
    }
}

/// A decimal number with its point moved to the right by so many digits, of which it has no more behind the point. Exact.
fn shifted(decimal: &str, digits: usize) -> u64 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let padding = std::iter::repeat_n(b'0', digits.saturating_sub(fraction.len()));
    let all = whole.bytes().chain(fraction.bytes()).chain(padding);
    all.fold(0, |number: u64, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

impl DurationText {
    /// The length of time this text stands for; parts are added up.
    #[must_use]
    pub fn to_duration(&self) -> Duration {
        let mut total = Duration::ZERO;
        let mut rest = self.0.as_str();
        while let Some(end) = rest.find(|c: char| !c.is_ascii_digit()) {
            let count: u64 = rest[..end].parse().unwrap_or(0);
            let unit_end = rest[end..]
                .find(|c: char| c.is_ascii_digit())
                .map_or(rest.len(), |at| end + at);
            total += match &rest[end..unit_end] {
                "h" => Duration::from_secs(count * 3600),
                "m" => Duration::from_secs(count * 60),
                "s" => Duration::from_secs(count),
                _ => Duration::from_millis(count),
            };
            rest = &rest[unit_end..];
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_adds_up_its_parts() {
        let text: DurationText = "1h2m3s4ms".parse().unwrap();
        assert_eq!(text.to_duration(), Duration::from_millis(3_723_004));
        assert_eq!(
            "500ms".parse::<DurationText>().unwrap().to_duration(),
            Duration::from_millis(500)
        );
    }

    #[test]
    fn an_amount_is_counted_to_the_billionth() {
        let nanos = |text: &str| text.parse::<Usd>().map(|usd| usd.to_nanos());
        for (text, amount) in [
            ("0", 0),
            ("0.000000001", 1),
            ("100.00", 100_000_000_000),
            ("0.1", 100_000_000),
            ("3999999.999999999", 3_999_999_999_999_999),
            ("4000000", 4_000_000_000_000_000),
        ] {
            assert_eq!(nanos(text), Ok(amount), "{text}");
        }
        for bad in [
            "",
            "-1",
            "+1",
            "1.",
            ".5",
            "1e3",
            "NaN",
            "1,5",
            "4000001",
            "4000000.1",
            "0.0000000001",
            " 1",
            "\u{0661}",
        ] {
            assert!(nanos(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_price_is_counted_to_the_trillionth_a_token() {
        let picos = |text: &str| text.parse::<PerMillion>().map(|price| price.to_picos());
        for (text, price) in [
            ("2.50", 2_500_000),
            ("0.000001", 1),
            ("10000", 10_000_000_000),
        ] {
            assert_eq!(picos(text), Ok(price), "{text}");
        }
        for bad in ["-1", "10000.5", "10001", "0.0000001", "$1"] {
            assert!(picos(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rejects_a_duration_without_a_unit() {
        let error = "10".parse::<DurationText>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"10\" is not a duration such as 500ms, 10s or 1m30s"
        );
    }

    #[test]
    fn a_pattern_may_end_in_a_star_but_not_hold_one() {
        assert!("gpt-*".parse::<ModelPattern>().is_ok());
        assert!("*".parse::<ModelPattern>().is_ok());
        assert!("g*t".parse::<ModelPattern>().is_err());
    }

    #[test]
    fn a_base_url_carries_no_user_query_or_fragment() {
        for good in [
            "https://api.example.com/v1",
            "http://[fd00::1]:65535/v1/",
            "http://llm",
        ] {
            assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
        }
        for bad in [
            "ftp://a.example",
            "https://user@a.example",
            "https://a.example/v1?x=1",
            "https://a.example/#f",
            "https://",
        ] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_base_url_names_a_host_and_a_port_that_can_be() {
        for bad in [
            "https://:8443",
            "https://a:0",
            "https://a:65536",
            "https://\u{e4}.example",
        ] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }
}
