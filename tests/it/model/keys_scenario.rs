//! A life of a few keys in which every served operation succeeds, with every member that the server reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::checks::Checks;

const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

/// Plays it. Afterwards the requests of the table of errors may name four keys: `@kept`, `@disabled` and `@pending`
/// by their states, `@arn` the ARN of the first; and `@root`, who may do everything.
pub(super) async fn play(checks: &mut Checks<'_>) {
    let kept = create(checks).await;
    let (kept, arn) = (text(&kept, "KeyId"), text(&kept, "Arn"));
    let account = arn.split(':').nth(4).unwrap_or_default();
    let root = format!("arn:aws:iam::{account}:root");
    aliases(checks, &kept).await;
    encryption(checks, &kept).await;
    rotation(checks, &kept).await;
    policies(checks, &kept).await;
    grants(checks, &kept, &root).await;
    tags(checks, &kept).await;
    let (disabled, pending) = states(checks).await;
    listings(checks).await;
    checks.names.extend([("@kept", kept), ("@disabled", disabled), ("@pending", pending), ("@arn", arn)]);
    checks.names.push(("@root", root));
}

async fn create(checks: &mut Checks<'_>) -> Value {
    let wanted = json!({
        "Description": "one of a few", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": ALGORITHM, "Origin": "AWS_KMS",
        "Tags": [{"TagKey": "team", "TagValue": "blue"}], "MultiRegion": false,
    });
    let made = checks.done("CreateKey", wanted).await["KeyMetadata"].clone();
    checks.done("CreateKey", json!({"CustomerMasterKeySpec": ALGORITHM})).await;
    let described = json!({"KeyId": text(&made, "KeyId"), "GrantTokens": ["any"]});
    checks.done("DescribeKey", described).await;
    made
}

async fn aliases(checks: &mut Checks<'_>, key: &str) {
    for alias in ["alias/model", "alias/other"] {
        checks.done("CreateAlias", json!({"AliasName": alias, "TargetKeyId": key})).await;
    }
    checks.done("UpdateAlias", json!({"AliasName": "alias/other", "TargetKeyId": key})).await;
    pages(checks, "ListAliases", json!({"KeyId": key, "Limit": 1})).await;
    checks.done("DeleteAlias", json!({"AliasName": "alias/other"})).await;
}

async fn encryption(checks: &mut Checks<'_>, key: &str) {
    let context = json!({"app": "model"});
    let common = |mut body: Value| {
        body["GrantTokens"] = json!(["any"]);
        body["DryRun"] = json!(false);
        body
    };
    let encrypt = json!({
        "KeyId": key, "Plaintext": STANDARD.encode("a value"), "EncryptionContext": context,
        "EncryptionAlgorithm": ALGORITHM,
    });
    let blob = text(&checks.done("Encrypt", common(encrypt)).await, "CiphertextBlob");
    let decrypt = json!({
        "CiphertextBlob": blob, "EncryptionContext": context, "KeyId": key, "EncryptionAlgorithm": ALGORITHM,
    });
    checks.done("Decrypt", common(decrypt)).await;
    let anew = json!({
        "CiphertextBlob": blob, "SourceEncryptionContext": context, "SourceKeyId": key,
        "DestinationKeyId": "alias/model", "DestinationEncryptionContext": context,
        "SourceEncryptionAlgorithm": ALGORITHM, "DestinationEncryptionAlgorithm": ALGORITHM,
    });
    checks.done("ReEncrypt", common(anew)).await;
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        let by_spec = json!({"KeyId": key, "EncryptionContext": context, "KeySpec": "AES_128"});
        checks.done(operation, common(by_spec)).await;
        checks.done(operation, json!({"KeyId": key, "NumberOfBytes": 3})).await;
    }
    checks.done("GenerateRandom", json!({"NumberOfBytes": 3})).await;
}

