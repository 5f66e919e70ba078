//! Whether there is such a time zone: by the database that is compiled in, so that every machine says the same.

use std::sync::LazyLock;

use fairlead_crds::text::TimeZoneName;
use jiff::tz::TimeZoneDatabase;

use crate::suggest;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Why windows cannot be counted by a zone. One has to be written as the database has it: its name is shown to people and compared.
pub(crate) fn fault(name: &TimeZoneName) -> Option<String> {
    let name = name.as_str();
    let found = ZONES.get(name).ok().filter(|zone| !zone.is_unknown());
    let known = found.is_some_and(|zone| zone.iana_name() == Some(name));
    (!known).then(|| {
        let names: Vec<String> = ZONES.available().map(|zone| zone.to_string()).collect();
        let hint = suggest::hint(name, names.iter().map(String::as_str));
        format!("no time zone of the IANA database has this name{hint}")
    })
}

#[cfg(test)]
mod tests {
    use super::fault;

    fn told(name: &str) -> Option<String> {
        fault(&name.parse().unwrap())
    }

    #[test]
    fn a_zone_is_one_of_the_database() {
        for good in [
            "UTC",
            "Etc/UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Etc/GMT+5",
            "EST5EDT",
        ] {
            assert_eq!(told(good), None, "{good}");
        }
        for bad in [
            "Europe/Berlim",
            "europe/berlin",
            "CEST",
            "Etc/Unknown",
            "Local",
            "x",
        ] {
            assert!(told(bad).is_some(), "{bad}");
        }
        let told = told("Europe/Berlim").unwrap();
        assert!(
            told.ends_with("(did you mean \"Europe/Berlin\"?)"),
            "{told}"
        );
    }
}
