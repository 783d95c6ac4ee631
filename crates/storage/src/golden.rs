//! Golden files: what was written once must be written and read the same for ever.
//!
//! A file has lines `name = hexadecimal digits`, and comments after `#`. A mismatch prints the digits that the code
//! makes, but the remedy is a new format version beside the old one, not another golden file. To add an entry for a
//! new record or command, write its name with no digits, run the test and copy what it prints after a look at it; the
//! entries that are there stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use key_service::{Barrier, Keyfile, Keyring, RootKeyProvider};
use state::{
    Access, AccessKey, AddReplicas, Alias, Applied, Binding, Boot, Boots, Bootstrap, CancelRotateSecret, ChangeKey,
    Cluster, Command, CreateAlias, CreateKey, CreateSecret, DataId, DeleteAlias, DeleteMode, DeleteResourcePolicy,
    DeleteSecret, DestroyedKey, EncryptionKey, Envelope, Grant, GrantConstraints, GrantId, GrantOperation, GrantTerms,
    KeyChange, KeyManager, KeyRefusal, KeyRotation, KeyState, KeyVersion, MarkReverted, MaterialRotation, NewGrant,
    NodeBoot, Outcome, ProposalResult, Purge, PurgeKeys, PutResourcePolicy, PutSecretValue, Record, RecordKey,
    RecordKind, Refusal, RegisterBoot, RemoveRegionsFromReplication, Replica, ReplicaRegion, ReplicaStatus,
    ReplicateSecretToRegions, ResourcePolicy, RestoreSecret, Rewrap, RewrapDataKeys, RewrapJob, RewrappedVersion,
    RotateKey, RotateSecret, Rotation, RotationKind, RotationRules, RotationSchedule, SealedValue, Secret,
    SecretRecord, SecretRewrap, SecretUid, SetKeyring, StopReplicationToReplica, TagResource, Touch, UntagResource,
    UpdateAlias, UpdateSecret, UpdateSecretVersionStage, Version, VersionPart, Versions,
};
use types::{
    AccessKeyId, AccountId, AliasName, ApiError, ErrorCode, KeyId, Namespace, NodeId, Principal, ProposalId, Region,
    SecretArn, SecretName, StagingLabel, Tag, Timestamp, ValueKind, VersionId,
};

use crate::codec::{
    CheckpointHead, ProposalRequest, begin_pack, decode_envelope, decode_head, decode_outcome, decode_pack,
    decode_proposal, decode_record, encode_envelope, encode_head, encode_outcome, encode_proposal, encode_record,
    push_entry,
};
use crate::head::Head;
use crate::log::LogId;
use crate::log_codec::LogCodec;
use crate::snapshot::SnapshotReceiver;

pub(crate) struct Golden(BTreeMap<&'static str, Vec<u8>>);

impl Golden {
    pub(crate) fn parse(text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|line| {
            let (name, digits) = line.split_once(" =").unwrap();
            (name, hex::decode(digits.trim()).unwrap())
        });
        Self(entries.collect())
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str, made: &[u8]) {
        let recorded = self.0.get(name).map(hex::encode);
        assert_eq!(Some(hex::encode(made)), recorded, "golden entry {name}");
    }
}

macro_rules! golden {
    ($file:literal) => {
        Golden::parse(include_str!(concat!("../../../tests/golden/storage/", $file, ".txt")))
    };
}