async fn rotation(checks: &mut Checks<'_>, key: &str) {
    let named = json!({ "KeyId": key });
    for _ in 0..2 {
        checks.done("RotateKeyOnDemand", named.clone()).await;
    }
    let all = json!({"KeyId": key, "Limit": 1, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    pages(checks, "ListKeyRotations", all).await;
    checks.done("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90})).await;
    checks.done("GetKeyRotationStatus", named.clone()).await;
    checks.done("DisableKeyRotation", named).await;
}

async fn policies(checks: &mut Checks<'_>, key: &str) {
    let named = json!({"KeyId": key, "PolicyName": "default"});
    let policy = text(&checks.done("GetKeyPolicy", named.clone()).await, "Policy");
    let mut put = named;
    (put["Policy"], put["BypassPolicyLockoutSafetyCheck"]) = (json!(policy), json!(true));
    checks.done("PutKeyPolicy", put).await;
    checks.done("CreateKey", json!({"Policy": policy, "BypassPolicyLockoutSafetyCheck": false})).await;
    checks.done("ListKeyPolicies", json!({"KeyId": key, "Limit": 1})).await;
}

async fn grants(checks: &mut Checks<'_>, key: &str, root: &str) {
    let mut made = Vec::new();
    for (name, constraint) in [("one", "EncryptionContextSubset"), ("two", "EncryptionContextEquals")] {
        let wanted = json!({
            "KeyId": key, "GranteePrincipal": root, "RetiringPrincipal": root, "Operations": ["Decrypt", "Encrypt"],
            "Constraints": {constraint: {"app": "model"}}, "GrantTokens": ["any"], "Name": name, "DryRun": false,
        });
        made.push(checks.done("CreateGrant", wanted).await);
    }
    pages(checks, "ListGrants", json!({"KeyId": key, "Limit": 1})).await;
    let one = json!({"KeyId": key, "GrantId": made[0]["GrantId"], "GranteePrincipal": root});
    checks.done("ListGrants", one).await;
    pages(checks, "ListRetirableGrants", json!({"RetiringPrincipal": root, "Limit": 1})).await;
    let revoked = json!({"KeyId": key, "GrantId": made[0]["GrantId"], "DryRun": false});
    checks.done("RevokeGrant", revoked).await;
    checks.done("RetireGrant", json!({"GrantToken": made[1]["GrantToken"], "DryRun": false})).await;
    let third = json!({"KeyId": key, "GranteePrincipal": root, "Operations": ["Decrypt"], "RetiringPrincipal": root});
    let third = checks.done("CreateGrant", third).await;
    let described = checks.done("DescribeKey", json!({ "KeyId": key })).await;
    let arn = &described["KeyMetadata"]["Arn"];
    checks.done("RetireGrant", json!({"KeyId": arn, "GrantId": third["GrantId"]})).await;
}

async fn tags(checks: &mut Checks<'_>, key: &str) {
    let tags = json!([{"TagKey": "cost", "TagValue": "1"}, {"TagKey": "more", "TagValue": ""}]);
    checks.done("TagResource", json!({"KeyId": key, "Tags": tags})).await;
    pages(checks, "ListResourceTags", json!({"KeyId": key, "Limit": 1})).await;
    checks.done("UntagResource", json!({"KeyId": key, "TagKeys": ["more"]})).await;
    checks.done("UpdateKeyDescription", json!({"KeyId": key, "Description": "another"})).await;
}

/// A disabled key, and one that is pending deletion.
async fn states(checks: &mut Checks<'_>) -> (String, String) {
    let disabled = text(&checks.done("CreateKey", json!({})).await["KeyMetadata"], "KeyId");
    checks.done("DisableKey", json!({ "KeyId": disabled })).await;
    checks.done("EnableKey", json!({ "KeyId": disabled })).await;
    checks.done("DisableKey", json!({ "KeyId": disabled })).await;
    let pending = text(&checks.done("CreateKey", json!({})).await["KeyMetadata"], "KeyId");
    let schedule = json!({"KeyId": pending, "PendingWindowInDays": 7});
    checks.done("ScheduleKeyDeletion", schedule.clone()).await;
    checks.done("CancelKeyDeletion", json!({ "KeyId": pending })).await;
    checks.done("ScheduleKeyDeletion", schedule).await;
    checks.done("DescribeKey", json!({ "KeyId": pending })).await;
    (disabled, pending)
}

async fn listings(checks: &mut Checks<'_>) {
    pages(checks, "ListKeys", json!({"Limit": 1, "ResourceOwners": ["SELF"]})).await;
}

/// The first two pages.
async fn pages(checks: &mut Checks<'_>, operation: &str, mut body: Value) {
    let first = checks.done(operation, body.clone()).await;
    body["Marker"] = first["NextMarker"].clone();
    checks.done(operation, body).await;
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_default().to_owned()
}
