//! The tags of a secret: `None` if it was never tagged, empty after all were removed.

use std::sync::Arc;

use types::{ApiError, Tag, limits};

use crate::refusals::tag_quota;

/// The tags with others put over them: a known key keeps its place, new ones come behind.
///
/// # Errors
/// InvalidParameter past the quota.
pub(crate) fn with(tags: Option<&Vec<Tag>>, new: Vec<Tag>) -> Result<Option<Vec<Tag>>, ApiError> {
    if new.is_empty() {
        return Ok(tags.cloned());
    }
    let mut next = tags.cloned().unwrap_or_default();
    let before = next.len();
    for tag in new {
        match next.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value = tag.value,
            None => next.push(tag),
        }
    }
    if next.len() > before.max(limits::TAGS_PER_SECRET) { Err(tag_quota()) } else { Ok(Some(next)) }
}

/// The tags without those of the keys.
pub(crate) fn without(tags: Option<&Vec<Tag>>, keys: &[Arc<str>]) -> Option<Vec<Tag>> {
    tags.map(|tags| tags.iter().filter(|tag| !keys.contains(&tag.key)).cloned().collect())
}
