//! The one table of errors that callers see: AWS code, HTTP status, gRPC status.

use std::borrow::Cow;
use std::fmt;

/// The gRPC status of an error, by its number in the gRPC specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum GrpcStatus {
    /// The fate of the call is not known.
    Unknown = 2,
    /// The request is wrong whatever the state of the system.
    InvalidArgument = 3,
    /// What the request names does not exist.
    NotFound = 5,
    /// What the request would create exists.
    AlreadyExists = 6,
    /// The caller is known and may not do this.
    PermissionDenied = 7,
    /// A quota or a rate is used up.
    ResourceExhausted = 8,
    /// The request is legal, but not in this state of the resource.
    FailedPrecondition = 9,
    /// No such method.
    Unimplemented = 12,
    /// A fault of the server.
    Internal = 13,
    /// The server cannot serve now; the caller may try again.
    Unavailable = 14,
    /// The caller is not known.
    Unauthenticated = 16,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $aws:literal, $http:literal, $modelled:literal, $grpc:ident;)+) => {
        /// A code that AWS clients branch on, with its place in the three protocols.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// Every code, for tests over the whole table and for decoding.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The bare name that AWS writes into `__type`.
            pub const fn aws_name(self) -> &'static str {
                match self { $(Self::$variant => $aws,)+ }
            }

            /// The HTTP status on the AWS fronts.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)+ }
            }

            /// Whether the model of Secrets Manager names it: its errors spell `Message` with a capital, those of KMS do
            /// not.
            pub const fn is_modelled(self) -> bool {
                match self { $(Self::$variant => $modelled,)+ }
            }

            /// The status on the gRPC front.
            pub const fn grpc_status(self) -> GrpcStatus {
                match self { $(Self::$variant => GrpcStatus::$grpc,)+ }
            }
        }
    };
}

error_codes! {
    /// Secret, version or stage missing.
    ResourceNotFound = "ResourceNotFoundException", 400, true, NotFound;
    /// The name is taken, or a token was used with other content.
    ResourceExists = "ResourceExistsException", 400, true, AlreadyExists;
    /// A parameter that is wrong in itself.
    InvalidParameter = "InvalidParameterException", 400, true, InvalidArgument;
    /// A legal parameter in the wrong state of the resource.
    InvalidRequest = "InvalidRequestException", 400, true, FailedPrecondition;
    /// A quota of versions, labels, secrets or tags.
    LimitExceeded = "LimitExceededException", 400, true, ResourceExhausted;
    /// A policy that is not JSON or not of the grammar.
    MalformedPolicyDocument = "MalformedPolicyDocumentException", 400, true, InvalidArgument;
    /// A policy that grants to everybody.
    PublicPolicy = "PublicPolicyException", 400, true, InvalidArgument;
    /// A prerequisite of Create or Update is missing.
    PreconditionNotMet = "PreconditionNotMetException", 400, true, FailedPrecondition;
    /// The key cannot encrypt.
    EncryptionFailure = "EncryptionFailure", 400, true, FailedPrecondition;
    /// The key cannot decrypt.
    DecryptionFailure = "DecryptionFailure", 400, true, FailedPrecondition;
    /// A NextToken that was not made for this request.
    InvalidNextToken = "InvalidNextTokenException", 400, true, InvalidArgument;
    /// A fault of the server.
    InternalService = "InternalServiceError", 500, true, Internal;
    /// The fate of a write is not known: it may or may not be applied. SDKs retry it with the same token.
    OutcomeUnknown = "InternalServiceError", 500, true, Unknown;
    /// No quorum, no leader, or sealed: nothing was done.
    ServiceUnavailable = "ServiceUnavailable", 503, false, Unavailable;
    /// A member outside the constraints of its shape.
    Validation = "ValidationException", 400, false, InvalidArgument;
    /// The caller is known and may not do this.
    AccessDenied = "AccessDeniedException", 400, false, PermissionDenied;
    /// The caller's rate is used up.
    Throttling = "ThrottlingException", 400, false, ResourceExhausted;
    /// Unknown or inactive access key.
    UnrecognizedClient = "UnrecognizedClientException", 400, false, Unauthenticated;
    /// The signature does not fit the request, or its date is off.
    InvalidSignature = "InvalidSignatureException", 400, false, Unauthenticated;
    /// No Authorization header.
    MissingAuthenticationToken = "MissingAuthenticationTokenException", 400, false, Unauthenticated;
    /// An Authorization header that cannot be read.
    IncompleteSignature = "IncompleteSignatureException", 400, false, Unauthenticated;
    /// A session that is over.
    ExpiredToken = "ExpiredTokenException", 400, false, Unauthenticated;
    /// No such operation.
    UnknownOperation = "UnknownOperationException", 400, false, Unimplemented;
    /// A body that is not JSON or has a member of another type.
    Serialization = "SerializationException", 400, false, InvalidArgument;
    /// A body over the limit.
    RequestTooLarge = "RequestEntityTooLargeException", 413, false, ResourceExhausted;
    /// A body that did not come in time.
    RequestTimeout = "RequestTimeoutException", 408, false, Unavailable;
    /// Key, alias or grant missing.
    NotFound = "NotFoundException", 400, false, NotFound;
    /// The key is disabled.
    Disabled = "DisabledException", 400, false, FailedPrecondition;
    /// The key is pending deletion, or is not.
    KmsInvalidState = "KMSInvalidStateException", 400, false, FailedPrecondition;
    /// A ciphertext that does not open: it is never said why.
    InvalidCiphertext = "InvalidCiphertextException", 400, false, InvalidArgument;
    /// A ciphertext of another key than the one that was named.
    IncorrectKey = "IncorrectKeyException", 400, false, InvalidArgument;
    /// A name that no alias has.
    InvalidAliasName = "InvalidAliasNameException", 400, false, InvalidArgument;
    /// The alias is taken.
    AlreadyExists = "AlreadyExistsException", 400, false, AlreadyExists;
    /// What should be the ARN of a key or of a principal.
    InvalidArn = "InvalidArnException", 400, false, InvalidArgument;
    /// A Marker that was not made for this request.
    InvalidMarker = "InvalidMarkerException", 400, false, InvalidArgument;
    /// Tags that a key cannot have.
    Tag = "TagException", 400, false, InvalidArgument;
    /// What was asked for is under way.
    Conflict = "ConflictException", 400, false, FailedPrecondition;
    /// What is not served of the service's model.
    UnsupportedOperation = "UnsupportedOperationException", 400, false, InvalidArgument;
    /// A GrantToken that was not made here.
    InvalidGrantToken = "InvalidGrantTokenException", 400, false, InvalidArgument;
    /// A GrantId of no grant of the key.
    InvalidGrantId = "InvalidGrantIdException", 400, false, InvalidArgument;
    /// A dry run that would have worked.
    DryRunOperation = "DryRunOperationException", 400, false, FailedPrecondition;
    /// The key's material cannot be opened now.
    KeyUnavailable = "KeyUnavailableException", 500, false, Unavailable;
    /// The key has no such algorithm.
    InvalidKeyUsage = "InvalidKeyUsageException", 400, false, InvalidArgument;
}

