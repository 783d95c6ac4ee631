//! The operations that this front serves, of all the services that it speaks for: one table of names and inputs.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};
use service::api::keys;
use service::api::{
    AssociateCrossAccountReplicaInput, BatchGetSecretValueInput, CancelRotateSecretInput, CreateSecretInput,
    DeleteResourcePolicyInput, DeleteSecretInput, DescribeSecretInput, DisassociateCrossAccountReplicaInput,
    GetRandomPasswordInput, GetResourcePolicyInput, GetSecretValueInput, ListResourcePoliciesInput,
    ListSecretVersionIdsInput, ListSecretsInput, PutResourcePolicyInput, PutSecretValueInput,
    RemoveRegionsFromReplicationInput, ReplicateSecretToRegionsInput, RestoreSecretInput, RotateSecretInput,
    StopReplicationToReplicaInput, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretVersionStageInput, ValidateResourcePolicyInput,
};
use service::{Answer, Caller, UseCases};
use types::{ApiError, ErrorCode};
use zeroize::Zeroizing;

use crate::aws_service::AwsService;
use crate::front::Front;

/// The type of requests and of answers.
pub(crate) const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

macro_rules! operations {
    ($($service:ident as $operations:ident { $($name:ident: $input:ty,)+ })+) => {
        /// An operation, with the service that has it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($service($operations),)+
        }

        $(
            /// An operation of the service of this name.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(crate) enum $operations {
                $($name,)+
            }
        )+

        impl Operation {
            /// Every operation with its name and the name of its input's type, for tests over the whole table.
            #[cfg(test)]
            fn all() -> Vec<(Self, &'static str, &'static str)> {
                vec![$($(
                    (Self::$service($operations::$name), stringify!($name), std::any::type_name::<$input>()),
                )+)+]
            }

            fn named(service: AwsService, name: &str) -> Option<Self> {
                match (service, name) {
                    $($((AwsService::$service, stringify!($name)) => Some(Self::$service($operations::$name)),)+)+
                    _ => None,
                }
            }

            /// The service that has it.
            pub(crate) const fn service(self) -> AwsService {
                match self {
                    $(Self::$service(_) => AwsService::$service,)+
                }
            }

            /// Reads the body as the operation's input and runs it.
            ///
            /// # Errors
            /// Serialization for a body that is none; those of the operation.
            pub(crate) async fn run<A: UseCases>(
                self,
                front: &Front<A>,
                caller: &Caller,
                body: Zeroizing<Vec<u8>>,
            ) -> Result<Answer<Bytes>, ApiError> {
                match self {
                    $($(Self::$service($operations::$name) => front.run::<$input>(caller, body).await,)+)+
                }
            }
        }
    };
}

operations! {
    SecretsManager as SecretsOperation {
        CreateSecret: CreateSecretInput,
        GetSecretValue: GetSecretValueInput,
        BatchGetSecretValue: BatchGetSecretValueInput,
        PutSecretValue: PutSecretValueInput,
        DescribeSecret: DescribeSecretInput,
        ListSecrets: ListSecretsInput,
        DeleteSecret: DeleteSecretInput,
        UpdateSecret: UpdateSecretInput,
        UpdateSecretVersionStage: UpdateSecretVersionStageInput,
        ListSecretVersionIds: ListSecretVersionIdsInput,
        RestoreSecret: RestoreSecretInput,
        TagResource: TagResourceInput,
        UntagResource: UntagResourceInput,
        GetRandomPassword: GetRandomPasswordInput,
        PutResourcePolicy: PutResourcePolicyInput,
        GetResourcePolicy: GetResourcePolicyInput,
        DeleteResourcePolicy: DeleteResourcePolicyInput,
        ValidateResourcePolicy: ValidateResourcePolicyInput,
        ListResourcePolicies: ListResourcePoliciesInput,
        RotateSecret: RotateSecretInput,
        CancelRotateSecret: CancelRotateSecretInput,
        ReplicateSecretToRegions: ReplicateSecretToRegionsInput,
        RemoveRegionsFromReplication: RemoveRegionsFromReplicationInput,
        StopReplicationToReplica: StopReplicationToReplicaInput,
        AssociateCrossAccountReplica: AssociateCrossAccountReplicaInput,
        DisassociateCrossAccountReplica: DisassociateCrossAccountReplicaInput,
    }
    Kms as KeysOperation {
        CreateKey: keys::CreateKeyInput,
        DescribeKey: keys::DescribeKeyInput,
        ListKeys: keys::ListKeysInput,
        UpdateKeyDescription: keys::UpdateKeyDescriptionInput,
        EnableKey: keys::EnableKeyInput,
        DisableKey: keys::DisableKeyInput,
        ScheduleKeyDeletion: keys::ScheduleKeyDeletionInput,
        CancelKeyDeletion: keys::CancelKeyDeletionInput,
        CreateAlias: keys::CreateAliasInput,
        UpdateAlias: keys::UpdateAliasInput,
        DeleteAlias: keys::DeleteAliasInput,
        ListAliases: keys::ListAliasesInput,
        EnableKeyRotation: keys::EnableKeyRotationInput,
        DisableKeyRotation: keys::DisableKeyRotationInput,
        GetKeyRotationStatus: keys::GetKeyRotationStatusInput,
        RotateKeyOnDemand: keys::RotateKeyOnDemandInput,
        ListKeyRotations: keys::ListKeyRotationsInput,
        Encrypt: keys::EncryptInput,
        Decrypt: keys::DecryptInput,
        ReEncrypt: keys::ReEncryptInput,
        GenerateDataKey: keys::GenerateDataKeyInput,
        GenerateDataKeyWithoutPlaintext: keys::GenerateDataKeyWithoutPlaintextInput,
        GenerateRandom: keys::GenerateRandomInput,
        PutKeyPolicy: keys::PutKeyPolicyInput,
        GetKeyPolicy: keys::GetKeyPolicyInput,
        ListKeyPolicies: keys::ListKeyPoliciesInput,
        CreateGrant: keys::CreateGrantInput,
        ListGrants: keys::ListGrantsInput,
        ListRetirableGrants: keys::ListRetirableGrantsInput,
        RevokeGrant: keys::RevokeGrantInput,
        RetireGrant: keys::RetireGrantInput,
        TagResource: keys::TagResourceInput,
        UntagResource: keys::UntagResourceInput,
        ListResourceTags: keys::ListResourceTagsInput,
    }
}

