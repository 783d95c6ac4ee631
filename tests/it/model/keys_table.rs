//! What of KMS is not as the model alone would have it, each with its reason, as in [`super::table`].

use super::tables::How::{self, Here, Not, Test};
use super::tables::Tables;

/// What the tests hold KMS against.
pub(super) const KMS: Tables = Tables {
    service: "kms",
    sheet: "conformance sheet of keys",
    capital_messages: false,
    silent: &["InvalidCiphertextException"],
    beyond: &[(
        "Decrypt",
        "UnsupportedOperationException",
        "of members that are for AWS alone; the model has no error for it",
    )],
    needed: &[("Decrypt", "CiphertextBlob"), ("ReEncrypt", "CiphertextBlob")],
    operations: OPERATIONS,
    not_served: NOT_SERVED,
    ignored: IGNORED,
    not_used: NOT_USED,
    not_shown: NOT_SHOWN,
    exceptions: EXCEPTIONS,
    errors: ERRORS,
};

const OPERATIONS: &[&str] = &[
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decapsulate",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];

const NO_STORES: &str = "custom key stores are clusters of AWS CloudHSM or need a proxy of AWS's own protocol";
const SYMMETRIC_ONLY: &str = "keys are symmetric and encrypt; they neither sign nor agree";
const OWN_MATERIAL: &str = "the cluster draws all material; none is imported";
const ONE_REGION: &str = "a key is of one region";
const NO_USAGE: &str = "the use of keys is in the records of requests and is not counted for each key";
const NO_ENCLAVES: &str = "for AWS Nitro enclaves";
const NO_SERVICES: &str = "no service of AWS is a principal here";
const NOT_ROTATING: &str = "a rotation is one command, so none is ever seen under way";
const ONE_POLICY: &str = "a key has one policy, so there is no second page";

const NOT_SERVED: &[(&str, &str)] = &[
    ("ConnectCustomKeyStore", NO_STORES),
    ("CreateCustomKeyStore", NO_STORES),
    ("Decapsulate", SYMMETRIC_ONLY),
    ("DeleteCustomKeyStore", NO_STORES),
    ("DeleteImportedKeyMaterial", OWN_MATERIAL),
    ("DeriveSharedSecret", SYMMETRIC_ONLY),
    ("DescribeCustomKeyStores", NO_STORES),
    ("DisconnectCustomKeyStore", NO_STORES),
    ("Encapsulate", SYMMETRIC_ONLY),
    ("GenerateDataKeyPair", SYMMETRIC_ONLY),
    ("GenerateDataKeyPairWithoutPlaintext", SYMMETRIC_ONLY),
    ("GenerateMac", SYMMETRIC_ONLY),
    ("GetKeyLastUsage", NO_USAGE),
    ("GetParametersForImport", OWN_MATERIAL),
    ("GetPublicKey", SYMMETRIC_ONLY),
    ("ImportKeyMaterial", OWN_MATERIAL),
    ("ReplicateKey", ONE_REGION),
    ("Sign", SYMMETRIC_ONLY),
    ("UpdateCustomKeyStore", NO_STORES),
    ("UpdatePrimaryRegion", ONE_REGION),
    ("Verify", SYMMETRIC_ONLY),
    ("VerifyMac", SYMMETRIC_ONLY),
];

const IGNORED: &[(&str, &str)] = &[];

const NOT_USED: &[(&str, &str)] = &[
    ("*.CustomKeyStoreId", NO_STORES),
    ("*.XksKeyId", NO_STORES),
    ("*.Recipient", NO_ENCLAVES),
    ("*.DryRunModifiers", "a dry run opens the ciphertext as the call would"),
    ("*.GranteeServicePrincipal", NO_SERVICES),
    ("*.RetiringServicePrincipal", NO_SERVICES),
    ("*.SourceArn", NO_SERVICES),
    ("ListKeyPolicies.Marker", ONE_POLICY),
];

const NOT_SHOWN: &[(&str, &str)] = &[
    ("*.ValidTo", OWN_MATERIAL),
    ("*.ExpirationModel", OWN_MATERIAL),
    ("*.ImportState", OWN_MATERIAL),
    ("*.KeyMaterialDescription", OWN_MATERIAL),
    ("*.CustomKeyStoreId", NO_STORES),
    ("*.CloudHsmClusterId", NO_STORES),
    ("*.XksKeyConfiguration", NO_STORES),
    ("*.SigningAlgorithms", SYMMETRIC_ONLY),
    ("*.KeyAgreementAlgorithms", SYMMETRIC_ONLY),
    ("*.EncapsulationAlgorithms", SYMMETRIC_ONLY),
    ("*.MacAlgorithms", SYMMETRIC_ONLY),
    ("*.MultiRegionConfiguration", ONE_REGION),
    ("*.PendingDeletionWindowInDays", ONE_REGION),
    ("CreateKey.KeyMetadata.DeletionDate", "a new key is not about to go"),
    ("*.CiphertextForRecipient", NO_ENCLAVES),
    ("*.GranteeServicePrincipal", NO_SERVICES),
    ("*.RetiringServicePrincipal", NO_SERVICES),
    ("*.SourceArn", NO_SERVICES),
    ("*.OnDemandRotationStartDate", NOT_ROTATING),
    ("ListKeyPolicies.NextMarker", ONE_POLICY),
];

const WINDOW: &str = "AWS documents 7 to 30 days for keys such as these, and the model's bounds are for others";

const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("ScheduleKeyDeletion.PendingWindowInDays", "min 1", WINDOW),
    ("ScheduleKeyDeletion.PendingWindowInDays", "below min 1", WINDOW),
    ("ScheduleKeyDeletion.PendingWindowInDays", "max 365", WINDOW),
    ("ScheduleKeyDeletion.PendingWindowInDays", "above max 365", WINDOW),
    ("CreateAlias.AliasName", "below min 1", OF_NOTHING),
    ("UpdateAlias.AliasName", "below min 1", OF_NOTHING),
    ("DeleteAlias.AliasName", "below min 1", OF_NOTHING),
    ("CreateKey.Policy", "below min 1", OF_NOTHING),
    ("PutKeyPolicy.Policy", "below min 1", OF_NOTHING),
    ("PutKeyPolicy.PolicyName", "below min 1", OF_NOTHING),
    ("GetKeyPolicy.PolicyName", "below min 1", OF_NOTHING),
    ("CreateGrant.GranteePrincipal", "below min 1", OF_NOTHING),
    ("CreateGrant.GranteeServicePrincipal", "below min 1", OF_NOTHING),
    ("CreateGrant.Name", "below min 1", OF_NOTHING),
    ("CreateGrant.RetiringPrincipal", "below min 1", OF_NOTHING),
    ("CreateGrant.RetiringServicePrincipal", "below min 1", OF_NOTHING),
    ("ListGrants.GranteePrincipal", "below min 1", OF_NOTHING),
    ("ListGrants.GranteeServicePrincipal", "below min 1", OF_NOTHING),
    ("ListRetirableGrants.RetiringPrincipal", "below min 1", OF_NOTHING),
    ("ListRetirableGrants.RetiringServicePrincipal", "below min 1", OF_NOTHING),
    ("RetireGrant.GrantToken", "below min 1", NO_ECHO),
    ("RetireGrant.GrantToken", "above max 8192", NO_ECHO),
    ("CreateGrant.Constraints.SourceArn", "below min 20", SOURCE_ARN),
    ("CreateGrant.Constraints.SourceArn", "above max 512", SOURCE_ARN),
    ("CreateGrant.Constraints.SourceArn", SOURCE_ARN_PATTERN, SOURCE_ARN),
];

