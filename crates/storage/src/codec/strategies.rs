//! Everything that can be encoded, for property tests.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use state::{
    Access, AccessKey, AddReplicas, Alias, Applied, Binding, Boot, Boots, Bootstrap, CancelRotateSecret, ChangeKey,
    Cluster, Command, CreateAlias, CreateKey, CreateSecret, DataId, DeleteAlias, DeleteMode, DeleteResourcePolicy,
    DeleteSecret, DestroyedKey, EncryptionKey, Envelope, Grant, GrantConstraints, GrantId, GrantOperation, GrantTerms,
    KeyChange, KeyManager, KeyRefusal, KeyRotation, KeyState, KeyVersion, Keyring, MarkReverted, MaterialRotation,
    NewGrant, NodeBoot, Outcome, ProposalResult, Purge, PurgeKeys, PutResourcePolicy, PutSecretValue, Record,
    RecordKey, RecordKind, Refusal, RegionStatus, RegisterBoot, RemoveRegionsFromReplication, Replica, ReplicaRegion,
    ReplicaStatus, ReplicateSecretToRegions, ResourcePolicy, RestoreSecret, Rewrap, RewrapDataKeys, RewrapJob,
    RewrappedVersion, RotateKey, RotateSecret, Rotation, RotationKind, RotationRules, RotationSchedule, SealedValue,
    Secret, SecretRecord, SecretRewrap, SecretUid, SetKeyring, StopReplicationToReplica, TagResource, Touch,
    UntagResource, UpdateAlias, UpdateSecret, UpdateSecretVersionStage, Version, VersionPart, Versions,
};
use types::{
    AccessKeyId, AccountId, AliasName, ApiError, ErrorCode, KeyId, Namespace, NodeId, Principal, ProposalId, Region,
    SecretArn, SecretName, StagingLabel, Tag, Timestamp, ValueKind, VersionId,
};

use super::{CheckpointHead, ProposalRequest};
use crate::head::Head;
use crate::log::LogId;

pub(crate) fn record_kind() -> impl Strategy<Value = RecordKind> {
    use RecordKind::{
        AccessKey, Alias, Binding, Cluster, Counters, DestroyedKey, EncryptionKey, Grant, Keyring, NodeBoot, Proposal,
        Replica, ResourcePolicy, Rewrap, Secret, Version,
    };
    proptest::sample::select(
        &[
            Counters,
            Cluster,
            AccessKey,
            Binding,
            EncryptionKey,
            Secret,
            Version,
            Proposal,
            NodeBoot,
            ResourcePolicy,
            Replica,
            Alias,
            Grant,
            DestroyedKey,
            Rewrap,
            Keyring,
        ][..],
    )
}

pub(crate) fn record_key() -> impl Strategy<Value = RecordKey> {
    // Few numbers, so that keys meet; and all of them.
    let number = || prop_oneof![0..3_u64, any::<u64>()];
    (record_kind(), number(), number()).prop_map(|(kind, id, part)| RecordKey { kind, id, part })
}

fn bytes() -> impl Strategy<Value = Arc<[u8]>> {
    vec(any::<u8>(), 1..200).prop_map(Arc::from)
}

fn account() -> impl Strategy<Value = AccountId> {
    (0..=999_999_999_999_u64).prop_map(|number| AccountId::from_number(number).unwrap())
}

fn principal() -> impl Strategy<Value = Principal> {
    prop_oneof![account().prop_map(Principal::Root), Just(Principal::System)]
}

fn access_key_id() -> impl Strategy<Value = AccessKeyId> {
    "[A-Za-z0-9]{4,128}".prop_map(|text| AccessKeyId::parse(&text).unwrap())
}

fn key_id() -> impl Strategy<Value = KeyId> {
    any::<[u8; 16]>().prop_map(KeyId)
}

