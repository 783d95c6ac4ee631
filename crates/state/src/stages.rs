//! UpdateSecretVersionStage: which moves of a label there are, and which are refused.

use types::{ApiError, StagingLabel, VersionId};

use crate::command::UpdateSecretVersionStage;
use crate::labels::{self, Labels};
use crate::refusals::{
    current_must_move, holder_not_named, label_not_there, no_such_version, no_version_named, other_holder,
};
use crate::secret::Secret;

/// The labels of the secret after the update.
///
/// A label that stands somewhere is only taken from there when the caller names the place, so that of two callers who
/// mean to move it the second is told.
///
/// # Errors
/// InvalidParameter.
pub(crate) fn updated(secret: &Secret, update: &UpdateSecretVersionStage) -> Result<Labels, ApiError> {
    let label = &update.label;
    let to = update.move_to.as_ref().map(|id| existing(secret, id)).transpose()?;
    let from = update.remove_from.as_ref().map(|id| existing(secret, id)).transpose()?;
    let holder = secret.holder(label);
    let mut labels = secret.labels.clone();
    match (to, from, holder) {
        (None, None, _) => return Err(no_version_named()),
        (None, Some(from), _) if holder != Some(from) => return Err(label_not_there(label, from)),
        (None, Some(from), _) if *label == StagingLabel::Current => return Err(current_must_move(from)),
        (None, Some(_), _) => labels::detach(&mut labels, label),
        (Some(_), Some(_), _) if holder != from => return Err(other_holder(label)),
        (Some(to), None, Some(holder)) if holder != to => return Err(holder_not_named(label, holder)),
        (Some(to), ..) if *label == StagingLabel::Current => labels::move_current(&mut labels, to),
        (Some(to), ..) => labels::place(&mut labels, label.clone(), to),
    }
    Ok(labels)
}

fn existing<'a>(secret: &Secret, id: &'a VersionId) -> Result<&'a VersionId, ApiError> {
    if secret.version(id).is_some() { Ok(id) } else { Err(no_such_version(id)) }
}
