//! What an operator does before there is a cluster: authorities, root key, keyring, certificates.
//!
//! It all happens on the operator's machine, without a network. The directory that `init` makes is what the cluster
//! trusts: it is kept offline, and only what `issue-node` puts into a node's directory goes to a node.

mod init;
mod node;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{AccountId, ClusterId};

pub(crate) use init::{Credentials, InitOptions, InitProvider, init};
pub(crate) use node::{NodeAddresses, NodeOptions, Tuning, issue_node};

use crate::cli::{OperatorCommand, ProviderChoice};
use crate::failure::Usage;
use crate::output::Output;
use crate::typed;

/// Where the data of a node is that systemd runs: its StateDirectory.
const SYSTEM_DATA_DIR: &str = "/var/lib/conclave/data";

/// The files of the operator's directory.
#[derive(Clone, Debug)]
pub(crate) struct OperatorDir(pub(crate) PathBuf);

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)+) => {
        impl OperatorDir {
            $($(#[$doc])* pub(crate) fn $name(&self) -> PathBuf {
                self.0.join($file)
            })+
        }
    };
}

paths! {
    /// Cluster id, account and regions.
    cluster = "cluster.json";
    node_ca = "node-ca.pem";
    node_ca_key = "node-ca.key";
    client_ca = "client-ca.pem";
    client_ca_key = "client-ca.key";
    /// The root client certificate, for the `conclave` command.
    root_certificate = "root.pem";
    root_key = "root.key";
    /// Opens the root key.
    keyfile = "root.keyfile";
    /// The barrier terms, sealed.
    keyring = "keyring";
    /// What the first node proposes first, sealed.
    bootstrap = "bootstrap";
    /// One file for each node id that was given.
    issued = "issued";
}

/// What `cluster.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClusterFile {
    pub(crate) cluster_id: String,
    pub(crate) account_id: String,
    pub(crate) regions: Vec<String>,
}

impl OperatorDir {
    /// Reads `cluster.json`.
    pub(crate) fn read_cluster(&self) -> anyhow::Result<(ClusterFile, ClusterId)> {
        let text = crate::files::read_text(&self.cluster())?;
        let file: ClusterFile = serde_json::from_str(&text)?;
        let id = file.cluster_id.parse()?;
        Ok((file, id))
    }
}

/// Runs an operator's command.
pub(crate) fn run(command: OperatorCommand, output: Output) -> anyhow::Result<()> {
    match command {
        OperatorCommand::Init(args) => {
            let account = account(&args.account_id)?;
            let regions = regions(&args.regions)?;
            let provider = match args.provider {
                ProviderChoice::Keyfile => InitProvider::Keyfile,
                ProviderChoice::Passphrase => InitProvider::Passphrase(typed::new_passphrase()?),
                ProviderChoice::Shamir => InitProvider::Shamir { shares: args.shares, threshold: args.threshold },
            };
            let options = InitOptions { account, regions, credentials: Credentials::draw(), provider };
            let made = init(&OperatorDir(args.dir), options)?;
            output.print(&made.for_output(), |out| {
                writeln!(out, "cluster {} is in {}", made.cluster, made.dir.display())?;
                writeln!(out, "root access key, shown this once:")?;
                writeln!(out, "  AWS_ACCESS_KEY_ID={}", made.credentials.access_key_id.as_str())?;
                writeln!(out, "  AWS_SECRET_ACCESS_KEY={}", made.credentials.secret_access_key.as_str())?;
                if !made.shares.is_empty() {
                    writeln!(
                        out,
                        "shares of the root key, shown this once, {} of which unseal a node:",
                        args.threshold
                    )?;
                    made.shares.iter().try_for_each(|share| writeln!(out, "  {}", share.as_str()))?;
                }
                writeln!(out, "keep {} offline; next: conclave operator issue-node --first ...", made.dir.display())
            })
        }
        OperatorCommand::IssueNode(args) => {
            let host = args.hosts.first().cloned().unwrap_or_default();
            let addresses = NodeAddresses {
                client_listen: args.client_listen(),
                client_advertise: format!("{}:{}", bracketed(&host), args.client_port),
                peer_listen: args.peer_listen(),
                peer_advertise: format!("{}:{}", bracketed(&host), args.peer_port),
            };
            let (install, data) = match (args.install_dir, args.data_dir) {
                (Some(install), data) => (install, data.unwrap_or_else(|| PathBuf::from(SYSTEM_DATA_DIR))),
                (None, data) => {
                    let made = std::path::absolute(&args.out)?;
                    let data = data.unwrap_or_else(|| made.join("data"));
                    (made, data)
                }
            };
            let options = NodeOptions {
                id: types::NodeId(args.id),
                hosts: args.hosts,
                addresses,
                first: args.first,
                install_dir: install,
                data_dir: data,
                reissue: args.reissue,
                tuning: Tuning::Default,
                peer_unseal: args.peer_unseal,
            };
            let config = issue_node(&OperatorDir(args.dir), &args.out, &options)?;
            let (made, data) = (args.out.join("data"), &options.data_dir);
            let json = serde_json::json!({ "id": args.id, "dir": args.out, "config": config, "data_dir": data });
            output.print(&json, |out| {
                writeln!(out, "node {} is in {}", args.id, args.out.display())?;
                if data.is_absolute() && std::path::absolute(&made)? != *data {
                    writeln!(out, "what is in {} goes to {} on its machine", made.display(), data.display())?;
                }
                Ok(())
            })
        }
        OperatorCommand::Live(command) => crate::commands::seal::run(command, output),
    }
}

/// Refuses to write among files that are there already.
fn must_be_empty(dir: &Path) -> anyhow::Result<()> {
    let is_empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if is_empty { Ok(()) } else { Err(Usage(format!("{} is not empty; nothing was written", dir.display())).into()) }
}

/// Reads an account id from the command line.
pub(crate) fn account(text: &str) -> anyhow::Result<AccountId> {
    text.parse().map_err(|error| Usage(format!("--account-id {text}: {error}")).into())
}

/// Reads region names from the command line.
pub(crate) fn regions(names: &[String]) -> anyhow::Result<Vec<types::Region>> {
    let parse =
        |name: &String| types::Region::parse(name).map_err(|error| Usage(format!("--region {name}: {error}")).into());
    names.iter().map(parse).collect()
}

/// An IPv6 address in brackets, as it stands before a port.
fn bracketed(host: &str) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() }
}
