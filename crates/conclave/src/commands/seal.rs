//! `conclave operator`, as far as it talks to a running cluster: the seal, and the keyring.
//!
//! A sealed node has no cluster to forward to, so each node is asked by itself.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use net::pki::PrivateKeyPem;
use proto::cluster::v1 as pb;
use proto::cluster::v1::change_keyring_request::Change;
use proto::cluster::v1::credential::Credential;
use proto::cluster::v1::seal_client::SealClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::block_on;
use crate::cli::{AttendedArgs, Connection, LiveCommand, NewProviderKind, ProviderCommand};
use crate::failure::Usage;
use crate::files::read_text;
use crate::output::Output;
use crate::typed;

/// Time for one answer: a passphrase takes seconds of a slow machine, and a change may wait for a new leader.
const ANSWER_TIME: Duration = Duration::from_secs(90);
/// Bytes of an answer.
const ANSWER_BYTES: usize = 1 << 20;

/// Runs a command.
pub(crate) fn run(command: LiveCommand, output: Output) -> anyhow::Result<()> {
    block_on(Box::pin(async move {
        match command {
            LiveCommand::SealStatus { connection } => seal_status(&Nodes::of(&connection)?, output).await,
            LiveCommand::Seal { connection } => seal(&Nodes::of(&connection)?, output).await,
            LiveCommand::Unseal { attended, connection } => unseal(&Nodes::of(&connection)?, attended, output).await,
            LiveCommand::Provider(command) => provider(command, output).await,
            LiveCommand::RotateBarrier { attended, connection } => {
                let nodes = Nodes::of(&connection)?;
                let change = Change::RotateBarrier(pb::RotateBarrier {});
                print_changed(&nodes.change(change, credentials(attended)?).await?, output)
            }
            LiveCommand::RotateRoot { attended, connection } => {
                let nodes = Nodes::of(&connection)?;
                let change = Change::RotateRoot(pb::RotateRoot {});
                print_changed(&nodes.change(change, credentials(attended)?).await?, output)
            }
            LiveCommand::Rekey { shares, threshold, replaces, attended, connection } => {
                rekey(&Nodes::of(&connection)?, (shares, threshold), replaces, attended, output).await
            }
        }
    }))
}

async fn provider(command: ProviderCommand, output: Output) -> anyhow::Result<()> {
    match command {
        ProviderCommand::List { connection } => {
            let status = Nodes::of(&connection)?.any_status().await?;
            let providers: Vec<Value> = status.providers.iter().map(provider_json).collect();
            output.print(&json!({ "providers": providers }), |out| {
                status.providers.iter().try_for_each(|provider| writeln!(out, "{}", provider_text(provider)))
            })
        }
        ProviderCommand::Verify { attended, connection } => {
            let nodes = Nodes::of(&connection)?;
            let reports = nodes.verify(credentials(attended)?).await?;
            print_reports(&reports, output)?;
            anyhow::ensure!(reports.iter().any(|report| report.error.is_empty()), "no provider opens the root key");
            Ok(())
        }
        ProviderCommand::Add { kind, shares, threshold, attended, connection } => {
            let nodes = Nodes::of(&connection)?;
            let credentials = credentials(attended)?;
            let provider = match kind {
                NewProviderKind::Keyfile => pb::add_provider::Provider::Keyfile(pb::Keyfile {}),
                NewProviderKind::Passphrase => {
                    pb::add_provider::Provider::Passphrase(std::mem::take(&mut *typed::new_passphrase()?))
                }
                NewProviderKind::Shamir => new_shares(shares, threshold),
            };
            let change = Change::AddProvider(pb::AddProvider { provider: Some(provider) });
            print_changed(&nodes.change(change, credentials).await?, output)
        }
        ProviderCommand::Remove { id, attended, connection } => {
            let nodes = Nodes::of(&connection)?;
            let provider = nodes.provider(|provider| provider.id == id).await?;
            let provider = provider.with_context(|| format!("the keyring has no provider {id}"))?;
            print_changed(&nodes.change(Change::RemoveProvider(provider), credentials(attended)?).await?, output)
        }
    }
}

