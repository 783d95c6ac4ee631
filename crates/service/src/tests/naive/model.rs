//! The API of secrets, written down a second time from its description: plain lists, looked through from the front.
//!
//! It shares no code with the product and depends on nothing, so that the tests of whole clusters can read it too. What
//! it knows of time is what it is told.

use std::collections::{BTreeMap, BTreeSet};

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const PENDING: &str = "AWSPENDING";

const LABELS_OF_A_SECRET: usize = 20;
const VERSIONS_OF_A_SECRET: usize = 100;
const TAGS_OF_A_SECRET: usize = 50;
pub(crate) const DAY_MS: u64 = 86_400_000;

/// A refusal: AWS's code, and its text where AWS's text is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) text: Option<String>,
}

fn refused<T>(code: &'static str, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, text: Some(text.into()) })
}

fn refused_somehow<T>(code: &'static str) -> Result<T, Refusal> {
    Err(Refusal { code, text: None })
}

/// A value: whether it is a text, and its bytes.
pub(crate) type Value = (bool, Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: Value,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) created: u64,
    pub(crate) accessed: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The token it was created with, and whether there was a value.
    created_with: (String, bool),
    pub(crate) description: Option<String>,
    pub(crate) tags: Option<Vec<(String, String)>>,
    pub(crate) created: u64,
    pub(crate) accessed: Option<u64>,
    pub(crate) deletion: Option<u64>,
    pub(crate) versions: Vec<Version>,
    /// Grows with each change that LastChangedDate shows.
    pub(crate) changes: u64,
}

/// A version as Put tells of it.
pub(crate) type Written = (String, BTreeSet<String>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) secrets: Vec<Secret>,
    /// ARNs of secrets that are gone.
    pub(crate) purged: Vec<String>,
}

impl Model {
    /// CreateSecret. The ARN is the product's to choose: a secret that is new has an empty one until [`Self::adopt`].
    pub(crate) fn create(
        &mut self,
        name: &str,
        token: Option<&str>,
        value: Option<Value>,
        now: u64,
    ) -> Result<Option<String>, Refusal> {
        let token = required(token)?;
        if let Some(secret) = self.secrets.iter().find(|secret| secret.name == name) {
            if secret.deletion.is_some() {
                return refused(
                    "InvalidRequestException",
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                );
            }
            return match (secret.versions.iter().find(|version| version.id == token), &value) {
                (Some(version), Some(value)) if version.value == *value => Ok(Some(token.to_owned())),
                (Some(_), _) => token_in_use(token, &secret.arn),
                (None, None) if secret.created_with == (token.to_owned(), false) => Ok(None),
                (None, _) => refused(
                    "ResourceExistsException",
                    format!("The operation failed because the secret {name} already exists."),
                ),
            };
        }
        let has_value = value.is_some();
        let mut secret = Secret {
            name: name.to_owned(),
            arn: String::new(),
            created_with: (token.to_owned(), has_value),
            description: None,
            tags: None,
            created: now,
            accessed: None,
            deletion: None,
            versions: Vec::new(),
            changes: 0,
        };
        if let Some(value) = value {
            secret.write(token, &value, &[CURRENT], now)?;
        }
        self.secrets.push(secret);
        Ok(has_value.then(|| token.to_owned()))
    }

    /// Tells the ARN of the secret that was created last.
    pub(crate) fn adopt(&mut self, arn: &str) {
        if let Some(secret) = self.secrets.last_mut().filter(|secret| secret.arn.is_empty()) {
            secret.arn = arn.to_owned();
        }
    }

    /// PutSecretValue.
    pub(crate) fn put(
        &mut self,
        id: &str,
        token: Option<&str>,
        value: Option<Value>,
        labels: Option<&[&str]>,
        now: u64,
    ) -> Result<Written, Refusal> {
        name_must_be_one(id)?;
        let token = required(token)?;
        let secret = self.live(id)?;
        let Some(value) = value else {
            return refused("InvalidRequestException", "You must provide either SecretString or SecretBinary.");
        };
        secret.write(token, &value, labels.unwrap_or(&[CURRENT]), now)
    }

