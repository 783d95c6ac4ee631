//! `conclave key`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use client::SecretValue;
use client::keys::{
    Alias, CreateGrant, CreateKey, Decrypt, Encrypt, GenerateDataKey, Grant, KeyMetadata, KeyRotation, Keys,
    ListGrants, Page, ReEncrypt,
};
use serde_json::{Value, json};

use super::secret::{date, pair, print_value};
use super::{block_on, connect, connect_for, resource_policies};
use crate::cli::{AliasCommand, CiphertextArgs, Connection, FreshnessArgs, GrantCommand, KeyCommand, KeyPolicyCommand};
use crate::cli::{DocumentArgs, OneKey, ValueArgs};
use crate::failure::Usage;
use crate::output::Output;
use crate::value;

/// Bytes of a ciphertext in base64, with line ends and one more, so that the server says that it is too long.
const CIPHERTEXT_TEXT_BYTES: u64 = 16 << 10;

/// Runs a command on keys. JSON answers have the member names of the AWS API; dates are RFC 3339.
pub(crate) fn run(command: KeyCommand, output: Output) -> anyhow::Result<()> {
    block_on(Box::pin(async move {
        match command {
            KeyCommand::Create { description, tags, policy_file, bypass_policy_lockout_safety_check, connection } => {
                let mut request = CreateKey::default();
                if let Some(description) = description {
                    request = request.description(description);
                }
                for tag in &tags {
                    let (key, value) = pair(tag)?;
                    request = request.tag(key, value);
                }
                if let Some(path) = policy_file {
                    request = request.policy(resource_policies::read(&DocumentArgs { from_file: Some(path) })?);
                }
                if bypass_policy_lockout_safety_check {
                    request = request.bypass_policy_lockout_safety_check();
                }
                let key = keys(&connection)?.create_key(request).await?;
                output.print(&json!({ "KeyMetadata": metadata_json(&key) }), |out| writeln!(out, "{}", key.arn))
            }
            KeyCommand::Describe { key_id, freshness, connection } => {
                let key = keys_for(&connection, freshness)?.describe_key(key_id).await?;
                output.print(&json!({ "KeyMetadata": metadata_json(&key) }), |out| describe(out, &key))
            }
            KeyCommand::List { freshness, connection } => list(&keys_for(&connection, freshness)?, output).await,
            KeyCommand::SetDescription { key_id, description, connection } => {
                keys(&connection)?.update_key_description(key_id, description).await?;
                done(output)
            }
            KeyCommand::Enable(OneKey { key_id, connection }) => {
                keys(&connection)?.enable_key(key_id).await?;
                done(output)
            }
            KeyCommand::Disable(OneKey { key_id, connection }) => {
                keys(&connection)?.disable_key(key_id).await?;
                done(output)
            }
            KeyCommand::ScheduleDeletion { key_id, pending_window_in_days, connection } => {
                let scheduled = keys(&connection)?.schedule_key_deletion(key_id, pending_window_in_days).await?;
                let date = date(scheduled.deletion_date);
                let json = json!({
                    "KeyId": scheduled.key_id,
                    "DeletionDate": date,
                    "KeyState": "PendingDeletion",
                    "PendingWindowInDays": scheduled.pending_window_in_days,
                });
                output.print(&json, |out| writeln!(out, "{}: deletion date {date}", scheduled.key_id))
            }
            KeyCommand::CancelDeletion(OneKey { key_id, connection }) => {
                print_key_id(&keys(&connection)?.cancel_key_deletion(key_id).await?, output)
            }
            KeyCommand::Rotate(OneKey { key_id, connection }) => {
                print_key_id(&keys(&connection)?.rotate_key_on_demand(key_id).await?, output)
            }
            KeyCommand::EnableRotation { key_id, rotation_period_in_days, connection } => {
                keys(&connection)?.enable_key_rotation(key_id, rotation_period_in_days).await?;
                done(output)
            }
            KeyCommand::DisableRotation(OneKey { key_id, connection }) => {
                keys(&connection)?.disable_key_rotation(key_id).await?;
                done(output)
            }
            KeyCommand::RotationStatus { key_id, freshness, connection } => {
                rotation_status(&keys_for(&connection, freshness)?, key_id, output).await
            }
            KeyCommand::Rotations { key_id, freshness, connection } => {
                rotations(&keys_for(&connection, freshness)?, &key_id, output).await
            }
            KeyCommand::Alias(command) => alias(command, output).await,
            KeyCommand::Policy(command) => policy(command, output).await,
            KeyCommand::Grant(command) => grant(command, output).await,
            KeyCommand::Tag { key_id, tags, connection } => {
                let tags = tags.iter().map(|tag| pair(tag)).collect::<anyhow::Result<Vec<_>>>()?;
                keys(&connection)?.tag_resource(key_id, tags).await?;
                done(output)
            }
            KeyCommand::Untag { key_id, tag_keys, connection } => {
                keys(&connection)?.untag_resource(key_id, tag_keys).await?;
                done(output)
            }
            KeyCommand::Tags { key_id, freshness, connection } => {
                let keys = keys_for(&connection, freshness)?;
                let tags = all(async |marker| keys.list_resource_tags(key_id.as_str(), marker).await).await?;
                let json = tags.iter().map(|(key, value)| json!({ "TagKey": key, "TagValue": value }));
                output.print(&json!({ "Tags": json.collect::<Value>() }), |out| {
                    tags.iter().try_for_each(|(key, value)| writeln!(out, "{key}={value}"))
                })
            }
            KeyCommand::Encrypt { key_id, from_file, refused, context, connection } => {
                let plaintext = value::read(&ValueArgs { from_file, binary: true, refused })?;
                let mut request = Encrypt::new(key_id, SecretValue::binary(plaintext.expose_secret()));
                for text in &context.context {
                    let (key, value) = context_pair(text)?;
                    request = request.context(key, value);
                }
                let encrypted = keys(&connection)?.encrypt(request).await?;
                let blob = BASE64.encode(&encrypted.ciphertext_blob);
                let json = json!({ "CiphertextBlob": blob, "KeyId": encrypted.key_id });
                output.print(&json, |out| writeln!(out, "{blob}"))
            }
            KeyCommand::Decrypt { key_id, ciphertext, context, connection } => {
                let mut request = Decrypt::new(read_ciphertext(&ciphertext)?);
                for text in &context.context {
                    let (key, value) = context_pair(text)?;
                    request = request.context(key, value);
                }
                if let Some(key_id) = key_id {
                    request = request.key_id(key_id);
                }
                let decrypted = keys(&connection)?.decrypt(request).await?;
                match output {
                    Output::Text => print_value(&decrypted.plaintext),
                    Output::Json => output.print(
                        &json!({
                            "KeyId": decrypted.key_id,
                            "Plaintext": BASE64.encode(decrypted.plaintext.expose_bytes()),
                            "KeyMaterialId": decrypted.key_material_id,
                        }),
                        |_| Ok(()),
                    ),
                }
            }
            KeyCommand::ReEncrypt {
                destination_key_id,
                source_key_id,
                ciphertext,
                source_context,
                destination_context,
                connection,
            } => {
                let mut request = ReEncrypt::new(read_ciphertext(&ciphertext)?, destination_key_id);
                for text in &source_context {
                    let (key, value) = context_pair(text)?;
                    request = request.source_context(key, value);
                }
                for text in &destination_context {
                    let (key, value) = context_pair(text)?;
                    request = request.destination_context(key, value);
                }
                if let Some(key_id) = source_key_id {
                    request = request.source_key_id(key_id);
                }
                let anew = keys(&connection)?.re_encrypt(request).await?;
                let blob = BASE64.encode(&anew.ciphertext_blob);
                let json = json!({
                    "CiphertextBlob": blob,
                    "SourceKeyId": anew.source_key_id,
                    "KeyId": anew.key_id,
                    "SourceKeyMaterialId": anew.source_key_material_id,
                    "DestinationKeyMaterialId": anew.destination_key_material_id,
                });
                output.print(&json, |out| writeln!(out, "{blob}"))
            }
            KeyCommand::GenerateDataKey {
                key_id,
                key_spec,
                number_of_bytes,
                without_plaintext,
                context,
                connection,
            } => {
                let mut request = GenerateDataKey::new(key_id);
                if let Some(key_spec) = key_spec {
                    request = request.key_spec(key_spec);
                }
                if let Some(number_of_bytes) = number_of_bytes {
                    request = request.number_of_bytes(number_of_bytes);
                }
                for text in &context.context {
                    let (key, value) = context_pair(text)?;
                    request = request.context(key, value);
                }
                data_key(&keys(&connection)?, request, without_plaintext || output == Output::Text, output).await
            }
        }
    }))
}

