//! Every bound in one place. Each is a count, a number of bytes, or a [`Duration`].

use std::time::Duration;

/// Bytes of a secret's value, in UTF-8 or after base64 decoding. Source: AWS, quotas of Secrets Manager.
pub const SECRET_VALUE_BYTES: usize = 65_536;
/// Characters of a secret's name. Source: AWS API reference, and botocore's model, as of all that follows up to NextToken
/// unless another is named. Characters are Unicode's.
pub const SECRET_NAME_CHARS: usize = 512;
/// Characters of a `SecretId` in a request: a name or an ARN.
pub const SECRET_ID_CHARS: usize = 2_048;
/// Characters of a secret's description.
pub const DESCRIPTION_CHARS: usize = 2_048;
/// Characters of a `KmsKeyId` in a request.
pub const KMS_KEY_ID_CHARS: usize = 2_048;
/// Fewest and most characters of a ClientRequestToken, which becomes the VersionId.
pub const CLIENT_REQUEST_TOKEN_CHARS: std::ops::RangeInclusive<usize> = 32..=64;
/// Characters of one staging label.
pub const STAGING_LABEL_CHARS: usize = 256;
/// Staging labels in one request.
pub const STAGING_LABELS_PER_REQUEST: usize = 20;
/// Staging labels on all the versions of one secret. Source: AWS, quotas of Secrets Manager.
pub const STAGING_LABELS_PER_SECRET: usize = 20;
/// Versions of one secret, labelled or not. Source: AWS, quotas of Secrets Manager ("about 100").
pub const VERSIONS_PER_SECRET: usize = 100;
/// A version up to this age is never removed, even if it has no label. Source: AWS user guide, versions of a secret.
pub const YOUNG_VERSION_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of a tag's key.
pub const TAG_KEY_CHARS: usize = 128;
/// Characters of a tag's value.
pub const TAG_VALUE_CHARS: usize = 256;
/// Tags of one secret. Source: AWS API reference, TagResource.
pub const TAGS_PER_SECRET: usize = 50;
/// Keys that one UntagResource names.
pub const TAG_KEYS_PER_REQUEST: usize = 200;
/// Characters of a password that GetRandomPassword makes.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<i64> = 1..=4_096;
/// Characters of a password that is asked for without a length.
pub const DEFAULT_PASSWORD_CHARS: i64 = 32;
/// Characters that a password is asked not to have.
pub const EXCLUDED_CHARS: usize = 4_096;
/// Characters of a resource policy. Source: AWS, quotas of Secrets Manager.
pub const RESOURCE_POLICY_CHARS: usize = 20_480;
/// Characters of a resource policy's name.
pub const POLICY_NAME_CHARS: usize = 64;
/// Characters of a `RotationLambdaARN`.
pub const ROTATION_LAMBDA_ARN_CHARS: usize = 2_048;
/// Days between rotations.
pub const AUTOMATICALLY_AFTER_DAYS: std::ops::RangeInclusive<i64> = 1..=1_000;
/// Characters of a rotation window's `Duration`.
pub const ROTATION_DURATION_CHARS: std::ops::RangeInclusive<usize> = 2..=3;
/// Characters of a `ScheduleExpression`.
pub const SCHEDULE_EXPRESSION_CHARS: usize = 256;
/// Characters of an `ExternalSecretRotationRoleArn`.
pub const ROLE_ARN_CHARS: std::ops::RangeInclusive<usize> = 20..=2_048;
/// Characters of a key of `ExternalSecretRotationMetadata`.
pub const EXTERNAL_ROTATION_KEY_CHARS: usize = 256;
/// Characters of a value of `ExternalSecretRotationMetadata`.
pub const EXTERNAL_ROTATION_VALUE_CHARS: usize = 2_048;
/// Days of a recovery window, inclusive. Source: AWS API reference, DeleteSecret.
pub const RECOVERY_WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
/// The recovery window of a DeleteSecret that names none. Source: AWS API reference, DeleteSecret.
pub const DEFAULT_RECOVERY_WINDOW_DAYS: u32 = 30;
/// Entries of one page of a listing.
pub const PAGE_ENTRIES: usize = 100;
/// Secrets that one BatchGetSecretValue reads. Source: AWS API reference.
pub const BATCH_SECRETS: usize = 20;
/// Secrets that one ListSecrets call looks at before it answers with a short page and a NextToken. It is ours: AWS tells
/// no number, and a page may be short there too.
pub const LIST_SCAN_ENTRIES: usize = 10_000;
/// Filters of one request.
pub const FILTERS: usize = 10;
/// Values of one filter.
pub const FILTER_VALUES: usize = 10;
/// Characters of one filter value.
pub const FILTER_VALUE_CHARS: usize = 512;
/// Characters of a NextToken.
pub const NEXT_TOKEN_CHARS: usize = 4_096;

