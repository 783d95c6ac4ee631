//! ListSecrets.
//!
//! The orders of creation and of names are kept by the state: a page walks there from where the last one ended. The
//! other orders are not kept, so a page looks at every candidate and keeps the first few. So it does for the order of
//! creation too, where the prefix of a name leaves few candidates: those do not lie together in that order.

use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::sync::Arc;
use std::time::Instant;

use state::{NamespaceIndex, Secret, SecretUid};
use types::{ApiError, ErrorCode, Namespace, SecretName, limits};

use super::describe::describe;
use super::filter::{matches_all, name_prefix};
use super::next_token::{Lister, Listing, Position};
use crate::api::{ListSecretsInput, ListSecretsOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, ListSecretsRequest, SortBy};

/// Secrets that a listing looks at before it lets other requests run.
const SECRETS_PER_TURN: usize = 64;

/// Lists the metadata of secrets.
pub(crate) struct ListSecrets;

impl UseCase for ListSecrets {
    type Input = ListSecretsInput;
    type Request = ListSecretsRequest;
    type Output = ListSecretsOutput;
    const ACTION: Action = Action::ListSecrets;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_secrets(input)
    }
}

impl Read for ListSecrets {
    const MAY_BE_RELAXED: bool = true;

    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let (secrets, next_token) = page(&request, view, Lister::ListSecrets).await?;
        Ok(ListSecretsOutput {
            secrets: secrets.iter().map(|secret| describe(secret, view.state())).collect(),
            next_token,
        })
    }
}

/// One page of secrets, and the token of the next one.
///
/// # Errors
/// InvalidNextToken; ServiceUnavailable after the deadline.
pub(super) async fn page(
    request: &ListSecretsRequest,
    view: &View<'_>,
    lister: Lister,
) -> Result<(Vec<Arc<Secret>>, Option<String>), ApiError> {
    let listing = Listing { lister, principal: &view.principal, namespace: &view.namespace, request };
    let after = request.next_token.as_deref().map(|token| listing.open(view.barrier, token)).transpose()?;
    let Some(index) = view.state().namespace(&view.namespace) else { return Ok((Vec::new(), None)) };
    let mut scan = Scan { view, request, looked_at: 0 };
    let page = match request.sort_by {
        SortBy::CreatedDate if are_few(index, request) => scan.select(index, after).await?,
        SortBy::CreatedDate => scan.walk(by_creation(index, request, after)).await?,
        SortBy::Name => scan.walk(by_name(index, request, after)).await?,
        SortBy::LastAccessedDate | SortBy::LastChangedDate => scan.select(index, after).await?,
    };
    Ok((page.secrets, page.ended_at.map(|position| listing.seal(view.barrier, &position))))
}

/// One page, and where it ended if there may be another.
struct Page {
    secrets: Vec<Arc<Secret>>,
    ended_at: Option<Position>,
}

type Candidates<'a> = Box<dyn Iterator<Item = SecretUid> + Send + 'a>;

struct Scan<'a> {
    view: &'a View<'a>,
    request: &'a ListSecretsRequest,
    looked_at: usize,
}

impl<'a> Scan<'a> {
    /// Takes the first matches of candidates that come in the listing's order.
    async fn walk(&mut self, candidates: Candidates<'_>) -> Result<Page, ApiError> {
        let mut page = Page { secrets: Vec::new(), ended_at: None };
        let mut last: Option<&Arc<Secret>> = None;
        for uid in candidates {
            if self.looked_at == limits::LIST_SCAN_ENTRIES {
                page.ended_at = last.map(|secret| Position::of(secret, self.request.sort_by));
                break;
            }
            let Some(secret) = self.look_at(uid).await? else { continue };
            if self.is_listed(secret) {
                if page.secrets.len() == self.request.max_results {
                    page.ended_at = page.secrets.last().map(|secret| Position::of(secret, self.request.sort_by));
                    break;
                }
                page.secrets.push(secret.clone());
            }
            last = Some(secret);
        }
        Ok(page)
    }

