//! Marks for the cache: here a block of its own, after what is to be kept.

use super::parts::{Part, What};
use crate::converse::Family;
use crate::write::Json;
use crate::{Cache, Notes};

/// After which parts a mark stands. None stands after a thought, nor after a document that Bedrock makes text of itself: it refuses both
/// (<https://github.com/anomalyco/opencode/issues/36517>, <https://github.com/aws/aws-sdk-java-v2/issues/6277>). So it stands after the next
/// part that bears one, or else after the last one before.
pub(super) fn places(parts: &[Part<'_>], family: Family, notes: &mut Notes) -> Vec<Option<Cache>> {
    let mut places = vec![None; parts.len()];
    for (at, part) in parts.iter().enumerate() {
        let Some(wish) = part.wish() else {
            continue;
        };
        let (before, after) = parts.split_at_checked(at).unwrap_or((parts, &[]));
        let next = after.iter().position(bears).map(|next| at + next);
        let place = next.or_else(|| before.iter().rposition(bears));
        let place = place
            .filter(|_| family.caches())
            .and_then(|place| places.get_mut(place));
        match place {
            Some(place) => *place = longer(*place, Some(wish)),
            None => notes.drops("cache_control"),
        }
    }
    places
}

fn bears(part: &Part<'_>) -> bool {
    match &part.what {
        What::Reasoning(..) | What::Redacted(_) => false,
        What::Medium(medium) => !medium.becomes_text(),
        What::Text(_) | What::System(_) | What::Call(..) | What::Result(..) => true,
    }
}

/// Both wishes in one.
pub(super) fn longer(one: Option<Cache>, two: Option<Cache>) -> Option<Cache> {
    match (one, two) {
        (Some(Cache::Hour), _) | (_, Some(Cache::Hour)) => Some(Cache::Hour),
        (one, two) => one.or(two),
    }
}

/// Writes the mark as the next block, for Nova without a time: it knows but one.
pub(super) fn write(json: &mut Json, wish: Cache, family: Family) {
    json.object(|json| {
        json.key("cachePoint").object(|json| {
            json.key("type").str("default");
            if wish == Cache::Hour && family == Family::Claude {
                json.key("ttl").str("1h");
            }
        });
    });
}
