//! DescribeSecret, and the description that listings share.

use state::{Secret, State};
use types::{ApiError, Namespace};

use super::{replication, rotation};
use crate::api::{DescribeSecretInput, SecretDescription};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, DescribeSecretRequest};

/// Reads a secret's metadata, also while it is scheduled for deletion.
pub(crate) struct DescribeSecret;

impl UseCase for DescribeSecret {
    type Input = DescribeSecretInput;
    type Request = DescribeSecretRequest;
    type Output = SecretDescription;
    const ACTION: Action = Action::DescribeSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::describe_secret(input, namespace)
    }
}

impl Read for DescribeSecret {
    const MAY_BE_RELAXED: bool = true;

    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let secret = view.secret(&request.secret)?;
        let replication_status = replication::describe(view.state().replication(secret));
        Ok(SecretDescription { replication_status, ..describe(secret, view.state()) })
    }
}

/// What listings tell: all but the regions.
pub(super) fn describe(secret: &Secret, state: &State) -> SecretDescription {
    let versions = secret.versions.iter().map(|entry| &entry.version.id);
    let labelled = versions.map(|id| (id.clone(), secret.stages_of(id))).filter(|(_, stages)| !stages.is_empty());
    SecretDescription {
        arn: secret.arn.clone(),
        name: secret.name.clone(),
        description: secret.description.as_deref().map(str::to_owned),
        kms_key_id: secret.kms_key_id.as_deref().map(str::to_owned),
        tags: secret.tags.clone(),
        created_date: secret.created,
        last_changed_date: secret.last_changed,
        last_accessed_date: secret.last_accessed,
        deleted_date: secret.deletion_date,
        primary_region: state.primary_region(secret).cloned(),
        replication_status: Vec::new(),
        rotation: rotation::describe(secret),
        version_ids_to_stages: labelled.collect(),
    }
}
