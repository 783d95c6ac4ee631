//! `conclave secret`.

use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use client::{
    Client, CreateSecret, DeleteSecret, GetSecretValue, ListSecrets, PutSecretValue, Secret, SecretDescription,
    SecretValue,
};
use serde_json::{Map, Value, json};
use types::Plaintext;

use super::{block_on, connect};
use crate::cli::{SecretCommand, ValueArgs};
use crate::failure::Usage;
use crate::output::Output;
use crate::value;

/// Runs a command on secrets. JSON answers have the member names of the AWS API; dates are RFC 3339.
pub(crate) fn run(command: SecretCommand, output: Output) -> anyhow::Result<()> {
    block_on(Box::pin(async move {
        match command {
            SecretCommand::Create { name, description, tags, no_value, client_request_token, value, connection } => {
                let mut request = CreateSecret::new(name);
                if let Some(description) = description {
                    request = request.description(description);
                }
                for tag in &tags {
                    let (key, value) = tag.split_once('=').ok_or_else(|| Usage(format!("--tag {tag}: no `=`")))?;
                    request = request.tag(key, value);
                }
                if let Some(token) = client_request_token {
                    request = request.client_request_token(token);
                }
                request = match no_value {
                    true => {
                        value::refuse_on_command_line(&value)?;
                        request
                    }
                    false => request.value(read_value(&value)?),
                };
                create(&connect(&connection)?, request, output).await
            }
            SecretCommand::Get { secret_id, version_id, version_stage, connection } => {
                let mut request = GetSecretValue::new(secret_id);
                if let Some(version_id) = version_id {
                    request = request.version_id(version_id);
                }
                if let Some(version_stage) = version_stage {
                    request = request.version_stage(version_stage);
                }
                get(&connect(&connection)?, request, output).await
            }
            SecretCommand::Put { secret_id, version_stages, client_request_token, value, connection } => {
                let mut request = PutSecretValue::new(secret_id, read_value(&value)?);
                for label in version_stages {
                    request = request.version_stage(label);
                }
                if let Some(token) = client_request_token {
                    request = request.client_request_token(token);
                }
                put(&connect(&connection)?, request, output).await
            }
            SecretCommand::Describe { secret_id, connection } => {
                let description = connect(&connection)?.describe_secret(secret_id).await?;
                output.print(&description_json(&description), |out| describe(out, &description))
            }
            SecretCommand::List { name, include_planned_deletion, connection } => {
                let client = connect(&connection)?;
                list(&client, name.as_deref(), include_planned_deletion, output).await
            }
            SecretCommand::Delete { secret_id, recovery_window_in_days, force, connection } => {
                let mut request = DeleteSecret::new(secret_id);
                if let Some(days) = recovery_window_in_days {
                    request = request.recovery_window_in_days(days);
                }
                if force {
                    request = request.force_without_recovery();
                }
                delete(&connect(&connection)?, request, output).await
            }
        }
    }))
}

fn read_value(args: &ValueArgs) -> anyhow::Result<SecretValue> {
    let bytes: Plaintext = value::read(args)?;
    if args.binary {
        return Ok(SecretValue::binary(bytes.expose_secret()));
    }
    SecretValue::string_from_utf8(bytes.expose_secret())
        .map_err(|_| Usage("the value is not UTF-8 text; give --binary".to_owned()).into())
}

async fn create(client: &Client, request: CreateSecret, output: Output) -> anyhow::Result<()> {
    let created = client.create_secret(request).await?;
    let mut json = json!({ "ARN": created.arn, "Name": created.name });
    if let Some(version) = &created.version_id {
        json["VersionId"] = json!(version);
    }
    output.print(&json, |out| writeln!(out, "{}", created.arn))
}

async fn get(client: &Client, request: GetSecretValue, output: Output) -> anyhow::Result<()> {
    let secret = client.get_secret_value(request).await?;
    match output {
        Output::Json => print_secret_json(&secret),
        Output::Text => print_value(&secret.value),
    }
}

/// The value byte for byte; on a terminal with a line end behind it.
fn print_value(value: &SecretValue) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(value.expose_bytes())?;
    if out.is_terminal() {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

fn print_secret_json(secret: &Secret) -> anyhow::Result<()> {
    let (member, text) = match secret.value.expose_str() {
        Some(text) => ("SecretString", text.to_owned()),
        None => ("SecretBinary", BASE64.encode(secret.value.expose_bytes())),
    };
    let json = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        member: text,
        "VersionStages": secret.version_stages,
        "CreatedDate": date(secret.created_date),
    });
    Output::Json.print(&json, |_| Ok(()))
}

