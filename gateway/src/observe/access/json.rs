//! JSON written straight into a buffer that is used again: a line has a few dozen members whose names are constants, and most of its texts need no
//! escape.

use crate::govern::usd::{Usd, Written};

/// An object that is being written. It is closed when it is dropped.
#[derive(Debug)]
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    has_member: bool,
}

impl<'a> Object<'a> {
    /// Begins one at the end of the buffer.
    #[must_use]
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            has_member: false,
        }
    }

    /// The name of a member, which needs no escape.
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        if self.has_member {
            self.out.push(b',');
        }
        self.has_member = true;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        text(self.name(name), value);
    }

    /// A member that is there with nothing in it, too.
    pub(super) fn text_or_null(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.name(name).extend_from_slice(b"null"),
        }
    }

    pub(super) fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(super) fn texts_if_any<T: AsRef<str>>(&mut self, name: &'static str, values: &[T]) {
        if values.is_empty() {
            return;
        }
        let out = self.name(name);
        array(out, values, |out, value| text(out, value.as_ref()));
    }

    /// Bytes as hexadecimal digits.
    pub(super) fn hex(&mut self, name: &'static str, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let out = self.name(name);
        out.push(b'"');
        for byte in bytes {
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
        out.push(b'"');
    }

    pub(super) fn number(&mut self, name: &'static str, value: impl itoa::Integer) {
        let out = self.name(name);
        number(out, value);
    }

    pub(super) fn number_if(&mut self, name: &'static str, value: Option<impl itoa::Integer>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// A thousandth of the value, to the last digit: microseconds in milliseconds.
    pub(super) fn thousandth(&mut self, name: &'static str, value: u64) {
        let out = self.name(name);
        number(out, value / 1_000);
        out.push(b'.');
        for place in [100, 10, 1] {
            let digit = u8::try_from(value % 1_000 / place % 10).unwrap_or(0);
            out.push(b'0' + digit);
        }
    }

    pub(super) fn thousandth_if(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.thousandth(name, value);
        }
    }

    /// USD, to the nano-dollar.
    pub(super) fn usd_if(&mut self, name: &'static str, nanos: Option<i64>) {
        if let Some(nanos) = nanos {
            let written = Written::new(Usd(nanos));
            self.name(name)
                .extend_from_slice(written.as_str().as_bytes());
        }
    }

    pub(super) fn flag(&mut self, name: &'static str, value: bool) {
        let value: &[u8] = if value { b"true" } else { b"false" };
        self.name(name).extend_from_slice(value);
    }

    pub(super) fn flag_if_set(&mut self, name: &'static str, value: bool) {
        if value {
            self.flag(name, value);
        }
    }

    pub(super) fn object(&mut self, name: &'static str) -> Object<'_> {
        Object::begin(self.name(name))
    }

    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        values: &[T],
        write: impl Fn(Object<'_>, &T),
    ) {
        let out = self.name(name);
        array(out, values, |out, value| write(Object::begin(out), value));
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.push(b'}');
    }
}

fn array<T>(out: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, value);
    }
    out.push(b']');
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn text(out: &mut Vec<u8>, value: &str) {
    let plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if value.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut Object<'_>)) -> Value {
        let mut out = Vec::new();
        write(&mut Object::begin(&mut out));
        serde_json::from_slice(&out).expect("it is JSON")
    }

    #[test]
    fn what_is_not_there_is_left_out_or_null() {
        let seen = written(|object| {
            object.text_or_null("a", None);
            object.text_if("b", None);
            object.number_if("c", None::<u64>);
            object.thousandth_if("d", None);
            object.usd_if("e", None);
            object.flag_if_set("f", false);
            object.texts_if_any::<&str>("g", &[]);
            object.objects("h", &[] as &[u8], |_, _| {});
        });
        assert_eq!(seen, json!({"a": null, "h": []}));
    }

    #[test]
    fn members_stand_beside_and_within_each_other() {
        let seen = written(|object| {
            object.hex("id", &[0x0f, 0xa0]);
            object.object("in").flag("on", true);
            object.texts_if_any("list", &["a", "b"]);
            object.objects("two", &[1, 2], |mut one, value| one.number("n", *value));
            object.usd_if("usd", Some(-1_500_000_000));
            object.number("last", i64::MIN);
        });
        let all = json!({
            "id": "0fa0", "in": {"on": true}, "list": ["a", "b"], "two": [{"n": 1}, {"n": 2}], "usd": -1.5, "last": i64::MIN,
        });
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
            Object::begin(&mut out).thousandth("t", micros);
            assert_eq!(out, format!("{{\"t\":{text}}}").as_bytes());
        }
    }

    #[test]
    fn every_character_that_needs_an_escape_has_one() {
        let value: String = (0_u8..=127)
            .map(char::from)
            .chain(['\u{2028}', 'é'])
            .collect();
        let seen = written(|object| object.text("text", &value));
        assert_eq!(seen, json!({ "text": value }));
    }
}
