//! Listings of keys, and of what a key has several of.

use state::EncryptionKey;
use types::{ApiError, KeyId, Namespace};

use super::marker::{self, Listing};
use super::{arn_of, find, material_id};
use crate::api::keys::{
    KeyListEntry, ListKeyPoliciesInput, ListKeyPoliciesOutput, ListKeyRotationsInput, ListKeyRotationsOutput,
    ListKeysInput, ListKeysOutput, ListResourceTagsInput, ListResourceTagsOutput, RotationsListEntry,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::keys::policies::DEFAULT_NAME;
use crate::shape::keys::{
    self as shape, ListKeyPoliciesRequest, ListKeyRotationsRequest, ListKeysRequest, ListResourceTagsRequest,
};

/// A page of what is listed, and the last entry of it if there are more behind.
pub(super) fn page<T: Clone>(entries: impl Iterator<Item = T>, limit: usize) -> (Vec<T>, Option<T>) {
    let mut entries = entries.peekable();
    let page: Vec<T> = entries.by_ref().take(limit).collect();
    let last = page.last().cloned().filter(|_| entries.peek().is_some());
    (page, last)
}

/// Lists the keys of the account in the region.
pub(crate) struct ListKeys;

impl UseCase for ListKeys {
    type Input = ListKeysInput;
    type Request = ListKeysRequest;
    type Output = ListKeysOutput;
    const ACTION: Action = Action::ListKeys;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_keys(input)
    }
}

impl Read for ListKeys {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let of = [&[u8::from(request.own)][..]];
        let after = match &request.page.marker {
            Some(marker) => {
                let position = marker::open(view, Listing::Keys, &of, marker)?;
                Some(KeyId(position[..].try_into().map_err(|_| marker::invalid())?))
            }
            None => None,
        };
        // Nothing is shared with an account by others.
        let keys = view.state().keys_in(&view.namespace, after.as_ref()).filter(|_| request.own);
        let (keys, last) = page(keys, request.page.limit);
        let entry =
            |key: &EncryptionKey| KeyListEntry { key_id: key.id.to_string(), key_arn: arn_of(key.id, &view.namespace) };
        Ok(ListKeysOutput {
            keys: keys.into_iter().map(|key| entry(key)).collect(),
            next_marker: last.map(|key| marker::seal(view, Listing::Keys, &of, &key.id.0)),
        })
    }
}

/// Lists the names of a key's policies, of which there is one.
pub(crate) struct ListKeyPolicies;

impl UseCase for ListKeyPolicies {
    type Input = ListKeyPoliciesInput;
    type Request = ListKeyPoliciesRequest;
    type Output = ListKeyPoliciesOutput;
    const ACTION: Action = Action::ListKeyPolicies;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_key_policies(input, namespace)
    }
}

impl Read for ListKeyPolicies {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        find(&request.key, view)?;
        if request.page.marker.is_some() {
            // No listing is longer than a page, so nobody was ever given a marker.
            return Err(marker::invalid());
        }
        Ok(ListKeyPoliciesOutput { policy_names: vec![DEFAULT_NAME] })
    }
}

/// Lists the rotations of a key, the oldest first.
pub(crate) struct ListKeyRotations;

impl UseCase for ListKeyRotations {
    type Input = ListKeyRotationsInput;
    type Request = ListKeyRotationsRequest;
    type Output = ListKeyRotationsOutput;
    const ACTION: Action = Action::ListKeyRotations;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_key_rotations(input, namespace)
    }
}

impl Read for ListKeyRotations {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        let of = [&key.id.0[..], &[u8::from(request.all_material)]];
        let open = |marker: &String| marker::open_number(view, Listing::Rotations, &of, marker);
        let after = request.page.marker.as_ref().map(open).transpose()?;
        let materials =
            (1..=key.newest_material()).filter(|number| after.is_none_or(|after| u64::from(*number) > after));
        let first_rotated = key.rotated().next().map(|(number, _)| number);
        let is_listed = |number: &u32| request.all_material || first_rotated.is_some_and(|first| *number >= first);
        let (numbers, last) = page(materials.filter(is_listed), request.page.limit);
        let next_marker =
            last.map(|number| marker::seal(view, Listing::Rotations, &of, &u64::from(number).to_le_bytes()));
        let entry = |number| rotation(key, number, request.all_material, &view.namespace);
        Ok(ListKeyRotationsOutput { rotations: numbers.into_iter().map(entry).collect(), next_marker })
    }
}

fn rotation(key: &EncryptionKey, number: u32, all_material: bool, namespace: &Namespace) -> RotationsListEntry {
    let rotation = key.rotated().find(|(rotated, _)| *rotated == number).map(|(_, rotation)| rotation);
    let state = if number == key.newest_material() { "CURRENT" } else { "NON_CURRENT" };
    RotationsListEntry {
        key_id: arn_of(key.id, namespace),
        key_material_id: material_id(key.id, number),
        key_material_state: all_material.then_some(state),
        rotation_date: rotation.map(|rotation| rotation.at),
        rotation_type: rotation.map(|rotation| match rotation.kind {
            state::RotationKind::Automatic => "AUTOMATIC",
            state::RotationKind::OnDemand => "ON_DEMAND",
        }),
    }
}

/// Lists the tags of a key.
pub(crate) struct ListResourceTags;

impl UseCase for ListResourceTags {
    type Input = ListResourceTagsInput;
    type Request = ListResourceTagsRequest;
    type Output = ListResourceTagsOutput;
    const ACTION: Action = Action::ListResourceTags;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_resource_tags(input, namespace)
    }
}

impl Read for ListResourceTags {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        let of = [&key.id.0[..]];
        // In the order of their keys, which a page may begin behind whatever becomes of the tag itself.
        let after = match &request.page.marker {
            Some(marker) => Some(marker::open(view, Listing::Tags, &of, marker)?),
            None => None,
        };
        let mut tags: Vec<_> = key.tags.iter().collect();
        tags.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let behind = |tag: &&types::Tag| after.as_ref().is_none_or(|after| tag.key.as_bytes() > &after[..]);
        let (tags, last) = page(tags.into_iter().filter(behind), request.page.limit);
        Ok(ListResourceTagsOutput {
            next_marker: last.map(|tag| marker::seal(view, Listing::Tags, &of, tag.key.as_bytes())),
            tags: tags.into_iter().cloned().collect(),
        })
    }
}
