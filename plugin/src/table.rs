//! Tables for people: columns as wide as they need to be, two spaces between them. What a cell shows may come from callers, so nothing in it may
//! steer the terminal.

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these columns.
    pub(crate) fn new(header: &[&str]) -> Self {
        let header = header.iter().map(|&name| name.to_owned()).collect();
        Self { rows: vec![header] }
    }

    /// Adds a row. An empty cell is shown as a dash.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        let cell = |cell: &T| match cell.as_ref() {
            "" => "-".to_owned(),
            text => plain(text),
        };
        self.rows.push(cells.iter().map(cell).collect());
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths.iter().copied()) {
                line.push_str(&format!("{cell:<width$}  "));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Whether a terminal would obey it: control characters, and marks that turn the direction of writing (source: Unicode TR 36).
pub(crate) fn steers(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    escaped(text, steers)
}

/// The same of several lines, which stay lines.
pub(crate) fn plain_lines(text: &str) -> String {
    escaped(text, |char| steers(char) && !matches!(char, '\n' | '\t'))
}

fn escaped(text: &str, escapes: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if escapes(char) {
            plain.extend(char.escape_unicode());
        } else {
            plain.push(char);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "STATE"]);
        assert!(table.is_empty());
        table.row(&["search/openai", "open"]);
        table.row(&["é", ""]);
        let expected = "NAME           STATE\nsearch/openai  open\né              -\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn lines_stay_lines_and_steer_nothing_either() {
        assert_eq!(
            plain_lines("a\tb\nc\u{1b}]0;x\u{7}\u{9b}2J\r\n"),
            "a\tb\nc\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{d}\n"
        );
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\u{202e}c\n"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{a}"
        );
    }
}
