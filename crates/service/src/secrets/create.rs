//! CreateSecret.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use super::default_key::{KeyOfSecret, shown_id};
use super::new_arn;
use super::replication::{describe, no_cross_account, replicas};
use crate::api::{CreateSecretInput, CreateSecretOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, CreateSecretRequest};
use crate::vault::VersionOf;

/// Makes a secret, with or without a first version.
///
/// Whether the name is free, and whether the token was used before, is for `apply` to say: the command is proposed
/// in any case, and a retry is answered with the secret that it finds.
pub(crate) struct CreateSecret;

impl UseCase for CreateSecret {
    type Input = CreateSecretInput;
    type Request = CreateSecretRequest;
    type Output = CreateSecretOutput;
    const ACTION: Action = Action::CreateSecret;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::create_secret(input)
    }
}

impl Write for CreateSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = KeyOfSecret::asked(request.kms_key_id.as_deref(), &view.namespace, view)?;
        if request.of_other_account {
            return Err(no_cross_account());
        }
        let add_replicas = replicas(&request.replicas, view)?;
        let key = match key.or_made(&view.namespace, view) {
            Ok(key) => key,
            Err(make) => return Ok(Plan::Prepare(*make)),
        };
        let arn = new_arn(&view.namespace, &request.name);
        let of = VersionOf { namespace: &view.namespace, name: &request.name, arn: &arn, version: &request.token };
        let value = request.value.as_ref().map(|value| view.vault.seal(view.state(), key, &of, value)).transpose()?;
        Ok(Plan::Propose(Command::CreateSecret(state::CreateSecret {
            namespace: view.namespace.clone(),
            name: request.name.clone(),
            token: request.token.clone(),
            description: request.description.clone(),
            kms_key_id: shown_id(key, &view.namespace),
            tags: request.tags.clone(),
            value,
            arn,
            add_replicas,
        })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        let (arn, name, version_id, regions) = match applied {
            Applied::Written { arn, name, version, .. } => (arn, name, version, Vec::new()),
            Applied::Replicated { arn, name, version, regions } => (arn, name, version, regions),
            _ => return None,
        };
        Some(CreateSecretOutput { arn, name, version_id, replication_status: describe(regions) })
    }
}
