//! New material for keys. What older material has encrypted, it decrypts for ever.

use key_service::{Barrier, KeyMaterial};
use state::{Applied, EncryptionKey, KeyChange, KeyRefusal, KeyState, RotateKey, RotationKind};
use types::{ApiError, Namespace, limits};

use super::{arn_of, change, changes, find, refusal_of, usable};
use crate::api::keys::{
    DisableKeyRotationInput, EnableKeyRotationInput, GetKeyRotationStatusInput, GetKeyRotationStatusOutput,
    RotateKeyOnDemandInput, RotateKeyOnDemandOutput,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::keys::{self as shape, EnableKeyRotationRequest, KeyRequest};

changes! {
    /// Has a key rotate by itself. Without a period it keeps the one that it has.
    EnableKeyRotation(EnableKeyRotationInput => EnableKeyRotationRequest) = shape::enable_key_rotation,
        |request, key| {
            let known = key.rotation.map(|rotation| rotation.period_days);
            KeyChange::Rotation(request.period_days.or(known).or(Some(limits::DEFAULT_KEY_ROTATION_DAYS)))
        };
    /// Has a key rotate by itself no more.
    DisableKeyRotation(DisableKeyRotationInput => KeyRequest) = shape::disable_key_rotation,
        |_, _| KeyChange::Rotation(None);
}

/// Shows how a key rotates.
pub(crate) struct GetKeyRotationStatus;

impl UseCase for GetKeyRotationStatus {
    type Input = GetKeyRotationStatusInput;
    type Request = KeyRequest;
    type Output = GetKeyRotationStatusOutput;
    const ACTION: Action = Action::GetKeyRotationStatus;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::get_key_rotation_status(input, namespace)
    }
}

impl Read for GetKeyRotationStatus {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        let is_going = matches!(key.state, KeyState::PendingDeletion { .. });
        let rotation = key.rotation.filter(|_| !is_going);
        Ok(GetKeyRotationStatusOutput {
            key_rotation_enabled: rotation.is_some(),
            key_id: arn_of(key.id, &view.namespace),
            rotation_period_in_days: rotation.and_then(|rotation| u16::try_from(rotation.period_days).ok()),
            next_rotation_date: rotation.map(|rotation| rotation.next()),
            on_demand_rotation_start_date: None,
        })
    }
}

/// Gives a key new material now.
pub(crate) struct RotateKeyOnDemand;

impl UseCase for RotateKeyOnDemand {
    type Input = RotateKeyOnDemandInput;
    type Request = KeyRequest;
    type Output = RotateKeyOnDemandOutput;
    const ACTION: Action = Action::RotateKeyOnDemand;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::rotate_key_on_demand(input, namespace)
    }
}

impl Write for RotateKeyOnDemand {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = usable(&request.key, Self::ACTION, view)?;
        Ok(change(key, KeyChange::Rotate(new_material(key, RotationKind::OnDemand, view.barrier))))
    }

    fn output(applied: Applied, _: &Self::Request, view: &View<'_>) -> Option<Self::Output> {
        let Applied::KeyRotated { key, .. } = applied else { return None };
        Some(RotateKeyOnDemandOutput { key_id: arn_of(key, &view.namespace) })
    }

    fn refused_by_key(refusal: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

/// The next material of a key, sealed.
pub(super) fn new_material(key: &EncryptionKey, kind: RotationKind, barrier: &Barrier) -> RotateKey {
    let number = key.newest_material().saturating_add(1);
    let material = KeyMaterial::generate(key.account, key.id, number).seal(barrier).into();
    RotateKey { number, material, kind }
}
