//! Compiles the protobuf file of what is written to disk, in pure Rust.

use std::path::Path;

const FILE: &str = "conclave/storage/v1/storage.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.join(FILE).display());
    let descriptors = protox::compile([FILE], [&root])?;
    // Almost every message carries customer data or ciphertext: none gets a derived `Debug`.
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .bytes(".")
        .skip_debug(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
