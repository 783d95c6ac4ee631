//! ListSecretVersionIds.

use state::{Secret, VersionEntry};
use types::{ApiError, Namespace};

use super::default_key::listed_id;
use super::next_token::VersionListing;
use crate::api::{ListSecretVersionIdsInput, ListSecretVersionIdsOutput, VersionDescription};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, ListSecretVersionIdsRequest};

/// Lists the versions of a secret that have a value, also while it is scheduled for deletion.
pub(crate) struct ListSecretVersionIds;

impl UseCase for ListSecretVersionIds {
    type Input = ListSecretVersionIdsInput;
    type Request = ListSecretVersionIdsRequest;
    type Output = ListSecretVersionIdsOutput;
    const ACTION: Action = Action::ListSecretVersionIds;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_secret_version_ids(input, namespace)
    }
}

impl Read for ListSecretVersionIds {
    const MAY_BE_RELAXED: bool = true;

    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let secret = view.secret(&request.secret)?;
        let listing = VersionListing {
            principal: &view.principal,
            arn: &secret.arn,
            include_deprecated: request.include_deprecated,
        };
        let after = request.next_token.as_deref().map(|token| listing.open(view.barrier, token)).transpose()?;

        let is_listed = |entry: &&VersionEntry| {
            entry.version.value.is_some()
                && after.is_none_or(|after| entry.version.part > after)
                && (request.include_deprecated || secret.is_labelled(&entry.version.id))
        };
        let mut listed = secret.versions.iter().filter(is_listed).peekable();
        let page: Vec<&VersionEntry> = listed.by_ref().take(request.max_results).collect();
        let ended_at = page.last().filter(|_| listed.peek().is_some()).map(|entry| entry.version.part);
        Ok(ListSecretVersionIdsOutput {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            versions: page.into_iter().map(|entry| describe(secret, entry, view)).collect(),
            next_token: ended_at.map(|part| listing.seal(view.barrier, part)),
        })
    }
}

fn describe(secret: &Secret, entry: &VersionEntry, view: &View<'_>) -> VersionDescription {
    let version = &entry.version;
    VersionDescription {
        version_id: version.id.clone(),
        version_stages: secret.stages_of(&version.id),
        created_date: version.created,
        last_accessed_date: entry.last_accessed,
        kms_key_ids: version.value.iter().map(|sealed| listed_id(secret, sealed, view.state())).collect(),
    }
}