impl ErrorCode {
    /// The text that a message says when there is nothing to add.
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::OutcomeUnknown => {
                "The outcome of the request is unknown: it may have been applied. Retry it with the same ClientRequestToken."
            }
            Self::InternalService => "An error occurred on the server side.",
            Self::ServiceUnavailable => "The service cannot serve the request now. Nothing was changed.",
            Self::MissingAuthenticationToken => "Missing Authentication Token",
            Self::UnrecognizedClient => "The security token included in the request is invalid.",
            Self::Throttling => "Rate exceeded",
            Self::ResourceNotFound => "Secrets Manager can't find the specified secret.",
            Self::DryRunOperation => "The request would have succeeded, but the DryRun option is set.",
            Self::KeyUnavailable => "The key's material cannot be used now. Retry the request.",
            _ => "",
        }
    }

    /// The code's stable number in stored records; numbers are never used again.
    pub fn number(self) -> u32 {
        let position = Self::ALL.iter().position(|code| *code == self);
        position.and_then(|p| u32::try_from(p + 1).ok()).unwrap_or(0)
    }

    /// The inverse of [`Self::number`].
    pub fn from_number(number: u32) -> Option<Self> {
        let position = usize::try_from(number.checked_sub(1)?).ok()?;
        Self::ALL.get(position).copied()
    }
}

/// A refusal as the caller sees it: the code and what was wrong. It never holds a value or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.aws_name())]
pub struct ApiError {
    /// What clients branch on.
    pub code: ErrorCode,
    /// What people read.
    pub message: Cow<'static, str>,
}

impl ApiError {
    /// Makes an error with a message of its own.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// AWS's form for one constraint that failed: `1 validation error detected: ...`.
    pub fn validation(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Validation, format!("1 validation error detected: {what}"))
    }

    /// The answer for a secret that does not exist, the same everywhere.
    pub fn secret_not_found() -> Self {
        ErrorCode::ResourceNotFound.into()
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: Cow::Borrowed(code.default_message()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_codes_are_stable() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
        }
        assert_eq!(ErrorCode::ResourceNotFound.number(), 1);
        assert_eq!(ErrorCode::RequestTooLarge.number(), 25);
        assert_eq!(ErrorCode::from_number(0), None);
        assert_eq!(ErrorCode::RequestTimeout.number(), 26);
        assert_eq!(ErrorCode::InvalidKeyUsage.number(), 43);
        assert_eq!(ErrorCode::from_number(44), None);
    }
}
