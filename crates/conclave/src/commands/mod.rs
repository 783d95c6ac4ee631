//! Commands that talk to a running cluster, with the `client` crate; and completions, which talk to nobody.

pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod key;
mod replication;
mod resource_policies;
mod rotation;
pub(crate) mod seal;
pub(crate) mod secret;

use std::future::Future;
use std::path::Path;

use anyhow::Context;
use client::{Client, Consistency};
use zeroize::Zeroizing;

use crate::cli::{Connection, FreshnessArgs};
use crate::failure::Usage;

/// Runs one command against the cluster.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Makes a client of the options or of the environment that `dev` writes.
fn connect(connection: &Connection) -> anyhow::Result<Client> {
    make(connection, Consistency::Linearizable)
}

/// The same for reads that may be content with less.
fn connect_for(connection: &Connection, freshness: FreshnessArgs) -> anyhow::Result<Client> {
    make(connection, freshness.consistency()?)
}

fn make(connection: &Connection, consistency: Consistency) -> anyhow::Result<Client> {
    let Connection { endpoints: Some(endpoints), ca: Some(ca), cert: Some(certificate), key: Some(key), region } =
        connection
    else {
        let how = "where is the cluster? Give --endpoints, --ca, --cert and --key, or source the `env` file of `dev`";
        return Err(Usage(how.to_owned()).into());
    };
    let mut builder = Client::builder()
        .endpoints(endpoints.split(',').map(str::trim).filter(|endpoint| !endpoint.is_empty()))
        .ca_pem(read(ca)?)
        .identity_pem(&*read(certificate)?, &*read(key)?)
        .consistency(consistency);
    if let Some(region) = region {
        builder = builder.region(region);
    }
    builder.connect().map_err(|error| Usage(format!("{:#}", anyhow::Error::from(error))).into())
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Zeroizing::new(bytes))
}
