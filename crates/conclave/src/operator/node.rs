//! `operator issue-node`: the directory that goes to a node's machine.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use key_service::Keyring;
use net::pki::{CertificateAuthority, Issued, PrivateKeyPem};
use types::NodeId;

use super::{OperatorDir, must_be_empty};
use crate::failure::Usage;
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
    /// Where what is in its `data` will be there.
    pub(crate) data_dir: PathBuf,
    /// Whether the id was given before, to the same node.
    pub(crate) reissue: bool,
    pub(crate) tuning: Tuning,
    /// Whether it may be unsealed by its peers, and unseals them.
    pub(crate) peer_unseal: bool,
}

/// Makes a node's directory and answers the path of its configuration.
///
/// # Errors
/// A directory that is not empty or cannot be written, an operator's directory that cannot be read, a second first
/// node, or an id that was given before.
pub(crate) fn issue_node(operator: &OperatorDir, out: &Path, options: &NodeOptions) -> anyhow::Result<PathBuf> {
    must_be_empty(out)?;
    let (cluster_file, cluster) = operator.read_cluster()?;
    let bootstrap = if options.first { Some(read_bootstrap(operator)?) } else { None };
    let now = SystemTime::now();
    let node_ca = authority(&operator.node_ca(), &operator.node_ca_key())?;
    let client_ca = authority(&operator.client_ca(), &operator.client_ca_key())?;
    let node = node_ca.issue_node(cluster, options.id, &options.hosts, now)?;
    let server = client_ca.issue_server(&options.hosts, now)?;
    remember(operator, options)?;

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
    if operator.keyfile().exists() {
        let keyfile = zeroize::Zeroizing::new(std::fs::read(operator.keyfile())?);
        files::create(&out.join("root.keyfile"), Access::Private, &keyfile)?;
    }
    if let Some(bootstrap) = bootstrap {
        files::create(&out.join("bootstrap"), Access::Private, &bootstrap)?;
    }

    let config = out.join("conclave.toml");
    let text = configuration(&cluster_file, options, operator.keyfile().exists())?;
    files::create(&config, Access::Private, text.as_bytes())?;
    if options.first {
        // It starts one cluster, once.
        files::remove(&operator.bootstrap())?;
    }
    Ok(config)
}

/// Notes that the id is given, before anything is: there must not be two nodes with one id.
fn remember(operator: &OperatorDir, options: &NodeOptions) -> anyhow::Result<()> {
    files::private_dir(&operator.issued())?;
    let file = operator.issued().join(options.id.to_string());
    match (file.exists(), options.reissue) {
        (false, false) => {
            let given = serde_json::json!({ "hosts": options.hosts, "at": jiff::Timestamp::now().to_string() });
            files::create(&file, Access::Public, given.to_string().as_bytes())
        }
        (true, false) => Err(Usage(format!(
            "--id {}: this id was given already ({}), and an id is given once in the life of a cluster. Choose a new \
             one; only for new certificates of the same node, with the data that it has, say --reissue",
            options.id,
            file.display()
        ))
        .into()),
        (true, true) => Ok(()),
        (false, true) => Err(Usage(format!("--reissue: the id {} was not given before", options.id)).into()),
    }
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

fn configuration(cluster: &super::ClusterFile, options: &NodeOptions, has_keyfile: bool) -> anyhow::Result<String> {
    let at = |name: &str| toml::Value::String(options.install_dir.join(name).display().to_string());
    let data = |name: &str| toml::Value::String(options.data_dir.join(name).display().to_string());
    let data_dir = toml::Value::String(options.data_dir.display().to_string());
    let text = |text: &dyn std::fmt::Display| toml::Value::String(text.to_string());
    let addresses = &options.addresses;
    let mut toml = String::new();
    writeln!(toml, "[node]\nid = {}\ndata_dir = {data_dir}", options.id)?;
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
    writeln!(toml, "\n[keys]\nkeyring = {}", data("keyring"))?;
    if has_keyfile {
        writeln!(toml, "keyfile = {}", at("root.keyfile"))?;
    }
    if options.peer_unseal {
        writeln!(toml, "peer_unseal = true")?;
    }
    Ok(toml)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Credentials, InitOptions, InitProvider, init};

    fn options(id: u64, data_dir: &str) -> NodeOptions {
        let listen: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let advertise = "n:1".to_owned();
        NodeOptions {
            id: NodeId(id),
            hosts: vec!["n".to_owned()],
            addresses: NodeAddresses {
                client_listen: listen,
                client_advertise: advertise.clone(),
                peer_listen: listen,
                peer_advertise: advertise,
            },
            first: false,
            install_dir: "/etc/conclave".into(),
            data_dir: data_dir.into(),
            reissue: false,
            tuning: Tuning::Default,
            peer_unseal: false,
        }
    }

    fn operator(dir: &Path) -> OperatorDir {
        let operator = OperatorDir(dir.join("operator"));
        let regions = vec![types::Region::parse("us-east-1").unwrap()];
        let account = "123456789012".parse().unwrap();
        let options =
            InitOptions { account, regions, credentials: Credentials::draw(), provider: InitProvider::Keyfile };
        init(&operator, options).unwrap();
        operator
    }

    #[test]
    fn an_id_is_given_once() {
        let temp = tempfile::tempdir().unwrap();
        let operator = operator(temp.path());
        let again = NodeOptions { reissue: true, ..options(2, "/d") };
        assert!(issue_node(&operator, &temp.path().join("early"), &again).is_err(), "nothing to issue again");
        issue_node(&operator, &temp.path().join("a"), &options(2, "/d")).unwrap();
        let refused = issue_node(&operator, &temp.path().join("b"), &options(2, "/d")).unwrap_err();
        assert!(refused.is::<Usage>() && refused.to_string().contains("--reissue"), "{refused}");
        assert!(!temp.path().join("b").exists());
        issue_node(&operator, &temp.path().join("b"), &again).unwrap();
        issue_node(&operator, &temp.path().join("c"), &options(3, "/d")).unwrap();
    }

    #[test]
    fn data_and_keyfile_lie_apart() {
        let temp = tempfile::tempdir().unwrap();
        let operator = operator(temp.path());
        let config = issue_node(&operator, &temp.path().join("a"), &options(2, "/var/lib/conclave/data")).unwrap();
        let text = read_text(&config).unwrap();
        for line in [
            "data_dir = \"/var/lib/conclave/data\"",
            "keyring = \"/var/lib/conclave/data/keyring\"",
            "keyfile = \"/etc/conclave/root.keyfile\"",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
