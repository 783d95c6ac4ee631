//! What holds whatever was asked, looked for in the product's own answers.

use std::collections::{BTreeMap, BTreeSet};

use types::{ErrorCode, Timestamp, limits};

use super::super::world::{World, text};
use crate::api::{ListSecretVersionIdsInput, ListSecretsInput, SecretDescription};
use crate::secrets::{ListSecretVersionIds, ListSecrets};

/// What one secret shows.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) description: SecretDescription,
    /// All versions that have a value, in the order of creation, with their labels.
    pub(super) versions: Vec<(String, BTreeSet<String>, Timestamp, Option<Timestamp>)>,
}

impl Shown {
    pub(super) async fn of(world: &World, id: &str) -> Self {
        let input = ListSecretVersionIdsInput {
            secret_id: text(id),
            max_results: Some(100),
            include_deprecated: Some(true),
            ..ListSecretVersionIdsInput::default()
        };
        let listed = world.read::<ListSecretVersionIds>(input).await.unwrap();
        assert_eq!(listed.next_token, None, "a secret has at most as many versions as a page");
        let versions = listed.versions.into_iter().map(|version| {
            let labels = version.version_stages.iter().map(ToString::to_string).collect();
            (version.version_id.to_string(), labels, version.created_date, version.last_accessed_date)
        });
        Self { description: world.describe(id).await.unwrap(), versions: versions.collect() }
    }

    fn holders(&self, label: &str) -> Vec<&str> {
        let holders = self.versions.iter().filter(|(_, labels, ..)| labels.contains(label));
        holders.map(|(id, ..)| id.as_str()).collect()
    }
}

/// Each label is on at most one version, and Describe says so as ListSecretVersionIds does.
pub(super) fn invariant_each_label_is_on_one_version(shown: &Shown) {
    let mut seen = BTreeSet::new();
    for (id, labels, ..) in &shown.versions {
        for label in labels {
            assert!(seen.insert(label), "{label} is on {id} and on another version");
        }
    }
    let described: BTreeMap<String, BTreeSet<String>> = (shown.description.version_ids_to_stages.iter())
        .map(|(id, labels)| (id.to_string(), labels.iter().map(ToString::to_string).collect()))
        .collect();
    let labelled = shown.versions.iter().filter(|(_, labels, ..)| !labels.is_empty());
    let listed: BTreeMap<_, _> = labelled.map(|(id, labels, ..)| (id.clone(), labels.clone())).collect();
    assert_eq!(described, listed);
}

/// One version is current once there is a value.
pub(super) fn invariant_a_value_means_one_current_version(shown: &Shown) {
    let expected = usize::from(!shown.versions.is_empty());
    assert_eq!(shown.holders("AWSCURRENT").len(), expected, "{:?}", shown.versions);
}

/// When AWSCURRENT has moved, AWSPREVIOUS is where it was.
pub(super) fn invariant_previous_is_what_was_current(before: &Shown, after: &Shown) {
    let (from, to) = (before.holders("AWSCURRENT"), after.holders("AWSCURRENT"));
    if !from.is_empty() && from != to {
        assert_eq!(after.holders("AWSPREVIOUS"), from);
    }
}

/// The quotas hold.
pub(super) fn invariant_quotas_hold(shown: &Shown) {
    let labels: usize = shown.versions.iter().map(|(_, labels, ..)| labels.len()).sum();
    assert!(labels <= limits::STAGING_LABELS_PER_SECRET, "{labels} labels");
    assert!(shown.versions.len() <= limits::VERSIONS_PER_SECRET, "{} versions", shown.versions.len());
}

/// LastChangedDate is later after a change, and only then.
pub(super) fn invariant_last_changed_date_increases(before: &Shown, after: &Shown, changed: bool) {
    let (earlier, later) = (before.description.last_changed_date, after.description.last_changed_date);
    assert!(if changed { earlier < later } else { earlier == later }, "{earlier:?} {later:?} changed: {changed}");
}

/// A version that is young is there after a step if it was before, with the date that it had.
pub(super) fn invariant_young_versions_are_kept(before: &Shown, after: &Shown, now: Timestamp) {
    for (id, _, created, _) in &before.versions {
        if now.since(*created) <= limits::YOUNG_VERSION_AGE {
            let kept = after.versions.iter().any(|(other, _, at, _)| (other, at) == (id, created));
            assert!(kept, "{id} is gone, which was made at {created:?}");
        }
    }
}

/// Nothing shows that a purged secret ever was.
pub(super) async fn invariant_nothing_is_visible_after_purge(world: &World, purged: &[String]) {
    let input = ListSecretsInput { include_planned_deletion: Some(true), ..ListSecretsInput::default() };
    let listed = world.read::<ListSecrets>(input).await.unwrap().secrets;
    for arn in purged {
        assert!(listed.iter().all(|secret| secret.arn.to_string() != *arn), "{arn} is listed");
        assert_eq!(world.describe(arn).await.unwrap_err().code, ErrorCode::ResourceNotFound);
        assert_eq!(world.get(arn).await.unwrap_err().code, ErrorCode::ResourceNotFound);
        let input = ListSecretVersionIdsInput { secret_id: text(arn), ..ListSecretVersionIdsInput::default() };
        assert_eq!(world.read::<ListSecretVersionIds>(input).await.unwrap_err().code, ErrorCode::ResourceNotFound);
    }
}
