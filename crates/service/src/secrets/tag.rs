//! TagResource and UntagResource.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use crate::api::{TagResourceInput, UntagResourceInput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, TagResourceRequest, UntagResourceRequest};

/// Sets tags of a secret.
pub(crate) struct TagResource;

impl UseCase for TagResource {
    type Input = TagResourceInput;
    type Request = TagResourceRequest;
    type Output = ();
    const ACTION: Action = Action::TagResource;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::tag_resource(input, namespace)
    }
}

impl Write for TagResource {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        Ok(Plan::Propose(Command::TagResource(state::TagResource { target, tags: request.tags.clone() })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        super::secret_output(applied).map(drop)
    }
}

/// Removes tags of a secret.
pub(crate) struct UntagResource;

impl UseCase for UntagResource {
    type Input = UntagResourceInput;
    type Request = UntagResourceRequest;
    type Output = ();
    const ACTION: Action = Action::UntagResource;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::untag_resource(input, namespace)
    }
}

impl Write for UntagResource {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        Ok(Plan::Propose(Command::UntagResource(state::UntagResource { target, keys: request.keys.clone() })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        super::secret_output(applied).map(drop)
    }
}
