//! The wire: generated messages and services of `proto/`, and their conversions to [`types`].
//!
//! Light enough for a service to link. What is written to disk is another schema and lives in `storage`.

use std::fmt;

pub use prost;
pub use prost_types;
pub use tonic;

mod error;
mod time;
mod wipe;

pub use error::{WireError, from_wire_error, to_wire_error};
pub use time::{from_wire_time, to_wire_time};

/// `conclave.secrets.v1`.
pub mod secrets {
    /// Version 1.
    #[allow(
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("conclave.secrets.v1");
    }
}

/// `conclave.keys.v1`.
pub mod keys {
    /// Version 1.
    #[allow(
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("conclave.keys.v1");
    }
}

/// `conclave.cluster.v1`.
pub mod cluster {
    /// Version 1.
    #[allow(
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("conclave.cluster.v1");
    }
}

/// `conclave.raft.v1`.
pub mod raft {
    /// Version 1.
    #[allow(
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("conclave.raft.v1");
    }
}

/// The metadata key that names the region of a call.
pub const REGION_METADATA: &str = "conclave-region";

/// The metadata key under which an answer, good or bad, carries the id of its request.
pub const REQUEST_ID_METADATA: &str = "conclave-request-id";

/// The domain of `google.rpc.ErrorInfo` in error details.
pub const ERROR_DOMAIN: &str = "conclave";

macro_rules! debug_as_name {
    ($($path:path as $name:literal),+ $(,)?) => {
        $(impl fmt::Debug for $path {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($name)
            }
        })+
    };
}

debug_as_name! {
    secrets::v1::CreateSecretRequest as "CreateSecretRequest",
    secrets::v1::GetSecretValueResponse as "GetSecretValueResponse",
    secrets::v1::PutSecretValueRequest as "PutSecretValueRequest",
    secrets::v1::UpdateSecretRequest as "UpdateSecretRequest",
    secrets::v1::GetRandomPasswordResponse as "GetRandomPasswordResponse",
    keys::v1::EncryptRequest as "EncryptRequest",
    keys::v1::DecryptResponse as "DecryptResponse",
    keys::v1::GenerateDataKeyResponse as "GenerateDataKeyResponse",
    keys::v1::GenerateRandomResponse as "GenerateRandomResponse",
    cluster::v1::Credential as "Credential",
    cluster::v1::AddProvider as "AddProvider",
    cluster::v1::ChangeKeyringResponse as "ChangeKeyringResponse",
    raft::v1::Entry as "Entry",
    raft::v1::AppendRequest as "AppendRequest",
    raft::v1::SnapshotRequest as "SnapshotRequest",
    raft::v1::ProposeRequest as "ProposeRequest",
    raft::v1::ProposeResponse as "ProposeResponse",
    raft::v1::Applied as "Applied",
}