/// The barrier of `tests/golden/key-service/keyring.txt`.
pub(crate) fn barrier() -> Arc<Barrier> {
    use std::os::unix::fs::PermissionsExt;

    let golden = Golden::parse(include_str!("../../../tests/golden/key-service/keyring.txt"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyfile");
    std::fs::write(&path, format!("{}\n", hex::encode(golden.bytes("keyfile")))).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let keyfile = Keyfile::open(path).unwrap();
    let keyring = Keyring::decode(golden.bytes("file")).unwrap();
    Arc::new(keyring.unseal(&[&keyfile as &dyn RootKeyProvider]).unwrap().barrier)
}

fn account() -> AccountId {
    "000000000042".parse().unwrap()
}

fn namespace() -> Namespace {
    Namespace { account: account(), region: Region::parse("eu-central-1").unwrap() }
}

fn name() -> SecretName {
    SecretName::parse("prod/db").unwrap()
}

fn arn() -> SecretArn {
    SecretArn::new(&namespace(), &name(), "a1B2c3")
}

fn version_id(last: char) -> VersionId {
    VersionId::parse(&format!("01234567-89ab-cdef-0123-456789abcde{last}")).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
}

fn sealed_bytes(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

fn key_id() -> KeyId {
    KeyId(*b"golden-key-id--1")
}

fn proposal_id() -> ProposalId {
    ProposalId(*b"golden-proposal1")
}

fn value() -> SealedValue {
    SealedValue {
        kind: ValueKind::Binary,
        key: key_id(),
        material: 3,
        wrapped_key: sealed_bytes("wrapped data key"),
        ciphertext: sealed_bytes("ciphertext"),
        fingerprint: *b"a fingerprint of thirty-two byte",
    }
}

fn tags() -> Vec<Tag> {
    vec![Tag { key: "team".into(), value: "ä".into() }, Tag { key: "empty".into(), value: "".into() }]
}

fn envelope_of(command: Command) -> Envelope {
    Envelope {
        proposal: proposal_id(),
        principal: Principal::Root(account()),
        decided_at: 300,
        stamped: at(0),
        command,
    }
}

fn create_secret() -> Command {
    Command::CreateSecret(CreateSecret {
        namespace: namespace(),
        name: name(),
        arn: arn(),
        token: version_id('f'),
        description: Some("a database".into()),
        kms_key_id: Some("alias/own".into()),
        tags: tags(),
        value: Some(value()),
        add_replicas: AddReplicas::default(),
    })
}

/// An envelope that creates the secret `prod/db`.
pub(crate) fn envelope() -> Envelope {
    envelope_of(create_secret())
}

fn commands() -> [(&'static str, Command); 31] {
    let bare = CreateSecret {
        namespace: namespace(),
        name: name(),
        arn: arn(),
        token: version_id('f'),
        description: None,
        kms_key_id: None,
        tags: Vec::new(),
        value: None,
        add_replicas: AddReplicas::default(),
    };
    let remove = RemoveRegionsFromReplication { target: arn(), regions: vec![region("us-west-2")] };
    let put = PutSecretValue {
        target: arn(),
        token: version_id('e'),
        value: SealedValue { kind: ValueKind::String, ..value() },
        stages: vec![StagingLabel::Pending, StagingLabel::parse("blue").unwrap()],
    };
    let bootstrap = Bootstrap {
        account: account(),
        access_key_id: AccessKeyId::parse("AKIAGOLDEN").unwrap(),
        access_key_secret: sealed_bytes("sealed access key"),
        root_certificate_uri: "conclave://cluster/root".into(),
        idempotency_key: sealed_bytes("sealed idempotency key"),
        default_key: key_id(),
        default_key_material: sealed_bytes("sealed material"),
    };
    let access = |secret, part| Access { secret: SecretUid(secret), part };
    let touch = |entries| Command::Touch(Touch { day: at(0).start_of_day(), entries });
    let purge = |secrets| Command::Purge(Purge { secrets, not_after: at(60) });
    let delete = |mode| Command::DeleteSecret(DeleteSecret { target: arn(), mode });
    let update = |description: Option<&str>, kms_key_id: Option<&str>, value| {
        let (description, kms_key_id) = (description.map(Into::into), kms_key_id.map(Into::into));
        let token = version_id('e');
        let update = UpdateSecret { target: arn(), token, description, kms_key_id, value, rewrap: None };
        Command::UpdateSecret(update)
    };
    let rotate = |rules: Option<RotationRules>, immediately| {
        let function = rules.as_ref().map(|_| rotation_function());
        Command::RotateSecret(RotateSecret { target: arn(), token: version_id('d'), function, rules, immediately })
    };
    let stage = |label, move_to, remove_from| {
        let update = UpdateSecretVersionStage { target: arn(), label, move_to, remove_from };
        Command::UpdateSecretVersionStage(update)
    };
    [
        ("bootstrap", Command::Bootstrap(bootstrap)),
        ("create-secret", create_secret()),
        ("create-bare-secret", Command::CreateSecret(bare.clone())),
        ("put-secret-value", Command::PutSecretValue(put)),
        ("delete-secret", delete(DeleteMode::Window { days: 7 })),
        ("delete-secret-window-0", delete(DeleteMode::Window { days: 0 })),
        ("force-delete-secret", delete(DeleteMode::Force)),
        ("update-secret", update(Some("another database"), Some("alias/own"), Some(value()))),
        ("update-secret-with-empty-texts", update(Some(""), Some(""), None)),
        ("update-secret-with-nothing", update(None, None, None)),
        ("move-stage", stage(StagingLabel::Current, Some(version_id('f')), Some(version_id('e')))),
        ("attach-stage", stage(StagingLabel::parse("blue").unwrap(), Some(version_id('f')), None)),
        ("detach-stage", stage(StagingLabel::Pending, None, Some(version_id('e')))),
        ("restore-secret", Command::RestoreSecret(RestoreSecret { target: arn() })),
        ("tag-resource", Command::TagResource(TagResource { target: arn(), tags: tags() })),
        (
            "untag-resource",
            Command::UntagResource(UntagResource { target: arn(), keys: vec!["team".into(), "empty".into()] }),
        ),
        ("touch", touch(vec![access(9, 2), access(300, 0)])),
        ("touch-nothing", touch(Vec::new())),
        ("purge", purge(vec![SecretUid(9), SecretUid(300)])),
        ("purge-nothing", purge(Vec::new())),
        ("register-boot", Command::RegisterBoot(RegisterBoot { node: NodeId(3), data: data_id(), boots: boots() })),
        ("mark-reverted", Command::MarkReverted(MarkReverted { node: NodeId(3), data: data_id() })),
        ("put-resource-policy", Command::PutResourcePolicy(PutResourcePolicy { target: arn(), policy: policy() })),
        ("delete-resource-policy", Command::DeleteResourcePolicy(DeleteResourcePolicy { target: arn() })),
        ("rotate-secret", rotate(Some(rotation_rules()), true)),
        ("rotate-secret-as-before", rotate(None, false)),
        ("create-replicated-secret", Command::CreateSecret(CreateSecret { add_replicas: replicas(), ..bare })),
        ("replicate", Command::ReplicateSecretToRegions(ReplicateSecretToRegions { target: arn(), add: replicas() })),
        ("remove-regions", Command::RemoveRegionsFromReplication(remove)),
        ("stop-replication", Command::StopReplicationToReplica(StopReplicationToReplica { target: arn() })),
        ("cancel-rotate-secret", Command::CancelRotateSecret(CancelRotateSecret { target: arn() })),
    ]
}

fn key_commands() -> Vec<(&'static str, Command)> {
    let create = CreateKey {
        namespace: namespace(),
        key: key_id(),
        material: sealed_bytes("sealed material"),
        manager: KeyManager::Customer,
        alias: Some(alias_name()),
        description: "for databases".into(),
        policy: Some(policy()),
        tags: tags(),
        rotation_period_days: Some(365),
    };
    let bare = CreateKey {
        manager: KeyManager::Service,
        alias: None,
        description: "".into(),
        policy: None,
        tags: Vec::new(),
        rotation_period_days: None,
        ..create.clone()
    };
    let change = |change| Command::ChangeKey(ChangeKey { key: key_id(), change });
    let rotate = |kind| KeyChange::Rotate(RotateKey { number: 3, material: sealed_bytes("sealed material"), kind });
    let to = KeyVersion { key: key_id(), material: 3 };
    let rewrapped = RewrappedVersion {
        version: version_id('f'),
        from: KeyVersion { key: KeyId(*b"golden-key-id--2"), material: 1 },
        wrapped_key: sealed_bytes("data key wrapped anew"),
    };
    let update = UpdateSecret {
        target: arn(),
        token: version_id('e'),
        description: None,
        kms_key_id: Some("alias/own".into()),
        value: None,
        rewrap: Some(SecretRewrap { to, versions: vec![rewrapped] }),
    };
    let rewrap = Rewrap { secret: SecretUid(9), part: 2, from: 1, wrapped_key: sealed_bytes("data key wrapped anew") };
    let step = RewrapDataKeys {
        to,
        cursor: SecretUid(9),
        next: Some(SecretUid(300)),
        secrets: 12,
        failed: 1,
        rewraps: vec![rewrap],
    };
    let last = RewrapDataKeys { next: None, secrets: 0, failed: 0, rewraps: Vec::new(), ..step.clone() };
    let keyring =
        |terms| Command::SetKeyring(SetKeyring { revision: 2, sealed: sealed_bytes("a sealed keyring"), terms });
    vec![
        ("create-key", Command::CreateKey(create)),
        ("create-bare-key", Command::CreateKey(bare)),
        ("update-key-description", change(KeyChange::Description("for queues".into()))),
        ("enable-key", change(KeyChange::Enable)),
        ("disable-key", change(KeyChange::Disable)),
        ("schedule-key-deletion", change(KeyChange::ScheduleDeletion { window_days: 7 })),
        ("cancel-key-deletion", change(KeyChange::CancelDeletion)),
        ("enable-key-rotation", change(KeyChange::Rotation(Some(90)))),
        ("disable-key-rotation", change(KeyChange::Rotation(None))),
        ("rotate-key-on-demand", change(rotate(RotationKind::OnDemand))),
        ("rotate-key", change(rotate(RotationKind::Automatic))),
        ("put-key-policy", change(KeyChange::Policy(policy()))),
        ("tag-key", change(KeyChange::Tag(tags()))),
        ("untag-key", change(KeyChange::Untag(vec!["team".into(), "empty".into()]))),
        ("create-grant", change(KeyChange::Grant(NewGrant { id: grant_id(), terms: Arc::new(grant_terms()) }))),
        ("revoke-grant", change(KeyChange::Revoke(grant_id()))),
        ("retire-grant", change(KeyChange::Retire(grant_id()))),
        ("rewrap-key", change(KeyChange::Rewrap)),
        (
            "create-alias",
            Command::CreateAlias(CreateAlias { namespace: namespace(), name: alias_name(), key: key_id() }),
        ),
        (
            "update-alias",
            Command::UpdateAlias(UpdateAlias { namespace: namespace(), name: alias_name(), key: key_id() }),
        ),
        ("delete-alias", Command::DeleteAlias(DeleteAlias { namespace: namespace(), name: alias_name() })),
        ("purge-keys", Command::PurgeKeys(PurgeKeys { keys: vec![key_id()], not_after: at(60) })),
        ("update-key-of-secret", Command::UpdateSecret(update)),
        ("rewrap-data-keys", Command::RewrapDataKeys(step)),
        ("rewrap-last-data-keys", Command::RewrapDataKeys(last)),
        ("set-keyring", keyring(sealed_bytes("sealed terms"))),
        ("set-keyring-without-terms", keyring(sealed_bytes(""))),
    ]
}

fn alias_name() -> AliasName {
    AliasName::parse("alias/own").unwrap()
}

fn grant_id() -> GrantId {
    GrantId(*b"golden-grant-id-of-32-bytes-----")
}

fn grant_terms() -> GrantTerms {
    let context = |value: &str| [("stage".into(), value.into()), ("tenant".into(), "ä".into())].into();
    GrantTerms {
        name: Some("reader".into()),
        grantee: "arn:aws:iam::000000000042:role/reader".into(),
        retiring: Some("arn:aws:iam::000000000042:root".into()),
        operations: vec![GrantOperation::Decrypt, GrantOperation::DescribeKey],
        constraints: GrantConstraints { subset: Some(context("prod")), equals: Some(context("")) },
    }
}

/// Keys in all their states, by the names of their golden entries.
fn key_records() -> Vec<(&'static str, EncryptionKey)> {
    let rotation = |at, kind| MaterialRotation { at, kind };
    let key = EncryptionKey {
        uid: 3,
        id: key_id(),
        account: account(),
        region: Some(region("us-west-2")),
        manager: KeyManager::Customer,
        state: KeyState::Enabled,
        created: at(0),
        description: "for databases".into(),
        policy: Some(policy()),
        tags: tags(),
        rotation: Some(KeyRotation { period_days: 365, counted_from: at(1) }),
        material: vec![sealed_bytes("material 1"), sealed_bytes("material 2"), sealed_bytes("material 3")],
        rotations: vec![rotation(at(1), RotationKind::Automatic), rotation(at(2), RotationKind::OnDemand)],
        changed_at: 300,
    };
    let going = KeyState::PendingDeletion { ends: at(60), window_days: 7 };
    let disabled = EncryptionKey { state: KeyState::Disabled, rotation: None, ..key.clone() };
    let of_every_region = EncryptionKey {
        region: None,
        manager: KeyManager::Service,
        description: "".into(),
        policy: None,
        tags: Vec::new(),
        rotation: None,
        material: vec![sealed_bytes("material 1")],
        rotations: Vec::new(),
        ..key.clone()
    };
    vec![
        ("key-going", EncryptionKey { state: going, ..key.clone() }),
        ("key", key),
        ("disabled-key", disabled),
        ("key-of-every-region", of_every_region),
    ]
}

/// Records of what belongs to keys.
fn records_of_keys() -> Vec<(&'static str, RecordKey, Record)> {
    let key = |kind, id| RecordKey { kind, id, part: 0 };
    let alias = Alias {
        uid: 12,
        namespace: namespace(),
        name: alias_name(),
        key: key_id(),
        created: at(0),
        updated: at(1),
        changed_at: 300,
    };
    let grant = Grant {
        uid: 13,
        id: grant_id(),
        key: key_id(),
        terms: Arc::new(grant_terms()),
        issuer: Principal::Root(account()),
        created: at(1),
    };
    let bare_terms = GrantTerms {
        name: None,
        retiring: None,
        operations: Vec::new(),
        constraints: GrantConstraints::default(),
        ..grant_terms()
    };
    let bare_grant = Grant { terms: Arc::new(bare_terms), ..grant.clone() };
    let empty = Some(BTreeMap::new());
    let empty_terms =
        GrantTerms { constraints: GrantConstraints { subset: empty.clone(), equals: empty }, ..grant_terms() };
    let empty_grant = Grant { terms: Arc::new(empty_terms), ..grant.clone() };
    let destroyed = DestroyedKey {
        uid: 14,
        id: key_id(),
        account: account(),
        region: Some(region("us-west-2")),
        at: at(60),
        index: 300,
    };
    let job = RewrapJob {
        key_uid: 3,
        key: key_id(),
        material: 3,
        started: at(1),
        cursor: SecretUid(300),
        secrets: 12,
        rewrapped: 11,
        failed: 1,
        finished: None,
    };
    let keyring = state::Keyring {
        revision: 2,
        sealed: sealed_bytes("a sealed keyring"),
        terms: sealed_bytes("sealed terms"),
        at: at(1),
        index: 300,
    };
    let everywhere = DestroyedKey { region: None, ..destroyed.clone() };
    let finished = RewrapJob { finished: Some(at(2)), ..job.clone() };
    let without_terms = state::Keyring { terms: sealed_bytes(""), ..keyring.clone() };
    let mut records: Vec<_> = (key_records().into_iter())
        .map(|(name, record)| (name, key(RecordKind::EncryptionKey, 3), Record::EncryptionKey(Arc::new(record))))
        .collect();
    records.extend([
        ("alias", key(RecordKind::Alias, 12), Record::Alias(Arc::new(alias))),
        ("grant", key(RecordKind::Grant, 13), Record::Grant(Arc::new(grant))),
        ("bare-grant", key(RecordKind::Grant, 13), Record::Grant(Arc::new(bare_grant))),
        ("grant-with-empty-contexts", key(RecordKind::Grant, 13), Record::Grant(Arc::new(empty_grant))),
        ("destroyed-key", key(RecordKind::DestroyedKey, 14), Record::DestroyedKey(Arc::new(destroyed))),
        (
            "destroyed-key-of-every-region",
            key(RecordKind::DestroyedKey, 14),
            Record::DestroyedKey(Arc::new(everywhere)),
        ),
        ("rewrap", key(RecordKind::Rewrap, 3), Record::Rewrap(Arc::new(job))),
        ("finished-rewrap", key(RecordKind::Rewrap, 3), Record::Rewrap(Arc::new(finished))),
        ("keyring", key(RecordKind::Keyring, 0), Record::Keyring(Arc::new(keyring))),
        ("keyring-without-terms", key(RecordKind::Keyring, 0), Record::Keyring(Arc::new(without_terms))),
    ]);
    records
}

fn key_outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("key-changed", Ok(Applied::KeyChanged { key: key_id() })),
        ("key-deletion-scheduled", Ok(Applied::KeyDeletionScheduled { key: key_id(), deletion_date: at(60) })),
        ("key-rotated", Ok(Applied::KeyRotated { key: key_id(), material: 3 })),
        ("granted", Ok(Applied::Granted { key: key_id(), grant: grant_id() })),
        ("rewrapped", Ok(Applied::Rewrapped { count: 300 })),
        ("keyring-set", Ok(Applied::KeyringSet { revision: 2 })),
        ("key-disabled", Err(Refusal::Key(KeyRefusal::Disabled))),
        ("key-pending-deletion", Err(Refusal::Key(KeyRefusal::PendingDeletion))),
        ("key-not-pending-deletion", Err(Refusal::Key(KeyRefusal::NotPendingDeletion))),
        ("key-of-the-service", Err(Refusal::Key(KeyRefusal::OfTheService))),
        ("alias-exists", Err(Refusal::Key(KeyRefusal::AliasExists))),
        ("alias-reserved", Err(Refusal::Key(KeyRefusal::AliasReserved))),
        ("key-quota", Err(Refusal::Key(KeyRefusal::KeyQuota))),
        ("alias-quota", Err(Refusal::Key(KeyRefusal::AliasQuota))),
        ("grant-quota", Err(Refusal::Key(KeyRefusal::GrantQuota))),
        ("tag-quota", Err(Refusal::Key(KeyRefusal::TagQuota))),
        ("policy-too-long", Err(Refusal::Key(KeyRefusal::PolicyTooLong))),
        ("on-demand-rotation-quota", Err(Refusal::Key(KeyRefusal::OnDemandRotationQuota))),
        ("material-quota", Err(Refusal::Key(KeyRefusal::MaterialQuota))),
        ("keyring-too-long", Err(Refusal::Key(KeyRefusal::KeyringTooLong))),
    ]
}

fn rotation_function() -> Arc<str> {
    "arn:aws:lambda:eu-central-1:000000000042:function:rotate".into()
}

fn rotation_rules() -> RotationRules {
    let schedule = RotationSchedule::Expression("cron(0 16 1,15 * ? *)".into());
    RotationRules { schedule, duration: Some("2h".into()) }
}

/// A secret that is rotated, and one whose rotation was cancelled.
fn rotated_secrets() -> [SecretRecord; 2] {
    let rotation = |enabled, rules, last_rotated| Rotation {
        enabled,
        function: rotation_function(),
        rules,
        counted_from: at(1),
        last_rotated,
    };
    let days = RotationRules { schedule: RotationSchedule::AfterDays(30), duration: None };
    [rotation(true, Some(rotation_rules()), Some(at(2))), rotation(false, Some(days), None)].map(|rotation| {
        let secret = Secret { rotation: Some(Arc::new(rotation)), ..(*bare_secret().secret).clone() };
        SecretRecord { secret: Arc::new(secret), versions: Vec::new() }
    })
}

fn region(text: &str) -> Region {
    Region::parse(text).unwrap()
}

fn replicas() -> AddReplicas {
    let to =
        |name, kms_key_id: Option<&str>| ReplicaRegion { region: region(name), kms_key_id: kms_key_id.map(Into::into) };
    AddReplicas { regions: vec![to("us-west-2", None), to("eu-west-1", Some("alias/own"))], force: true }
}

/// A replica that was read, and one that was not made.
fn replica_records() -> [Replica; 2] {
    let replica = Replica {
        uid: SecretUid(11),
        primary: SecretUid(9),
        region: region("us-west-2"),
        kms_key_id: Some("alias/own".into()),
        created: at(1),
        status: ReplicaStatus::InSync,
        last_accessed: Some(at(2)),
        versions_accessed: vec![(0, at(1)), (2, at(2))],
    };
    let taken = Replica {
        kms_key_id: None,
        status: ReplicaStatus::NameTaken,
        last_accessed: None,
        versions_accessed: Vec::new(),
        ..replica.clone()
    };
    [replica, taken]
}

fn policy() -> Arc<str> {
    r#"{"Statement": []}"#.into()
}

fn data_id() -> DataId {
    DataId(*b"golden-directory")
}

fn boots() -> Boots {
    Boots::new(300, vec![u64::MAX, 0, 1]).unwrap()
}

fn outcomes() -> [(&'static str, Outcome); 11] {
    let written = |version, stages| Ok(Applied::Written { arn: arn(), name: name(), version, stages });
    [
        ("bootstrapped", Ok(Applied::Bootstrapped)),
        ("written", written(Some(version_id('f')), vec![StagingLabel::Current])),
        ("written-without-version", written(None, Vec::new())),
        ("deleted", Ok(Applied::Deleted { arn: arn(), name: name(), deletion_date: at(60) })),
        (
            "replicated",
            Ok(Applied::Replicated {
                arn: arn(),
                name: name(),
                version: Some(version_id('f')),
                regions: replica_records().iter().map(Into::into).collect(),
            }),
        ),
        ("touched", Ok(Applied::Touched)),
        ("purged", Ok(Applied::Purged)),
        ("boot-noted", Ok(Applied::BootNoted)),
        ("conflict", Err(Refusal::Conflict)),
        ("forgotten", Err(Refusal::Forgotten)),
        ("api-error", Err(Refusal::Api(ApiError::new(ErrorCode::ResourceExists, "It exists.")))),
    ]
}

fn secret() -> SecretRecord {
    let secret = Secret {
        uid: SecretUid(9),
        namespace: namespace(),
        name: name(),
        arn: arn(),
        create_token: version_id('f'),
        description: Some("a database".into()),
        kms_key_id: Some("alias/own".into()),
        tags: Some(tags()),
        created: at(0),
        last_changed: at(1),
        last_accessed: Some(at(2)),
        deletion_date: Some(at(3)),
        rotation: None,
        versions: Versions::default(),
        labels: vec![
            (StagingLabel::Current, version_id('f')),
            (StagingLabel::Previous, version_id('e')),
            (StagingLabel::parse("blue").unwrap(), version_id('e')),
        ],
        next_part: 3,
        key_changed_at: 0,
    };
    let versions =
        vec![VersionPart { part: 1, last_accessed: None }, VersionPart { part: 2, last_accessed: Some(at(2)) }];
    SecretRecord { secret: Arc::new(secret), versions }
}

/// A secret that has all optional parts empty.
fn bare_secret() -> SecretRecord {
    let full = secret();
    let secret = Secret {
        description: None,
        kms_key_id: None,
        tags: None,
        last_accessed: None,
        deletion_date: None,
        labels: Vec::new(),
        ..(*full.secret).clone()
    };
    SecretRecord { secret: Arc::new(secret), versions: Vec::new() }
}

/// A record of each kind, by the name of its golden file.
pub(crate) fn records() -> Vec<(&'static str, RecordKey, Record)> {
    let key = |kind, id, part| RecordKey { kind, id, part };
    let principal = Principal::Root(account());
    let access_key = AccessKey {
        uid: 1,
        id: AccessKeyId::parse("AKIAGOLDEN").unwrap(),
        secret: sealed_bytes("sealed access key"),
        principal: principal.clone(),
        changed_at: 1,
    };
    let binding =
        Binding { uid: 2, uri: "conclave://cluster/root".into(), principal: Principal::System, changed_at: 1 };
    let encryption_key = EncryptionKey {
        uid: 3,
        id: key_id(),
        account: account(),
        region: None,
        manager: KeyManager::Service,
        state: KeyState::Enabled,
        created: Timestamp::ZERO,
        description: "".into(),
        policy: None,
        tags: Vec::new(),
        rotation: None,
        material: vec![sealed_bytes("material 1"), sealed_bytes("material 2")],
        rotations: Vec::new(),
        changed_at: 300,
    };
    let cluster =
        Cluster { account: account(), idempotency_key: sealed_bytes("sealed idempotency key"), default_key: key_id() };
    let untagged = SecretRecord {
        secret: Arc::new(Secret { tags: Some(Vec::new()), ..(*bare_secret().secret).clone() }),
        versions: Vec::new(),
    };
    let version = Version { part: 2, id: version_id('f'), created: at(1), value: Some(value()), sealed_under: None };
    let placeholder = Version { value: None, ..version.clone() };
    let promoted = Version { sealed_under: Some(arn()), ..version.clone() };
    let [replica, taken] = replica_records().map(|replica| Record::Replica(Arc::new(replica)));
    let [rotated, cancelled] = rotated_secrets();
    let outcome = outcomes()[1].1.clone();
    let result = ProposalResult { index: 300, at: at(1), proposal: proposal_id(), outcome };
    let boot = Boot { counter: 302, nonce: 1 };
    let resource_policy = ResourcePolicy { secret: SecretUid(9), text: Some(policy()), changed_at: 300 };
    let node_boot = NodeBoot { node: NodeId(3), data: data_id(), boot, reverted: false };
    vec![
        (
            "counters",
            key(RecordKind::Counters, 0, 0),
            Record::Counters { time: at(3), next_uid: 10, forgotten_through: 200 },
        ),
        ("cluster", key(RecordKind::Cluster, 0, 0), Record::Cluster(Arc::new(cluster))),
        ("access-key", key(RecordKind::AccessKey, 1, 0), Record::AccessKey(Arc::new(access_key))),
        ("binding", key(RecordKind::Binding, 2, 0), Record::Binding(Arc::new(binding))),
        ("encryption-key", key(RecordKind::EncryptionKey, 3, 0), Record::EncryptionKey(Arc::new(encryption_key))),
        ("secret", key(RecordKind::Secret, 9, 0), Record::Secret(secret())),
        ("bare-secret", key(RecordKind::Secret, 9, 0), Record::Secret(bare_secret())),
        ("untagged-secret", key(RecordKind::Secret, 9, 0), Record::Secret(untagged)),
        ("rotated-secret", key(RecordKind::Secret, 9, 0), Record::Secret(rotated)),
        ("secret-rotated-no-more", key(RecordKind::Secret, 9, 0), Record::Secret(cancelled)),
        ("version", key(RecordKind::Version, 9, 2), Record::Version(Arc::new(version))),
        ("promoted-version", key(RecordKind::Version, 9, 2), Record::Version(Arc::new(promoted))),
        ("placeholder", key(RecordKind::Version, 9, 2), Record::Version(Arc::new(placeholder))),
        ("proposal", key(RecordKind::Proposal, 300, 0), Record::Proposal(result)),
        ("node-boot", key(RecordKind::NodeBoot, 3, 0), Record::NodeBoot(Arc::new(node_boot.clone()))),
        (
            "reverted-node-boot",
            key(RecordKind::NodeBoot, 3, 0),
            Record::NodeBoot(Arc::new(NodeBoot { reverted: true, ..node_boot })),
        ),
        (
            "resource-policy",
            key(RecordKind::ResourcePolicy, 9, 0),
            Record::ResourcePolicy(Arc::new(resource_policy.clone())),
        ),
        (
            "deleted-resource-policy",
            key(RecordKind::ResourcePolicy, 9, 0),
            Record::ResourcePolicy(Arc::new(ResourcePolicy { text: None, ..resource_policy })),
        ),
        ("replica", key(RecordKind::Replica, 11, 0), replica),
        ("replica-not-made", key(RecordKind::Replica, 11, 0), taken),
    ]
}

pub(crate) fn head() -> Head {
    Head {
        last: LogId { term: 5, leader: NodeId(2), index: 300 },
        membership_log_id: Some(LogId { term: 1, leader: NodeId(1), index: 1 }),
        membership: b"the membership".to_vec(),
    }
}

pub(crate) fn checkpoint_head() -> CheckpointHead {
    CheckpointHead {
        checkpoint: 7,
        base: 4,
        records: 1_000,
        packed: 1_500,
        packs: *b"a digest of thirty-two bytes is.",
        head: Some(head()),
    }
}

#[test]
fn envelopes_are_the_recorded_ones() {
    let golden = golden!("envelope");
    for (name, command) in commands().into_iter().chain(key_commands()) {
        let envelope = envelope_of(command);
        golden.check(name, &encode_envelope(&envelope));
        assert_eq!(decode_envelope(golden.bytes(name)), Ok(envelope), "{name}");
    }
}

#[test]
fn proposals_are_the_recorded_ones() {
    let golden = golden!("proposal-request");
    let request = ProposalRequest {
        proposal: proposal_id(),
        principal: Principal::System,
        decided_at: 300,
        command: create_secret(),
    };
    golden.check("create-secret", &encode_proposal(&request));
    assert_eq!(decode_proposal(golden.bytes("create-secret")), Ok(request));
}

#[test]
fn outcomes_are_the_recorded_ones() {
    let golden = golden!("outcome");
    for (name, outcome) in outcomes().into_iter().chain(key_outcomes()) {
        golden.check(name, &encode_outcome(&outcome));
        assert_eq!(decode_outcome(golden.bytes(name)), Ok(outcome), "{name}");
    }
}

#[test]
fn records_are_the_recorded_ones() {
    let files = [
        golden!("counters"),
        golden!("cluster"),
        golden!("access-key"),
        golden!("binding"),
        golden!("encryption-key"),
        golden!("secret"),
        golden!("version"),
        golden!("proposal"),
        golden!("node-boot"),
        golden!("resource-policy"),
        golden!("replica"),
        golden!("alias"),
        golden!("grant"),
        golden!("destroyed-key"),
        golden!("rewrap"),
        golden!("keyring"),
    ];
    for (name, key, record) in records().into_iter().chain(records_of_keys()) {
        let golden = &files[key.kind as usize - 1];
        golden.check(name, &encode_record(&record));
        assert_eq!(decode_record(key, golden.bytes(name)), Ok(record), "{name}");
    }
}

#[test]
fn checkpoint_heads_are_the_recorded_ones() {
    let golden = golden!("checkpoint-head");
    let first = CheckpointHead { checkpoint: 0, base: 0, records: 0, packed: 0, packs: [0; 32], head: None };
    for (name, head) in [("checkpoint", checkpoint_head()), ("no-checkpoint", first)] {
        golden.check(name, &encode_head(&head));
        assert_eq!(decode_head(Bytes::copy_from_slice(golden.bytes(name))), Ok(head), "{name}");
    }
}

#[test]
fn recorded_log_payloads_open() {
    let golden = golden!("log-payload");
    let codec = LogCodec::new(barrier());
    let command = Bytes::copy_from_slice(golden.bytes("command"));
    assert_eq!(codec.open_command(&command).unwrap(), envelope());
    assert_eq!(codec.open_membership(7, golden.bytes("membership-at-7")).unwrap(), b"voters");
}

/// The version's record, and the removal of the next one.
fn pack() -> (RecordKey, Record, Vec<u8>) {
    let (_, key, record) = records().into_iter().find(|(name, ..)| *name == "version").unwrap();
    let mut pack = begin_pack();
    push_entry(&mut pack, key, Some(encode_record(&record)));
    push_entry(&mut pack, RecordKey { part: key.part + 1, ..key }, None);
    (key, record, pack)
}

#[test]
fn recorded_packs_open() {
    use key_service::SealedKind;

    let golden = golden!("pack");
    let barrier = barrier();
    let (first, record, pack) = pack();
    golden.check("pack", &pack);
    let key = crate::checkpoint::pack_key(7, first);
    golden.check("key", &key);
    let opened = barrier.open(SealedKind::StateRecord, &key, golden.bytes("sealed")).unwrap();
    assert_eq!(*opened, pack);
    let entries = decode_pack(first.kind, pack.into()).unwrap();
    let decoded: Vec<_> = entries.into_iter().map(|entry| (entry.key, entry.decode().unwrap())).collect();
    assert_eq!(decoded, [(first, Some(record)), (RecordKey { part: first.part + 1, ..first }, None)]);
    let opened = barrier.open(SealedKind::CheckpointHead, b"head", golden.bytes("head")).unwrap();
    assert_eq!(decode_head(Bytes::copy_from_slice(&opened)), Ok(checkpoint_head()));
}

#[test]
fn a_recorded_snapshot_is_received() {
    let golden = golden!("snapshot");
    let directory = tempfile::tempdir().unwrap();
    let mut receiver = SnapshotReceiver::new(directory.path(), barrier()).unwrap();
    for chunk in ["header", "records", "trailer"] {
        receiver.push(golden.bytes(chunk)).unwrap();
    }
    let received = receiver.finish().unwrap();
    assert_eq!(received.head, head());
    golden.check("digest", &crate::digest(&received.state));
}
