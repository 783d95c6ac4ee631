//! `conclave secret policy`.

use std::fs::File;
use std::io::{self, Read};

use anyhow::Context;
use client::{ChangedSecret, Client, PutResourcePolicy};
use serde_json::{Value, json};
use types::limits;

use super::connect;
use crate::cli::{DocumentArgs, PolicyCommand};
use crate::output::Output;

/// Runs a command on policies of secrets.
pub(crate) async fn run(command: PolicyCommand, output: Output) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Put { secret_id, block_public_policy, document, connection } => {
            let mut request = PutResourcePolicy::new(secret_id, read(&document)?);
            if block_public_policy {
                request = request.block_public_policy();
            }
            print_changed(&connect(&connection)?.put_resource_policy(request).await?, output)
        }
        PolicyCommand::Get { secret_id, connection } => get(&connect(&connection)?, secret_id, output).await,
        PolicyCommand::Delete { secret_id, connection } => {
            print_changed(&connect(&connection)?.delete_resource_policy(secret_id).await?, output)
        }
        PolicyCommand::Validate { secret_id, document, connection } => {
            validate(&connect(&connection)?, secret_id, read(&document)?, output).await
        }
        PolicyCommand::List { secret_id, connection } => {
            let names = connect(&connection)?.list_resource_policies(secret_id).await?;
            let policies = names.iter().map(|name| json!({ "PolicyName": name })).collect::<Value>();
            output.print(&json!({ "ResourcePolicies": policies }), |out| {
                names.iter().try_for_each(|name| writeln!(out, "{name}"))
            })
        }
    }
}

async fn get(client: &Client, secret_id: String, output: Output) -> anyhow::Result<()> {
    let policy = client.get_resource_policy(secret_id).await?;
    let mut json = json!({ "ARN": policy.arn, "Name": policy.name });
    if let Some(text) = &policy.resource_policy {
        json["ResourcePolicy"] = json!(text);
    }
    output.print(&json, |out| policy.resource_policy.iter().try_for_each(|text| writeln!(out, "{text}")))
}

async fn validate(client: &Client, secret_id: Option<String>, document: String, output: Output) -> anyhow::Result<()> {
    let findings = client.validate_resource_policy(secret_id, document).await?;
    let errors = findings
        .iter()
        .map(|finding| json!({ "CheckName": finding.check_name, "ErrorMessage": finding.error_message }))
        .collect::<Value>();
    let passed = findings.is_empty();
    let json = json!({ "PolicyValidationPassed": passed, "ValidationErrors": errors });
    output.print(&json, |out| {
        findings.iter().try_for_each(|finding| writeln!(out, "{}: {}", finding.check_name, finding.error_message))
    })?;
    if passed { Ok(()) } else { anyhow::bail!("the policy has not passed") }
}

fn print_changed(changed: &ChangedSecret, output: Output) -> anyhow::Result<()> {
    let json = json!({ "ARN": changed.arn, "Name": changed.name });
    output.print(&json, |out| writeln!(out, "{}", changed.arn))
}

/// Reads the policy from where the arguments say.
pub(super) fn read(document: &DocumentArgs) -> anyhow::Result<String> {
    match &document.from_file {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            bounded(file).with_context(|| format!("cannot read the policy from {}", path.display()))
        }
        Some(_) | None => bounded(io::stdin().lock()).context("cannot read the policy from stdin"),
    }
}

/// Reads a text that may be a policy by its length; the server counts the characters.
fn bounded(source: impl Read) -> io::Result<String> {
    /// No character has more bytes than four.
    const MOST_BYTES: usize = 4 * limits::RESOURCE_POLICY_CHARS;
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut bytes = Vec::new();
    source.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        return Err(invalid("it is longer than a policy may be"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8 text"))
}
