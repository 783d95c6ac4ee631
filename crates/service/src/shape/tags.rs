//! Tags: what the API says beside their lengths.

use std::collections::HashSet;
use std::sync::Arc;

use types::{ApiError, ErrorCode, Tag, limits};

use super::constraints::Constraints;
use crate::api::TagInput;

const RESERVED_PREFIX: &str = "aws:";

/// Takes the keys of tags that go, each once.
pub(super) fn take_keys(constraints: &mut Constraints, input: Option<Vec<String>>) -> Vec<Arc<str>> {
    let Some(keys) = input else {
        constraints.null("tagKeys");
        return Vec::new();
    };
    constraints.members("tagKeys", Some(keys.len()), 0..=limits::TAG_KEYS_PER_REQUEST);
    constraints.each("tagKeys", &keys, 1..=limits::TAG_KEY_CHARS, None);
    let mut seen = HashSet::new();
    keys.into_iter().map(Arc::from).filter(|key: &Arc<str>| seen.insert(key.clone())).collect()
}

/// Takes the tags of an input, with the constraints of their shapes.
pub(super) fn take(constraints: &mut Constraints, input: Option<Vec<TagInput>>) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (position, tag) in input.unwrap_or_default().into_iter().enumerate() {
        let member = format!("tags.{}.member", position + 1);
        let key = constraints.required(&format!("{member}.key"), tag.key, 1..=limits::TAG_KEY_CHARS);
        let value = constraints.text(&format!("{member}.value"), tag.value, 0..=limits::TAG_VALUE_CHARS);
        tags.push(Tag { key: key.into(), value: value.unwrap_or_default().into() });
    }
    tags
}

/// Checks the rules of a whole set of tags.
///
/// # Errors
/// InvalidParameter for a reserved or duplicate key or a character that no tag has; `too_many` for more tags than a
/// secret can have, a code that AWS's model of the operation has.
pub(super) fn check(tags: &[Tag], too_many: ErrorCode) -> Result<(), ApiError> {
    let mut keys = HashSet::new();
    for tag in tags {
        if tag.key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX)) {
            return Err(invalid("Tag keys that start with aws: are reserved for AWS use."));
        }
        if !tag.key.chars().chain(tag.value.chars()).all(is_allowed) {
            return Err(invalid(
                "Tag keys and values can have only letters, digits, spaces and the characters + - = . _ : / @",
            ));
        }
        if !keys.insert(&tag.key) {
            return Err(invalid("Duplicate tag keys found. Each tag key can be specified only once."));
        }
    }
    if tags.len() > limits::TAGS_PER_SECRET {
        let most = limits::TAGS_PER_SECRET;
        return Err(ApiError::new(too_many, format!("A secret can have at most {most} tags.")));
    }
    Ok(())
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || "+-=._:/@".contains(c)
}

fn invalid(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message)
}
