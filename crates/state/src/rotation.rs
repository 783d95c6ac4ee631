//! The rotation of secrets: who does it, when, and the version that it begins with.
//!
//! The rules are kept as they were given, with the moment that they count from. When the next rotation is follows from
//! the two, and is computed by those who ask: a schedule is not looked into here. The steps of a rotation are not here
//! either. What they leave behind is: a rotation has begun when AWSPENDING stands on a version that AWSCURRENT does not
//! stand on, and it has come to its end when AWSCURRENT moves there.

use std::fmt;
use std::sync::Arc;

use types::{SecretArn, StagingLabel, Timestamp, VersionId, limits};

use crate::apply::{make_room, written};
use crate::labels::{self, Labels};
use crate::outcome::{Applied, Outcome};
use crate::refusals::{
    label_quota, no_rotation_function, no_rotation_to_cancel, rotation_is_incomplete, token_of_a_value,
};
use crate::secret::{Secret, Version, VersionEntry};
use crate::state::State;

/// How a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Whether it takes place; not after CancelRotateSecret.
    pub enabled: bool,
    /// The ARN of the function that does it.
    pub function: Arc<str>,
    /// When; absent if only when asked for.
    pub rules: Option<RotationRules>,
    /// The moment from which the next rotation is computed: the last rotation, or the last change of the value or of
    /// these rules after it.
    pub counted_from: Timestamp,
    /// When a rotation last came to its end.
    pub last_rotated: Option<Timestamp>,
}

/// When a secret is rotated. The proposer has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRules {
    /// As given.
    pub schedule: RotationSchedule,
    /// The length of the window, as given.
    pub duration: Option<Arc<str>>,
}

/// One of the two ways to say when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationSchedule {
    /// AutomaticallyAfterDays.
    AfterDays(u32),
    /// ScheduleExpression.
    Expression(Arc<str>),
}

/// How a secret is to be rotated from now on, and a rotation.
#[derive(Clone, PartialEq, Eq)]
pub struct RotateSecret {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// The ClientRequestToken, which names the version that the rotation makes.
    pub token: VersionId,
    /// The function; absent for the one that the secret has.
    pub function: Option<Arc<str>>,
    /// Absent for those that the secret has.
    pub rules: Option<RotationRules>,
    /// Whether a rotation begins with the command.
    pub immediately: bool,
}

/// The end of a secret's rotations.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelRotateSecret {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(RotateSecret, CancelRotateSecret);

impl Secret {
    /// The version of a rotation that has not come to its end.
    pub fn rotating(&self) -> Option<&VersionId> {
        self.holder(&StagingLabel::Pending).filter(|pending| self.holder(&StagingLabel::Current) != Some(pending))
    }
}

impl State {
    pub(crate) fn rotate_secret(&mut self, command: RotateSecret) -> Outcome {
        let RotateSecret { target, token, function, rules, immediately } = command;
        let secret = self.live_secret(&target)?;
        if immediately && secret.version(&token).is_some() {
            // The same request again, unless there never was one; by now its rotation may have ended.
            let is_retry = secret.rotation.is_some();
            return if is_retry {
                Ok(written(secret, Some(token)))
            } else {
                Err(token_of_a_value(&token, &target).into())
            };
        }
        if secret.rotating().is_some() {
            return Err(rotation_is_incomplete().into());
        }
        let before = secret.rotation.as_ref();
        let function = function.or_else(|| before.map(|rotation| rotation.function.clone()));
        let rules = rules.or_else(|| before.and_then(|rotation| rotation.rules.clone()));
        let goes_on = before.filter(|rotation| rotation.enabled && rotation.rules == rules);
        let rotation = Rotation {
            enabled: true,
            function: function.ok_or_else(no_rotation_function)?,
            counted_from: goes_on.map_or(self.time, |rotation| rotation.counted_from),
            last_rotated: before.and_then(|rotation| rotation.last_rotated),
            rules,
        };
        let mut next = Secret { rotation: Some(Arc::new(rotation)), ..secret.as_ref().clone() };
        if immediately {
            make_room(&mut next, self.time)?;
            labels::place(&mut next.labels, StagingLabel::Pending, &token);
            if next.labels.len() > limits::STAGING_LABELS_PER_SECRET {
                return Err(label_quota().into());
            }
            let placeholder = Version {
                part: next.draw_part(),
                id: token.clone(),
                created: self.time,
                value: None,
                sealed_under: None,
            };
            next.versions.push(VersionEntry::new(Arc::new(placeholder), None));
        }
        let applied = written(&next, immediately.then_some(token));
        if self.secrets.get(&next.uid).is_none_or(|secret| **secret != next) {
            self.change(next);
        }
        Ok(applied)
    }

    pub(crate) fn cancel_rotate_secret(&mut self, command: &CancelRotateSecret) -> Outcome {
        let secret = self.live_secret(&command.target)?;
        let Some(rotation) = secret.rotation.as_deref() else { return Err(no_rotation_to_cancel().into()) };
        let applied: Applied = written(secret, secret.rotating().cloned());
        if rotation.enabled {
            let cancelled = Rotation { enabled: false, ..rotation.clone() };
            let next = Secret { rotation: Some(Arc::new(cancelled)), ..secret.as_ref().clone() };
            self.change(next);
        }
        Ok(applied)
    }
}

/// Has the rotation of `next` follow what its change does to AWSCURRENT.
///
/// Whoever gives the secret another value, the next rotation is counted from then; a value that a rotation has made is
/// its end.
pub(crate) fn follow(before: &Secret, next: &mut Secret, now: Timestamp) {
    let current = next.holder(&StagingLabel::Current);
    let Some(rotation) = next.rotation.as_deref().filter(|rotation| rotation.enabled) else { return };
    if current == before.holder(&StagingLabel::Current) {
        return;
    }
    let has_ended = current.is_some() && current == before.rotating();
    let last_rotated = if has_ended { Some(now) } else { rotation.last_rotated };
    next.rotation = Some(Arc::new(Rotation { counted_from: now, last_rotated, ..rotation.clone() }));
}

/// Takes AWSPENDING from a placeholder that a write of another version leaves behind: its rotation is abandoned.
pub(crate) fn abandon(secret: &Secret, labels: &mut Labels, written: &VersionId) {
    let pending = secret.rotating().filter(|pending| *pending != written);
    let is_placeholder = |id| secret.version(id).is_some_and(|entry| entry.version.value.is_none());
    if pending.is_some_and(is_placeholder)
        && pending == labels::holder(labels, &StagingLabel::Pending)
        && labels::holder(labels, &StagingLabel::Current) == Some(written)
    {
        labels::detach(labels, &StagingLabel::Pending);
    }
}