fn proposal_id() -> impl Strategy<Value = ProposalId> {
    any::<[u8; 16]>().prop_map(ProposalId)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn namespace() -> impl Strategy<Value = Namespace> {
    (account(), "[a-z0-9-]{1,128}")
        .prop_map(|(account, region)| Namespace { account, region: Region::parse(&region).unwrap() })
}

fn name() -> impl Strategy<Value = SecretName> {
    "[A-Za-z0-9/_+=.@!-]{1,512}".prop_map(|text| SecretName::parse(&text).unwrap())
}

fn arn() -> impl Strategy<Value = SecretArn> {
    (namespace(), name(), "[A-Za-z0-9]{6}")
        .prop_map(|(namespace, name, suffix)| SecretArn::new(&namespace, &name, &suffix))
}

fn version_id() -> impl Strategy<Value = VersionId> {
    "\\PC{32,64}".prop_map(|text| VersionId::parse(&text).unwrap())
}

fn label() -> impl Strategy<Value = StagingLabel> {
    prop_oneof![
        Just(StagingLabel::Current),
        Just(StagingLabel::Pending),
        Just(StagingLabel::Previous),
        "\\PC{1,256}".prop_map(|text| StagingLabel::parse(&text).unwrap()),
    ]
}

fn text() -> impl Strategy<Value = Option<Arc<str>>> {
    option::of("\\PC{0,300}".prop_map(Arc::from))
}

fn tags() -> impl Strategy<Value = Vec<Tag>> {
    let tag = ("\\PC{0,128}", "\\PC{0,256}").prop_map(|(key, value)| Tag { key: key.into(), value: value.into() });
    vec(tag, 0..4)
}

fn sealed_value() -> impl Strategy<Value = SealedValue> {
    let kind = prop_oneof![Just(ValueKind::String), Just(ValueKind::Binary)];
    (kind, key_id(), any::<u32>(), bytes(), bytes(), any::<[u8; 32]>()).prop_map(
        |(kind, key, material, wrapped_key, ciphertext, fingerprint)| SealedValue {
            kind,
            key,
            material,
            wrapped_key,
            ciphertext,
            fingerprint,
        },
    )
}

fn bootstrap() -> impl Strategy<Value = Bootstrap> {
    (account(), access_key_id(), bytes(), "\\PC{0,100}", bytes(), key_id(), bytes()).prop_map(
        |(account, access_key_id, access_key_secret, uri, idempotency_key, default_key, default_key_material)| {
            Bootstrap {
                account,
                access_key_id,
                access_key_secret,
                root_certificate_uri: uri.into(),
                idempotency_key,
                default_key,
                default_key_material,
            }
        },
    )
}

fn create_secret() -> impl Strategy<Value = CreateSecret> {
    let value = (option::of(sealed_value()), add_replicas());
    (namespace(), name(), arn(), version_id(), text(), text(), tags(), value).prop_map(
        |(namespace, name, arn, token, description, kms_key_id, tags, (value, add_replicas))| CreateSecret {
            namespace,
            name,
            arn,
            token,
            description,
            kms_key_id,
            tags,
            value,
            add_replicas,
        },
    )
}

fn region() -> impl Strategy<Value = Region> {
    "[a-z0-9-]{1,20}".prop_map(|text| Region::parse(&text).unwrap())
}

fn add_replicas() -> impl Strategy<Value = AddReplicas> {
    let region = (region(), text()).prop_map(|(region, kms_key_id)| ReplicaRegion { region, kms_key_id });
    (vec(region, 0..3), any::<bool>()).prop_map(|(regions, force)| AddReplicas { regions, force })
}

fn replica_status() -> impl Strategy<Value = ReplicaStatus> {
    prop_oneof![Just(ReplicaStatus::InSync), Just(ReplicaStatus::NameTaken)]
}

fn region_status() -> impl Strategy<Value = RegionStatus> {
    (region(), text(), replica_status(), option::of(timestamp())).prop_map(
        |(region, kms_key_id, status, last_accessed)| RegionStatus { region, kms_key_id, status, last_accessed },
    )
}

fn replica() -> impl Strategy<Value = Replica> {
    let dates = (timestamp(), option::of(timestamp()), vec((any::<u64>(), timestamp()), 0..4));
    (any::<(u64, u64)>(), region(), text(), replica_status(), dates).prop_map(
        |((uid, primary), region, kms_key_id, status, (created, last_accessed, versions_accessed))| Replica {
            uid: SecretUid(uid),
            primary: SecretUid(primary),
            region,
            kms_key_id,
            created,
            status,
            last_accessed,
            versions_accessed,
        },
    )
}

fn put_secret_value() -> impl Strategy<Value = PutSecretValue> {
    (arn(), version_id(), sealed_value(), vec(label(), 0..4))
        .prop_map(|(target, token, value, stages)| PutSecretValue { target, token, value, stages })
}

fn delete_secret() -> impl Strategy<Value = DeleteSecret> {
    let mode = prop_oneof![any::<u32>().prop_map(|days| DeleteMode::Window { days }), Just(DeleteMode::Force)];
    (arn(), mode).prop_map(|(target, mode)| DeleteSecret { target, mode })
}

fn update_secret() -> impl Strategy<Value = UpdateSecret> {
    (arn(), version_id(), text(), text(), option::of(sealed_value()), option::of(secret_rewrap())).prop_map(
        |(target, token, description, kms_key_id, value, rewrap)| UpdateSecret {
            target,
            token,
            description,
            kms_key_id,
            value,
            rewrap,
        },
    )
}

fn key_version() -> impl Strategy<Value = KeyVersion> {
    (key_id(), any::<u32>()).prop_map(|(key, material)| KeyVersion { key, material })
}

fn secret_rewrap() -> impl Strategy<Value = SecretRewrap> {
    let version = (version_id(), key_version(), bytes()).prop_map(|(version, from, wrapped_key)| RewrappedVersion {
        version,
        from,
        wrapped_key,
    });
    (key_version(), vec(version, 0..3)).prop_map(|(to, versions)| SecretRewrap { to, versions })
}

fn alias_name() -> impl Strategy<Value = AliasName> {
    "alias/[A-Za-z0-9/_-]{1,250}".prop_map(|text| AliasName::parse(&text).unwrap())
}

fn key_manager() -> impl Strategy<Value = KeyManager> {
    prop_oneof![Just(KeyManager::Service), Just(KeyManager::Customer)]
}

fn rotation_kind() -> impl Strategy<Value = RotationKind> {
    prop_oneof![Just(RotationKind::Automatic), Just(RotationKind::OnDemand)]
}

fn grant_id() -> impl Strategy<Value = GrantId> {
    any::<[u8; 32]>().prop_map(GrantId)
}

fn some_text() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,100}".prop_map(Arc::from)
}

