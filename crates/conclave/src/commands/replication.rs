//! `conclave secret replicate`, `remove-regions` and `stop-replication`.

use client::{Client, ReplicateSecretToRegions, ReplicatedSecret, ReplicationStatus};
use serde_json::{Value, json};

use super::secret::date;
use crate::output::Output;

/// Adds regions.
pub(crate) async fn replicate(
    client: &Client,
    secret_id: String,
    regions: Vec<String>,
    force: bool,
    output: Output,
) -> anyhow::Result<()> {
    let mut request = ReplicateSecretToRegions::new(secret_id);
    for region in regions {
        request = request.region(region);
    }
    if force {
        request = request.force_overwrite();
    }
    print(&client.replicate_secret_to_regions(request).await?, output)
}

/// Takes regions away.
pub(crate) async fn remove(
    client: &Client,
    secret_id: String,
    regions: Vec<String>,
    output: Output,
) -> anyhow::Result<()> {
    print(&client.remove_regions_from_replication(secret_id, regions).await?, output)
}

/// Makes a replica a secret of its own.
pub(crate) async fn stop(client: &Client, secret_id: String, output: Output) -> anyhow::Result<()> {
    let arn = client.stop_replication_to_replica(secret_id).await?;
    output.print(&json!({ "ARN": arn }), |out| writeln!(out, "{arn}"))
}

fn print(replicated: &ReplicatedSecret, output: Output) -> anyhow::Result<()> {
    let statuses = statuses_json(&replicated.replication_status);
    output.print(&json!({ "ARN": replicated.arn, "ReplicationStatus": statuses }), |out| {
        for status in &replicated.replication_status {
            writeln!(out, "{} {}: {}", status.region, status.status, status.status_message)?;
        }
        Ok(())
    })
}

pub(super) fn statuses_json(statuses: &[ReplicationStatus]) -> Value {
    let status = |status: &ReplicationStatus| {
        let mut json = json!({
            "Region": status.region,
            "KmsKeyId": status.kms_key_id,
            "Status": status.status,
            "StatusMessage": status.status_message,
        });
        if let Some(accessed) = status.last_accessed_date {
            json["LastAccessedDate"] = json!(date(accessed));
        }
        json
    };
    statuses.iter().map(status).collect()
}
