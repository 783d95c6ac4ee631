//! Keys themselves: how they are made, when they may be used, and their end.

use key_service::KeyMaterial;
use state::{Applied, Command, EncryptionKey, KeyChange, KeyManager, KeyRefusal, KeyState};
use types::{ApiError, KeyId, Namespace};

use super::{
    SYMMETRIC_DEFAULT, arn_of, change, changes, find, lockout, material_id, new_uuid, policies, refusal, refusal_of,
};
use crate::api::keys::{
    CancelKeyDeletionInput, CancelKeyDeletionOutput, CreateKeyInput, CreateKeyOutput, DescribeKeyInput,
    DescribeKeyOutput, DisableKeyInput, EnableKeyInput, KeyMetadata, ScheduleKeyDeletionInput,
    ScheduleKeyDeletionOutput, UpdateKeyDescriptionInput,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::keys::{
    self as shape, CreateKeyRequest, KeyRequest, ScheduleKeyDeletionRequest, UpdateKeyDescriptionRequest,
};

const PENDING_DELETION: &str = "PendingDeletion";

/// Makes a key.
pub(crate) struct CreateKey;

impl UseCase for CreateKey {
    type Input = CreateKeyInput;
    type Request = CreateKeyRequest;
    type Output = CreateKeyOutput;
    const ACTION: Action = Action::CreateKey;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::create_key(input)
    }
}

impl Write for CreateKey {
    const ANSWERS_FROM_STATE: bool = true;

    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = KeyId(new_uuid());
        let policy = match &request.policy {
            Some(read) => {
                if !request.bypass_lockout_check {
                    lockout::must_not_lock_out(&read.policy, &arn_of(key, &view.namespace), &view.principal)?;
                }
                read.text.clone()
            }
            None => policies::default_policy(view.namespace.account).into(),
        };
        Ok(Plan::Propose(Command::CreateKey(state::CreateKey {
            namespace: view.namespace.clone(),
            key,
            material: KeyMaterial::generate(view.namespace.account, key, 1).seal(view.barrier).into(),
            manager: KeyManager::Customer,
            alias: None,
            description: request.description.clone(),
            policy: Some(policy),
            tags: request.tags.clone(),
            rotation_period_days: None,
        })))
    }

    fn output(applied: Applied, _: &Self::Request, view: &View<'_>) -> Option<Self::Output> {
        let Applied::KeyChanged { key } = applied else { return None };
        let key = view.state().encryption_key(&key)?;
        Some(CreateKeyOutput { key_metadata: metadata(key, &view.namespace) })
    }

    fn refused_by_key(what: KeyRefusal, _: &Self::Request, view: &View<'_>) -> ApiError {
        // None of the refusals of a new key names it.
        refusal(what, KeyId::default(), Self::ACTION, view)
    }
}

/// Shows a key.
///
/// It is never relaxed, as nothing about keys is.
pub(crate) struct DescribeKey;

impl UseCase for DescribeKey {
    type Input = DescribeKeyInput;
    type Request = KeyRequest;
    type Output = DescribeKeyOutput;
    const ACTION: Action = Action::DescribeKey;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::describe_key(input, namespace)
    }
}

impl Read for DescribeKey {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        Ok(DescribeKeyOutput { key_metadata: metadata(key, &view.namespace) })
    }
}

changes! {
    /// Lets a key be used again.
    EnableKey(EnableKeyInput => KeyRequest) = shape::enable_key, |_, _| KeyChange::Enable;
    /// Lets a key be used no more, until it is enabled again.
    DisableKey(DisableKeyInput => KeyRequest) = shape::disable_key, |_, _| KeyChange::Disable;
    /// Describes a key anew.
    UpdateKeyDescription(UpdateKeyDescriptionInput => UpdateKeyDescriptionRequest) = shape::update_key_description,
        |request, _| KeyChange::Description(request.description.clone());
}

/// Has a key deleted after a waiting period, in which it is not used.
pub(crate) struct ScheduleKeyDeletion;

impl UseCase for ScheduleKeyDeletion {
    type Input = ScheduleKeyDeletionInput;
    type Request = ScheduleKeyDeletionRequest;
    type Output = ScheduleKeyDeletionOutput;
    const ACTION: Action = Action::ScheduleKeyDeletion;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::schedule_key_deletion(input, namespace)
    }
}

impl Write for ScheduleKeyDeletion {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = find(&request.key, view)?;
        Ok(change(key, KeyChange::ScheduleDeletion { window_days: request.window_days }))
    }

    fn output(applied: Applied, request: &Self::Request, view: &View<'_>) -> Option<Self::Output> {
        let Applied::KeyDeletionScheduled { key, deletion_date } = applied else { return None };
        Some(ScheduleKeyDeletionOutput {
            key_id: arn_of(key, &view.namespace),
            deletion_date,
            key_state: PENDING_DELETION,
            pending_window_in_days: u16::try_from(request.window_days).ok()?,
        })
    }

    fn refused_by_key(refusal: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

/// Has a key that was to be deleted stay. It is disabled then.
pub(crate) struct CancelKeyDeletion;

impl UseCase for CancelKeyDeletion {
    type Input = CancelKeyDeletionInput;
    type Request = KeyRequest;
    type Output = CancelKeyDeletionOutput;
    const ACTION: Action = Action::CancelKeyDeletion;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::cancel_key_deletion(input, namespace)
    }
}

impl Write for CancelKeyDeletion {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        Ok(change(find(&request.key, view)?, KeyChange::CancelDeletion))
    }

    fn output(applied: Applied, _: &Self::Request, view: &View<'_>) -> Option<Self::Output> {
        let Applied::KeyChanged { key } = applied else { return None };
        Some(CancelKeyDeletionOutput { key_id: arn_of(key, &view.namespace) })
    }

    fn refused_by_key(refusal: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

fn metadata(key: &EncryptionKey, namespace: &Namespace) -> KeyMetadata {
    KeyMetadata {
        account: key.account,
        key_id: key.id.to_string(),
        arn: arn_of(key.id, namespace),
        creation_date: key.created,
        enabled: key.is_enabled(),
        description: key.description.as_ref().to_owned(),
        key_usage: "ENCRYPT_DECRYPT",
        key_state: match key.state {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion { .. } => PENDING_DELETION,
        },
        deletion_date: key.deletion_date(),
        pending_deletion_window_in_days: None,
        origin: "AWS_KMS",
        key_manager: match key.manager {
            KeyManager::Service => "AWS",
            KeyManager::Customer => "CUSTOMER",
        },
        key_spec: SYMMETRIC_DEFAULT,
        encryption_algorithms: vec![SYMMETRIC_DEFAULT],
        multi_region: false,
        current_key_material_id: Some(material_id(key.id, key.newest_material())),
    }
}