fn grant_terms() -> impl Strategy<Value = Arc<GrantTerms>> {
    let pairs = || option::of(btree_map(some_text(), some_text(), 0..3));
    let operations = proptest::sample::subsequence(GrantOperation::ALL, 0..=GrantOperation::ALL.len());
    (text(), some_text(), text(), operations, pairs(), pairs()).prop_map(
        |(name, grantee, retiring, operations, subset, equals)| {
            let constraints = GrantConstraints { subset, equals };
            Arc::new(GrantTerms { name, grantee, retiring, operations, constraints })
        },
    )
}

fn create_key() -> impl Strategy<Value = CreateKey> {
    let texts = (option::of(alias_name()), some_text(), text(), tags());
    (namespace(), key_id(), bytes(), key_manager(), texts, option::of(any::<u32>())).prop_map(
        |(namespace, key, material, manager, (alias, description, policy, tags), rotation_period_days)| CreateKey {
            namespace,
            key,
            material,
            manager,
            alias,
            description,
            policy,
            tags,
            rotation_period_days,
        },
    )
}

fn key_change() -> impl Strategy<Value = KeyChange> {
    let rotate = (any::<u32>(), bytes(), rotation_kind()).prop_map(|(number, material, kind)| RotateKey {
        number,
        material,
        kind,
    });
    prop_oneof![
        some_text().prop_map(KeyChange::Description),
        Just(KeyChange::Enable),
        Just(KeyChange::Disable),
        any::<u32>().prop_map(|window_days| KeyChange::ScheduleDeletion { window_days }),
        Just(KeyChange::CancelDeletion),
        option::of(any::<u32>()).prop_map(KeyChange::Rotation),
        rotate.prop_map(KeyChange::Rotate),
        some_text().prop_map(KeyChange::Policy),
        tags().prop_map(KeyChange::Tag),
        vec(some_text(), 0..4).prop_map(KeyChange::Untag),
        (grant_id(), grant_terms()).prop_map(|(id, terms)| KeyChange::Grant(NewGrant { id, terms })),
        grant_id().prop_map(KeyChange::Revoke),
        grant_id().prop_map(KeyChange::Retire),
        Just(KeyChange::Rewrap),
    ]
}