impl Operation {
    /// The operation that a request is for.
    ///
    /// # Errors
    /// UnknownOperation for every request that is not a POST of JSON 1.1 to `/` with a target of ours.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, ApiError> {
        let unknown = |text| Err(ApiError::new(ErrorCode::UnknownOperation, text));
        if method != Method::POST || uri.path() != "/" {
            return unknown("Every operation is a POST to the path /.");
        }
        if !is_json(headers) {
            return unknown("The Content-Type of a request is application/x-amz-json-1.1.");
        }
        let mut targets = headers.get_all("x-amz-target").iter();
        let (Some(target), None) = (targets.next(), targets.next()) else {
            return unknown("The request names no operation: it needs one X-Amz-Target header.");
        };
        let named = target.to_str().ok().and_then(|target| target.split_once('.'));
        match named.and_then(|(service, name)| Self::named(AwsService::of_target(service)?, name)) {
            Some(operation) => Ok(operation),
            None => unknown("The X-Amz-Target header names no operation of this service."),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Request;

    use super::*;

    fn of(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Operation, ApiError> {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let head = request.body(()).unwrap().into_parts().0;
        Operation::of(&head.method, &head.uri, &head.headers)
    }

    #[test]
    fn every_operation_has_its_target() {
        let mut targets = BTreeSet::new();
        let all = Operation::all();
        for (operation, name, input) in &all {
            let target = format!("{}.{name}", operation.service().target_prefix());
            for media_type in [MEDIA_TYPE, "application/X-AMZ-JSON-1.1; charset=utf-8"] {
                let headers = [("content-type", media_type), ("x-amz-target", target.as_str())];
                assert_eq!(of("POST", "/", &headers), Ok(*operation));
                assert_eq!(of("POST", "https://localhost:7400/?a=b", &headers), Ok(*operation));
            }
            assert!(input.ends_with(&format!("::{name}Input")), "{target} is decoded as {input}");
            targets.insert(target);
        }
        assert_eq!(targets.len(), all.len());
        let get = [("content-type", MEDIA_TYPE), ("x-amz-target", "secretsmanager.GetSecretValue")];
        assert_eq!(of("POST", "/", &get), Ok(Operation::SecretsManager(SecretsOperation::GetSecretValue)));
    }

    #[test]
    fn everything_else_is_an_unknown_operation() {
        let json = ("content-type", MEDIA_TYPE);
        let target = ("x-amz-target", "secretsmanager.GetSecretValue");
        let named = |target| vec![json, ("x-amz-target", target)];
        let cases = [
            ("GET", "/", vec![json, target]),
            ("GET", "/", vec![]),
            ("OPTIONS", "*", vec![json, target]),
            ("POST", "/v1/secrets", vec![json, target]),
            ("POST", "/", vec![target]),
            ("POST", "/", vec![("content-type", "application/x-www-form-urlencoded"), target]),
            ("POST", "/", vec![json]),
            ("POST", "/", vec![json, target, target]),
            ("POST", "/", named("secretsmanager.Nothing")),
            ("POST", "/", named("SecretsManager.GetSecretValue")),
            ("POST", "/", named("GetSecretValue")),
            ("POST", "/", named("secretsmanager.GetSecretValue.GetSecretValue")),
            ("POST", "/", named("secretsmanager.Decrypt")),
            ("POST", "/", named("TrentService.GetSecretValue")),
            ("POST", "/", named("kms.Decrypt")),
            ("POST", "/", named("")),
        ];
        for (method, uri, headers) in cases {
            let error = of(method, uri, &headers).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnknownOperation, "{method} {uri} {headers:?}");
            assert!(!error.message.is_empty());
        }
    }
}
