//! `audit verify`: whether a file of the audit holds.

use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use fairlead_audit::{Hash, Verdict, verify};

use super::Printed;

/// Reads the file from its first line to its last.
///
/// # Errors
/// It cannot be read, or the hash to hold it against is none.
pub fn audit(file: &Path, anchor: Option<&str>) -> anyhow::Result<Printed> {
    let anchor = anchor
        .map(|text| Hash::read(text).context("--anchor is 64 hexadecimal digits in lower case"))
        .transpose()?;
    let open = || format!("cannot read {}", file.display());
    let lines = std::fs::File::open(file).with_context(open)?;
    let verdict = verify(BufReader::new(lines), anchor).with_context(open)?;
    Ok(printed(&verdict, anchor.is_some()))
}

fn printed(verdict: &Verdict, against: bool) -> Printed {
    let head = verdict.head;
    let mut text = match &verdict.fault {
        None => format!(
            "{} lines hold; the last hash is {}\n",
            head.lines, head.hash
        ),
        Some(fault) => format!(
            "{fault}\nbefore it {} lines hold; their last hash is {}\n",
            head.lines, head.hash
        ),
    };
    text.push_str(match (against, verdict.anchored) {
        (true, true) => "the hash of --anchor is in it\n",
        (true, false) => "the hash of --anchor is not in it: its end was cut off, or it is another file\n",
        (false, _) => "whether its end was cut off, only a hash tells that was told elsewhere: --anchor HASH\n",
    });
    Printed {
        text,
        good: verdict.fault.is_none() && verdict.anchored,
    }
}

#[cfg(test)]
mod tests {
    use fairlead_audit::Head;

    use super::*;

    #[test]
    fn what_is_said_tells_a_good_file_from_a_bad_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let mut head = Head::default();
        let lines: Vec<_> = (0..3).map(|_| head.link("{}").unwrap() + "\n").collect();
        let hash = head.hash.to_string();
        std::fs::write(&file, lines.concat()).unwrap();
        let good = audit(&file, Some(&hash)).unwrap();
        assert!(
            good.good && good.text.contains("3 lines hold"),
            "{}",
            good.text
        );
        std::fs::write(&file, lines[..2].concat()).unwrap();
        assert!(audit(&file, None).unwrap().good);
        let cut = audit(&file, Some(&hash)).unwrap();
        assert!(!cut.good && cut.text.contains("cut off"), "{}", cut.text);
        std::fs::write(&file, [&*lines[0], &*lines[2]].concat()).unwrap();
        let removed = audit(&file, None).unwrap();
        assert!(
            !removed.good && removed.text.starts_with("line 2: "),
            "{}",
            removed.text
        );
        assert!(audit(&file, Some("abc")).is_err());
    }
}
