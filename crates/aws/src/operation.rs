//! The operations that this front serves.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use types::{ApiError, ErrorCode};

/// The name that requests and signatures call the service by.
pub(crate) const SERVICE: &str = "secretsmanager";
/// The type of requests and of answers.
pub(crate) const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// An operation of the Secrets Manager API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)+
        }

        impl Operation {
            fn named(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

operations! {
    CreateSecret,
    GetSecretValue,
    BatchGetSecretValue,
    PutSecretValue,
    DescribeSecret,
    ListSecrets,
    DeleteSecret,
    UpdateSecret,
    UpdateSecretVersionStage,
    ListSecretVersionIds,
    RestoreSecret,
    TagResource,
    UntagResource,
    GetRandomPassword,
    PutResourcePolicy,
    GetResourcePolicy,
    DeleteResourcePolicy,
    ValidateResourcePolicy,
    ListResourcePolicies,
    RotateSecret,
    CancelRotateSecret,
    ReplicateSecretToRegions,
    RemoveRegionsFromReplication,
    StopReplicationToReplica,
    AssociateCrossAccountReplica,
    DisassociateCrossAccountReplica,
}

impl Operation {
    /// The operation that a request is for.
    ///
    /// # Errors
    /// UnknownOperation for every request that is not a POST of JSON 1.1 to `/` with a target of ours.
    pub(crate) fn of(head: &Parts) -> Result<Self, ApiError> {
        let unknown = |text| Err(ApiError::new(ErrorCode::UnknownOperation, text));
        if head.method != Method::POST || head.uri.path() != "/" {
            return unknown("Every operation is a POST to the path /.");
        }
        if !is_json(&head.headers) {
            return unknown("The Content-Type of a request is application/x-amz-json-1.1.");
        }
        let mut targets = head.headers.get_all("x-amz-target").iter();
        let (Some(target), None) = (targets.next(), targets.next()) else {
            return unknown("The request names no operation: it needs one X-Amz-Target header.");
        };
        let name = target.to_str().ok().and_then(|target| target.strip_prefix(SERVICE)?.strip_prefix('.'));
        match name.and_then(Self::named) {
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
    use http::Request;

    use super::*;

    fn of(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Operation, ApiError> {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Operation::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn every_operation_has_its_target() {
        for (name, operation) in [
            ("CreateSecret", Operation::CreateSecret),
            ("GetSecretValue", Operation::GetSecretValue),
            ("BatchGetSecretValue", Operation::BatchGetSecretValue),
            ("PutSecretValue", Operation::PutSecretValue),
            ("DescribeSecret", Operation::DescribeSecret),
            ("ListSecrets", Operation::ListSecrets),
            ("DeleteSecret", Operation::DeleteSecret),
            ("UpdateSecret", Operation::UpdateSecret),
            ("UpdateSecretVersionStage", Operation::UpdateSecretVersionStage),
            ("ListSecretVersionIds", Operation::ListSecretVersionIds),
            ("RestoreSecret", Operation::RestoreSecret),
            ("TagResource", Operation::TagResource),
            ("UntagResource", Operation::UntagResource),
            ("GetRandomPassword", Operation::GetRandomPassword),
            ("PutResourcePolicy", Operation::PutResourcePolicy),
            ("GetResourcePolicy", Operation::GetResourcePolicy),
            ("DeleteResourcePolicy", Operation::DeleteResourcePolicy),
            ("ValidateResourcePolicy", Operation::ValidateResourcePolicy),
            ("ListResourcePolicies", Operation::ListResourcePolicies),
            ("RotateSecret", Operation::RotateSecret),
            ("CancelRotateSecret", Operation::CancelRotateSecret),
            ("ReplicateSecretToRegions", Operation::ReplicateSecretToRegions),
            ("RemoveRegionsFromReplication", Operation::RemoveRegionsFromReplication),
            ("StopReplicationToReplica", Operation::StopReplicationToReplica),
            ("AssociateCrossAccountReplica", Operation::AssociateCrossAccountReplica),
            ("DisassociateCrossAccountReplica", Operation::DisassociateCrossAccountReplica),
        ] {
            let target = format!("secretsmanager.{name}");
            for media_type in [MEDIA_TYPE, "application/X-AMZ-JSON-1.1; charset=utf-8"] {
                let headers = [("content-type", media_type), ("x-amz-target", target.as_str())];
                assert_eq!(of("POST", "/", &headers), Ok(operation));
                assert_eq!(of("POST", "https://localhost:7400/?a=b", &headers), Ok(operation));
            }
        }
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
            ("POST", "/", named("TrentService.Decrypt")),
            ("POST", "/", named("")),
        ];
        for (method, uri, headers) in cases {
            let error = of(method, uri, &headers).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnknownOperation, "{method} {uri} {headers:?}");
            assert!(!error.message.is_empty());
        }
    }
}
