//! Who may do what. A use case takes an [`Authorized`] request, and only this module makes one.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use types::{ApiError, ErrorCode, Principal};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// What a request does, by the name that policies and audit records use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $variant,)+
        }

        impl Action {
            /// The name, `service:Operation`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

actions! {
    /// Makes a secret.
    CreateSecret = "secretsmanager:CreateSecret";
    /// Reads a value.
    GetSecretValue = "secretsmanager:GetSecretValue";
    /// Reads values of several secrets, each of which GetSecretValue must be allowed on too.
    BatchGetSecretValue = "secretsmanager:BatchGetSecretValue";
    /// Makes a version.
    PutSecretValue = "secretsmanager:PutSecretValue";
    /// Reads metadata.
    DescribeSecret = "secretsmanager:DescribeSecret";
    /// Lists metadata.
    ListSecrets = "secretsmanager:ListSecrets";
    /// Deletes, with a window or at once.
    DeleteSecret = "secretsmanager:DeleteSecret";
    /// Changes metadata, makes a version, or both.
    UpdateSecret = "secretsmanager:UpdateSecret";
    /// Moves a staging label.
    UpdateSecretVersionStage = "secretsmanager:UpdateSecretVersionStage";
    /// Lists the versions of a secret.
    ListSecretVersionIds = "secretsmanager:ListSecretVersionIds";
    /// Ends a deletion window.
    RestoreSecret = "secretsmanager:RestoreSecret";
    /// Sets tags.
    TagResource = "secretsmanager:TagResource";
    /// Removes tags.
    UntagResource = "secretsmanager:UntagResource";
    /// Gives a secret a policy.
    PutResourcePolicy = "secretsmanager:PutResourcePolicy";
    /// Shows the policy of a secret.
    GetResourcePolicy = "secretsmanager:GetResourcePolicy";
    /// Takes the policy of a secret away.
    DeleteResourcePolicy = "secretsmanager:DeleteResourcePolicy";
    /// Checks a policy, beside PutResourcePolicy.
    ValidateResourcePolicy = "secretsmanager:ValidateResourcePolicy";
    /// Lists the policies of a secret.
    ListResourcePolicies = "secretsmanager:ListResourcePolicies";
    /// Replicates a secret to other regions.
    ReplicateSecretToRegions = "secretsmanager:ReplicateSecretToRegions";
    /// Deletes replicas of a secret.
    RemoveRegionsFromReplication = "secretsmanager:RemoveRegionsFromReplication";
    /// Makes a replica a secret of its own.
    StopReplicationToReplica = "secretsmanager:StopReplicationToReplica";
    /// Replicates a secret to another account.
    AssociateCrossAccountReplica = "secretsmanager:AssociateCrossAccountReplica";
    /// Ends that.
    DisassociateCrossAccountReplica = "secretsmanager:DisassociateCrossAccountReplica";
    /// Configures how a secret is rotated, and rotates it.
    RotateSecret = "secretsmanager:RotateSecret";
    /// Ends the rotations of a secret.
    CancelRotateSecret = "secretsmanager:CancelRotateSecret";
    /// Makes a password.
    GetRandomPassword = "secretsmanager:GetRandomPassword";
    /// Makes a key.
    CreateKey = "kms:CreateKey";
    /// Reads metadata of a key.
    DescribeKey = "kms:DescribeKey";
    /// Lists keys.
    ListKeys = "kms:ListKeys";
    /// Gives a key a name.
    CreateAlias = "kms:CreateAlias";
    /// Gives a name to another key.
    UpdateAlias = "kms:UpdateAlias";
    /// Takes a name away.
    DeleteAlias = "kms:DeleteAlias";
    /// Lists names of keys.
    ListAliases = "kms:ListAliases";
    /// Lets a key be used again.
    EnableKey = "kms:EnableKey";
    /// Lets a key be used no more.
    DisableKey = "kms:DisableKey";
    /// Has a key deleted later.
    ScheduleKeyDeletion = "kms:ScheduleKeyDeletion";
    /// Has it stay.
    CancelKeyDeletion = "kms:CancelKeyDeletion";
    /// Has a key rotate by itself.
    EnableKeyRotation = "kms:EnableKeyRotation";
    /// Ends that.
    DisableKeyRotation = "kms:DisableKeyRotation";
    /// Shows how a key rotates.
    GetKeyRotationStatus = "kms:GetKeyRotationStatus";
    /// Gives a key new material.
    RotateKeyOnDemand = "kms:RotateKeyOnDemand";
    /// Lists the rotations of a key.
    ListKeyRotations = "kms:ListKeyRotations";
    /// Encrypts under a key.
    Encrypt = "kms:Encrypt";
    /// Decrypts what a key has encrypted.
    Decrypt = "kms:Decrypt";
    /// Re-encrypts what a key has encrypted.
    ReEncryptFrom = "kms:ReEncryptFrom";
    /// Re-encrypts under a key.
    ReEncryptTo = "kms:ReEncryptTo";
    /// Makes a data key under a key.
    GenerateDataKey = "kms:GenerateDataKey";
    /// Makes a data key that only the key opens.
    GenerateDataKeyWithoutPlaintext = "kms:GenerateDataKeyWithoutPlaintext";
    /// Draws random bytes.
    GenerateRandom = "kms:GenerateRandom";
    /// Gives a key a policy.
    PutKeyPolicy = "kms:PutKeyPolicy";
    /// Shows the policy of a key.
    GetKeyPolicy = "kms:GetKeyPolicy";
    /// Lists the policies of a key.
    ListKeyPolicies = "kms:ListKeyPolicies";
    /// Lets somebody use a key.
    CreateGrant = "kms:CreateGrant";
    /// Lists the grants of a key.
    ListGrants = "kms:ListGrants";
    /// Ends a grant.
    RevokeGrant = "kms:RevokeGrant";
    /// Ends a grant that is no longer needed.
    RetireGrant = "kms:RetireGrant";
    /// Lists grants by who may retire them.
    ListRetirableGrants = "kms:ListRetirableGrants";
    /// Sets tags of a key.
    TagKey = "kms:TagResource";
    /// Removes tags of a key.
    UntagKey = "kms:UntagResource";
    /// Lists the tags of a key.
    ListResourceTags = "kms:ListResourceTags";
    /// Describes a key anew.
    UpdateKeyDescription = "kms:UpdateKeyDescription";
    /// Reads under the leader's lease, beside the reading action.
    LeaseRead = "conclave:LeaseRead";
    /// Reads data that may be stale, beside the reading action.
    StaleRead = "conclave:StaleRead";
    /// Shows the members of the cluster.
    DescribeCluster = "conclave:DescribeCluster";
    /// Forces a checkpoint on every node.
    CheckpointCluster = "conclave:CheckpointCluster";
    /// Computes every node's state digest.
    DigestCluster = "conclave:DigestCluster";
    /// Adds a node to the cluster.
    AddNode = "conclave:AddNode";
    /// Takes a node out of the cluster.
    RemoveNode = "conclave:RemoveNode";
    /// Hands leadership to another node.
    TransferLeader = "conclave:TransferLeader";
    /// Seals every node.
    SealCluster = "conclave:SealCluster";
    /// Changes the root key, its providers or the barrier terms.
    ChangeKeyring = "conclave:ChangeKeyring";
    /// Opens the root key with each provider.
    VerifyProviders = "conclave:VerifyProviders";
}

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The action may be done.
    Allow,
    /// It may not.
    Deny,
}