fn rewrap_data_keys() -> impl Strategy<Value = RewrapDataKeys> {
    let rewrap = (any::<(u64, u64, u32)>(), bytes()).prop_map(|((secret, part, from), wrapped_key)| Rewrap {
        secret: SecretUid(secret),
        part,
        from,
        wrapped_key,
    });
    (key_version(), any::<u64>(), option::of(any::<u64>()), any::<(u64, u64)>(), vec(rewrap, 0..4)).prop_map(
        |(to, cursor, next, (secrets, failed), rewraps)| RewrapDataKeys {
            to,
            cursor: SecretUid(cursor),
            next: next.map(SecretUid),
            secrets,
            failed,
            rewraps,
        },
    )
}

fn possibly_no_bytes() -> impl Strategy<Value = Arc<[u8]>> {
    vec(any::<u8>(), 0..200).prop_map(Arc::from)
}

fn key_command() -> impl Strategy<Value = Command> {
    let alias = || (namespace(), alias_name(), key_id());
    prop_oneof![
        create_key().prop_map(Command::CreateKey),
        (key_id(), key_change()).prop_map(|(key, change)| Command::ChangeKey(ChangeKey { key, change })),
        alias().prop_map(|(namespace, name, key)| Command::CreateAlias(CreateAlias { namespace, name, key })),
        alias().prop_map(|(namespace, name, key)| Command::UpdateAlias(UpdateAlias { namespace, name, key })),
        alias().prop_map(|(namespace, name, _)| Command::DeleteAlias(DeleteAlias { namespace, name })),
        (vec(key_id(), 0..4), timestamp())
            .prop_map(|(keys, not_after)| Command::PurgeKeys(PurgeKeys { keys, not_after })),
        rewrap_data_keys().prop_map(Command::RewrapDataKeys),
        (any::<u64>(), bytes(), possibly_no_bytes())
            .prop_map(|(revision, sealed, terms)| Command::SetKeyring(SetKeyring { revision, sealed, terms })),
    ]
}

fn update_secret_version_stage() -> impl Strategy<Value = UpdateSecretVersionStage> {
    (arn(), label(), option::of(version_id()), option::of(version_id())).prop_map(
        |(target, label, move_to, remove_from)| UpdateSecretVersionStage { target, label, move_to, remove_from },
    )
}

fn untag_resource() -> impl Strategy<Value = UntagResource> {
    (arn(), vec("\\PC{0,128}".prop_map(Arc::from), 0..4)).prop_map(|(target, keys)| UntagResource { target, keys })
}

fn touch() -> impl Strategy<Value = Touch> {
    let access = any::<(u64, u64)>().prop_map(|(secret, part)| Access { secret: SecretUid(secret), part });
    (timestamp(), vec(access, 0..4)).prop_map(|(day, entries)| Touch { day, entries })
}

fn purge() -> impl Strategy<Value = Purge> {
    (vec(any::<u64>().prop_map(SecretUid), 0..4), timestamp())
        .prop_map(|(secrets, not_after)| Purge { secrets, not_after })
}

fn policy() -> impl Strategy<Value = Arc<str>> {
    "\\PC{1,300}".prop_map(Arc::from)
}