/// Shares and passphrases in one request: as many shares as a key can have, and some more.
pub const CREDENTIALS_PER_REQUEST: usize = 300;

/// Characters of an alias of a key, `alias/` included. Source: AWS KMS API reference.
pub const ALIAS_NAME_CHARS: usize = 256;
/// Characters of a key's description. Source: AWS KMS API reference, as of all that follows up to the tags of a key.
pub const KEY_DESCRIPTION_CHARS: usize = 8_192;
/// Characters of a key's policy in a request; those that are kept have at most [`KEY_POLICY_BYTES`].
pub const KEY_POLICY_CHARS: usize = 131_072;
/// Characters of the name of a key's policy.
pub const KEY_POLICY_NAME_CHARS: usize = 128;
/// Entries of one page of a listing of keys, aliases or grants.
pub const KEY_PAGE_ENTRIES: std::ops::RangeInclusive<i64> = 1..=1_000;
/// Entries of such a page where the request does not say.
pub const DEFAULT_KEY_PAGE_ENTRIES: usize = 100;
/// The same of aliases and grants.
pub const DEFAULT_ALIAS_PAGE_ENTRIES: usize = 50;
/// Characters of a Marker.
pub const MARKER_CHARS: usize = 1_024;
/// Days that a key waits for its deletion.
pub const KEY_DELETION_WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
/// Days that a key waits where the request does not say.
pub const DEFAULT_KEY_DELETION_DAYS: u32 = 30;
/// Days between two automatic rotations of a key.
pub const KEY_ROTATION_PERIOD_DAYS: std::ops::RangeInclusive<i64> = 90..=2_560;
/// Days between two automatic rotations where the request does not say.
pub const DEFAULT_KEY_ROTATION_DAYS: u32 = 365;
/// Bytes that Encrypt takes.
pub const ENCRYPTED_PLAINTEXT_BYTES: usize = 4_096;
/// Bytes of a CiphertextBlob.
pub const CIPHERTEXT_BLOB_BYTES: usize = 6_144;
/// Bytes of a data key, and of what GenerateRandom gives.
pub const GENERATED_BYTES: std::ops::RangeInclusive<i64> = 1..=1_024;
/// Grant tokens of one request.
pub const GRANT_TOKENS_PER_REQUEST: usize = 10;
/// Characters of a grant token.
pub const GRANT_TOKEN_CHARS: usize = 8_192;
/// Characters of a grant's name.
pub const GRANT_NAME_CHARS: usize = 256;
/// Characters of a grant's id in a request.
pub const GRANT_ID_CHARS: usize = 128;
/// Characters of a principal of a grant.
pub const GRANT_PRINCIPAL_CHARS: usize = 256;
/// Characters of a service principal of a grant.
pub const SERVICE_PRINCIPAL_CHARS: usize = 128;
/// Characters of a CustomKeyStoreId.
pub const CUSTOM_KEY_STORE_ID_CHARS: usize = 64;
/// Characters of an XksKeyId.
pub const XKS_KEY_ID_CHARS: usize = 128;
/// Bytes of an enclave's attestation document.
pub const ATTESTATION_DOCUMENT_BYTES: std::ops::RangeInclusive<usize> = 1..=262_144;
/// Bytes of a key's policy. Source: AWS KMS API reference.
pub const KEY_POLICY_BYTES: usize = 32_768;
/// Tags of one key (AWS: 50).
pub const TAGS_PER_KEY: usize = 50;
/// Aliases of one key (AWS: 50).
pub const ALIASES_PER_KEY: usize = 50;
/// Grants of one key (AWS: 50,000).
pub const GRANTS_PER_KEY: usize = 50_000;
/// Keys of an account in a region (AWS: 100,000).
pub const KEYS_PER_REGION: usize = 100_000;
/// Rotations on demand of one key (AWS: 25).
pub const ON_DEMAND_ROTATIONS: usize = 25;
/// Materials of one key: enough for a rotation each 90 days for 250 years.
pub const MATERIALS_PER_KEY: usize = 1_024;
/// Destroyed keys that are remembered.
pub const DESTROYED_KEYS: usize = 10_000;
/// Keys that one command destroys.
pub const KEYS_PURGED_PER_COMMAND: usize = 64;
/// Grants of the keys that one command destroys; a key that has more is destroyed alone.
pub const GRANTS_PURGED_PER_COMMAND: usize = 4_096;
/// Versions that one step of a rewrap wraps anew.
pub const REWRAPS_PER_COMMAND: usize = 256;
/// Bytes of a keyring that travels through the log.
pub const KEYRING_BYTES: usize = 128 << 10;

