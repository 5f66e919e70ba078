//! Timeouts: what users write -> what the gateway counts by.

use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1::Timeouts;
use fairlead_snapshot::TimeoutOverrides;

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// What is given, member by member.
pub(crate) fn given(timeouts: Option<&Timeouts>) -> TimeoutOverrides {
    let length = |text: &Option<DurationText>| text.as_ref().map(DurationText::to_duration);
    timeouts.map_or_else(TimeoutOverrides::default, |timeouts| TimeoutOverrides {
        connect: length(&timeouts.connect),
        first_token: length(&timeouts.first_token),
        first_byte: length(&timeouts.first_byte),
        idle: length(&timeouts.idle),
        total: length(&timeouts.total),
    })
}

/// A timeout of nothing would fail every request; it is more likely meant as "none", which there is not.
pub(crate) fn faults(timeouts: Option<&Timeouts>, path: &Path) -> Vec<Finding> {
    let given = given(timeouts);
    let members = [
        ("connect", given.connect),
        ("firstToken", given.first_token),
        ("firstByte", given.first_byte),
        ("idle", given.idle),
        ("total", given.total),
    ];
    let zero = members
        .into_iter()
        .filter(|(_, length)| *length == Some(Duration::ZERO));
    zero.map(|(name, _)| {
        Finding::new(
            &path.field(name),
            Reason::Invalid,
            "must be longer than 0; leave it out for the default",
        )
    })
    .collect()
}