fn data_id() -> impl Strategy<Value = DataId> {
    any::<[u8; 16]>().prop_map(DataId)
}

fn register_boot() -> impl Strategy<Value = RegisterBoot> {
    (any::<u64>(), data_id(), any::<u32>(), vec(any::<u64>(), 1..=Boots::MAX)).prop_map(
        |(node, data, first, nonces)| {
            let boots = Boots::new(first.into(), nonces).unwrap();
            RegisterBoot { node: NodeId(node), data, boots }
        },
    )
}

fn rotation_rules() -> impl Strategy<Value = RotationRules> {
    let schedule = prop_oneof![
        any::<u32>().prop_map(RotationSchedule::AfterDays),
        "\\PC{0,256}".prop_map(|text| RotationSchedule::Expression(text.into())),
    ];
    (schedule, text()).prop_map(|(schedule, duration)| RotationRules { schedule, duration })
}

fn rotate_secret() -> impl Strategy<Value = RotateSecret> {
    (arn(), version_id(), text(), option::of(rotation_rules()), any::<bool>()).prop_map(
        |(target, token, function, rules, immediately)| RotateSecret { target, token, function, rules, immediately },
    )
}

fn rotation() -> impl Strategy<Value = Arc<Rotation>> {
    let dates = (timestamp(), option::of(timestamp()));
    (any::<bool>(), "\\PC{0,100}", option::of(rotation_rules()), dates).prop_map(
        |(enabled, function, rules, (counted_from, last_rotated))| {
            Arc::new(Rotation { enabled, function: function.into(), rules, counted_from, last_rotated })
        },
    )
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        1 => bootstrap().prop_map(Command::Bootstrap),
        1 => create_secret().prop_map(Command::CreateSecret),
        1 => put_secret_value().prop_map(Command::PutSecretValue),
        1 => delete_secret().prop_map(Command::DeleteSecret),
        1 => update_secret().prop_map(Command::UpdateSecret),
        1 => update_secret_version_stage().prop_map(Command::UpdateSecretVersionStage),
        1 => arn().prop_map(|target| Command::RestoreSecret(RestoreSecret { target })),
        1 => (arn(), tags()).prop_map(|(target, tags)| Command::TagResource(TagResource { target, tags })),
        1 => untag_resource().prop_map(Command::UntagResource),
        1 => touch().prop_map(Command::Touch),
        1 => purge().prop_map(Command::Purge),
        1 => register_boot().prop_map(Command::RegisterBoot),
        1 => (any::<u64>(), data_id())
            .prop_map(|(node, data)| Command::MarkReverted(MarkReverted { node: NodeId(node), data })),
        1 => (arn(), policy()).prop_map(|(target, policy)| Command::PutResourcePolicy(PutResourcePolicy { target, policy })),
        1 => arn().prop_map(|target| Command::DeleteResourcePolicy(DeleteResourcePolicy { target })),
        1 => rotate_secret().prop_map(Command::RotateSecret),
        1 => (arn(), add_replicas())
            .prop_map(|(target, add)| { Command::ReplicateSecretToRegions(ReplicateSecretToRegions { target, add }) }),
        1 => (arn(), vec(region(), 0..3)).prop_map(|(target, regions)| {
            Command::RemoveRegionsFromReplication(RemoveRegionsFromReplication { target, regions })
        }),
        1 => arn().prop_map(|target| Command::StopReplicationToReplica(StopReplicationToReplica { target })),
        1 => arn().prop_map(|target| Command::CancelRotateSecret(CancelRotateSecret { target })),
        8 => key_command(),
    ]
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    (proposal_id(), principal(), any::<u64>(), timestamp(), command()).prop_map(
        |(proposal, principal, decided_at, stamped, command)| Envelope {
            proposal,
            principal,
            decided_at,
            stamped,
            command,
        },
    )
}

pub(crate) fn proposal_request() -> impl Strategy<Value = ProposalRequest> {
    (proposal_id(), principal(), any::<u64>(), command()).prop_map(|(proposal, principal, decided_at, command)| {
        ProposalRequest { proposal, principal, decided_at, command }
    })
}

