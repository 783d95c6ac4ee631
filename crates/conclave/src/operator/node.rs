//! `operator issue-node`: the directory that goes to a node's machine.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use key_service::Keyring;
use net::pki::{CertificateAuthority, Issued, PrivateKeyPem};
use types::NodeId;

use super::{OperatorDir, must_be_empty};
use crate::files::{self, Access, read_text};

/// Where a node listens and is reached.
#[derive(Clone, Debug)]
pub(crate) struct NodeAddresses {
    pub(crate) client_listen: SocketAddr,
    pub(crate) client_advertise: String,
    pub(crate) peer_listen: SocketAddr,
    pub(crate) peer_advertise: String,
}

/// How the node shares its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tuning {
    /// Alone on its machine.
    Default,
    /// With the other nodes of its cluster: one thread for requests.
    Shared,
}

/// What the operator chooses for a node.
#[derive(Clone, Debug)]
pub(crate) struct NodeOptions {
    pub(crate) id: NodeId,
    /// Names and addresses in the certificates.
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: NodeAddresses,
    /// Whether it starts the cluster.
    pub(crate) first: bool,
    /// Where the directory will be on the node's machine.
    pub(crate) install_dir: PathBuf,
    pub(crate) tuning: Tuning,
}

/// Makes a node's directory and answers the path of its configuration.
///
/// # Errors
/// A directory that is not empty or cannot be written, an operator's directory that cannot be read, or a second
/// first node.
pub(crate) fn issue_node(operator: &OperatorDir, out: &Path, options: &NodeOptions) -> anyhow::Result<PathBuf> {
    must_be_empty(out)?;
    let (cluster_file, cluster) = operator.read_cluster()?;
    let bootstrap = if options.first { Some(read_bootstrap(operator)?) } else { None };
    let now = SystemTime::now();
    let node_ca = authority(&operator.node_ca(), &operator.node_ca_key())?;
    let client_ca = authority(&operator.client_ca(), &operator.client_ca_key())?;
    let node = node_ca.issue_node(cluster, options.id, &options.hosts, now)?;
    let server = client_ca.issue_server(&options.hosts, now)?;

    let tls = out.join("tls");
    let data = out.join("data");
    for dir in [out, &tls, &data] {
        files::private_dir(dir)?;
    }
    write_issued(&tls, "node", &node)?;
    write_issued(&tls, "server", &server)?;
    files::create(&tls.join("node-ca.pem"), Access::Public, node_ca.to_pem().0.as_bytes())?;
    files::create(&tls.join("client-ca.pem"), Access::Public, client_ca.to_pem().0.as_bytes())?;
    Keyring::load(&operator.keyring())?.store(&data.join("keyring"))?;
    let keyfile = zeroize::Zeroizing::new(std::fs::read(operator.keyfile())?);
    files::create(&out.join("root.keyfile"), Access::Private, &keyfile)?;
    if let Some(bootstrap) = bootstrap {
        files::create(&out.join("bootstrap"), Access::Private, &bootstrap)?;
    }

    let config = out.join("conclave.toml");
    files::create(&config, Access::Private, configuration(&cluster_file, options)?.as_bytes())?;
    if options.first {
        // It starts one cluster, once.
        files::remove(&operator.bootstrap())?;
    }
    Ok(config)
}

fn read_bootstrap(operator: &OperatorDir) -> anyhow::Result<Vec<u8>> {
    std::fs::read(operator.bootstrap()).map_err(|error| {
        anyhow::anyhow!("{}: {error}; has the first node been issued already?", operator.bootstrap().display())
    })
}

fn authority(certificate: &Path, key: &Path) -> anyhow::Result<CertificateAuthority> {
    Ok(CertificateAuthority::from_pem(&read_text(certificate)?, PrivateKeyPem::new(read_text(key)?))?)
}

fn write_issued(tls: &Path, name: &str, issued: &Issued) -> anyhow::Result<()> {
    files::create(&tls.join(format!("{name}.pem")), Access::Public, issued.certificate.as_bytes())?;
    files::create(&tls.join(format!("{name}.key")), Access::Private, issued.key.expose_secret().as_bytes())
}

fn configuration(cluster: &super::ClusterFile, options: &NodeOptions) -> anyhow::Result<String> {
    let dir = &options.install_dir;
    let at = |name: &str| toml::Value::String(dir.join(name).display().to_string());
    let text = |text: &dyn std::fmt::Display| toml::Value::String(text.to_string());
    let addresses = &options.addresses;
    let mut toml = String::new();
    writeln!(toml, "[node]\nid = {}\ndata_dir = {}", options.id, at("data"))?;
    if options.tuning == Tuning::Shared {
        writeln!(toml, "worker_threads = 1")?;
    }
    let regions = toml::Value::from(cluster.regions.clone());
    writeln!(toml, "\n[cluster]\nid = {}\nregions = {regions}", text(&cluster.cluster_id))?;
    if options.first {
        writeln!(toml, "bootstrap_file = {}", at("bootstrap"))?;
    }
    writeln!(toml, "\n[client]\nlisten = {}", text(&addresses.client_listen))?;
    writeln!(toml, "advertise = {}", text(&addresses.client_advertise))?;
    writeln!(toml, "certificate = {}\nkey = {}", at("tls/server.pem"), at("tls/server.key"))?;
    writeln!(toml, "client_ca = {}", at("tls/client-ca.pem"))?;
    writeln!(toml, "\n[peer]\nlisten = {}", text(&addresses.peer_listen))?;
    writeln!(toml, "advertise = {}", text(&addresses.peer_advertise))?;
    writeln!(toml, "certificate = {}\nkey = {}", at("tls/node.pem"), at("tls/node.key"))?;
    writeln!(toml, "node_ca = {}", at("tls/node-ca.pem"))?;
    writeln!(toml, "\n[keys]\nkeyring = {}\nkeyfile = {}", at("data/keyring"), at("root.keyfile"))?;
    Ok(toml)
}
