//! The gateway's own modules: folders are phases, and an arrow goes from an earlier one to a later one, never back up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From what puts everything together down to what everything stands on. A module may use those of its own line and of the lines below.
const FLOORS: [&[&str]; 16] = [
    &["lib", "main"],
    &["app", "console", "import"],
    &["admin", "check", "told"],
    &["config"],
    &["serve"],
    &["pipeline"],
    &["request"],
    &["dispatch"],
    &["answer"],
    &["worker"],
    &["beside", "runtime"],
    &["observe"],
    &["judges", "upstream"],
    &["codec"],
    &[
        "args", "cors", "facts", "failure", "govern", "headers", "memory", "peer", "surface",
        "tasks", "tls", "turns",
    ],
    &["clock", "decisions", "limits", "status"],
];

/// Every module by its path below `src`, and the modules that it names.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_module_points_back_up_the_phases() {
    let arrows = arrows();
    assert!(arrows.len() > 50, "the sources are there");
    let mut wrong = Vec::new();
    for (from, targets) in &arrows {
        for to in targets {
            if floor(to) < floor(from) {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that go back up: {wrong:#?}");
}

#[test]
fn no_circle_has_more_than_three_modules() {
    let arrows = arrows();
    for module in arrows.keys() {
        let circle: Vec<_> = reach(&arrows, module)
            .into_iter()
            .filter(|other| reach(&arrows, other).contains(module))
            .collect();
        assert!(circle.len() <= 3, "a circle of modules: {circle:?}");
    }
}

#[test]
fn little_of_the_library_is_public() {
    let mut public = 0;
    for (_, text) in sources() {
        public += text
            .lines()
            .filter(|line| line.trim_start().starts_with("pub "))
            .filter(|line| !line.trim_start().starts_with("pub mod"))
            .filter(|line| {
                let item = line.trim_start().trim_start_matches("pub ");
                let kind = item.split(' ').next().unwrap_or_default();
                [
                    "fn", "async", "struct", "enum", "trait", "const", "type", "use",
                ]
                .contains(&kind)
            })
            .count();
    }
    assert!(
        public < 25,
        "{public} public items; the binary needs few, and kubectl's plugin what checks and explains"
    );
}

fn floor(module: &str) -> usize {
    let top = module.split('/').next().unwrap_or_default();
    match FLOORS.iter().position(|floor| floor.contains(&top)) {
        Some(floor) => floor,
        None => panic!("{top} has no floor: say in FLOORS where it stands"),
    }
}

fn reach(arrows: &Arrows, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = arrows[from].iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone()) {
            open.extend(&arrows[next]);
        }
    }
    reached
}

fn arrows() -> Arrows {
    let sources = sources();
    let mut arrows = Arrows::new();
    for (module, text) in &sources {
        let mut targets = BTreeSet::new();
        for path in paths(text, module) {
            if let Some(target) = resolve(&path, &sources)
                && target != *module
            {
                targets.insert(target);
            }
        }
        arrows.insert(module.clone(), targets);
    }
    arrows
}

/// The modules and their text, without comments and tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    let read = |file: PathBuf| {
        let name = file.strip_prefix(&root).unwrap().with_extension("");
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        (
            name.to_string_lossy().into_owned(),
            lines.collect::<Vec<_>>().join("\n"),
        )
    };
    files
        .into_iter()
        .map(read)
        .filter(|(name, _)| {
            !name
                .split('/')
                .any(|part| part == "tests" || part == "harness")
        })
        .collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// The paths that a text names with `crate::` or `super::`, as segments from the root.
fn paths(text: &str, module: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let above: Vec<String> = module.split('/').map(str::to_owned).collect();
    for (word, base) in [
        ("crate::", Vec::new()),
        ("super::", above[..above.len() - 1].to_vec()),
    ] {
        for (at, _) in text.match_indices(word) {
            let tree = &text[at + word.len()..];
            if !text[..at].ends_with("super::") {
                expand(tree, &base, &mut found);
            }
        }
    }
    found
}

/// Expands `a::b`, `a::{b, c::d}` and `super::a` after a base.
fn expand(tree: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let mut path = base.to_vec();
    let mut rest = tree.trim_start();
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            for part in parts(group) {
                expand(part, &path, found);
            }
            return;
        }
        let end = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        match &rest[..end] {
            "super" => {
                path.pop();
            }
            word => path.push(word.to_owned()),
        }
        match rest[end..].strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    found.push(path);
}

/// The parts of a group in braces, up to the brace that closes it.
fn parts(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(group[begin..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(group[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn resolve(path: &[String], sources: &BTreeMap<String, String>) -> Option<String> {
    (1..=path.len())
        .rev()
        .map(|length| path[..length].join("/"))
        .find(|name| sources.contains_key(name))
}
