//! Data directories that were put back from an older copy.
//!
//! Each start of a node, and every five minutes that it runs, is a boot: a counter and a nonce in its directory's file `node`,
//! durable before anybody hears of it. Every call and every answer between peers carries the sender's boots. The leader
//! puts what is new into the state, and every node holds what it hears against that, and against what it has heard
//! itself before. See [`state::Boots`] for why only another line of starts contradicts what is known.
//!
//! Both sides look. Who is called is also told what the caller knows of it, and finds out by itself; so votes need no
//! leader to be refused, and a call that was overtaken on its way can condemn nobody.
//!
//! # What remains
//! A copy that was made after the last boot and put back before the next one has the same boots. The leader notices it
//! if the log is shorter than what the node has acknowledged to it in its term (`acknowledged`). A new leader does not.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use state::{Boot, Boots, Command, DataId, MarkReverted, NodeBoot, RegisterBoot};
use tokio::sync::{Notify, watch};
use tonic::Status;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use types::{NodeId, Principal, ProposalId, Timestamp, limits};

use crate::data_dir::{DataDir, DataDirError};
use crate::machine::Publisher;
use crate::propose::Proposal;
use crate::replica::{Inner, Replica};
use crate::standing::Expelled;

/// The metadata with the sender's directory and boots.
pub(crate) const BOOTS_METADATA: &str = "conclave-boots";
/// The metadata with what the sender knows of the receiver's directory.
pub(crate) const KNOWN_METADATA: &str = "conclave-known";

/// How often the counter is raised while the node runs, so that a copy of a running node is known too.
const RAISE_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often a node looks at what is to be done, when nothing has told it to.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time for one report to be applied; the next look makes it again.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(5);

/// The text of a line of boots: the first counter, then all nonces.
pub(crate) fn boots_to_text(boots: &Boots) -> String {
    let mut text = boots.first().counter.to_string();
    for nonce in boots.nonces() {
        // Writing to a string does not fail.
        let _ = write!(text, " {nonce:016x}");
    }
    text
}

pub(crate) fn boots_from_text(text: &str) -> Option<Boots> {
    let mut words = text.split(' ');
    let first = words.next()?.parse().ok()?;
    let nonces = words.take(Boots::MAX + 1).map(nonce_from_text).collect::<Option<Vec<_>>>()?;
    Boots::new(first, nonces)
}

fn nonce_from_text(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16)
}

/// A directory and its boots, as their owner reports them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    data: DataId,
    boots: Boots,
}

impl Report {
    fn from_text(text: &str) -> Option<Self> {
        let (data, boots) = text.split_once(' ')?;
        Some(Self { data: DataId::from_text(data)?, boots: boots_from_text(boots)? })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.data, boots_to_text(&self.boots))
    }
}

/// What one node knows of another one's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    data: DataId,
    boot: Boot,
    reverted: bool,
}

impl Known {
    fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let data = DataId::from_text(words.next()?)?;
        let boot = Boot { counter: words.next()?.parse().ok()?, nonce: nonce_from_text(words.next()?)? };
        let reverted = match words.next()? {
            "current" => false,
            "reverted" => true,
            _ => return None,
        };
        words.next().is_none().then_some(Self { data, boot, reverted })
    }

    /// Whether `report` is that of an older copy of the directory.
    fn condemns(&self, report: &Report) -> bool {
        self.data == report.data && (self.reverted || report.boots.contradicts(self.boot))
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = if self.reverted { "reverted" } else { "current" };
        write!(f, "{} {} {:016x} {standing}", self.data, self.boot.counter, self.boot.nonce)
    }
}

impl From<&NodeBoot> for Known {
    fn from(known: &NodeBoot) -> Self {
        Self { data: known.data, boot: known.boot, reverted: known.reverted }
    }
}

/// This node's report, with its text.
struct Own {
    report: Report,
    text: AsciiMetadataValue,
}