/// The layer of policies that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The principal is the root of its account, which no policy limits.
    AccountRoot,
    /// The policies of the principal itself.
    Identity,
}

/// A decision with its trace: which layer, policy and statement it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it came to.
    pub effect: Effect,
    /// The layer that decided.
    pub layer: Layer,
    /// The policy, when one has a matching statement.
    pub policy: Option<Arc<str>>,
    /// The statement's id.
    pub statement: Option<Arc<str>>,
}

/// What a request acts on.
pub(crate) trait Target {
    /// The resource as the caller wrote it, so that a denial tells nothing that the caller does not know. `None` for
    /// actions without a resource.
    fn resource(&self) -> Option<&str>;

    /// The encryption contexts of the request, for its record: none, one, or that of the source and that of the
    /// destination.
    fn encryption_contexts(&self) -> Vec<Arc<BTreeMap<String, String>>> {
        Vec::new()
    }
}

/// A request that its principal may make.
#[derive(Debug)]
pub(crate) struct Authorized<'r, T>(&'r T);

impl<T> Deref for Authorized<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

/// Lets the request pass or refuses it, in any case leaving the decision in `trace`.
///
/// It runs before anybody looks whether the resource exists.
///
/// # Errors
/// AccessDenied, in the words of AWS.
pub(crate) fn authorize<'r, T: Target>(
    principal: &Principal,
    action: Action,
    request: &'r T,
    trace: &mut Option<Decision>,
) -> Result<Authorized<'r, T>, ApiError> {
    let decision = decide(principal);
    let effect = decision.effect;
    *trace = Some(decision);
    match effect {
        Effect::Allow => Ok(Authorized(request)),
        Effect::Deny => Err(denied(principal, action, request.resource())),
    }
}

fn decide(principal: &Principal) -> Decision {
    let (effect, layer) = match principal {
        Principal::Root(_) => (Effect::Allow, Layer::AccountRoot),
        Principal::System => (Effect::Deny, Layer::Identity),
    };
    Decision { effect, layer, policy: None, statement: None }
}

fn denied(principal: &Principal, action: Action, resource: Option<&str>) -> ApiError {
    let action = action.name();
    let on = resource.map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
    ApiError::new(
        ErrorCode::AccessDenied,
        format!(
            "User: {principal} is not authorized to perform: {action}{on} because no identity-based policy allows \
             the {action} action"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct On(Option<&'static str>);

    impl Target for On {
        fn resource(&self) -> Option<&str> {
            self.0
        }
    }

    #[test]
    fn root_may_do_everything() {
        let root = Principal::Root("123456789012".parse().unwrap());
        let mut trace = None;
        assert!(authorize(&root, Action::AddNode, &On(None), &mut trace).is_ok());
        let decision = trace.unwrap();
        assert_eq!((decision.effect, decision.layer), (Effect::Allow, Layer::AccountRoot));
    }

    #[test]
    fn a_denial_names_what_the_caller_named_in_the_words_of_aws() {
        let mut trace = None;
        let refused = authorize(&Principal::System, Action::GetSecretValue, &On(Some("prod/db")), &mut trace);
        assert_eq!(
            refused.unwrap_err().message,
            "User: arn:aws:iam:::system is not authorized to perform: secretsmanager:GetSecretValue on resource: \
             prod/db because no identity-based policy allows the secretsmanager:GetSecretValue action"
        );
        assert_eq!(trace.unwrap().effect, Effect::Deny);

        let refused = authorize(&Principal::System, Action::ListSecrets, &On(None), &mut None).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
        assert!(refused.message.contains("perform: secretsmanager:ListSecrets because"), "{}", refused.message);
    }
}
