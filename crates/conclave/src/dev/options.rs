//! What a dev cluster was made with, and what its ports are: remembered, so that a later run resumes it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use types::{AccessKeyId, AccountId, NodeId, Region};
use zeroize::Zeroizing;

use super::layout::Layout;
use crate::cli::DevArgs;
use crate::failure::Usage;
use crate::files::{self, Access};
use crate::operator::{self, Credentials};

const DEFAULT_NODES: u64 = 3;
const DEFAULT_ACCOUNT: &str = "123456789012";
const DEFAULT_REGIONS: [&str; 6] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1"];

/// Below it are the ports of well-known services.
const FIRST_PORT: u16 = 10_000;
/// Ports that are tried before one is taken to be nowhere.
const PORT_ATTEMPTS: usize = 1_000;

/// What the command line asks for.
pub(crate) struct DevOptions {
    nodes: Option<u64>,
    account: Option<AccountId>,
    regions: Option<Vec<Region>>,
    base_port: Option<u16>,
    credentials: Option<Credentials>,
}

impl DevOptions {
    pub(crate) fn from_args(args: &DevArgs) -> anyhow::Result<Self> {
        let credentials = match (&args.access_key_id, &args.secret_access_key) {
            (Some(id), Some(secret)) => Some(Credentials {
                access_key_id: AccessKeyId::parse(id)
                    .ok_or_else(|| Usage("--access-key-id: 4 to 128 letters and digits".to_owned()))?,
                secret_access_key: secret_access_key(secret)?,
            }),
            _ => None,
        };
        Ok(Self {
            nodes: args.nodes,
            account: args.account_id.as_deref().map(operator::account).transpose()?,
            regions: if args.regions.is_empty() { None } else { Some(operator::regions(&args.regions)?) },
            base_port: args.base_port,
            credentials,
        })
    }

    /// What a new cluster is made with.
    pub(crate) fn into_new(self) -> anyhow::Result<(NewCluster, Remembered)> {
        let account = match self.account {
            Some(account) => account,
            None => operator::account(DEFAULT_ACCOUNT)?,
        };
        let regions = match self.regions {
            Some(regions) => regions,
            None => operator::regions(&DEFAULT_REGIONS.map(str::to_owned))?,
        };
        let ports = ports(self.nodes.unwrap_or(DEFAULT_NODES), self.base_port)?;
        let remembered = Remembered {
            account_id: account.to_string(),
            regions: regions.iter().map(|region| region.as_str().to_owned()).collect(),
            ports,
            unfinished: true,
        };
        let credentials = self.credentials.unwrap_or_else(Credentials::draw);
        Ok((NewCluster { account, regions, credentials }, remembered))
    }

    /// Refuses to resume a cluster as another one than it is.
    pub(crate) fn must_fit(&self, remembered: &Remembered, known: &Credentials) -> anyhow::Result<()> {
        let nodes = self.nodes.is_none_or(|nodes| nodes == remembered.ports.len() as u64);
        let account = self.account.is_none_or(|account| account.to_string() == remembered.account_id);
        let regions = self
            .regions
            .as_ref()
            .is_none_or(|regions| regions.iter().map(Region::as_str).eq(remembered.regions.iter().map(String::as_str)));
        let port = self.base_port.is_none_or(|port| remembered.ports.first().is_some_and(|first| first.client == port));
        let key_id = self.credentials.as_ref().is_none_or(|given| given.access_key_id == known.access_key_id);
        let key = self.credentials.as_ref().is_none_or(|given| *given.secret_access_key == *known.secret_access_key);
        for (fits, option) in [
            (nodes, "--nodes"),
            (account, "--account-id"),
            (regions, "--region"),
            (port, "--base-port"),
            (key_id, "--access-key-id"),
            (key, "--secret-access-key"),
        ] {
            if !fits {
                return Err(Usage(format!(
                    "{option}: the cluster in this directory was made with another value; leave the option out"
                ))
                .into());
            }
        }
        Ok(())
    }
}

fn secret_access_key(text: &str) -> anyhow::Result<Zeroizing<String>> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\'');
    if !fits {
        return Err(Usage("--secret-access-key: 1 to 128 printable characters, no quotes".to_owned()).into());
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// What `operator init` gets.
pub(crate) struct NewCluster {
    pub(crate) account: AccountId,
    pub(crate) regions: Vec<Region>,
    pub(crate) credentials: Credentials,
}

/// The ports of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) client: u16,
    pub(crate) peer: u16,
}