pub(crate) fn outcome() -> impl Strategy<Value = Outcome> {
    let written = (arn(), name(), option::of(version_id()), vec(label(), 0..4))
        .prop_map(|(arn, name, version, stages)| Ok(Applied::Written { arn, name, version, stages }));
    let replicated = (arn(), name(), option::of(version_id()), vec(region_status(), 0..3))
        .prop_map(|(arn, name, version, regions)| Ok(Applied::Replicated { arn, name, version, regions }));
    let deleted = (arn(), name(), timestamp())
        .prop_map(|(arn, name, deletion_date)| Ok(Applied::Deleted { arn, name, deletion_date }));
    let of_keys = prop_oneof![
        key_id().prop_map(|key| Ok(Applied::KeyChanged { key })),
        (key_id(), timestamp())
            .prop_map(|(key, deletion_date)| Ok(Applied::KeyDeletionScheduled { key, deletion_date })),
        (key_id(), any::<u32>()).prop_map(|(key, material)| Ok(Applied::KeyRotated { key, material })),
        (key_id(), grant_id()).prop_map(|(key, grant)| Ok(Applied::Granted { key, grant })),
        any::<u64>().prop_map(|count| Ok(Applied::Rewrapped { count })),
        any::<u64>().prop_map(|revision| Ok(Applied::KeyringSet { revision })),
        proptest::sample::select(KeyRefusal::ALL).prop_map(|refusal| Err(Refusal::Key(refusal))),
    ];
    let api = (proptest::sample::select(ErrorCode::ALL), "\\PC{0,100}")
        .prop_map(|(code, message)| Err(Refusal::Api(ApiError::new(code, message))));
    prop_oneof![
        Just(Ok(Applied::Bootstrapped)),
        Just(Ok(Applied::Touched)),
        Just(Ok(Applied::Purged)),
        Just(Ok(Applied::BootNoted)),
        written,
        replicated,
        deleted,
        Just(Err(Refusal::Conflict)),
        Just(Err(Refusal::Forgotten)),
        api,
        of_keys,
    ]
}

fn secret_record() -> impl Strategy<Value = SecretRecord> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    let names = (namespace(), name(), arn(), version_id(), text(), text(), option::of(tags()));
    let times = (timestamp(), timestamp(), option::of(timestamp()), option::of(timestamp()), option::of(rotation()));
    let versions = vec((any::<u64>(), option::of(timestamp())), 0..5);
    let labels = vec((label(), version_id()), 0..4);
    (numbers, names, times, versions, labels).prop_map(
        |(
            (uid, next_part, key_changed_at),
            (namespace, name, arn, create_token, description, kms_key_id, tags),
            (created, last_changed, last_accessed, deletion_date, rotation),
            versions,
            labels,
        )| {
            let secret = Secret {
                uid: SecretUid(uid),
                namespace,
                name,
                arn,
                create_token,
                description,
                kms_key_id,
                tags,
                created,
                last_changed,
                last_accessed,
                deletion_date,
                rotation,
                versions: Versions::default(),
                labels,
                next_part,
                key_changed_at,
            };
            let versions =
                versions.into_iter().map(|(part, last_accessed)| VersionPart { part, last_accessed }).collect();
            SecretRecord { secret: Arc::new(secret), versions }
        },
    )
}

fn version() -> impl Strategy<Value = Version> {
    (any::<u64>(), version_id(), timestamp(), option::of(sealed_value()), option::of(arn()))
        .prop_map(|(part, id, created, value, sealed_under)| Version { part, id, created, value, sealed_under })
}

fn proposal_result() -> impl Strategy<Value = ProposalResult> {
    (any::<u64>(), timestamp(), proposal_id(), outcome()).prop_map(|(index, at, proposal, outcome)| ProposalResult {
        index,
        at,
        proposal,
        outcome,
    })
}