/// Bytes of a request body on the client port, JSON or gRPC.
pub const REQUEST_BODY_BYTES: usize = 1 << 20;
/// Bytes of a larger body that are read and thrown away, so that a client which is still sending sees the answer.
pub const DISCARDED_BODY_BYTES: usize = 4 << 20;
/// Bytes of all the headers of one request on the client port.
pub const REQUEST_HEADER_BYTES: usize = 16 << 10;
/// Bytes of an error's message on the gRPC front, which stands in the trailers twice.
pub const GRPC_MESSAGE_BYTES: usize = 1 << 10;
/// Nesting of a JSON request.
pub const JSON_DEPTH: usize = 32;
/// Connections that the client port keeps open.
pub const CLIENT_CONNECTIONS: usize = 12_000;
/// Connections that the peer port keeps open.
pub const PEER_CONNECTIONS: usize = 256;
/// Open files that a node asks the system for: its connections, and [`RESERVED_FILES`].
pub const OPEN_FILES: usize = CLIENT_CONNECTIONS + PEER_CONNECTIONS + RESERVED_FILES;
/// Open files that clients cannot take from the log, the state store and connections between nodes.
pub const RESERVED_FILES: usize = 512;
/// Requests at once on one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION: u32 = 256;
/// Time for a TLS handshake.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the headers of an HTTP/1 request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the body of a request.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of requests on the client port that a node holds at once, over all connections.
pub const INTAKE_BYTES: usize = 128 << 20;
/// The part of [`INTAKE_BYTES`] that only small requests may use.
pub const INTAKE_RESERVE_BYTES: usize = 32 << 20;
/// Bytes of a body that count as small.
pub const SMALL_BODY_BYTES: usize = 4 << 10;
/// Bytes that a request is counted with before its body: its headers, its stream and its task.
pub const REQUEST_OVERHEAD_BYTES: usize = 4 << 10;
/// Requests that are between the door of the service and their answer, on one node.
pub const REQUESTS_IN_FLIGHT: usize = 8_192;
/// Requests in flight above which principals are held to their shares.
pub const CONTENDED_REQUESTS: usize = 512;
/// Requests that a principal may be ahead of its share while there is contention.
pub const SHARE_BURST: u32 = 256;
/// How long a principal counts after its last request when shares are made.
pub const SHARE_PERIOD: Duration = Duration::from_secs(1);
/// Principals whose use a node keeps account of.
pub const PRINCIPAL_BUCKETS: usize = 4_096;
/// Addresses and credentials whose failures a node keeps account of.
pub const FAILURE_BUCKETS: usize = 16_384;
/// How many times the failures of one credential from an address the address itself may have.
pub const FAILURES_PER_ADDRESS: u32 = 10;
/// How long a stopping node lets requests under way finish.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the date of a signature may be from this node's clock, either way (AWS: 15 minutes).
pub const SIGNATURE_AGE: Duration = Duration::from_secs(15 * 60);
/// Derived signing keys that a node keeps: one an access key, day and region.
pub const SIGNING_KEYS: usize = 10_000;

/// Time from a request's arrival to its answer; a write that is not known by then is unknown.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
/// Time for one attempt at forwarding a proposal to the leader.
pub const FORWARD_TIMEOUT: Duration = Duration::from_secs(4);
/// Pause before a proposal or a barrier is tried again without a leader.
pub const LEADER_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How often a use case decides again after a Conflict.
pub const DECISIONS_PER_REQUEST: usize = 4;
/// Requests that wait for one read barrier.
pub const BARRIER_WAITERS: usize = 65_536;
/// Secrets of access keys that a node keeps opened.
pub const OPENED_ACCESS_KEYS: usize = 4_096;
/// Versions of key material that a node keeps opened.
pub const OPENED_KEY_MATERIAL: usize = 1_024;
/// Proposals that this node has under way.
pub const PROPOSALS_IN_FLIGHT: usize = 8_192;

