//! What only access lines have among their members.

use fairlead_wire::json::{ObjectWriter, write_number, write_text};

use crate::govern::usd::{Usd, Written};

/// More members of an object.
pub(super) trait Members {
    /// A text; `null` where there is none.
    fn text_or_null(&mut self, name: &'static str, value: Option<&str>);

    /// Texts, if there are any.
    fn texts_if_any<T: AsRef<str>>(&mut self, name: &'static str, values: &[T]);

    /// A thousandth of the value, to the last digit: microseconds in milliseconds.
    fn thousandth(&mut self, name: &'static str, value: u64);

    /// The same, if there is one.
    fn thousandth_if(&mut self, name: &'static str, value: Option<u64>);

    /// USD, to the nano-dollar.
    fn usd_if(&mut self, name: &'static str, nanos: Option<i64>);

    /// Objects.
    fn objects<T>(
        &mut self,
        name: &'static str,
        values: &[T],
        write: impl Fn(ObjectWriter<'_>, &T),
    );
}

impl Members for ObjectWriter<'_> {
    fn text_or_null(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.member(name).extend_from_slice(b"null"),
        }
    }

    fn texts_if_any<T: AsRef<str>>(&mut self, name: &'static str, values: &[T]) {
        self.array_if_any(name, values, |out, value| write_text(out, value.as_ref()));
    }

    fn thousandth(&mut self, name: &'static str, value: u64) {
        let out = self.member(name);
        write_number(out, value / 1_000);
        out.push(b'.');
        for place in [100, 10, 1] {
            let digit = u8::try_from(value % 1_000 / place % 10).unwrap_or(0);
            out.push(b'0' + digit);
        }
    }

    fn thousandth_if(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.thousandth(name, value);
        }
    }

    fn usd_if(&mut self, name: &'static str, nanos: Option<i64>) {
        if let Some(nanos) = nanos {
            let written = Written::new(Usd(nanos));
            self.member(name)
                .extend_from_slice(written.as_str().as_bytes());
        }
    }

    fn objects<T>(
        &mut self,
        name: &'static str,
        values: &[T],
        write: impl Fn(ObjectWriter<'_>, &T),
    ) {
        self.array(name, values, |out, value| {
            write(ObjectWriter::begin(out), value);
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut ObjectWriter<'_>)) -> Value {
        let mut out = Vec::new();
        write(&mut ObjectWriter::begin(&mut out));
        serde_json::from_slice(&out).expect("it is JSON")
    }

    #[test]
    fn what_is_not_there_is_left_out_or_null() {
        let seen = written(|object| {
            object.text_or_null("a", None);
            object.thousandth_if("d", None);
            object.usd_if("e", None);
            object.texts_if_any::<&str>("g", &[]);
            object.objects("h", &[] as &[u8], |_, _| {});
        });
        assert_eq!(seen, json!({"a": null, "h": []}));
    }

    #[test]
    fn what_is_there_is_told() {
        let seen = written(|object| {
            object.text_or_null("a", Some("b"));
            object.texts_if_any("list", &["a", "b"]);
            object.objects("two", &[1, 2], |mut one, value| one.number("n", *value));
            object.usd_if("usd", Some(-1_500_000_000));
        });
        let all = json!({"a": "b", "list": ["a", "b"], "two": [{"n": 1}, {"n": 2}], "usd": -1.5});
        assert_eq!(seen, all);
    }

    #[test]
    fn milliseconds_have_all_their_digits() {
        for (micros, text) in [
            (0, "0.000"),
            (7, "0.007"),
            (1_000, "1.000"),
            (12_345, "12.345"),
            (u64::MAX, "18446744073709551.615"),
        ] {
            let mut out = Vec::new();
            ObjectWriter::begin(&mut out).thousandth("t", micros);
            assert_eq!(out, format!("{{\"t\":{text}}}").as_bytes());
        }
    }
}