fn encryption_key() -> impl Strategy<Value = EncryptionKey> {
    // All that an old record says, or all that there is.
    prop_oneof![1 => bare_key(), 4 => detailed_key()]
}

fn bare_key() -> impl Strategy<Value = EncryptionKey> {
    (any::<u64>(), key_id(), account(), vec(bytes(), 0..4), any::<u64>()).prop_map(
        |(uid, id, account, material, changed_at)| EncryptionKey {
            uid,
            id,
            account,
            region: None,
            manager: KeyManager::Service,
            state: KeyState::Enabled,
            created: Timestamp::ZERO,
            description: "".into(),
            policy: None,
            tags: Vec::new(),
            rotation: None,
            material,
            rotations: Vec::new(),
            changed_at,
        },
    )
}

fn detailed_key() -> impl Strategy<Value = EncryptionKey> {
    let state = prop_oneof![
        Just(KeyState::Enabled),
        Just(KeyState::Disabled),
        (timestamp(), any::<u32>()).prop_map(|(ends, window_days)| KeyState::PendingDeletion { ends, window_days }),
    ];
    let rotation =
        (any::<u32>(), timestamp()).prop_map(|(period_days, counted_from)| KeyRotation { period_days, counted_from });
    let rotations = vec((timestamp(), rotation_kind()).prop_map(|(at, kind)| MaterialRotation { at, kind }), 0..4);
    let life = (state, timestamp(), option::of(rotation), rotations);
    (bare_key(), option::of(region()), key_manager(), life, some_text(), text(), tags()).prop_map(
        |(bare, region, manager, (state, created, rotation, rotations), description, policy, tags)| EncryptionKey {
            region,
            manager,
            state,
            created,
            description,
            policy,
            tags,
            rotation,
            rotations,
            ..bare
        },
    )
}

