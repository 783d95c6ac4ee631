//! Three etcd servers on this machine, with certificates on their client and peer links.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use net::pki::CertificateAuthority;
use rustix::process::Signal;
use tempfile::TempDir;
use testkit::{PATIENCE, Program, process, until, until_async};
use tokio_rustls::rustls::ClientConfig;
use types::{ClusterId, NodeId};

use crate::clusters::NODES;
use crate::etcd_client::EtcdClient;

/// What etcd may keep: its default, 2 GB, ends a long run.
const QUOTA_BYTES: u64 = 8 << 30;
/// Time for a server to end by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Its certificates are made by our own authority, which wants to know whose they are.
const CLUSTER: ClusterId = ClusterId([0xe7; 16]);

/// A running cluster. Dropping it stops the servers and removes their files.
#[derive(Debug)]
pub(crate) struct EtcdCluster {
    members: Vec<Member>,
    tls: Arc<ClientConfig>,
    dir: TempDir,
}

#[derive(Debug)]
struct Member {
    program: Program,
    server: Child,
    client_addr: String,
}

impl EtcdCluster {
    /// Starts three servers of the program and waits until each of them takes writes.
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let dir = TempDir::with_prefix("conclave-bench-etcd-")?;
        let tls = certificates(dir.path())?;
        let ports = free_ports(2 * NODES)?;
        let (client, peer) = ports.split_at(NODES);
        let peers: Vec<String> =
            peer.iter().enumerate().map(|(number, port)| format!("m{number}=https://127.0.0.1:{port}")).collect();
        let mut members = Vec::new();
        for number in 0..NODES {
            let program = program_of(program, dir.path(), number, client[number], peer[number], &peers.join(","));
            let server = spawn(&program, dir.path(), number)?;
            members.push(Member { program, server, client_addr: format!("127.0.0.1:{}", client[number]) });
        }
        let cluster = Self { members, tls, dir };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// The servers' processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.server.id()).collect()
    }

    /// A client with a connection of its own to a member.
    pub(crate) fn client(&self, number: usize) -> Result<EtcdClient> {
        let address = &self.members[number % self.members.len()].client_addr;
        Ok(EtcdClient::new(net::connect::client_channel(address, self.tls.clone())?))
    }

    /// Where a member keeps its data.
    pub(crate) fn data(&self, number: usize) -> PathBuf {
        data(self.dir.path(), number)
    }

    /// Kills members with SIGKILL, all before it waits for the end of the first.
    pub(crate) fn kill_9(&mut self, numbers: &[usize]) -> Result<()> {
        for number in numbers {
            self.members[*number].server.kill()?;
        }
        for number in numbers {
            self.members[*number].server.wait()?;
        }
        Ok(())
    }

    /// Starts dead members again.
    pub(crate) fn start_again(&mut self, numbers: &[usize]) -> Result<()> {
        for number in numbers {
            let member = &mut self.members[*number];
            member.server = spawn(&member.program, self.dir.path(), *number)?;
        }
        Ok(())
    }

    /// Waits until each member takes writes.
    pub(crate) async fn ready(&self) -> Result<()> {
        for number in 0..self.members.len() {
            let client = self.client(number)?;
            until_async("etcd to take a write", PATIENCE, async || {
                let mut client = client.clone();
                let put = client.put("ready".to_owned(), Arc::from("1"));
                let asked = tokio::time::timeout(Duration::from_secs(1), put).await;
                Ok(matches!(asked, Ok(Ok(()))).then_some(()))
            })
            .await?;
        }
        Ok(())
    }
}

impl Drop for EtcdCluster {
    fn drop(&mut self) {
        for member in &self.members {
            process::signal(member.server.id(), Signal::TERM);
        }
        for member in &mut self.members {
            let _in_vain = until("the end of etcd", STOP_TIMEOUT, || Ok(member.server.try_wait()?));
            let _gone = member.server.kill();
            let _reaped = member.server.wait();
        }
    }
}

/// What `etcd --version` says.
pub(crate) fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().replace(" Version:", ""))
}

/// Writes what the servers need and answers what a client needs.
fn certificates(dir: &Path) -> Result<Arc<ClientConfig>> {
    let now = SystemTime::now();
    let authority = CertificateAuthority::create("bench", now)?;
    let (ca, _) = authority.to_pem();
    // etcd is both a client and a server with one certificate, as our peers are.
    let server = authority.issue_node(CLUSTER, NodeId(1), &["127.0.0.1".to_owned(), "localhost".to_owned()], now)?;
    fs::write(dir.join("ca.pem"), ca)?;
    fs::write(dir.join("server.pem"), &server.certificate)?;
    fs::write(dir.join("server.key"), server.key.expose_secret())?;
    let client = authority.issue_client("spiffe://bench/client", "bench client", now)?;
    Ok(net::tls::client_config(ca, Some((&client.certificate, &client.key)))?)
}

fn data(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("m{number}"))
}

fn program_of(program: &Path, dir: &Path, number: usize, client: u16, peer: u16, peers: &str) -> Program {
    let file = |name: &str| dir.join(name).display().to_string();
    let (client, peer) = (format!("https://127.0.0.1:{client}"), format!("https://127.0.0.1:{peer}"));
    Program::new(program, dir)
        .args(["--name", &format!("m{number}"), "--data-dir", &data(dir, number).display().to_string()])
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", peers, "--initial-cluster-state", "new"])
        .args(["--cert-file", &file("server.pem"), "--key-file", &file("server.key")])
        .args(["--client-cert-auth", "--trusted-ca-file", &file("ca.pem")])
        .args(["--peer-cert-file", &file("server.pem"), "--peer-key-file", &file("server.key")])
        .args(["--peer-client-cert-auth", "--peer-trusted-ca-file", &file("ca.pem")])
        .args(["--quota-backend-bytes", &QUOTA_BYTES.to_string()])
        .args(["--logger", "zap", "--log-outputs", "stderr"])
}

fn spawn(program: &Program, dir: &Path, number: usize) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join(format!("m{number}.log")))?;
    let mut command = program.command();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("cannot start {program}"))
}

/// Draws ports that are free now. All are held until the last one is drawn, so that none comes twice.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let held = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<Vec<_>, _>>()?;
    Ok(held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<Result<Vec<_>, std::io::Error>>()?)
}