fn new_shares(shares: u8, threshold: u8) -> pb::add_provider::Provider {
    pb::add_provider::Provider::Shares(pb::NewShares { shares: shares.into(), threshold: threshold.into() })
}

async fn seal_status(nodes: &Nodes, output: Output) -> anyhow::Result<()> {
    let told = nodes.statuses().await;
    let json: Vec<Value> = told.iter().map(|(address, status)| status_json(address, status.as_ref())).collect();
    output.print(&json!({ "nodes": json }), |out| {
        told.iter().try_for_each(|(address, status)| match status {
            Ok(status) => write_status(out, address, status),
            Err(error) => writeln!(out, "{address}: {}", error.message()),
        })
    })?;
    let silent = told.iter().filter(|(_, status)| status.is_err()).count();
    anyhow::ensure!(silent == 0, "{silent} of the nodes did not answer");
    Ok(())
}

async fn seal(nodes: &Nodes, output: Output) -> anyhow::Result<()> {
    let told = nodes.statuses().await;
    let open = told.iter().any(|(_, status)| status.as_ref().is_ok_and(|status| !status.sealed));
    let answer = if open {
        nodes.any(|mut node| async move { node.seal(pb::SealRequest {}).await }).await?
    } else {
        anyhow::ensure!(told.iter().any(|(_, status)| status.is_ok()), "no node answers");
        // They are all sealed already.
        pb::SealResponse { nodes: Vec::new() }
    };
    let json: Vec<Value> = answer
        .nodes
        .iter()
        .map(|node| json!({ "id": node.id, "sealed": node.error.is_empty(), "error": none_if_empty(&node.error) }))
        .collect();
    output.print(&json!({ "nodes": json }), |out| {
        if answer.nodes.is_empty() {
            writeln!(out, "every node that answers is sealed")?;
        }
        answer.nodes.iter().try_for_each(|node| match node.error.as_str() {
            "" => writeln!(out, "node {}: sealed", node.id),
            error => writeln!(out, "node {}: {error}", node.id),
        })
    })?;
    let open = answer.nodes.iter().filter(|node| !node.error.is_empty()).count();
    anyhow::ensure!(open == 0, "{open} of the nodes could not be sealed");
    Ok(())
}

/// Gives every sealed node what was asked for, share after share, until all are unsealed.
async fn unseal(nodes: &Nodes, attended: AttendedArgs, output: Output) -> anyhow::Result<()> {
    let mut progress = Progress { output, told: Vec::new() };
    if attended.with_shares {
        let mut number = 1;
        while nodes.any_is_sealed().await {
            let Some(share) = typed::share(number)? else { break };
            progress.give(nodes, Some(Credential::Share(share.to_string()))).await?;
            number += 1;
        }
    } else if attended.with_passphrase {
        let passphrase = typed::passphrase()?;
        progress.give(nodes, Some(Credential::Passphrase(passphrase.to_vec()))).await?;
    } else {
        progress.give(nodes, None).await?;
    }
    let told = nodes.statuses().await;
    // The node is on its way from the one to the other where it does not answer for a moment.
    let unsealed = |address: &str| progress.unsealed(address);
    let is_open = |(address, status): &(String, Result<pb::SealStatusResponse, Status>)| match status {
        Ok(status) => !status.sealed || unsealed(address),
        Err(_) => unsealed(address),
    };
    let left: Vec<&str> = told.iter().filter(|told| !is_open(told)).map(|(address, _)| address.as_str()).collect();
    progress.end()?;
    anyhow::ensure!(left.is_empty(), "not unsealed: {}", left.join(", "));
    Ok(())
}

/// What the nodes have answered.
struct Progress {
    output: Output,
    told: Vec<(String, Result<pb::SealStatusResponse, String>)>,
}