async fn put(client: &Client, request: PutSecretValue, output: Output) -> anyhow::Result<()> {
    let version = client.put_secret_value(request).await?;
    let json = json!({
        "ARN": version.arn,
        "Name": version.name,
        "VersionId": version.version_id,
        "VersionStages": version.version_stages,
    });
    output.print(&json, |out| writeln!(out, "{} {}", version.version_id, version.version_stages.join(",")))
}

async fn list(client: &Client, name: Option<&str>, scheduled: bool, output: Output) -> anyhow::Result<()> {
    let mut secrets = Vec::new();
    let mut next_token = None;
    loop {
        let mut request = ListSecrets::default().sort_by("name");
        if let Some(prefix) = name {
            request = request.filter("name", [prefix]);
        }
        if scheduled {
            request = request.include_planned_deletion();
        }
        if let Some(token) = next_token {
            request = request.next_token(token);
        }
        let page = client.list_secrets(request).await?;
        // Text goes out page by page: nothing grows with the number of secrets.
        match output {
            Output::Text => print_lines(&page.secrets)?,
            Output::Json => secrets.extend(page.secrets.iter().map(description_json)),
        }
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    match output {
        Output::Text => Ok(()),
        Output::Json => output.print(&json!({ "SecretList": secrets }), |_| Ok(())),
    }
}

fn print_lines(secrets: &[SecretDescription]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for secret in secrets {
        let deleted = if secret.deleted_date.is_some() { "  (scheduled for deletion)" } else { "" };
        writeln!(out, "{}{deleted}", secret.name)?;
    }
    out.flush()?;
    Ok(())
}

async fn delete(client: &Client, request: DeleteSecret, output: Output) -> anyhow::Result<()> {
    let deleted = client.delete_secret(request).await?;
    let date = date(deleted.deletion_date);
    let json = json!({ "ARN": deleted.arn, "Name": deleted.name, "DeletionDate": date });
    output.print(&json, |out| writeln!(out, "{}: deletion date {date}", deleted.name))
}

fn describe(out: &mut dyn Write, secret: &SecretDescription) -> io::Result<()> {
    writeln!(out, "name         {}", secret.name)?;
    writeln!(out, "arn          {}", secret.arn)?;
    if let Some(description) = &secret.description {
        writeln!(out, "description  {description}")?;
    }
    for (key, value) in secret.tags.iter().flatten() {
        writeln!(out, "tag          {key}={value}")?;
    }
    writeln!(out, "created      {}", date(secret.created_date))?;
    writeln!(out, "changed      {}", date(secret.last_changed_date))?;
    if let Some(deleted) = secret.deleted_date {
        writeln!(out, "deletion     {}", date(deleted))?;
    }
    for (version, stages) in &secret.version_ids_to_stages {
        writeln!(out, "version      {version} {}", stages.join(","))?;
    }
    Ok(())
}

/// A description with the members that are there.
fn description_json(secret: &SecretDescription) -> Value {
    let mut json = Map::new();
    let mut member = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json.insert(name.to_owned(), value);
        }
    };
    member("ARN", Some(json!(secret.arn)));
    member("Name", Some(json!(secret.name)));
    member("Description", secret.description.as_ref().map(|text| json!(text)));
    member("KmsKeyId", secret.kms_key_id.as_ref().map(|text| json!(text)));
    let tags = secret
        .tags
        .as_ref()
        .map(|tags| tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect::<Value>());
    member("Tags", tags);
    member("CreatedDate", Some(json!(date(secret.created_date))));
    member("LastChangedDate", Some(json!(date(secret.last_changed_date))));
    member("LastAccessedDate", secret.last_accessed_date.map(|at| json!(date(at))));
    member("DeletedDate", secret.deleted_date.map(|at| json!(date(at))));
    let versions = &secret.version_ids_to_stages;
    member("VersionIdsToStages", (!versions.is_empty()).then(|| json!(versions)));
    Value::Object(json)
}

/// RFC 3339 in UTC; a moment outside the calendar as its distance from 1970.
fn date(at: SystemTime) -> String {
    match jiff::Timestamp::try_from(at) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("{at:?}"),
    }
}
