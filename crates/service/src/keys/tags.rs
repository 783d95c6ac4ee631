//! Tags of keys.

use state::KeyChange;

use super::changes;
use crate::api::keys::{TagResourceInput, UntagResourceInput};
use crate::shape::keys::{TagKeyRequest, UntagKeyRequest, tag_key, untag_key};

changes! {
    /// Sets tags of a key.
    TagKey(TagResourceInput => TagKeyRequest) = tag_key, |request, _| KeyChange::Tag(request.tags.clone());
    /// Takes tags from a key.
    UntagKey(UntagResourceInput => UntagKeyRequest) = untag_key, |request, _| KeyChange::Untag(request.keys.clone());
}