fn alias() -> impl Strategy<Value = Alias> {
    (any::<(u64, u64)>(), namespace(), alias_name(), key_id(), timestamp(), timestamp()).prop_map(
        |((uid, changed_at), namespace, name, key, created, updated)| Alias {
            uid,
            namespace,
            name,
            key,
            created,
            updated,
            changed_at,
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    (any::<u64>(), grant_id(), key_id(), grant_terms(), principal(), timestamp())
        .prop_map(|(uid, id, key, terms, issuer, created)| Grant { uid, id, key, terms, issuer, created })
}

fn rewrap_job() -> impl Strategy<Value = RewrapJob> {
    let numbers = any::<(u64, u64, u64, u64, u64)>();
    (numbers, key_version(), timestamp(), option::of(timestamp())).prop_map(
        |((key_uid, cursor, secrets, rewrapped, failed), to, started, finished)| RewrapJob {
            key_uid,
            key: to.key,
            material: to.material,
            started,
            cursor: SecretUid(cursor),
            secrets,
            rewrapped,
            failed,
            finished,
        },
    )
}

/// A record of each kind, with a key that it may have.
pub(crate) fn record() -> impl Strategy<Value = (RecordKey, Record)> {
    let key = |kind, id, part| RecordKey { kind, id, part };
    prop_oneof![
        (timestamp(), any::<u64>(), any::<u64>()).prop_map(move |(time, next_uid, forgotten_through)| {
            (key(RecordKind::Counters, 0, 0), Record::Counters { time, next_uid, forgotten_through })
        }),
        (account(), bytes(), key_id()).prop_map(move |(account, idempotency_key, default_key)| {
            let cluster = Cluster { account, idempotency_key, default_key };
            (key(RecordKind::Cluster, 0, 0), Record::Cluster(Arc::new(cluster)))
        }),
        (any::<u64>(), access_key_id(), bytes(), principal(), any::<u64>()).prop_map(
            move |(uid, id, secret, principal, changed_at)| {
                let access_key = AccessKey { uid, id, secret, principal, changed_at };
                (key(RecordKind::AccessKey, uid, 0), Record::AccessKey(Arc::new(access_key)))
            }
        ),
        (any::<u64>(), "\\PC{0,100}", principal(), any::<u64>()).prop_map(move |(uid, uri, principal, changed_at)| {
            let binding = Binding { uid, uri: uri.into(), principal, changed_at };
            (key(RecordKind::Binding, uid, 0), Record::Binding(Arc::new(binding)))
        }),
        encryption_key().prop_map(move |encryption_key| {
            (key(RecordKind::EncryptionKey, encryption_key.uid, 0), Record::EncryptionKey(Arc::new(encryption_key)))
        }),
        secret_record()
            .prop_map(move |secret| (key(RecordKind::Secret, secret.secret.uid.0, 0), Record::Secret(secret))),
        (any::<u64>(), version()).prop_map(move |(id, version)| {
            (key(RecordKind::Version, id, version.part), Record::Version(Arc::new(version)))
        }),
        proposal_result()
            .prop_map(move |result| (key(RecordKind::Proposal, result.index, 0), Record::Proposal(result))),
        (any::<u64>(), data_id(), any::<(u64, u64, bool)>()).prop_map(
            move |(node, data, (counter, nonce, reverted))| {
                let boot = NodeBoot { node: NodeId(node), data, boot: Boot { counter, nonce }, reverted };
                (key(RecordKind::NodeBoot, node, 0), Record::NodeBoot(Arc::new(boot)))
            }
        ),
        (any::<u64>(), option::of(policy()), any::<u64>()).prop_map(move |(secret, text, changed_at)| {
            let policy = ResourcePolicy { secret: SecretUid(secret), text, changed_at };
            (key(RecordKind::ResourcePolicy, secret, 0), Record::ResourcePolicy(Arc::new(policy)))
        }),
        replica().prop_map(move |replica| {
            (key(RecordKind::Replica, replica.uid.0, 0), Record::Replica(Arc::new(replica)))
        }),
        alias().prop_map(move |alias| (key(RecordKind::Alias, alias.uid, 0), Record::Alias(Arc::new(alias)))),
        grant().prop_map(move |grant| (key(RecordKind::Grant, grant.uid, 0), Record::Grant(Arc::new(grant)))),
        (any::<u64>(), key_id(), account(), option::of(region()), timestamp(), any::<u64>()).prop_map(
            move |(uid, id, account, region, at, index)| {
                let destroyed = DestroyedKey { uid, id, account, region, at, index };
                (key(RecordKind::DestroyedKey, uid, 0), Record::DestroyedKey(Arc::new(destroyed)))
            }
        ),
        rewrap_job().prop_map(move |job| (key(RecordKind::Rewrap, job.key_uid, 0), Record::Rewrap(Arc::new(job)))),
        (any::<u64>(), bytes(), possibly_no_bytes(), timestamp(), any::<u64>()).prop_map(
            move |(revision, sealed, terms, at, index)| {
                let keyring = Keyring { revision, sealed, terms, at, index };
                (key(RecordKind::Keyring, 0, 0), Record::Keyring(Arc::new(keyring)))
            }
        ),
    ]
}

fn log_id() -> impl Strategy<Value = LogId> {
    any::<(u64, u64, u64)>().prop_map(|(term, leader, index)| LogId { term, leader: NodeId(leader), index })
}

pub(crate) fn head() -> impl Strategy<Value = Head> {
    (log_id(), option::of(log_id()), vec(any::<u8>(), 0..100)).prop_map(|(last, membership_log_id, membership)| Head {
        last,
        membership_log_id,
        membership,
    })
}

pub(crate) fn checkpoint_head() -> impl Strategy<Value = CheckpointHead> {
    (option::of((head(), 1..=u64::MAX)), any::<u64>(), any::<(u64, u64)>(), any::<[u8; 32]>()).prop_map(
        |(taken, base, (records, packed), packs)| {
            let (head, checkpoint) = taken.map_or((None, 0), |(head, checkpoint)| (Some(head), checkpoint));
            let (records, packed) = (records.min(packed), records.max(packed));
            CheckpointHead { checkpoint, base: base.min(checkpoint), records, packed, packs, head }
        },
    )
}
