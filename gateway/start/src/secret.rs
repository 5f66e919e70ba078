//! A value that may be written into a private file, and is shown nowhere else.

/// The value of a credential or of a key, or the variable that it will be in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    value: Option<String>,
    variable: Option<String>,
}

impl Hidden {
    /// A value that is known.
    #[must_use]
    pub fn known(value: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            variable: None,
        }
    }

    /// A value that came from a variable, or will when the variable is set.
    #[must_use]
    pub fn variable(name: impl Into<String>, value: Option<String>) -> Self {
        Self {
            value,
            variable: Some(name.into()),
        }
    }

    /// The value, to be used and not shown.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The variable it comes from.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// Whether a value of these bounds can stand in a header: printable ASCII without spaces.
    #[must_use]
    pub(crate) fn is_token(value: &str, shortest: usize, longest: usize) -> bool {
        (shortest..=longest).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hidden")
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_no_debug_output() {
        let text = format!(
            "{:?}",
            Hidden::variable("A_KEY", Some("hunter2".to_owned()))
        );
        assert!(
            text.contains("A_KEY") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