impl Progress {
    /// Gives every sealed node a credential and shows what came of it.
    async fn give(&mut self, nodes: &Nodes, credential: Option<Credential>) -> anyhow::Result<()> {
        let sealed =
            nodes.statuses().await.into_iter().filter(|(_, status)| status.as_ref().is_ok_and(|status| status.sealed));
        let sealed: Vec<String> = sealed.map(|(address, _)| address).collect();
        for (address, client) in nodes.0.iter().filter(|(address, _)| sealed.contains(address)) {
            let credential = credential.clone().map(|credential| pb::Credential { credential: Some(credential) });
            let mut client = client.clone();
            let answer = within(client.unseal(pb::UnsealRequest { credential })).await;
            let answer = answer.map(Response::into_inner).map_err(|error| error.message().to_owned());
            if self.output == Output::Text {
                let mut out = std::io::stdout().lock();
                match &answer {
                    Ok(status) => write_status(&mut out, address, status)?,
                    Err(error) => writeln!(out, "{address}: {error}")?,
                }
                out.flush()?;
            }
            self.told.retain(|(told, _)| told != address);
            self.told.push((address.clone(), answer));
        }
        Ok(())
    }

    fn unsealed(&self, address: &str) -> bool {
        self.told.iter().any(|(told, answer)| told == address && answer.as_ref().is_ok_and(|status| !status.sealed))
    }

    fn end(&self) -> anyhow::Result<()> {
        if self.output == Output::Text {
            return Ok(());
        }
        let node = |(address, answer): &(String, Result<pb::SealStatusResponse, String>)| match answer {
            Ok(status) => status_json(address, Ok(status)),
            Err(error) => json!({ "endpoint": address, "error": error }),
        };
        let nodes: Vec<Value> = self.told.iter().map(node).collect();
        self.output.print(&json!({ "nodes": nodes }), |_| Ok(()))
    }
}

/// New shares beside the old ones, which go only after enough of the new ones were typed in. Whatever fails on the way,
/// one of the two sets is good, and the command says which providers there are.
async fn rekey(
    nodes: &Nodes,
    (shares, threshold): (u8, u8),
    replaces: Option<String>,
    attended: AttendedArgs,
    output: Output,
) -> anyhow::Result<()> {
    let is_old = |provider: &pb::Provider| match &replaces {
        Some(id) => provider.id == *id,
        None => provider.kind() == pb::ProviderKind::Shamir,
    };
    let known = nodes.any_status().await?.providers;
    let mut old = known.iter().filter(|provider| is_old(provider));
    let (Some(old), None) = (old.next().cloned(), old.next()) else {
        return Err(Usage("which shares? Name their provider with --replaces".to_owned()).into());
    };
    let add = Change::AddProvider(pb::AddProvider { provider: Some(new_shares(shares, threshold)) });
    let changed = nodes.change(add, credentials(attended)?).await?;
    let new = changed.providers.iter().find(|provider| !known.contains(provider)).cloned();
    let new = new.context("the cluster does not say which provider is new")?;
    print_changed(&changed, output)?;
    drop(changed);

    let wanted = usize::from(threshold);
    let mut typed_in = Vec::with_capacity(wanted);
    while typed_in.len() < wanted {
        let share = typed::share(typed_in.len() + 1)?;
        let left = || format!("the new shares were not typed in, so {} stays beside {}", old.id, new.id);
        typed_in.push(share.with_context(left)?);
    }
    let given = || typed_in.iter().map(|share| credential(Credential::Share(share.to_string()))).collect::<Vec<_>>();
    let reports = nodes.verify(given()).await?;
    let report = reports.iter().find(|report| report.provider.as_ref() == Some(&new));
    match report.map(|report| report.error.as_str()) {
        Some("") => {}
        Some(error) => anyhow::bail!("the new shares do not open the root key ({error}); {} stays", old.id),
        None => anyhow::bail!("provider {} is gone", new.id),
    }
    print_changed(&nodes.change(Change::RemoveProvider(old), given()).await?, output)
}

