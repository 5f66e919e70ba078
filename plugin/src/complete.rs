//! Completion, as kubectl asks its plugins for it: it runs `kubectl_complete-fairlead WORD..`, the last word being the one that is written, and reads
//! a suggestion a line and a directive last (source: kubectl, "Shell completion for plugins"; Cobra, "shell completions").

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _, ValueHint};

use crate::args::Args;

/// Cobra's `ShellCompDirectiveNoFileComp`: what is suggested is all there is.
const NOTHING_ELSE: u8 = 4;
/// Cobra's `ShellCompDirectiveDefault`: files are suggested where nothing else is.
const FILES: u8 = 0;
/// Names of values that are paths.
const PATHS: [&str; 2] = ["DIR", "FILE"];

/// Suggestions for the last of these words, and the directive.
#[must_use]
pub fn complete(words: &[String]) -> String {
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut command = Args::command();
    command.build();
    let mut current = &command;
    let mut awaited: Option<&Arg> = None;
    for word in before {
        if awaited.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            awaited = flag(current, word).filter(|arg| takes_value(arg) && !word.contains('='));
        } else if let Some(next) = current.find_subcommand(word) {
            current = next;
        }
    }
    let (found, directive) = match awaited {
        Some(arg) => values(arg),
        None if last.starts_with('-') => (flags(current), NOTHING_ELSE),
        None => words_of(current),
    };
    let mut text = String::new();
    for (word, help) in found.iter().filter(|(word, _)| word.starts_with(last)) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{word}\t{help}");
    }
    text + &format!(":{directive}\n")
}

fn flag<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command
        .get_arguments()
        .find(|arg| match name.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg
                .get_short()
                .is_some_and(|short| name == format!("-{short}")),
        })
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn help(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn values(arg: &Arg) -> (Vec<(String, String)>, u8) {
    let possible = arg.get_possible_values();
    if possible.is_empty() {
        let names = arg.get_value_names().unwrap_or_default();
        let is_path = arg.get_value_hint() != ValueHint::Unknown
            || names.iter().any(|name| PATHS.contains(&name.as_str()));
        return (Vec::new(), if is_path { FILES } else { NOTHING_ELSE });
    }
    let found = possible
        .iter()
        .map(|value| (value.get_name().to_owned(), help(value.get_help())));
    (found.collect(), NOTHING_ELSE)
}

fn flags(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown
        .filter_map(|arg| Some((format!("--{}", arg.get_long()?), help(arg.get_help()))))
        .collect()
}

/// The commands below this one, or what its first argument may be.
fn words_of(command: &Command) -> (Vec<(String, String)>, u8) {
    let below: Vec<_> = command
        .get_subcommands()
        .map(|one| (one.get_name().to_owned(), help(one.get_about())))
        .collect();
    if below.is_empty() {
        return command
            .get_positionals()
            .next()
            .map_or((Vec::new(), NOTHING_ELSE), values);
    }
    (below, NOTHING_ELSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(words: &[&str]) -> (Vec<String>, String) {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let text = complete(&words);
        let mut lines: Vec<String> = text
            .lines()
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect();
        let directive = lines.pop().unwrap();
        (lines, directive)
    }

    #[test]
    fn commands_flags_and_values_are_suggested() {
        assert_eq!(suggested(&["he"]).0, ["health", "help"]);
        assert_eq!(suggested(&["-n", "search", "keys", "ro"]).0, ["rotate"]);
        assert_eq!(suggested(&["health", "--fail"]).0, ["--fail-on"]);
        assert_eq!(
            suggested(&["health", "--fail-on", ""]).0,
            ["open", "not-closed"]
        );
        assert_eq!(suggested(&["top", "-o", "j"]).0, ["json"]);
        assert_eq!(suggested(&["top", "k"]).0, ["keys"]);
        assert!(
            suggested(&["status", "--con"])
                .0
                .contains(&"--context".to_owned())
        );
    }

    #[test]
    fn files_are_suggested_where_a_path_is_wanted() {
        assert_eq!(suggested(&["check", "-f", ""]), (vec![], ":0".to_owned()));
        assert_eq!(suggested(&["explain", "-k", ""]), (vec![], ":4".to_owned()));
    }
}
