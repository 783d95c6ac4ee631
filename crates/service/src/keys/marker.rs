//! Markers: where the next page of a listing of keys begins, sealed for the listing that it belongs to; and grant
//! tokens, which are sealed in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use key_service::SealedKind;
use state::GrantId;
use types::{ApiError, ErrorCode, KeyId};
use zeroize::Zeroizing;

use crate::door::View;

/// What a marker's binding begins with: none of one kind of listing is good for another. NextTokens of secrets begin
/// with numbers below 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Listing {
    Keys = 16,
    Aliases = 17,
    Grants = 18,
    RetirableGrants = 19,
    Rotations = 20,
    Tags = 21,
}

const GRANT_TOKEN: u8 = 32;

/// The marker of a place in a listing. `of` says what is listed beside the kind, each part for itself.
pub(super) fn seal(view: &View<'_>, listing: Listing, of: &[&[u8]], position: &[u8]) -> String {
    sealed(view, &bound_to(view, listing as u8, of), position)
}

/// The place that a marker of this listing stands for.
///
/// # Errors
/// InvalidMarker for any other text.
pub(super) fn open(
    view: &View<'_>,
    listing: Listing,
    of: &[&[u8]],
    marker: &str,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    opened(view, &bound_to(view, listing as u8, of), marker).ok_or_else(invalid)
}

/// The marker of a listing by numbers.
pub(super) fn open_number(view: &View<'_>, listing: Listing, of: &[&[u8]], marker: &str) -> Result<u64, ApiError> {
    let position = open(view, listing, of, marker)?;
    position[..].try_into().map(u64::from_le_bytes).map_err(|_| invalid())
}

/// What is said of a marker that was not made for the request.
pub(super) fn invalid() -> ApiError {
    ApiError::new(ErrorCode::InvalidMarker, "The marker is not valid for this request.")
}

/// The token of a grant.
pub(super) fn grant_token(view: &View<'_>, key: KeyId, grant: GrantId) -> String {
    let names = [&key.0[..], &grant.0].concat();
    sealed(view, &token_bound_to(view), &names)
}

/// The grant that a token stands for, whoever has it: `None` for what is no token of the account and region.
pub(super) fn grant_of_token(view: &View<'_>, token: &str) -> Option<(KeyId, GrantId)> {
    let names = opened(view, &token_bound_to(view), token)?;
    let (key, grant) = names.split_first_chunk::<16>()?;
    Some((KeyId(*key), GrantId(grant.try_into().ok()?)))
}

/// What a marker is bound to: unambiguous, and equal for equal listings. The size of the page is not in it.
fn bound_to(view: &View<'_>, kind: u8, of: &[&[u8]]) -> Vec<u8> {
    let mut bytes = token_binding(view, kind);
    put(&mut bytes, view.principal.arn().as_bytes());
    of.iter().for_each(|part| put(&mut bytes, part));
    bytes
}

fn token_bound_to(view: &View<'_>) -> Vec<u8> {
    token_binding(view, GRANT_TOKEN)
}

fn token_binding(view: &View<'_>, kind: u8) -> Vec<u8> {
    let mut bytes = vec![kind];
    put(&mut bytes, view.namespace.account.to_string().as_bytes());
    put(&mut bytes, view.namespace.region.as_str().as_bytes());
    bytes
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn sealed(view: &View<'_>, bound_to: &[u8], content: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(view.barrier.seal(SealedKind::NextToken, bound_to, content))
}

fn opened(view: &View<'_>, bound_to: &[u8], text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    view.barrier.open(SealedKind::NextToken, bound_to, &sealed).ok()
}