fn keys(connection: &Connection) -> anyhow::Result<Keys> {
    Ok(connect(connection)?.keys())
}

fn keys_for(connection: &Connection, freshness: FreshnessArgs) -> anyhow::Result<Keys> {
    Ok(connect_for(connection, freshness)?.keys())
}

/// Says that it was done.
fn done(output: Output) -> anyhow::Result<()> {
    output.print(&json!({}), |_| Ok(()))
}

fn print_key_id(key_id: &str, output: Output) -> anyhow::Result<()> {
    output.print(&json!({ "KeyId": key_id }), |out| writeln!(out, "{key_id}"))
}

/// A pair of an encryption context as it stands on the command line.
fn context_pair(text: &str) -> anyhow::Result<(&str, &str)> {
    text.split_once('=').ok_or_else(|| Usage(format!("the context {text} is not KEY=VALUE")).into())
}

/// All pages of a listing.
async fn all<T>(page: impl AsyncFn(Option<String>) -> Result<Page<T>, client::Error>) -> Result<Vec<T>, client::Error> {
    let mut entries = Vec::new();
    let mut marker = None;
    loop {
        let next = page(marker).await?;
        entries.extend(next.entries);
        marker = next.next_marker;
        if marker.is_none() {
            return Ok(entries);
        }
    }
}

