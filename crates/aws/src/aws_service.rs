//! The services of AWS that this front speaks for, and what is not the same in their protocols.

use types::ErrorCode;

/// A service, as targets and signatures name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwsService {
    SecretsManager,
    Kms,
}

impl AwsService {
    /// Its name in the scope of a signature.
    pub(crate) const fn signing_name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Kms => "kms",
        }
    }

    /// What its targets begin with, before the dot.
    pub(crate) const fn target_prefix(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            // The name that KMS had before it was one.
            Self::Kms => "TrentService",
        }
    }

    /// The service of a target's first part.
    pub(crate) fn of_target(prefix: &str) -> Option<Self> {
        [Self::SecretsManager, Self::Kms].into_iter().find(|service| service.target_prefix() == prefix)
    }

    /// How it calls an error.
    pub(crate) const fn error_name(self, code: ErrorCode) -> &'static str {
        match self {
            Self::SecretsManager => code.aws_name(),
            Self::Kms => match code {
                ErrorCode::InternalService | ErrorCode::OutcomeUnknown => "KMSInternalException",
                _ => code.aws_name(),
            },
        }
    }

    /// Whether it spells the message of an error with a capital: Secrets Manager does for those of its model, and KMS
    /// never.
    pub(crate) const fn spells_message_with_capital(self, code: ErrorCode) -> bool {
        match self {
            Self::SecretsManager => code.is_modelled(),
            Self::Kms => false,
        }
    }
}
