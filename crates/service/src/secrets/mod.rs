//! What each operation on secrets means. The order of the checks is AWS's: existence, deletion window, the rest.

mod batch_get;
mod create;
mod default_key;
mod delete;
mod describe;
mod filter;
mod get;
mod list;
mod next_token;
mod put;
mod random_password;
mod replication;
mod resource_policies;
mod restore;
mod rotation;
mod tag;
mod update;
mod version_stage;
mod versions;

pub(crate) use batch_get::BatchGetSecretValue;
pub(crate) use create::CreateSecret;
pub(crate) use default_key::DEFAULT_ALIAS;
pub(crate) use delete::DeleteSecret;
pub(crate) use describe::DescribeSecret;
pub(crate) use get::GetSecretValue;
pub(crate) use list::ListSecrets;
pub(crate) use put::PutSecretValue;
pub(crate) use random_password::GetRandomPassword;
pub(crate) use replication::{
    AssociateCrossAccountReplica, DisassociateCrossAccountReplica, RemoveRegionsFromReplication,
    ReplicateSecretToRegions, StopReplicationToReplica,
};
pub(crate) use resource_policies::{
    DeleteResourcePolicy, GetResourcePolicy, ListResourcePolicies, PutResourcePolicy, ValidateResourcePolicy,
};
pub(crate) use restore::RestoreSecret;
pub(crate) use rotation::{CancelRotateSecret, RotateSecret};
pub(crate) use tag::{TagResource, UntagResource};
pub(crate) use update::UpdateSecret;
pub(crate) use version_stage::UpdateSecretVersionStage;
pub(crate) use versions::ListSecretVersionIds;

use state::Applied;
use types::names::ARN_SUFFIX_CHARS;
use types::{Namespace, SecretArn, SecretName};

use crate::api::SecretOutput;

const SUFFIX_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What a write tells that tells no more than which secret it was on.
fn secret_output(applied: Applied) -> Option<SecretOutput> {
    let Applied::Written { arn, name, .. } = applied else { return None };
    Some(SecretOutput { arn, name })
}

/// An ARN that no secret has had: its suffix is drawn here.
fn new_arn(namespace: &Namespace, name: &SecretName) -> SecretArn {
    let mut suffix = String::with_capacity(ARN_SUFFIX_CHARS);
    while suffix.len() < ARN_SUFFIX_CHARS {
        // Six bits draw from 64, and the two that stand for no character are drawn again: no character is favoured.
        let drawn = key_service::random::<{ 2 * ARN_SUFFIX_CHARS }>();
        let characters = drawn.iter().filter_map(|byte| SUFFIX_ALPHABET.get(usize::from(byte & 0x3f)));
        suffix.extend(characters.map(|&byte| char::from(byte)).take(ARN_SUFFIX_CHARS - suffix.len()));
    }
    SecretArn::new(namespace, name, &suffix)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use types::Region;

    use super::*;

    #[test]
    fn suffixes_use_every_letter_and_digit_about_equally() {
        let namespace =
            Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() };
        let name = SecretName::parse("n").unwrap();
        let mut seen = BTreeMap::<char, u32>::new();
        for _ in 0..10_000 {
            let arn = new_arn(&namespace, &name);
            let suffix = &arn.as_str()[arn.as_str().len() - ARN_SUFFIX_CHARS - 1..];
            assert!(suffix.starts_with('-'), "{suffix}");
            suffix[1..].chars().for_each(|c| *seen.entry(c).or_default() += 1);
        }
        // 60,000 draws from 62: 968 expected, standard deviation 31; a modulo bias would give 1,170.
        assert_eq!(seen.len(), 62);
        assert!(seen.values().all(|count| (968 - 186..968 + 186).contains(count)), "{seen:?}");
    }
}
