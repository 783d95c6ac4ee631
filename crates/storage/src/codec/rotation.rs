//! The rotation of secrets.

use std::sync::Arc;

use state::{CancelRotateSecret, RotateSecret, Rotation, RotationRules, RotationSchedule};
use types::Timestamp;

use super::DecodeError;
use super::common::{arn, millis, required, shared_text, text, timestamp, version_id};
use crate::schema as pb;

impl From<&RotateSecret> for pb::RotateSecret {
    fn from(rotate: &RotateSecret) -> Self {
        Self {
            target: rotate.target.as_str().to_owned(),
            token: rotate.token.as_str().to_owned(),
            function: text(&rotate.function),
            rules: rotate.rules.as_ref().map(Into::into),
            immediately: rotate.immediately,
        }
    }
}

impl TryFrom<pb::RotateSecret> for RotateSecret {
    type Error = DecodeError;

    fn try_from(rotate: pb::RotateSecret) -> Result<Self, DecodeError> {
        Ok(Self {
            target: arn("RotateSecret.target", &rotate.target)?,
            token: version_id("RotateSecret.token", &rotate.token)?,
            function: shared_text(rotate.function),
            rules: rotate.rules.map(RotationRules::try_from).transpose()?,
            immediately: rotate.immediately,
        })
    }
}

impl From<&CancelRotateSecret> for pb::CancelRotateSecret {
    fn from(cancel: &CancelRotateSecret) -> Self {
        Self { target: cancel.target.as_str().to_owned() }
    }
}

impl TryFrom<pb::CancelRotateSecret> for CancelRotateSecret {
    type Error = DecodeError;

    fn try_from(cancel: pb::CancelRotateSecret) -> Result<Self, DecodeError> {
        Ok(Self { target: arn("CancelRotateSecret.target", &cancel.target)? })
    }
}

impl From<&RotationRules> for pb::RotationRules {
    fn from(rules: &RotationRules) -> Self {
        use pb::rotation_rules::Schedule;
        let schedule = match &rules.schedule {
            RotationSchedule::AfterDays(days) => Schedule::AfterDays(*days),
            RotationSchedule::Expression(expression) => Schedule::Expression(expression.as_ref().to_owned()),
        };
        Self { schedule: Some(schedule), duration: text(&rules.duration) }
    }
}

impl TryFrom<pb::RotationRules> for RotationRules {
    type Error = DecodeError;

    fn try_from(rules: pb::RotationRules) -> Result<Self, DecodeError> {
        use pb::rotation_rules::Schedule;
        let schedule = match required("RotationRules.schedule", rules.schedule)? {
            Schedule::AfterDays(days) => RotationSchedule::AfterDays(days),
            Schedule::Expression(expression) => RotationSchedule::Expression(expression.into()),
        };
        Ok(Self { schedule, duration: shared_text(rules.duration) })
    }
}

impl From<&Rotation> for pb::Rotation {
    fn from(rotation: &Rotation) -> Self {
        Self {
            enabled: rotation.enabled,
            function: rotation.function.as_ref().to_owned(),
            rules: rotation.rules.as_ref().map(Into::into),
            counted_from_ms: rotation.counted_from.as_millis(),
            last_rotated_ms: millis(rotation.last_rotated),
        }
    }
}

pub(super) fn rotation_from(rotation: pb::Rotation) -> Result<Arc<Rotation>, DecodeError> {
    Ok(Arc::new(Rotation {
        enabled: rotation.enabled,
        function: rotation.function.into(),
        rules: rotation.rules.map(RotationRules::try_from).transpose()?,
        counted_from: Timestamp::from_millis(rotation.counted_from_ms),
        last_rotated: timestamp(rotation.last_rotated_ms),
    }))
}