async fn list(keys: &Keys, output: Output) -> anyhow::Result<()> {
    let entries = all(async |marker| keys.list_keys(marker).await).await?;
    let json = entries.iter().map(|key| json!({ "KeyId": key.key_id, "KeyArn": key.key_arn })).collect::<Value>();
    output.print(&json!({ "Keys": json }), |out| entries.iter().try_for_each(|key| writeln!(out, "{}", key.key_id)))
}

async fn data_key(keys: &Keys, request: GenerateDataKey, sealed: bool, output: Output) -> anyhow::Result<()> {
    if sealed {
        let key = keys.generate_data_key_without_plaintext(request).await?;
        let blob = BASE64.encode(&key.ciphertext_blob);
        let json = json!({ "CiphertextBlob": blob, "KeyId": key.key_id, "KeyMaterialId": key.key_material_id });
        return output.print(&json, |out| writeln!(out, "{blob}"));
    }
    let key = keys.generate_data_key(request).await?;
    let json = json!({
        "CiphertextBlob": BASE64.encode(&key.ciphertext_blob),
        "Plaintext": BASE64.encode(key.plaintext.expose_bytes()),
        "KeyId": key.key_id,
        "KeyMaterialId": key.key_material_id,
    });
    output.print(&json, |_| Ok(()))
}

async fn rotation_status(keys: &Keys, key_id: String, output: Output) -> anyhow::Result<()> {
    let status = keys.get_key_rotation_status(key_id).await?;
    let mut json = json!({ "KeyId": status.key_id, "KeyRotationEnabled": status.key_rotation_enabled });
    if let Some(days) = status.rotation_period_in_days {
        json["RotationPeriodInDays"] = json!(days);
    }
    if let Some(next) = status.next_rotation_date {
        json["NextRotationDate"] = json!(date(next));
    }
    output.print(&json, |out| match (status.rotation_period_in_days, status.next_rotation_date) {
        (Some(days), Some(next)) => writeln!(out, "every {days} days, next {}", date(next)),
        _ => writeln!(out, "off"),
    })
}

async fn rotations(keys: &Keys, key_id: &str, output: Output) -> anyhow::Result<()> {
    let rotations = all(async |marker| keys.list_key_rotations(key_id, marker).await).await?;
    let json = rotations.iter().map(rotation_json).collect::<Value>();
    output.print(&json!({ "Rotations": json }), |out| {
        rotations.iter().try_for_each(|rotation| {
            let at = rotation.rotation_date.map(date).unwrap_or_default();
            let line = format!(
                "{} {} {at} {}",
                rotation.key_material_id,
                rotation.key_material_state.as_deref().unwrap_or_default(),
                rotation.rotation_type.as_deref().unwrap_or_default(),
            );
            writeln!(out, "{}", line.trim_end())
        })
    })
}

fn rotation_json(rotation: &KeyRotation) -> Value {
    let mut json = json!({ "KeyMaterialId": rotation.key_material_id });
    if let Some(state) = &rotation.key_material_state {
        json["KeyMaterialState"] = json!(state);
    }
    if let Some(at) = rotation.rotation_date {
        json["RotationDate"] = json!(date(at));
    }
    if let Some(kind) = &rotation.rotation_type {
        json["RotationType"] = json!(kind);
    }
    json
}