const OF_NOTHING: &str = "of an empty text the length is told, and not the pattern too";
const NO_ECHO: &str = "a token is not repeated in an error";
const SOURCE_ARN: &str = "a constraint of service principals, which is refused whatever it says";
const SOURCE_ARN_PATTERN: &str = "not of the pattern ^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$";

const NO_STATE: How = Not("allowed in every state of a key");
const NO_DEPENDENCY: How = Not("of services that KMS of AWS calls, and there are none");
const OF_STORES: How = Not(NO_STORES);
const ONE_USAGE: How = Not("every key encrypts and decrypts");
const NO_TOKENS: How = Not("what a grant token grants holds without it, so none is looked at");
const SUPPORTED: How = Not("every key is of the kind that the operation is for");
const NO_QUOTA: How = Not("no quota is in the way of it");
const CANNOT_OPEN: How = Not("of a node that cannot open material that it has, which only damage can bring about");
const NO_GRANT: How = Not("a grant that is not there is a NotFoundException");
const MISSING_ALIAS: How = Here(r#"{"AliasName": "alias/none", "TargetKeyId": "@kept"}"#);

const ERRORS: &[(&str, &str, How)] = &[
    ("*", "DependencyTimeoutException", NO_DEPENDENCY),
    ("*", "KMSInternalException", Test("kms_spells_every_message_with_a_small_letter_and_has_its_own_name_for_faults")),
    ("*", "NotFoundException", Here(r#"{"KeyId": "00000000-0000-4000-8000-000000000000"}"#)),
    ("*", "InvalidArnException", Here(r#"{"KeyId": "arn:nothing"}"#)),
    ("DescribeKey", "InvalidArnException", Not("what takes aliases too answers NotFoundException")),
    ("*", "DisabledException", Here(r#"{"KeyId": "@disabled"}"#)),
    ("*", "KMSInvalidStateException", Here(r#"{"KeyId": "@pending"}"#)),
    ("*", "InvalidMarkerException", Here(r#"{"KeyId": "@kept", "Marker": "made-up"}"#)),
    ("*", "DryRunOperationException", Here(r#"{"KeyId": "@kept", "DryRun": true}"#)),
    ("*", "InvalidKeyUsageException", ONE_USAGE),
    ("*", "InvalidGrantTokenException", NO_TOKENS),
    ("*", "KeyUnavailableException", CANNOT_OPEN),
    ("*", "UnsupportedOperationException", SUPPORTED),
    ("*", "LimitExceededException", NO_QUOTA),
    ("*", "CustomKeyStoreNotFoundException", OF_STORES),
    ("*", "CustomKeyStoreInvalidStateException", OF_STORES),
    ("CreateKey", "CloudHsmClusterInvalidConfigurationException", OF_STORES),
    ("CreateKey", "XksKeyInvalidConfigurationException", OF_STORES),
    ("CreateKey", "XksKeyAlreadyInUseException", OF_STORES),
    ("CreateKey", "XksKeyNotFoundException", OF_STORES),
    ("CreateKey", "InvalidArnException", Not("no member of the request is an ARN")),
    ("CreateKey", "LimitExceededException", Test("tags_and_policies_have_bounds")),
    ("CreateKey", "MalformedPolicyDocumentException", Here(r#"{"Policy": "{}"}"#)),
    ("CreateKey", "TagException", Here(r#"{"Tags": [{"TagKey": "aws:a", "TagValue": ""}]}"#)),
    ("CreateKey", "UnsupportedOperationException", Here(r#"{"KeySpec": "RSA_2048"}"#)),
    ("CreateAlias", "AlreadyExistsException", Here(r#"{"AliasName": "alias/model", "TargetKeyId": "@kept"}"#)),
    ("CreateAlias", "InvalidAliasNameException", Here(r#"{"AliasName": "alias/", "TargetKeyId": "@kept"}"#)),
    (
        "CreateAlias",
        "NotFoundException",
        Here(r#"{"AliasName": "alias/new", "TargetKeyId": "00000000-0000-4000-8000-000000000000"}"#),
    ),
    ("CreateAlias", "KMSInvalidStateException", Here(r#"{"AliasName": "alias/new", "TargetKeyId": "@pending"}"#)),
    ("CreateAlias", "LimitExceededException", Test("a_key_has_so_many_aliases")),
    ("UpdateAlias", "NotFoundException", MISSING_ALIAS),
    ("UpdateAlias", "KMSInvalidStateException", Here(r#"{"AliasName": "alias/model", "TargetKeyId": "@pending"}"#)),
    ("UpdateAlias", "LimitExceededException", Test("a_key_has_so_many_aliases")),
    ("DeleteAlias", "NotFoundException", Here(r#"{"AliasName": "alias/none"}"#)),
    ("DeleteAlias", "KMSInvalidStateException", NO_STATE),
    ("CancelKeyDeletion", "KMSInvalidStateException", Here(r#"{"KeyId": "@kept"}"#)),
    ("GetKeyRotationStatus", "KMSInvalidStateException", NO_STATE),
    ("ListKeyRotations", "KMSInvalidStateException", NO_STATE),
    ("PutKeyPolicy", "KMSInvalidStateException", NO_STATE),
    (
        "PutKeyPolicy",
        "NotFoundException",
        Here(
            r#"{"KeyId": "00000000-0000-4000-8000-000000000000", "Policy": "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\"}}"}"#,
        ),
    ),
    ("PutKeyPolicy", "MalformedPolicyDocumentException", Here(r#"{"KeyId": "@kept", "Policy": "{}"}"#)),
    ("PutKeyPolicy", "LimitExceededException", Test("tags_and_policies_have_bounds")),
    ("GetKeyPolicy", "KMSInvalidStateException", NO_STATE),
    ("ListKeyPolicies", "KMSInvalidStateException", NO_STATE),
    ("RotateKeyOnDemand", "LimitExceededException", Test("a_rotation_adds_material_and_keeps_the_old")),
    ("RotateKeyOnDemand", "ConflictException", Not(NOT_ROTATING)),
    ("Decrypt", "NotFoundException", Not("the ciphertext is looked at first")),
    ("Decrypt", "InvalidCiphertextException", Here(r#"{"CiphertextBlob": "AAAA"}"#)),
    ("Decrypt", "IncorrectKeyException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("Decrypt", "DisabledException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("Decrypt", "KMSInvalidStateException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("Decrypt", "DryRunOperationException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("ReEncrypt", "NotFoundException", Not("the ciphertext is looked at first")),
    ("ReEncrypt", "InvalidCiphertextException", Here(r#"{"CiphertextBlob": "AAAA", "DestinationKeyId": "@kept"}"#)),
    ("ReEncrypt", "IncorrectKeyException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("ReEncrypt", "DisabledException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("ReEncrypt", "KMSInvalidStateException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("ReEncrypt", "DryRunOperationException", Test("boto3_and_the_aws_cli_use_keys_unchanged")),
    ("GenerateDataKey", "DryRunOperationException", Here(DRY_DATA_KEY)),
    ("GenerateDataKey", "DisabledException", Here(r#"{"KeyId": "@disabled", "KeySpec": "AES_256"}"#)),
    ("GenerateDataKey", "KMSInvalidStateException", Here(r#"{"KeyId": "@pending", "KeySpec": "AES_256"}"#)),
    ("GenerateDataKey", "NotFoundException", Here(r#"{"KeyId": "alias/none", "KeySpec": "AES_256"}"#)),
    ("GenerateDataKeyWithoutPlaintext", "DryRunOperationException", Here(DRY_DATA_KEY)),
    ("GenerateDataKeyWithoutPlaintext", "DisabledException", Here(r#"{"KeyId": "@disabled", "KeySpec": "AES_256"}"#)),
    (
        "GenerateDataKeyWithoutPlaintext",
        "KMSInvalidStateException",
        Here(r#"{"KeyId": "@pending", "KeySpec": "AES_256"}"#),
    ),
    ("GenerateDataKeyWithoutPlaintext", "NotFoundException", Here(r#"{"KeyId": "alias/none", "KeySpec": "AES_256"}"#)),
    ("GenerateRandom", "UnsupportedOperationException", Here(r#"{"NumberOfBytes": 1, "CustomKeyStoreId": "a"}"#)),
    ("CreateGrant", "NotFoundException", Here(GRANT_OF_MISSING)),
    ("CreateGrant", "DisabledException", Here(GRANT_OF_DISABLED)),
    ("CreateGrant", "KMSInvalidStateException", Here(GRANT_OF_PENDING)),
    ("CreateGrant", "InvalidArnException", Here(r#"{"KeyId": "@kept", "GranteePrincipal": "nobody"}"#)),
    ("CreateGrant", "DryRunOperationException", Here(DRY_GRANT)),
    ("CreateGrant", "LimitExceededException", Test("a_key_has_so_many_grants")),
    ("ListGrants", "InvalidGrantIdException", NO_GRANT),
    ("ListGrants", "KMSInvalidStateException", NO_STATE),
    ("ListRetirableGrants", "InvalidArnException", Not("who is no principal has no grants to retire")),
    ("ListRetirableGrants", "InvalidMarkerException", Here(r#"{"RetiringPrincipal": "@root", "Marker": "made-up"}"#)),
    ("ListRetirableGrants", "NotFoundException", Not("no member of the request names what could be missing")),
    ("RevokeGrant", "InvalidGrantIdException", NO_GRANT),
    ("RevokeGrant", "KMSInvalidStateException", NO_STATE),
    ("RevokeGrant", "DryRunOperationException", Test("dry_runs_of_grants_tell_and_change_nothing")),
    ("RetireGrant", "InvalidGrantTokenException", Here(r#"{"GrantToken": "made-up"}"#)),
    ("RetireGrant", "InvalidGrantIdException", NO_GRANT),
    ("RetireGrant", "InvalidArnException", Here(r#"{"KeyId": "arn:nothing", "GrantId": "none"}"#)),
    ("RetireGrant", "NotFoundException", Test("dry_runs_of_grants_tell_and_change_nothing")),
    ("RetireGrant", "KMSInvalidStateException", NO_STATE),
    ("RetireGrant", "DryRunOperationException", Test("dry_runs_of_grants_tell_and_change_nothing")),
    ("TagResource", "LimitExceededException", Test("tags_and_policies_have_bounds")),
    ("TagResource", "TagException", Here(r#"{"KeyId": "@kept", "Tags": [{"TagKey": "aws:a", "TagValue": ""}]}"#)),
    ("UntagResource", "TagException", Not("the tags that a key does not have do not count")),
];

const DRY_DATA_KEY: &str = r#"{"KeyId": "@kept", "KeySpec": "AES_256", "DryRun": true}"#;
const GRANT_OF_MISSING: &str =
    r#"{"KeyId": "00000000-0000-4000-8000-000000000000", "GranteePrincipal": "@root", "Operations": ["Decrypt"]}"#;
const GRANT_OF_DISABLED: &str = r#"{"KeyId": "@disabled", "GranteePrincipal": "@root", "Operations": ["Decrypt"]}"#;
const GRANT_OF_PENDING: &str = r#"{"KeyId": "@pending", "GranteePrincipal": "@root", "Operations": ["Decrypt"]}"#;
const DRY_GRANT: &str = r#"{"KeyId": "@kept", "GranteePrincipal": "@root", "Operations": ["Decrypt"], "DryRun": true}"#;
