//! Members at the top of a body that are set or taken away, by configuration.

use fairlead_json::{JsonError, Limits, Object, write_string};

/// What is changed in a body. Of a name that stands in more than one list, the first counts: taken away, overridden, given where it is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Names that a body does not have afterwards.
    pub remove: Vec<String>,
    /// Names and their values, as JSON, that it has afterwards.
    pub overrides: Vec<(String, String)>,
    /// The same, where it does not have them.
    pub defaults: Vec<(String, String)>,
}

impl Amendment {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.overrides.is_empty() && self.defaults.is_empty()
    }

    /// The same with another before it: what that one says counts first.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let mut both = first.clone();
        let said = |name: &String| {
            first.remove.contains(name) || first.overrides.iter().any(|(known, _)| known == name)
        };
        let new = |list: &[(String, String)]| -> Vec<(String, String)> {
            list.iter()
                .filter(|(name, _)| !said(name))
                .cloned()
                .collect()
        };
        let removed = self.remove.iter().filter(|name| !said(name)).cloned();
        both.remove.extend(removed);
        both.overrides.extend(new(&self.overrides));
        both.defaults.extend(new(&self.defaults));
        both
    }

    /// A body with the changes; all else stays as it came, in its order.
    ///
    /// # Errors
    /// The body is not one well-formed object.
    pub fn apply(&self, body: &[u8]) -> Result<Vec<u8>, JsonError> {
        let object = Object::parse(body, &Limits::default())?;
        let more: usize = self
            .overrides
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum();
        let mut out = Vec::with_capacity(body.len() + more);
        let mut members = Writer { out: &mut out };
        let overridden = |name: &str| self.overrides.iter().any(|(known, _)| known == name);
        let removed = |name: &str| self.remove.iter().any(|known| known == name);
        for member in object.members() {
            let name = member.key.as_ref();
            if !removed(name) && !overridden(name) {
                members.member(name, object.text(member));
            }
        }
        let mut given: Vec<&str> = Vec::new();
        for (name, value) in &self.overrides {
            if !removed(name) && !given.contains(&name.as_str()) {
                given.push(name);
                members.member(name, value);
            }
        }
        for (name, value) in &self.defaults {
            if object.get(name).is_none() && !removed(name) && !given.contains(&name.as_str()) {
                given.push(name);
                members.member(name, value);
            }
        }
        members.end();
        Ok(out)
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn member(&mut self, name: &str, value: &str) {
        self.out.push(if self.out.is_empty() { b'{' } else { b',' });
        write_string(self.out, name);
        self.out.push(b':');
        self.out.extend_from_slice(value.as_bytes());
    }

    fn end(self) {
        if self.out.is_empty() {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amendment(
        remove: &[&str],
        overrides: &[(&str, &str)],
        defaults: &[(&str, &str)],
    ) -> Amendment {
        let pairs = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Amendment {
            remove: remove.iter().map(|name| (*name).to_owned()).collect(),
            overrides: pairs(overrides),
            defaults: pairs(defaults),
        }
    }

    fn applied(amendment: &Amendment, body: &str) -> String {
        String::from_utf8(amendment.apply(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_named_stays_as_it_came() {
        let all = amendment(&["user"], &[("seed", "7")], &[("top_p", "0.5")]);
        assert_eq!(
            applied(
                &all,
                "{\"b\" : 1.0, \"user\":\"me\",\"a\": [ 1e3 ],\"seed\":1}"
            ),
            "{\"b\":1.0,\"a\":[ 1e3 ],\"seed\":7,\"top_p\":0.5}"
        );
        assert_eq!(applied(&all, "{\"top_p\":1}"), "{\"top_p\":1,\"seed\":7}");
        assert_eq!(applied(&amendment(&["a"], &[], &[]), "{\"a\":1}"), "{}");
    }

    #[test]
    fn a_name_is_known_however_it_is_escaped() {
        let all = amendment(&["user"], &[], &[]);
        assert_eq!(applied(&all, "{\"\\u0075ser\":1,\"b\":2}"), "{\"b\":2}");
    }

    #[test]
    fn what_comes_first_counts_first() {
        let target = amendment(&["user"], &[("seed", "1")], &[("top_p", "0.1")]);
        let provider = amendment(
            &["seed"],
            &[("user", "\"us\""), ("seed", "2"), ("store", "false")],
            &[("top_p", "0.9"), ("n", "1")],
        );
        let both = provider.after(&target);
        assert_eq!(
            applied(&both, "{\"user\":\"me\"}"),
            "{\"seed\":1,\"store\":false,\"top_p\":0.1,\"n\":1}"
        );
    }

    #[test]
    fn nothing_else_than_an_object_is_changed() {
        assert!(amendment(&["a"], &[], &[]).apply(b"[1]").is_err());
    }
}