/// Reads that one command dates; those beyond are not dated.
pub const TOUCHES_PER_COMMAND: usize = 1_024;
/// How long the first read of a day waits for its date.
pub const TOUCH_WAIT: Duration = Duration::from_millis(50);

/// Deleted secrets that one command purges.
pub const PURGED_PER_COMMAND: usize = 512;
/// How far the clocks of the leader and of a quorum may be apart before anything is purged.
pub const CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);

/// Results of proposals that `apply` remembers, by count.
pub const PROPOSAL_RESULTS: usize = 16_384;
/// Results of proposals that `apply` remembers, by age in log time.
pub const PROPOSAL_RESULT_AGE: Duration = Duration::from_secs(15 * 60);

/// Bytes of one log payload: a value, its wrapped key and the metadata of its secret, sealed.
pub const LOG_PAYLOAD_BYTES: usize = 512 << 10;
/// Bytes of one log segment, preallocated and zero-filled.
pub const LOG_SEGMENT_BYTES: u64 = 64 << 20;
/// Bytes of frames that the log writes and syncs at once.
pub const LOG_BATCH_BYTES: usize = 4 << 20;
/// Bytes of frames that wait for the log's writer before a caller has to wait.
pub const LOG_QUEUE_BYTES: usize = 16 << 20;
/// Changes that wait for the log's writer before a caller has to wait.
pub const LOG_QUEUE_CHANGES: usize = 16_384;
/// Bytes that one read of the log returns, at least one entry.
pub const LOG_READ_BYTES: usize = 4 << 20;
/// Bytes of one append message between peers.
pub const APPEND_BYTES: usize = 4 << 20;
/// Bytes of log entries that are kept in memory for followers that keep up.
pub const LOG_CACHE_BYTES: usize = 32 << 20;
/// Bytes of log after which a checkpoint is taken.
pub const CHECKPOINT_LOG_BYTES: u64 = 128 << 20;
/// Age of the last checkpoint after which one is taken if anything changed.
pub const CHECKPOINT_AGE: Duration = Duration::from_secs(15 * 60);
/// Entries of the log behind a checkpoint that are kept for followers that were briefly away.
pub const KEPT_LOG_ENTRIES: u64 = 10_000;
/// Bytes of such entries.
pub const KEPT_LOG_BYTES: u64 = 64 << 20;
/// Bytes of one pack of a checkpoint before it is sealed; a record that has more is a pack of its own.
pub const CHECKPOINT_PACK_BYTES: usize = 16 << 10;
/// Records, and removals of records, in one pack.
pub const CHECKPOINT_PACK_RECORDS: usize = 512;
/// Bytes of packs that a checkpoint writes to the state store between two syncs, but for the last pack.
pub const CHECKPOINT_BATCH_BYTES: usize = 8 << 20;
/// Incremental checkpoints after which one is written whole.
pub const CHECKPOINTS_SINCE_WHOLE: u64 = 63;
/// Entries in packs, for each record of the state, above which a checkpoint is written whole.
pub const CHECKPOINT_ENTRIES_PER_RECORD: u64 = 2;
/// Entries in packs up to which none is written whole because of their number.
pub const CHECKPOINT_SPARE_ENTRIES: u64 = 65_536;
/// Bytes of one chunk of a snapshot stream.
pub const SNAPSHOT_CHUNK_BYTES: usize = 256 << 10;
/// Bytes of one message on the peer port.
pub const PEER_MESSAGE_BYTES: usize = 8 << 20;
/// Regions that one RemoveRegionsFromReplication names, each once. It is ours: AWS's model has no bound, and no cluster
/// serves so many.
pub const REGIONS_PER_REQUEST: usize = 100;
/// Characters of a region.
pub const REGION_CHARS: usize = 128;
/// Characters of a secret's ARN where a request names another secret than its own.
pub const SECRET_ARN_CHARS: std::ops::RangeInclusive<usize> = 20..=2_048;
