//! JSON written straight into a buffer that is used again. What is written has a few dozen members whose names are constants, and most of its texts
//! need no escape: no tree of values is made of it before.

use crate::text::write_string;

/// Up to this length, in bytes, a text is looked through byte by byte: to search a shorter one for what needs an escape takes longer to set up.
const SHORT: usize = 64;

/// An object that is being written. It is closed when it is dropped.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    has_member: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins one at the end of the buffer.
    #[must_use]
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            has_member: false,
        }
    }

    /// The name of a member, which needs no escape; its value is to be written at the end of what is given back.
    pub fn member(&mut self, name: &'static str) -> &mut Vec<u8> {
        if self.has_member {
            self.out.push(b',');
        }
        self.has_member = true;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &'static str, value: &str) {
        write_text(self.member(name), value);
    }

    /// The same, if there is one.
    pub fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Bytes as a text of hexadecimal digits.
    pub fn hex(&mut self, name: &'static str, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let out = self.member(name);
        out.push(b'"');
        for byte in bytes {
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
        out.push(b'"');
    }

    /// A member that is a whole number.
    pub fn number(&mut self, name: &'static str, value: impl itoa::Integer) {
        write_number(self.member(name), value);
    }

    /// The same, if there is one.
    pub fn number_if(&mut self, name: &'static str, value: Option<impl itoa::Integer>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// Whether something is so.
    pub fn flag(&mut self, name: &'static str, value: bool) {
        let value: &[u8] = if value { b"true" } else { b"false" };
        self.member(name).extend_from_slice(value);
    }

    /// The same, where it is so.
    pub fn flag_if_set(&mut self, name: &'static str, value: bool) {
        if value {
            self.flag(name, value);
        }
    }

    /// An object within this one.
    pub fn object(&mut self, name: &'static str) -> ObjectWriter<'_> {
        ObjectWriter::begin(self.member(name))
    }

    /// An array, each value of which is written by `write`.
    pub fn array<T>(&mut self, name: &'static str, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
        let out = self.member(name);
        out.push(b'[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write(out, value);
        }
        out.push(b']');
    }

    /// The same, if there are values.
    pub fn array_if_any<T>(
        &mut self,
        name: &'static str,
        values: &[T],
        write: impl Fn(&mut Vec<u8>, &T),
    ) {
        if !values.is_empty() {
            self.array(name, values, write);
        }
    }
}

impl Drop for ObjectWriter<'_> {
    fn drop(&mut self) {
        self.out.push(b'}');
    }
}

/// Writes a text as a string. As [`write_string`], and quicker for what is short and needs no escape.
pub fn write_text(out: &mut Vec<u8>, value: &str) {
    let plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if value.len() > SHORT || !value.as_bytes().iter().all(plain) {
        return write_string(out, value);
    }
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// Writes a whole number.
pub fn write_number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
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
    fn what_is_not_there_is_left_out() {
        let seen = written(|object| {
            object.text_if("a", None);
            object.number_if("b", None::<u64>);
            object.flag_if_set("c", false);
            object.array_if_any("d", &[] as &[u8], |_, _| {});
            object.array("e", &[] as &[u8], |_, _| {});
        });
        assert_eq!(seen, json!({"e": []}));
    }

    #[test]
    fn members_stand_beside_and_within_each_other() {
        let seen = written(|object| {
            object.hex("id", &[0x0f, 0xa0]);
            object.object("in").flag("on", true);
            object.array_if_any("list", &["a", "b"], |out, one| write_text(out, one));
            object.array("two", &[1, 2], |out, value| {
                ObjectWriter::begin(out).number("n", *value);
            });
            object.number("last", i64::MIN);
        });
        let all = json!({
            "id": "0fa0", "in": {"on": true}, "list": ["a", "b"], "two": [{"n": 1}, {"n": 2}], "last": i64::MIN,
        });
        assert_eq!(seen, all);
    }

    #[test]
    fn every_character_that_needs_an_escape_has_one_in_texts_of_any_length() {
        let odd = (0_u8..=127).map(char::from).chain(['\u{2028}', 'é']);
        for one in odd {
            for around in [0, 20, SHORT] {
                let value = format!("{}{one}", "a".repeat(around));
                let seen = written(|object| object.text("text", &value));
                assert_eq!(seen, json!({ "text": value }));
            }
        }
    }
}
