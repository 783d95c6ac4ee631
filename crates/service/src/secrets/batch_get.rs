//! BatchGetSecretValue.

use std::sync::Arc;

use futures_util::future::join_all;
use state::Secret;
use types::{ApiError, Namespace, SecretArn};

use super::get::current;
use super::list::page;
use super::next_token::Lister;
use crate::api::{BatchErrorOutput, BatchGetSecretValueInput, BatchGetSecretValueOutput};
use crate::authorize::{Action, Authorized, Target, authorize};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, BatchGetSecretValueRequest, NamedSecret};

/// Reads the current values of several secrets: each as GetSecretValue would, and each failing alone.
pub(crate) struct BatchGetSecretValue;

impl UseCase for BatchGetSecretValue {
    type Input = BatchGetSecretValueInput;
    type Request = BatchGetSecretValueRequest;
    type Output = BatchGetSecretValueOutput;
    const ACTION: Action = Action::BatchGetSecretValue;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::batch_get_secret_value(input, namespace)
    }
}

/// A secret of a batch by the name that an error gives it.
type Found<'a> = (String, Result<&'a Arc<Secret>, ApiError>);

impl Read for BatchGetSecretValue {
    const MAY_BE_RELAXED: bool = true;

    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let listed: Vec<Arc<Secret>>;
        let (found, next_token): (Vec<Found<'_>>, _) = match &*request {
            BatchGetSecretValueRequest::Named(secrets) => {
                (secrets.iter().map(|secret| (secret.given.clone(), named(secret, view))).collect(), None)
            }
            BatchGetSecretValueRequest::Listed(request) => {
                let (secrets, next_token) = page(request, view, Lister::BatchGetSecretValue).await?;
                listed = secrets;
                (
                    listed.iter().map(|secret| (secret.arn.as_str().to_owned(), listed_too(secret, view))).collect(),
                    next_token,
                )
            }
        };

        let (mut secret_values, mut errors, mut read) = (Vec::new(), Vec::new(), Vec::new());
        for (secret_id, secret) in found {
            match secret.and_then(|secret| Ok((secret, current(secret, view)?))) {
                Ok((secret, (value, entry))) => {
                    secret_values.push(value);
                    read.push(view.touch(secret, entry));
                }
                Err(error) => errors.push(BatchErrorOutput { secret_id, error }),
            }
        }
        join_all(read).await;
        Ok(BatchGetSecretValueOutput { secret_values, errors, next_token })
    }
}

/// A secret by the caller's name for it, if the caller may read it.
fn named<'a>(secret: &NamedSecret, view: &'a View<'_>) -> Result<&'a Arc<Secret>, ApiError> {
    let target = secret.target.as_ref().map_err(ApiError::clone)?;
    may_read(target, view)?;
    view.live_secret(target)
}

/// A secret that filters found, if the caller may read it.
fn listed_too<'a>(secret: &'a Arc<Secret>, view: &View<'_>) -> Result<&'a Arc<Secret>, ApiError> {
    may_read(&secret.arn, view).map(|()| secret)
}

fn may_read(target: &impl Target, view: &View<'_>) -> Result<(), ApiError> {
    authorize(&view.principal, Action::GetSecretValue, target, &mut None).map(drop)
}

impl Target for SecretArn {
    fn resource(&self) -> Option<&str> {
        Some(self.as_str())
    }
}
