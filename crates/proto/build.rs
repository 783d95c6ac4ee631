//! Compiles the wire's protobuf files in pure Rust.

use std::path::Path;

const FILES: [&str; 4] = [
    "conclave/secrets/v1/secrets.proto",
    "conclave/keys/v1/keys.proto",
    "conclave/cluster/v1/cluster.proto",
    "conclave/raft/v1/raft.proto",
];

/// Messages that carry a customer's value or its ciphertext: their `Debug` is written by hand.
const WITHOUT_DEBUG: [&str; 18] = [
    "conclave.secrets.v1.CreateSecretRequest",
    "conclave.secrets.v1.GetSecretValueResponse",
    "conclave.secrets.v1.PutSecretValueRequest",
    "conclave.secrets.v1.UpdateSecretRequest",
    "conclave.secrets.v1.GetRandomPasswordResponse",
    "conclave.keys.v1.EncryptRequest",
    "conclave.keys.v1.DecryptResponse",
    "conclave.keys.v1.GenerateDataKeyResponse",
    "conclave.keys.v1.GenerateRandomResponse",
    "conclave.cluster.v1.Credential",
    "conclave.cluster.v1.AddProvider",
    "conclave.cluster.v1.ChangeKeyringResponse",
    "conclave.raft.v1.Entry",
    "conclave.raft.v1.AppendRequest",
    "conclave.raft.v1.SnapshotRequest",
    "conclave.raft.v1.ProposeRequest",
    "conclave.raft.v1.ProposeResponse",
    "conclave.raft.v1.Applied",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    for file in FILES {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure()
        .bytes(".conclave.raft.v1")
        .btree_map(".conclave.keys.v1")
        .skip_debug(WITHOUT_DEBUG)
        .compile_fds(descriptors)?;
    Ok(())
}