fn credential(credential: Credential) -> pb::Credential {
    pb::Credential { credential: Some(credential) }
}

fn credentials(attended: AttendedArgs) -> anyhow::Result<Vec<pb::Credential>> {
    let mut credentials = Vec::new();
    if attended.with_passphrase {
        credentials.push(credential(Credential::Passphrase(std::mem::take(&mut *typed::passphrase()?))));
    }
    if attended.with_shares {
        let mut number = 1;
        while let Some(mut share) = typed::share(number)? {
            credentials.push(credential(Credential::Share(std::mem::take(&mut *share))));
            number += 1;
        }
    }
    Ok(credentials)
}

/// The nodes of the command line, each by itself.
struct Nodes(Vec<(String, SealClient<Channel>)>);

impl Nodes {
    fn of(connection: &Connection) -> anyhow::Result<Self> {
        let Connection { endpoints: Some(endpoints), ca: Some(ca), cert: Some(certificate), key: Some(key), .. } =
            connection
        else {
            let how =
                "where are the nodes? Give --endpoints, --ca, --cert and --key, or source the `env` file of `dev`";
            return Err(Usage(how.to_owned()).into());
        };
        let key = PrivateKeyPem::new(read_text(key)?);
        let tls = net::tls::client_config(&read_text(ca)?, Some((&read_text(certificate)?, &key)))?;
        let addresses = endpoints.split(',').map(str::trim).filter(|endpoint| !endpoint.is_empty());
        let client = |address: &str| {
            let channel = net::connect::client_channel(address, tls.clone())?;
            Ok((address.to_owned(), SealClient::new(channel).max_decoding_message_size(ANSWER_BYTES)))
        };
        addresses.map(client).collect::<anyhow::Result<_>>().map(Self)
    }

    async fn statuses(&self) -> Vec<(String, Result<pb::SealStatusResponse, Status>)> {
        let mut told = Vec::new();
        for (address, client) in &self.0 {
            let mut client = client.clone();
            let answer = within(client.seal_status(pb::SealStatusRequest {})).await;
            told.push((address.clone(), answer.map(Response::into_inner)));
        }
        told
    }

    async fn any_is_sealed(&self) -> bool {
        self.statuses().await.iter().any(|(_, status)| status.as_ref().is_ok_and(|status| status.sealed))
    }

    async fn any_status(&self) -> anyhow::Result<pb::SealStatusResponse> {
        self.any(|mut node| async move { node.seal_status(pb::SealStatusRequest {}).await }).await
    }

    async fn provider(&self, is_it: impl Fn(&pb::Provider) -> bool) -> anyhow::Result<Option<pb::Provider>> {
        Ok(self.any_status().await?.providers.into_iter().find(|provider| is_it(provider)))
    }

    async fn verify(&self, credentials: Vec<pb::Credential>) -> anyhow::Result<Vec<pb::ProviderReport>> {
        let request = pb::VerifyProvidersRequest { credentials };
        let ask = |mut node: SealClient<Channel>| {
            let request = request.clone();
            async move { node.verify_providers(request).await }
        };
        Ok(self.any(ask).await?.reports)
    }

    /// A change is made once: another node is asked only where the one before had nothing to do with it.
    async fn change(
        &self,
        change: Change,
        credentials: Vec<pb::Credential>,
    ) -> anyhow::Result<pb::ChangeKeyringResponse> {
        let request = pb::ChangeKeyringRequest { change: Some(change), credentials };
        self.any(|mut node| {
            let request = request.clone();
            async move { node.change_keyring(request).await }
        })
        .await
    }