    /// UpdateSecret.
    pub(crate) fn update(
        &mut self,
        id: &str,
        token: Option<&str>,
        value: Option<Value>,
        description: Option<&str>,
        now: u64,
    ) -> Result<Option<String>, Refusal> {
        name_must_be_one(id)?;
        let token = required(token)?;
        let secret = self.live(id)?;
        let changes = secret.changes;
        let written = value.map(|value| secret.write(token, &value, &[CURRENT], now)).transpose()?;
        if written.is_some() && secret.changes == changes {
            return Ok(Some(token.to_owned()));
        }
        if let Some(description) = description {
            secret.description = Some(description.to_owned()).filter(|text| !text.is_empty());
        }
        secret.changes += 1;
        Ok(written.map(|(id, _)| id))
    }

    /// UpdateSecretVersionStage.
    pub(crate) fn update_stage(
        &mut self,
        id: &str,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Refusal> {
        let invalid = "InvalidParameterException";
        name_must_be_one(id)?;
        let secret = self.live(id)?;
        for version in [to, from].into_iter().flatten() {
            if secret.versions.iter().all(|known| known.id != version) {
                return refused(invalid, format!("Not a valid version: {version}"));
            }
        }
        let holder = secret.holder(label);
        let mut next = secret.clone();
        match (to, from) {
            (None, None) => return refused_somehow(invalid),
            (None, Some(from)) if holder.as_deref() != Some(from) => {
                return refused(invalid, format!("Version stage {label} not found in version {from}"));
            }
            (None, Some(_)) if label == CURRENT => return refused_somehow(invalid),
            (None, Some(_)) => next.take(label),
            (Some(_), Some(from)) if holder.as_deref() != Some(from) => {
                return refused(
                    invalid,
                    format!(
                        "When you move staging label {label}, if you specify RemoveFromVersionId, it must be set to the \
                         version that currently has the staging label {label}."
                    ),
                );
            }
            (Some(to), None) if holder.as_deref().is_some_and(|holder| holder != to) => {
                let holder = holder.unwrap_or_default();
                return refused(
                    invalid,
                    format!(
                        "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached \
                         to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                    ),
                );
            }
            (Some(to), _) if holder.as_deref() == Some(to) => return Ok(()),
            (Some(to), _) if label == CURRENT => next.move_current(to, false),
            (Some(to), _) => {
                next.take(label);
                next.give(label, to);
            }
        }
        // Where AWSCURRENT moves for the first time, AWSPREVIOUS is one more.
        if next.labels() > LABELS_OF_A_SECRET {
            return refused_somehow("LimitExceededException");
        }
        next.changes += 1;
        *secret = next;
        Ok(())
    }

    /// DeleteSecret. Answers the end of the window; `None` for a secret that was not there.
    pub(crate) fn delete(
        &mut self,
        id: &str,
        window: Option<i64>,
        force: Option<bool>,
        now: u64,
    ) -> Result<Option<u64>, Refusal> {
        name_must_be_one(id)?;
        let invalid = "InvalidParameterException";
        let force = force == Some(true);
        let days = match window {
            Some(_) if force => {
                return refused(
                    invalid,
                    "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
                );
            }
            Some(days @ 7..=30) => days.unsigned_abs(),
            Some(_) => {
                return refused(invalid, "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
            }
            None => 30,
        };
        let Some(at) = self.resolve(id) else {
            return if force { Ok(None) } else { not_found() };
        };
        if force {
            let gone = self.secrets.remove(at);
            self.purged.push(gone.arn);
            return Ok(Some(now));
        }
        let secret = &mut self.secrets[at];
        if secret.deletion.is_some() {
            return refused(
                "InvalidRequestException",
                "You tried to perform the operation on a secret that's currently marked deleted.",
            );
        }
        secret.deletion = Some(now + days * DAY_MS);
        secret.changes += 1;
        Ok(secret.deletion)
    }

    /// What becomes of the secrets whose windows have ended, at the latest once somebody looks.
    pub(crate) fn purge(&mut self, now: u64) {
        let (gone, kept) =
            self.secrets.drain(..).partition::<Vec<_>, _>(|secret| secret.deletion.is_some_and(|end| end <= now));
        self.secrets = kept;
        self.purged.extend(gone.into_iter().map(|secret| secret.arn));
    }

    /// RestoreSecret.
    pub(crate) fn restore(&mut self, id: &str) -> Result<(), Refusal> {
        name_must_be_one(id)?;
        let Some(at) = self.resolve(id) else { return not_found() };
        if self.secrets[at].deletion.take().is_some() {
            self.secrets[at].changes += 1;
        }
        Ok(())
    }

    /// TagResource.
    pub(crate) fn tag(&mut self, id: &str, tags: &[(String, String)]) -> Result<(), Refusal> {
        name_must_be_one(id)?;
        let secret = self.live(id)?;
        let before = secret.tags.clone();
        let mut next = before.clone().unwrap_or_default();
        for (key, value) in tags {
            match next.iter().position(|(known, _)| known == key) {
                Some(at) => next[at].1.clone_from(value),
                None => next.push((key.clone(), value.clone())),
            }
        }
        if next.len() > TAGS_OF_A_SECRET {
            return refused_somehow("InvalidParameterException");
        }
        let after = if tags.is_empty() { before.clone() } else { Some(next) };
        secret.changes += u64::from(after != before);
        secret.tags = after;
        Ok(())
    }

    /// UntagResource.
    pub(crate) fn untag(&mut self, id: &str, keys: &[String]) -> Result<(), Refusal> {
        name_must_be_one(id)?;
        let secret = self.live(id)?;
        if let Some(tags) = &mut secret.tags {
            let before = tags.len();
            tags.retain(|(key, _)| !keys.contains(key));
            secret.changes += u64::from(tags.len() != before);
        }
        Ok(())
    }

    /// GetSecretValue. A read that succeeds leaves its day.
    pub(crate) fn get(
        &mut self,
        id: &str,
        version: Option<&str>,
        label: Option<&str>,
        today: u64,
    ) -> Result<Version, Refusal> {
        let cannot = "Secrets Manager can't find the specified secret value for";
        name_must_be_one(id)?;
        let secret = self.live(id)?;
        let wanted = label.unwrap_or(CURRENT);
        let found = match version {
            Some(version) => secret.versions.iter_mut().find(|known| known.id == version),
            None => secret.versions.iter_mut().find(|known| known.labels.contains(wanted)),
        };
        let Some(found) = found else {
            let what = version.map_or(format!("staging label: {wanted}"), |version| format!("VersionId: {version}"));
            return refused("ResourceNotFoundException", format!("{cannot} {what}"));
        };
        if label.is_some_and(|label| !found.labels.contains(label)) {
            return refused(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            );
        }
        found.accessed = Some(today);
        secret.accessed = Some(today);
        Ok(found.clone())
    }

    /// DescribeSecret: the secret, and its labelled versions.
    pub(crate) fn describe(&self, id: &str) -> Result<(&Secret, BTreeMap<String, BTreeSet<String>>), Refusal> {
        name_must_be_one(id)?;
        let Some(at) = self.resolve(id) else { return not_found() };
        let secret = &self.secrets[at];
        let labelled = secret.versions.iter().filter(|version| !version.labels.is_empty());
        Ok((secret, labelled.map(|version| (version.id.clone(), version.labels.clone())).collect()))
    }

    /// ListSecretVersionIds.
    pub(crate) fn versions(&self, id: &str, include_deprecated: bool) -> Result<Vec<&Version>, Refusal> {
        let (secret, _) = self.describe(id)?;
        Ok(secret.versions.iter().filter(|version| include_deprecated || !version.labels.is_empty()).collect())
    }

    fn live(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let Some(at) = self.resolve(id) else { return not_found() };
        let secret = &mut self.secrets[at];
        if secret.deletion.is_some() {
            return refused(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            );
        }
        Ok(secret)
    }

    fn resolve(&self, id: &str) -> Option<usize> {
        let Some(rest) = id.strip_prefix("arn:") else {
            return self.secrets.iter().position(|secret| secret.name == id);
        };
        let tail = rest.splitn(6, ':').nth(5)?;
        let suffix = tail.rsplit_once('-').map_or("", |(_, suffix)| suffix);
        if suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self.secrets.iter().position(|secret| secret.arn == id);
        }
        self.secrets.iter().position(|secret| secret.name == tail && secret.arn.starts_with(id))
    }
}

impl Secret {
    /// A value under a token: nothing new, a refusal, or a new version.
    fn write(&mut self, token: &str, value: &Value, labels: &[&str], now: u64) -> Result<Written, Refusal> {
        if let Some(version) = self.versions.iter().find(|version| version.id == token) {
            return match version.value == *value {
                true => Ok((token.to_owned(), version.labels.clone())),
                false => token_in_use(token, &self.arn),
            };
        }
        let mut next = self.clone();
        next.versions.push(Version {
            id: token.to_owned(),
            value: value.clone(),
            labels: BTreeSet::new(),
            created: now,
            accessed: None,
        });
        let first = self.versions.iter().all(|version| version.labels.is_empty());
        for label in labels.iter().filter(|label| **label != CURRENT) {
            next.take(label);
            next.give(label, token);
        }
        if first || labels.contains(&CURRENT) {
            next.move_current(token, true);
        }
        if next.labels() > LABELS_OF_A_SECRET {
            return refused_somehow("LimitExceededException");
        }
        while next.versions.len() > VERSIONS_OF_A_SECRET {
            let old = |version: &Version| version.labels.is_empty() && now - version.created > DAY_MS;
            // The new version is not old, so a place that is found is another's.
            let Some(at) = next.versions.iter().position(old) else {
                return refused_somehow("LimitExceededException");
            };
            next.versions.remove(at);
        }
        next.changes += 1;
        *self = next;
        let labels = self.versions.iter().find(|version| version.id == token).map(|version| version.labels.clone());
        Ok((token.to_owned(), labels.unwrap_or_default()))
    }

    fn move_current(&mut self, to: &str, by_put: bool) {
        let from = self.holder(CURRENT);
        if from.as_deref() == Some(to) {
            return;
        }
        self.take(PREVIOUS);
        if let Some(from) = from {
            self.take(CURRENT);
            if by_put && self.holder(PENDING).as_ref() == Some(&from) {
                self.take(PENDING);
            }
            self.give(PREVIOUS, &from);
        }
        self.give(CURRENT, to);
    }

    pub(crate) fn holder(&self, label: &str) -> Option<String> {
        self.versions.iter().find(|version| version.labels.contains(label)).map(|version| version.id.clone())
    }

    fn labels(&self) -> usize {
        self.versions.iter().map(|version| version.labels.len()).sum()
    }

    fn take(&mut self, label: &str) {
        for version in &mut self.versions {
            version.labels.remove(label);
        }
    }

    fn give(&mut self, label: &str, to: &str) {
        for version in self.versions.iter_mut().filter(|version| version.id == to) {
            version.labels.insert(label.to_owned());
        }
    }
}

fn name_must_be_one(id: &str) -> Result<(), Refusal> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&byte);
    if id.starts_with("arn:") || id.bytes().all(is_name) {
        return Ok(());
    }
    refused(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )
}

fn required(token: Option<&str>) -> Result<&str, Refusal> {
    token.map_or_else(
        || {
            refused(
                "InvalidRequestException",
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            )
        },
        Ok,
    )
}

fn not_found<T>() -> Result<T, Refusal> {
    refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn token_in_use<T>(token: &str, arn: &str) -> Result<T, Refusal> {
    refused(
        "ResourceExistsException",
        format!(
            "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
        ),
    )
}