    /// Takes the first matches, in the listing's order, of candidates that come in any order.
    async fn select(&mut self, index: &NamespaceIndex, after: Option<Position>) -> Result<Page, ApiError> {
        let ListSecretsRequest { sort_by, descending, max_results, .. } = *self.request;
        let candidates: Candidates<'_> = match name_prefix(&self.request.filters) {
            Some(_) => by_name(index, self.request, None),
            None => Box::new(index.by_creation.iter().copied()),
        };
        // One more than the page tells whether there is another.
        let mut first = BTreeMap::new();
        for uid in candidates {
            let Some(secret) = self.look_at(uid).await? else { continue };
            let position = Position::of(secret, sort_by);
            let is_after =
                after.as_ref().is_none_or(|after| if descending { position < *after } else { position > *after });
            if !is_after || !self.is_listed(secret) {
                continue;
            }
            first.insert(position, secret.clone());
            if first.len() > max_results + 1 {
                if descending {
                    first.pop_first()
                } else {
                    first.pop_last()
                };
            }
        }
        let more = first.len() > max_results;
        let mut secrets: Vec<_> = first.into_values().collect();
        if descending {
            secrets.reverse();
        }
        secrets.truncate(max_results);
        let ended_at = secrets.last().filter(|_| more).map(|secret| Position::of(secret, sort_by));
        Ok(Page { secrets, ended_at })
    }

    /// The secret, after others had their turn.
    async fn look_at(&mut self, uid: SecretUid) -> Result<Option<&'a Arc<Secret>>, ApiError> {
        self.looked_at += 1;
        if self.looked_at.is_multiple_of(SECRETS_PER_TURN) {
            if Instant::now() >= self.view.deadline {
                return Err(ErrorCode::ServiceUnavailable.into());
            }
            tokio::task::yield_now().await;
        }
        Ok(self.view.state().secret(uid))
    }

    fn is_listed(&self, secret: &Secret) -> bool {
        (self.request.include_planned_deletion || !secret.is_scheduled_for_deletion())
            && matches_all(&self.request.filters, secret, self.view.state().primary_region(secret))
    }
}

/// Whether the filters ask for a prefix that so few names have that it is less to look at all of them than to come upon a
/// page of them in the order of creation.
fn are_few(index: &NamespaceIndex, request: &ListSecretsRequest) -> bool {
    let few = index.by_name.len().saturating_mul(request.max_results).isqrt();
    name_prefix(&request.filters).is_some() && by_name(index, request, None).nth(few).is_none()
}

fn by_creation<'a>(index: &'a NamespaceIndex, request: &ListSecretsRequest, after: Option<Position>) -> Candidates<'a> {
    let after = match after {
        Some(Position::Created(uid)) => Excluded(uid),
        _ => Unbounded,
    };
    if request.descending {
        Box::new(index.by_creation.range((Unbounded, after)).rev().copied())
    } else {
        Box::new(index.by_creation.range((after, Unbounded)).copied())
    }
}

fn by_name<'a>(index: &'a NamespaceIndex, request: &ListSecretsRequest, after: Option<Position>) -> Candidates<'a> {
    let Some((first, last)) = name_bounds(name_prefix(&request.filters)) else {
        return Box::new(std::iter::empty());
    };
    let after = match after {
        Some(Position::Name(name)) => Some(Excluded(name)),
        _ => None,
    };
    if request.descending {
        Box::new(index.by_name.range((first, after.unwrap_or(last))).rev().map(|(_, uid)| *uid))
    } else {
        Box::new(index.by_name.range((after.unwrap_or(first), last)).map(|(_, uid)| *uid))
    }
}

/// The bounds of all names with that prefix; `None` when no name has it.
fn name_bounds(prefix: Option<&str>) -> Option<(Bound<SecretName>, Bound<SecretName>)> {
    let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else { return Some((Unbounded, Unbounded)) };
    let first = SecretName::parse(prefix).ok()?;
    // No character of a name is greater than `z`.
    let last = SecretName::parse(&format!("{prefix:z<width$}", width = limits::SECRET_NAME_CHARS)).ok()?;
    Some((Included(first), Included(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_all_names_of_a_prefix_and_no_other() {
        let name = |text: &str| SecretName::parse(text).unwrap();
        let Some((Included(first), Included(last))) = name_bounds(Some("prod/")) else { panic!("no bounds") };
        for inside in ["prod/", "prod/!", "prod/a", "prod/zzz", &format!("prod/{}", "z".repeat(507))] {
            assert!((&first..=&last).contains(&&name(inside)), "{inside}");
        }
        for outside in ["prod", "prod.", "prod0", "proe", "a", "z"] {
            assert!(!(&first..=&last).contains(&&name(outside)), "{outside}");
        }
        assert_eq!(name_bounds(Some("not a name")), None);
        assert_eq!(name_bounds(Some(&"x".repeat(513))), None);
        assert_eq!(name_bounds(Some("")), Some((Unbounded, Unbounded)));
    }
}