    /// The answer of the first node that is there and not sealed.
    async fn any<T, F>(&self, ask: impl Fn(SealClient<Channel>) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut last = "no node was named".to_owned();
        for (address, client) in &self.0 {
            match within(ask(client.clone())).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) if status.code() == Code::Unavailable => last = format!("{address}: {}", status.message()),
                Err(status) => anyhow::bail!("{address}: {}", status.message()),
            }
        }
        anyhow::bail!("no node answers that is not sealed: {last}")
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let timed_out = |_| Err(Status::deadline_exceeded("no answer in time"));
    tokio::time::timeout(ANSWER_TIME, answer).await.unwrap_or_else(timed_out)
}

fn print_changed(changed: &pb::ChangeKeyringResponse, output: Output) -> anyhow::Result<()> {
    let providers: Vec<Value> = changed.providers.iter().map(provider_json).collect();
    let json = json!({
        "revision": changed.revision,
        "barrier_term": changed.barrier_term,
        "providers": providers,
        "shares": changed.shares,
    });
    output.print(&json, |out| {
        writeln!(out, "keyring {}, barrier term {}", changed.revision, changed.barrier_term)?;
        changed.providers.iter().try_for_each(|provider| writeln!(out, "  {}", provider_text(provider)))?;
        if !changed.shares.is_empty() {
            writeln!(out, "new shares, shown this once:")?;
        }
        changed.shares.iter().try_for_each(|share| writeln!(out, "  {share}"))
    })
}

fn print_reports(reports: &[pb::ProviderReport], output: Output) -> anyhow::Result<()> {
    let name = |report: &pb::ProviderReport| report.provider.clone().unwrap_or_default();
    let json: Vec<Value> = reports
        .iter()
        .map(|report| {
            let mut json = provider_json(&name(report));
            json["opens"] = report.error.is_empty().into();
            json["error"] = none_if_empty(&report.error);
            json
        })
        .collect();
    output.print(&json!({ "providers": json }), |out| {
        reports.iter().try_for_each(|report| {
            let said = if report.error.is_empty() { "opens the root key" } else { report.error.as_str() };
            writeln!(out, "{}: {said}", provider_text(&name(report)))
        })
    })
}

fn write_status(out: &mut dyn Write, address: &str, status: &pb::SealStatusResponse) -> std::io::Result<()> {
    let pb::SealStatusResponse { node, shares_given, shares_needed, .. } = status;
    if !status.sealed {
        return writeln!(out, "{address}: node {node} is not sealed");
    }
    if *shares_given > 0 {
        return writeln!(out, "{address}: node {node} is sealed, {shares_given} of {shares_needed} shares given");
    }
    writeln!(out, "{address}: node {node} is sealed: {}", status.why)
}

fn status_json(address: &str, status: Result<&pb::SealStatusResponse, &Status>) -> Value {
    let status = match status {
        Ok(status) => status,
        Err(error) => return json!({ "endpoint": address, "reachable": false, "error": error.message() }),
    };
    json!({
        "endpoint": address,
        "reachable": true,
        "id": status.node,
        "sealed": status.sealed,
        "providers": status.providers.iter().map(provider_json).collect::<Vec<_>>(),
        "barrier_term": status.barrier_term,
        "shares_given": status.shares_given,
        "shares_needed": status.shares_needed,
        "peer_unseal": status.peer_unseal,
        "why": none_if_empty(&status.why),
    })
}

fn none_if_empty(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn provider_json(provider: &pb::Provider) -> Value {
    json!({ "kind": kind(provider), "id": provider.id })
}

fn provider_text(provider: &pb::Provider) -> String {
    format!("{} {}", kind(provider), provider.id)
}

fn kind(provider: &pb::Provider) -> &'static str {
    match provider.kind() {
        pb::ProviderKind::Keyfile => "keyfile",
        pb::ProviderKind::Passphrase => "passphrase",
        pb::ProviderKind::Shamir => "shamir",
        pb::ProviderKind::Pkcs11 => "pkcs11",
        pb::ProviderKind::Unspecified => "unknown",
    }
}