impl Own {
    fn new(data: DataId, boots: &Boots) -> Option<Arc<Self>> {
        let report = Report { data, boots: boots.clone() };
        let text = report.to_string().parse().ok()?;
        Some(Arc::new(Self { report, text }))
    }
}

/// What others have reported or shown since this node was started.
#[derive(Default)]
struct Heard {
    reports: BTreeMap<NodeId, Report>,
    /// Directories that lack what they have acknowledged to this node.
    reverted: BTreeMap<NodeId, DataId>,
}

/// The boots of this node and of its peers.
pub(crate) struct BootRecords {
    this: NodeId,
    dir: Mutex<DataDir>,
    own: ArcSwap<Own>,
    publisher: Publisher,
    heard: Mutex<Heard>,
    news: Notify,
    /// Whether it is written down that this directory is an older copy, or at least was tried.
    condemned: watch::Sender<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in them is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BootRecords {
    /// `None` for a directory that has not counted its start.
    pub(crate) fn new(this: NodeId, dir: DataDir, publisher: Publisher) -> Option<Self> {
        let own = Own::new(dir.id(), dir.boots()?)?;
        Some(Self {
            this,
            dir: Mutex::new(dir),
            own: ArcSwap::new(own),
            publisher,
            heard: Mutex::default(),
            news: Notify::new(),
            condemned: watch::Sender::new(false),
        })
    }

    /// What this node reports with each call and each answer.
    pub(crate) fn own_text(&self) -> AsciiMetadataValue {
        self.own.load().text.clone()
    }

    #[cfg(test)]
    pub(crate) fn own_first(&self) -> Boot {
        self.own.load().report.boots.first()
    }

    #[cfg(test)]
    pub(crate) fn own_last(&self) -> Boot {
        self.own.load().report.boots.last()
    }

    /// What this node tells another one that it knows of it.
    pub(crate) fn known_text(&self, node: NodeId) -> Option<AsciiMetadataValue> {
        let known = self.known(node, &lock(&self.heard))?;
        known.to_string().parse().ok()
    }

    /// The latest that is known of a node, by the state or by itself.
    fn known(&self, node: NodeId, heard: &Heard) -> Option<Known> {
        let applied = self.publisher.current().state.node_boot(node).map(|known| Known::from(&**known));
        let report = heard.reports.get(&node).filter(|report| !applied.is_some_and(|known| known.condemns(report)));
        let reported = report.map(|r| Known { data: r.data, boot: r.boots.last(), reverted: false });
        let known = match (applied, reported) {
            (Some(applied), Some(reported)) if reported.boot.counter > applied.boot.counter => reported,
            (applied, reported) => applied.or(reported)?,
        };
        Some(Known { reverted: known.reverted || heard.reverted.get(&node) == Some(&known.data), ..known })
    }

    /// Takes notice of what came with a call or an answer of `node`.
    ///
    /// # Errors
    /// The answer to a node whose directory is an older copy.
    pub(crate) fn hear(&self, node: NodeId, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(text) = metadata.get(BOOTS_METADATA) else { return Ok(()) };
        let report = text.to_str().ok().and_then(Report::from_text);
        let report = report.ok_or_else(|| Status::invalid_argument("the sender's boots cannot be read"))?;
        let mut heard = lock(&self.heard);
        let applied = self.publisher.current().state.node_boot(node).map(|known| Known::from(&**known));
        if applied.is_some_and(|applied| applied.data != report.data) {
            return Err(Status::permission_denied("the sender's id was given to another data directory"));
        }
        let known = self.known(node, &heard);
        if let Some(known) = applied.into_iter().chain(known).find(|known| known.condemns(&report)) {
            tracing::debug!(%node, "an older copy of a data directory is not heard");
            return Err(older_copy(known));
        }
        if heard.reports.get(&node) != Some(&report) {
            // What was overtaken on its way is the sender's all the same, and says nothing new.
            let is_later =
                heard.reports.get(&node).is_none_or(|r| r.boots.last().counter <= report.boots.last().counter);
            if is_later {
                heard.reports.insert(node, report);
                self.news.notify_one();
            }
        }
        Ok(())
    }

    /// The data directory that a node has reported.
    pub(crate) fn reported_data(&self, node: NodeId) -> Option<DataId> {
        lock(&self.heard).reports.get(&node).map(|report| report.data)
    }

    /// Whether `node` may not be heard on a stream that was opened earlier.
    pub(crate) fn is_reverted(&self, node: NodeId) -> bool {
        self.known(node, &lock(&self.heard)).is_some_and(|known| known.reverted)
    }

    /// The log of a peer is shorter than what it has acknowledged to this node.
    pub(crate) fn found_reverted(&self, node: NodeId, data: DataId) {
        if lock(&self.heard).reverted.insert(node, data) != Some(data) {
            tracing::error!(%node, "a node's log lacks what it had acknowledged: its data directory was put back from an \
                older copy, or its disk has lost what it had synced. It is not heard any more; start it with --rejoin");
            self.news.notify_one();
        }
    }

    /// Whether what a peer says of this node's directory shows that it is an older copy.
    pub(crate) fn is_told(&self, metadata: &MetadataMap) -> bool {
        let known = metadata.get(KNOWN_METADATA).and_then(|text| Known::from_text(text.to_str().ok()?));
        known.is_some_and(|known| self.is_condemned_by(known))
    }

    fn is_condemned_by(&self, known: Known) -> bool {
        known.condemns(&self.own.load().report)
    }

    /// Wakes the task that looks after this.
    pub(crate) fn look(&self) {
        self.news.notify_one();
    }

    /// Changes the directory's file and what is reported, in this order.
    fn write(&self, change: impl FnOnce(&mut DataDir) -> Result<(), DataDirError>) -> Result<(), DataDirError> {
        let mut dir = lock(&self.dir);
        change(&mut dir)?;
        if let Some(own) = dir.boots().and_then(|boots| Own::new(dir.id(), boots)) {
            self.own.store(own);
        }
        Ok(())
    }

    /// What the leader should put into the state, of members only.
    fn due(&self, members: &[NodeId]) -> Vec<Command> {
        let mut heard = lock(&self.heard);
        heard.reports.retain(|node, _| members.contains(node));
        heard.reverted.retain(|node, _| members.contains(node));
        let published = self.publisher.current();
        let own = self.own.load().report.clone();
        let reports = heard.reports.iter().chain(members.contains(&self.this).then_some((&self.this, &own)));
        let new = reports.filter(|(node, report)| {
            let known = published.state.node_boot(**node);
            known.is_none_or(|known| !known.reverted && known.boot.counter < report.boots.last().counter)
        });
        let register = |(node, report): (&NodeId, &Report)| {
            let Report { data, boots } = report.clone();
            Command::RegisterBoot(RegisterBoot { node: *node, data, boots })
        };
        let lost = heard.reverted.iter().filter(|(node, data)| {
            let known = published.state.node_boot(**node);
            known.is_none_or(|known| known.data == **data && !known.reverted)
        });
        let mark = |(node, data): (&NodeId, &DataId)| Command::MarkReverted(MarkReverted { node: *node, data: *data });
        lost.map(mark).chain(new.map(register)).collect()
    }
}

fn older_copy(known: Known) -> Status {
    let mut status = Status::permission_denied("the sender's data directory is an older copy");
    if let Ok(known) = known.to_string().parse() {
        status.metadata_mut().insert(KNOWN_METADATA, known);
    }
    status
}

impl Replica {
    /// Resolves when this node has found that its data directory is an older copy of what it had, with the error to
    /// end the process with.
    pub async fn older_copy(&self) -> DataDirError {
        let mut condemned = self.inner.peers.boots.condemned.subscribe();
        if condemned.wait_for(|condemned| *condemned).await.is_err() {
            return std::future::pending().await;
        }
        lock(&self.inner.peers.boots.dir).older_copy()
    }
}

/// Looks after the boots until the replica is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    let Some(records) = inner.upgrade().map(|inner| inner.peers.clone()) else { return };
    let mut turns = Turns::default();
    loop {
        tokio::select! {
            () = records.boots.news.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(inner) = inner.upgrade() else { return };
        if inner.has_stopped() {
            return;
        }
        inner.look_after_boots(&mut turns).await;
        if inner.expelled().is_some() {
            inner.condemn_older_copy().await;
            return;
        }
    }
}

/// What is remembered between two looks.
#[derive(Default)]
struct Turns {
    raised: Option<Timestamp>,
    /// Whether the directory's file could not be written last time.
    failing: bool,
}

impl Turns {
    fn is_due(&mut self, now: Timestamp) -> bool {
        let raised = *self.raised.get_or_insert(now);
        // A clock that was set back must not stop the count.
        now.since(raised).max(raised.since(now)) >= RAISE_EVERY
    }
}

impl Inner {
    async fn look_after_boots(&self, turns: &mut Turns) {
        let now = self.clock.now();
        let mine = self.publisher.current().state.node_boot(self.id).map(|known| Known::from(&**known));
        if mine.is_some_and(|mine| self.peers.boots.is_condemned_by(mine)) {
            self.peers.expel(Expelled::OlderCopy);
        }
        if self.expelled().is_some() {
            return;
        }
        let raise = turns.is_due(now);
        let registered = mine.filter(|mine| mine.data == self.data).map(|mine| mine.boot);
        let is_behind = registered.is_some_and(|boot| self.peers.boots.own.load().report.boots.first() != boot);
        if raise || is_behind {
            let peers = self.peers.clone();
            let written = tokio::task::spawn_blocking(move || {
                peers.boots.write(|dir| {
                    registered.map_or(Ok(()), |boot| dir.registered(boot))?;
                    if raise { dir.raise() } else { Ok(()) }
                })
            });
            match written.await {
                Ok(Ok(())) => {
                    turns.failing = false;
                    if raise {
                        turns.raised = Some(now);
                    }
                }
                Ok(Err(error)) if !std::mem::replace(&mut turns.failing, true) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the count of starts is not written");
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        if self.leader() == Some(self.id) {
            self.register_boots().await;
        }
    }

    /// Puts what is new into the state. What does not get there is found by the next look, or by the next leader.
    async fn register_boots(&self) {
        let members: Vec<NodeId> = self.members().into_keys().collect();
        for command in self.peers.boots.due(&members) {
            let mut id = [0; 16];
            if getrandom::fill(&mut id).is_err() {
                return;
            }
            let kind = command.kind();
            let proposal = Proposal {
                id: ProposalId(id),
                principal: Principal::System,
                decided_at: self.publisher.current().applied_index,
                command,
            };
            let deadline = Instant::now() + REGISTER_TIMEOUT.min(limits::REQUEST_DEADLINE);
            match self.propose(proposal, deadline).await {
                Ok(receipt) if receipt.outcome.is_ok() => tracing::debug!(kind, "a boot is known"),
                Ok(_) => tracing::warn!(kind, "what was heard of a node's data directory contradicts what is known"),
                Err(error) => tracing::debug!(kind, %error, "a boot is not known yet"),
            }
        }
    }

    async fn condemn_older_copy(&self) {
        if self.expelled() != Some(Expelled::OlderCopy) {
            return;
        }
        let peers = self.peers.clone();
        let condemned = tokio::task::spawn_blocking(move || peers.boots.write(DataDir::condemn)).await;
        if !matches!(condemned, Ok(Ok(()))) {
            tracing::warn!("it could not be written down that the data directory is an older copy");
        }
        self.peers.boots.condemned.send_replace(true);
    }
}