async fn alias(command: AliasCommand, output: Output) -> anyhow::Result<()> {
    match command {
        AliasCommand::Create { alias_name, target_key_id, connection } => {
            keys(&connection)?.create_alias(alias_name, target_key_id).await?;
            done(output)
        }
        AliasCommand::Update { alias_name, target_key_id, connection } => {
            keys(&connection)?.update_alias(alias_name, target_key_id).await?;
            done(output)
        }
        AliasCommand::Delete { alias_name, connection } => {
            keys(&connection)?.delete_alias(alias_name).await?;
            done(output)
        }
        AliasCommand::List { key_id, freshness, connection } => {
            let keys = keys_for(&connection, freshness)?;
            let aliases = all(async |marker| keys.list_aliases(key_id.clone(), marker).await).await?;
            let json = aliases.iter().map(alias_json).collect::<Value>();
            output.print(&json!({ "Aliases": json }), |out| {
                aliases.iter().try_for_each(|alias| {
                    let key = alias.target_key_id.as_deref().unwrap_or_default();
                    writeln!(out, "{} {key}", alias.alias_name)
                })
            })
        }
    }
}

fn alias_json(alias: &Alias) -> Value {
    let mut json = json!({ "AliasName": alias.alias_name, "AliasArn": alias.alias_arn });
    if let Some(key) = &alias.target_key_id {
        json["TargetKeyId"] = json!(key);
    }
    if let Some(at) = alias.creation_date {
        json["CreationDate"] = json!(date(at));
    }
    if let Some(at) = alias.last_updated_date {
        json["LastUpdatedDate"] = json!(date(at));
    }
    json
}

async fn policy(command: KeyPolicyCommand, output: Output) -> anyhow::Result<()> {
    match command {
        KeyPolicyCommand::Put { key_id, bypass_policy_lockout_safety_check, document, connection } => {
            let policy = resource_policies::read(&document)?;
            keys(&connection)?.put_key_policy(key_id, policy, bypass_policy_lockout_safety_check).await?;
            done(output)
        }
        KeyPolicyCommand::Get { key_id, connection } => {
            let policy = keys(&connection)?.get_key_policy(key_id).await?;
            output.print(&json!({ "Policy": policy, "PolicyName": "default" }), |out| writeln!(out, "{policy}"))
        }
    }
}

async fn grant(command: GrantCommand, output: Output) -> anyhow::Result<()> {
    match command {
        GrantCommand::Create {
            key_id,
            grantee_principal,
            operations,
            retiring_principal,
            name,
            context_subset,
            context_equals,
            connection,
        } => {
            let mut request = CreateGrant::new(key_id, grantee_principal, operations);
            if let Some(principal) = retiring_principal {
                request = request.retiring_principal(principal);
            }
            if let Some(name) = name {
                request = request.name(name);
            }
            for text in &context_subset {
                let (key, value) = context_pair(text)?;
                request = request.context_subset(key, value);
            }
            for text in &context_equals {
                let (key, value) = context_pair(text)?;
                request = request.context_equals(key, value);
            }
            let created = keys(&connection)?.create_grant(request).await?;
            let json = json!({ "GrantId": created.grant_id, "GrantToken": created.grant_token });
            output.print(&json, |out| {
                writeln!(out, "id     {}", created.grant_id)?;
                writeln!(out, "token  {}", created.grant_token)
            })
        }
        GrantCommand::List { key_id, grantee_principal, freshness, connection } => {
            let keys = keys_for(&connection, freshness)?;
            let request = |marker: Option<String>| {
                let mut request = ListGrants::new(&key_id);
                if let Some(principal) = &grantee_principal {
                    request = request.grantee_principal(principal);
                }
                match marker {
                    Some(marker) => request.marker(marker),
                    None => request,
                }
            };
            let grants = all(async |marker| keys.list_grants(request(marker)).await).await?;
            let json = grants.iter().map(grant_json).collect::<Value>();
            output.print(&json!({ "Grants": json }), |out| {
                grants.iter().try_for_each(|grant| {
                    writeln!(out, "{} {} {}", grant.grant_id, grant.grantee_principal, grant.operations.join(","))
                })
            })
        }
        GrantCommand::Revoke { key_id, grant_id, connection } => {
            keys(&connection)?.revoke_grant(key_id, grant_id).await?;
            done(output)
        }
        GrantCommand::Retire { grant_token, key_id, grant_id, connection } => {
            let keys = keys(&connection)?;
            match (grant_token, key_id, grant_id) {
                (Some(token), _, _) => keys.retire_grant(token).await?,
                (None, Some(key_id), Some(grant_id)) => keys.retire_grant_of(key_id, grant_id).await?,
                _ => return Err(Usage("which grant? Give --grant-token, or --key-id and --grant-id".into()).into()),
            };
            done(output)
        }
    }
}