impl Ports {
    pub(crate) fn client_addr(self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.client))
    }

    pub(crate) fn peer_addr(self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.peer))
    }
}

/// `dev.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remembered {
    pub(crate) account_id: String,
    pub(crate) regions: Vec<String>,
    /// Of node 1, 2, ...
    pub(crate) ports: Vec<Ports>,
    /// Whether the cluster has never been ready. Nobody has used it then, and it is made anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unfinished: bool,
}

impl Remembered {
    pub(crate) fn read(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let path = layout.options_file();
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&files::read_text(&path)?)?))
    }

    pub(crate) fn write(&self, layout: &Layout) -> anyhow::Result<()> {
        files::replace(&layout.options_file(), Access::Private, &serde_json::to_vec_pretty(self)?)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, Ports)> + '_ {
        (1..).map(NodeId).zip(self.ports.iter().copied())
    }
}

fn ports(nodes: u64, base: Option<u16>) -> anyhow::Result<Vec<Ports>> {
    match base {
        Some(base) => (0..nodes)
            .map(|node| {
                let client = u16::try_from(u64::from(base) + 2 * node).ok();
                let ports = client.and_then(|client| Some(Ports { client, peer: client.checked_add(1)? }));
                ports.ok_or_else(|| Usage("--base-port: too high for so many nodes".to_owned()).into())
            })
            .collect(),
        None => free_ports(nodes),
    }
}

/// Draws ports that are free now. All are held until the last one is drawn, so that none comes twice.
///
/// They are outside the range from which the system takes the ports of outgoing connections: while a node is down, one
/// of those could get its port, and the node could not start again.
fn free_ports(nodes: u64) -> anyhow::Result<Vec<Ports>> {
    let range = listening_ports();
    let mut held = Vec::new();
    let mut draw = || -> anyhow::Result<u16> {
        for _ in 0..PORT_ATTEMPTS {
            let drawn = u16::from_le_bytes(key_service::random());
            let port = range.start + drawn % (range.end - range.start);
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                held.push(listener);
                return Ok(port);
            }
        }
        anyhow::bail!("no free port found in {range:?}; choose with --base-port")
    };
    (0..nodes).map(|_| Ok(Ports { client: draw()?, peer: draw()? })).collect()
}

/// The larger part of the unprivileged ports beside those of outgoing connections.
fn listening_ports() -> Range<u16> {
    let outgoing = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = outgoing.split_whitespace().filter_map(|bound| bound.parse::<u16>().ok());
    let (first, last) = (bounds.next().unwrap_or(32_768), bounds.next().unwrap_or(60_999));
    let (below, above) = (FIRST_PORT..first.max(FIRST_PORT), last.saturating_add(1).max(FIRST_PORT)..u16::MAX);
    match below.len().max(above.len()) {
        // The system takes them from everywhere.
        0 => FIRST_PORT..u16::MAX,
        _ if below.len() >= above.len() => below,
        _ => above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_different() {
        let ports = free_ports(9).unwrap();
        let mut all: Vec<u16> = ports.iter().flat_map(|p| [p.client, p.peer]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 18);
        assert!(all.iter().all(|port| listening_ports().contains(port)));
    }

    #[test]
    fn a_base_port_gives_two_ports_a_node() {
        let ports = ports(3, Some(7400)).unwrap();
        assert_eq!(ports[2], Ports { client: 7404, peer: 7405 });
        assert!(super::ports(3, Some(65_533)).is_err());
    }

    #[test]
    fn a_cluster_is_resumed_as_it_was_made() {
        let credentials = |id: &str, secret: &str| Credentials {
            access_key_id: AccessKeyId::parse(id).unwrap(),
            secret_access_key: Zeroizing::new(secret.to_owned()),
        };
        let options = |credentials| DevOptions {
            nodes: Some(1),
            account: None,
            regions: None,
            base_port: Some(7_400),
            credentials,
        };
        let known = credentials("test1", "secret");
        let (_, remembered) = options(None).into_new().unwrap();
        let fits = |given| options(given).must_fit(&remembered, &known).map_err(|error| error.to_string());
        fits(None).unwrap();
        fits(Some(credentials("test1", "secret"))).unwrap();
        let other_id = fits(Some(credentials("test2", "secret"))).unwrap_err();
        assert!(other_id.starts_with("--access-key-id"), "{other_id}");
        let other_key = fits(Some(credentials("test1", "hunter2"))).unwrap_err();
        assert!(other_key.starts_with("--secret-access-key") && !other_key.contains("hunter2"), "{other_key}");
    }
}
