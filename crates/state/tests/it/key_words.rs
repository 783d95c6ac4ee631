//! Short words for commands on keys.

use std::sync::Arc;

use state::{
    ChangeKey, Command, CreateAlias, CreateKey, DeleteAlias, EncryptionKey, GrantConstraints, GrantId, GrantOperation,
    GrantTerms, KeyChange, KeyManager, KeyRefusal, KeyVersion, NewGrant, Outcome, Refusal, RotateKey, RotationKind,
    SealedValue, UpdateAlias,
};
use types::{AliasName, KeyId, ValueKind};

use crate::fixture::{Node, namespace, sealed};

pub(crate) fn key(number: u8) -> KeyId {
    KeyId([number; 16])
}

pub(crate) fn alias(name: &str) -> AliasName {
    AliasName::parse(&format!("alias/{name}")).unwrap()
}

pub(crate) fn bytes(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

pub(crate) fn create_key_command(number: u8) -> CreateKey {
    CreateKey {
        namespace: namespace(),
        key: key(number),
        material: bytes("material 1"),
        manager: KeyManager::Customer,
        alias: None,
        description: "".into(),
        policy: Some("{}".into()),
        tags: Vec::new(),
        rotation_period_days: None,
    }
}

pub(crate) fn rotate(number: u32, kind: RotationKind) -> KeyChange {
    KeyChange::Rotate(RotateKey { number, material: bytes(&format!("material {number}")), kind })
}

pub(crate) fn terms(name: Option<&str>, grantee: &str, retiring: Option<&str>) -> Arc<GrantTerms> {
    Arc::new(GrantTerms {
        name: name.map(Into::into),
        grantee: grantee.into(),
        retiring: retiring.map(Into::into),
        operations: vec![GrantOperation::Decrypt],
        constraints: GrantConstraints::default(),
    })
}

pub(crate) fn grant_id(number: u32) -> GrantId {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    GrantId(id)
}

pub(crate) fn grant(number: u32, terms: &Arc<GrantTerms>) -> KeyChange {
    KeyChange::Grant(NewGrant { id: grant_id(number), terms: terms.clone() })
}

/// A value under a material of a key.
pub(crate) fn sealed_under(text: &str, by: KeyVersion) -> SealedValue {
    let wrapped_key = bytes(&format!("{text} by {} of {}", by.material, by.key));
    SealedValue { key: by.key, material: by.material, wrapped_key, ..sealed(text, ValueKind::String, 0) }
}

pub(crate) fn refused_by_key(outcome: &Outcome) -> KeyRefusal {
    match outcome {
        Err(Refusal::Key(refusal)) => *refusal,
        other => panic!("not a refusal of a key: {other:?}"),
    }
}

impl Node {
    #[track_caller]
    pub(crate) fn create_key(&mut self, number: u8) -> KeyId {
        self.run(Command::CreateKey(create_key_command(number))).unwrap();
        key(number)
    }

    #[track_caller]
    pub(crate) fn change_key(&mut self, key: KeyId, change: KeyChange) -> Outcome {
        self.run(Command::ChangeKey(ChangeKey { key, change }))
    }

    #[track_caller]
    pub(crate) fn key(&self, id: KeyId) -> &Arc<EncryptionKey> {
        self.state.encryption_key(&id).expect("the key exists")
    }

    #[track_caller]
    pub(crate) fn create_alias(&mut self, name: &str, key: KeyId) -> Outcome {
        self.run(Command::CreateAlias(CreateAlias { namespace: namespace(), name: alias(name), key }))
    }

    #[track_caller]
    pub(crate) fn update_alias(&mut self, name: &str, key: KeyId) -> Outcome {
        self.run(Command::UpdateAlias(UpdateAlias { namespace: namespace(), name: alias(name), key }))
    }

    #[track_caller]
    pub(crate) fn delete_alias(&mut self, name: &str) -> Outcome {
        self.run(Command::DeleteAlias(DeleteAlias { namespace: namespace(), name: alias(name) }))
    }

    /// The names of a key's aliases.
    pub(crate) fn names_of(&self, key: KeyId) -> Vec<String> {
        self.state.aliases_of(&key, None).map(|alias| alias.name.to_string()).collect()
    }
}
