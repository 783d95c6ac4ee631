//! Golden files: what was written once must be written and read the same for ever.
//!
//! A file has lines `name = hexadecimal digits`, and comments after `#`. A mismatch prints the digits that
//! the code makes, but the remedy is a new format version beside the old one, not another golden file.

use std::collections::BTreeMap;

use types::{AccountId, ClusterId, KeyId, Namespace, Region, SecretArn, SecretName, VersionId};

pub(crate) const CLUSTER: ClusterId = ClusterId(*b"golden-cluster-1");
pub(crate) const KEY: KeyId = KeyId(*b"golden-key-id--1");

pub(crate) struct Golden(BTreeMap<&'static str, Vec<u8>>);

impl Golden {
    pub(crate) fn parse(text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|line| {
            let (name, digits) = line.split_once(" = ").unwrap();
            (name, hex::decode(digits).unwrap())
        });
        Self(entries.collect())
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> &[u8; N] {
        self.0[name].as_slice().try_into().unwrap()
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str, made: &[u8]) {
        let recorded = self.0.get(name).map(hex::encode);
        assert_eq!(Some(hex::encode(made)), recorded, "golden entry {name}");
    }
}

pub(crate) fn account() -> AccountId {
    "000000000042".parse().unwrap()
}

pub(crate) fn namespace() -> Namespace {
    Namespace { account: account(), region: Region::parse("eu-central-1").unwrap() }
}

pub(crate) fn name() -> SecretName {
    SecretName::parse("prod/db").unwrap()
}

pub(crate) fn version() -> VersionId {
    VersionId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap()
}

pub(crate) fn arn() -> SecretArn {
    SecretArn::new(&namespace(), &name(), "a1B2c3")
}