fn grant_json(grant: &Grant) -> Value {
    let mut json = json!({
        "KeyId": grant.key_id,
        "GrantId": grant.grant_id,
        "GranteePrincipal": grant.grantee_principal,
        "Operations": grant.operations,
    });
    if let Some(name) = &grant.name {
        json["Name"] = json!(name);
    }
    if let Some(principal) = &grant.retiring_principal {
        json["RetiringPrincipal"] = json!(principal);
    }
    if let Some(at) = grant.creation_date {
        json["CreationDate"] = json!(date(at));
    }
    if let Some(context) = &grant.context_subset {
        json["Constraints"]["EncryptionContextSubset"] = json!(context);
    }
    if let Some(context) = &grant.context_equals {
        json["Constraints"]["EncryptionContextEquals"] = json!(context);
    }
    json
}

fn describe(out: &mut dyn Write, key: &KeyMetadata) -> io::Result<()> {
    writeln!(out, "id           {}", key.key_id)?;
    writeln!(out, "arn          {}", key.arn)?;
    if !key.description.is_empty() {
        writeln!(out, "description  {}", key.description)?;
    }
    writeln!(out, "state        {}", key.key_state)?;
    writeln!(out, "manager      {}", key.key_manager)?;
    writeln!(out, "created      {}", date(key.creation_date))?;
    if let Some(deletion) = key.deletion_date {
        writeln!(out, "deletion     {}", date(deletion))?;
    }
    if let Some(material) = &key.current_key_material_id {
        writeln!(out, "material     {material}")?;
    }
    Ok(())
}

fn metadata_json(key: &KeyMetadata) -> Value {
    let mut json = json!({
        "AWSAccountId": key.aws_account_id,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": date(key.creation_date),
        "Enabled": key.enabled,
        "Description": key.description,
        "KeyUsage": key.key_usage,
        "KeyState": key.key_state,
        "Origin": key.origin,
        "KeyManager": key.key_manager,
        "KeySpec": key.key_spec,
    });
    if let Some(deletion) = key.deletion_date {
        json["DeletionDate"] = json!(date(deletion));
    }
    if let Some(material) = &key.current_key_material_id {
        json["CurrentKeyMaterialId"] = json!(material);
    }
    json
}

/// Reads the ciphertext from where the arguments say.
fn read_ciphertext(args: &CiphertextArgs) -> anyhow::Result<Vec<u8>> {
    let text = match &args.from_file {
        Some(path) if path.as_os_str() != "-" => read_file(path)?,
        Some(_) | None => bounded(io::stdin().lock()).context("cannot read the ciphertext from stdin")?,
    };
    let dense: Vec<u8> = text.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(dense).map_err(|_| Usage("the ciphertext is not base64".to_owned()).into())
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    bounded(file).with_context(|| format!("cannot read the ciphertext from {}", path.display()))
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source.take(CIPHERTEXT_TEXT_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > CIPHERTEXT_TEXT_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than a ciphertext may be"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(arguments: &[&str]) -> Option<KeyCommand> {
        let line = [&["conclave", "key"], arguments].concat();
        match Cli::try_parse_from(line).ok()?.command {
            Command::Key(command) => Some(command),
            _ => None,
        }
    }

    #[test]
    fn a_plaintext_among_the_arguments_is_refused_with_the_reason() {
        for arguments in [&["encrypt", "k", "hunter2"][..], &["encrypt", "k", "--value", "hunter2"]] {
            let Some(KeyCommand::Encrypt { from_file, refused, .. }) = parsed(arguments) else { panic!() };
            let refused = value::read(&ValueArgs { from_file, binary: true, refused }).unwrap_err();
            assert!(refused.is::<Usage>() && !format!("{refused:#}").contains("hunter2"));
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        for arguments in [
            &["generate-data-key", "k", "--key-spec", "AES_128", "--number-of-bytes", "7"][..],
            &["grant", "create", "k", "--grantee-principal", "p"],
            &["grant", "retire"],
            &["grant", "retire", "--grant-id", "g"],
            &["grant", "retire", "--grant-token", "t", "--grant-id", "g", "--key-id", "k"],
            &["create", "--bypass-policy-lockout-safety-check"],
            &["tag", "k"],
        ] {
            assert!(parsed(arguments).is_none(), "{arguments:?}");
        }
        assert!(parsed(&["grant", "retire", "--grant-token", "t"]).is_some());
        assert!(parsed(&["grant", "retire", "--grant-id", "g", "--key-id", "k"]).is_some());
    }

    #[test]
    fn a_ciphertext_is_bounded_base64_with_or_without_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_ciphertext(&CiphertextArgs { from_file: Some(path.clone()) })
        };
        assert_eq!(read("Zm9v\nYmFy\r\n").unwrap(), b"foobar");
        assert!(read("Zm9v!").unwrap_err().is::<Usage>());
        assert!(read(&"A".repeat(20 << 10)).is_err());
    }
}
