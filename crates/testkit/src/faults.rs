//! Faults that a seed chooses, one after the other, and their end.
//!
//! A [`Plan`] names nodes by their part (the leader, a follower), because who leads when a fault comes is a matter of
//! timing and not of the seed.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use proto::cluster::v1::TransferLeaderRequest;
use rustix::process::Signal;

use crate::cluster::Cluster;
use crate::links::Links;
use crate::process::{is_alive, signal};
use crate::wait::{PATIENCE, until};

/// How long a fault lasts: from less than an election takes to several of them.
const LASTS_MS: std::ops::Range<u64> = 200..1_500;
/// One of how many faults is joined by a second one.
const JOINED: u8 = 4;
/// Time for a leader to hand over. It need not: the fault is the attempt.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(2);

/// A node, by the part it has when the fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The leader.
    Leader,
    /// The follower with the lower id.
    Follower,
    /// The follower with the higher id.
    OtherFollower,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL.
    Kill(Part),
    /// SIGKILL to all nodes at once.
    KillAll,
    /// SIGTERM; a leader hands over before it ends.
    Stop(Part),
    /// SIGSTOP.
    Pause(Part),
    /// What the one sends to the other is held.
    OneWay(Part, Part),
    /// What it sends is held.
    Mute(Part),
    /// What is sent to it is held.
    Deaf(Part),
    /// Cut off from all others.
    Isolate(Part),
    /// The leader is told to hand over.
    Transfer,
}

/// A fault, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What happens.
    pub fault: Fault,
    /// What happens too, half way.
    pub joined_by: Option<Fault>,
    /// Until everything is mended.
    pub lasts: Duration,
}

/// The faults of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(pub Vec<Planned>);

impl Plan {
    /// Whether it has faults of links.
    pub fn needs_links(&self) -> bool {
        let is_of_links =
            |fault| matches!(fault, Fault::OneWay(..) | Fault::Mute(_) | Fault::Deaf(_) | Fault::Isolate(_));
        self.0.iter().any(|planned| is_of_links(planned.fault))
    }

    /// Draws at least `count` faults. Each kind comes up, since a run has more faults than there are kinds.
    pub fn draw(random: &mut Rng, count: usize) -> Self {
        let mut faults = vec![
            Fault::Kill(Part::Leader),
            Fault::Kill(follower(random)),
            Fault::KillAll,
            Fault::Stop(Part::Leader),
            Fault::Pause(Part::Leader),
            one_way(random),
            Fault::Isolate(Part::Leader),
            Fault::Transfer,
        ];
        while faults.len() < count {
            faults.push(any(random));
        }
        random.shuffle(&mut faults);
        let planned = faults.into_iter().map(|fault| {
            let joins = random.u8(..JOINED) == 0;
            let second = if random.bool() { Fault::Kill(follower(random)) } else { Fault::Pause(follower(random)) };
            Planned { fault, joined_by: joins.then_some(second), lasts: lasts(random) }
        });
        Self(planned.collect())
    }

    /// Draws `count` faults of one kind, each alone: to look into it.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn only(random: &mut Rng, count: usize, kind: &str) -> Result<Self> {
        let mut one = || {
            let part = if random.bool() { Part::Leader } else { follower(random) };
            let fault = match kind {
                "kill" => Fault::Kill(part),
                "kill-all" => Fault::KillAll,
                "stop" => Fault::Stop(part),
                "pause" => Fault::Pause(part),
                "one-way" => one_way(random),
                "isolate" => Fault::Isolate(part),
                "transfer" => Fault::Transfer,
                _ => bail!("there is no fault {kind:?}"),
            };
            Ok(Planned { fault, joined_by: None, lasts: lasts(random) })
        };
        Ok(Self((0..count).map(|_| one()).collect::<Result<_>>()?))
    }
}

fn lasts(random: &mut Rng) -> Duration {
    Duration::from_millis(random.u64(LASTS_MS))
}

fn follower(random: &mut Rng) -> Part {
    if random.bool() { Part::Follower } else { Part::OtherFollower }
}

fn one_way(random: &mut Rng) -> Fault {
    let other = follower(random);
    match random.u8(..4) {
        0 => Fault::OneWay(Part::Leader, other),
        1 => Fault::OneWay(other, Part::Leader),
        2 => Fault::Mute(Part::Leader),
        _ => Fault::Deaf(Part::Leader),
    }
}

fn any(random: &mut Rng) -> Fault {
    let part = if random.bool() { Part::Leader } else { follower(random) };
    match random.u8(..7) {
        0 => Fault::Kill(part),
        1 => Fault::KillAll,
        2 => Fault::Stop(part),
        3 => Fault::Pause(part),
        4 => Fault::Isolate(part),
        5 => Fault::Transfer,
        _ => one_way(random),
    }
}

/// Lets one fault happen to a healthy cluster, with links where it is one of these, then mends everything and waits for a leader.
///
/// # Errors
/// When a node cannot be killed or started, or there is no leader afterwards.
pub async fn suffer(cluster: &Cluster, links: Option<&Links>, planned: &Planned) -> Result<()> {
    let leader = cluster.leader(None).await?;
    let followers: Vec<u64> = cluster.ids()?.into_iter().filter(|id| *id != leader).collect();
    let node_of = |part: Part| match part {
        Part::Leader => Ok(leader),
        Part::Follower => followers.first().copied().context("there is no follower"),
        Part::OtherFollower => followers.last().copied().context("there is no follower"),
    };
    let half = planned.lasts / 2;
    begin(cluster, links, planned.fault, node_of).await?;
    tokio::time::sleep(half).await;
    if let Some(second) = planned.joined_by {
        begin(cluster, links, second, node_of).await?;
    }
    tokio::time::sleep(half).await;
    mend(cluster, links)?;
    cluster.leader(None).await?;
    Ok(())
}

async fn begin(
    cluster: &Cluster,
    links: Option<&Links>,
    fault: Fault,
    node_of: impl Fn(Part) -> Result<u64>,
) -> Result<()> {
    let links = || links.context("this fault needs links");
    let others = |node: u64| anyhow::Ok(cluster.ids()?.into_iter().filter(move |id| *id != node));
    match fault {
        Fault::Kill(part) => {
            let node = node_of(part)?;
            tokio::task::block_in_place(|| cluster.kill_9(&[node]))?;
        }
        Fault::KillAll => tokio::task::block_in_place(|| cluster.kill_9(&cluster.ids()?))?,
        Fault::Stop(part) => {
            let node = cluster.node(node_of(part)?)?;
            signal(node.pid, Signal::TERM);
            let ended = || Ok((!is_alive(node.pid)).then_some(()));
            tokio::task::block_in_place(|| until("the end of a node that was told to stop", PATIENCE, ended))?;
        }
        Fault::Pause(part) => {
            let node = cluster.node(node_of(part)?)?;
            // It may have been killed already.
            if is_alive(node.pid) {
                cluster.pause(node.id)?;
            }
        }
        Fault::OneWay(from, to) => links()?.cut(node_of(from)?, node_of(to)?),
        Fault::Mute(part) => {
            let (node, links) = (node_of(part)?, links()?);
            others(node)?.for_each(|to| links.cut(node, to));
        }
        Fault::Deaf(part) => {
            let (node, links) = (node_of(part)?, links()?);
            others(node)?.for_each(|from| links.cut(from, node));
        }
        Fault::Isolate(part) => links()?.isolate(node_of(part)?),
        Fault::Transfer => {
            let mut admin = cluster.admin(node_of(Part::Leader)?)?;
            let told = admin.transfer_leader(TransferLeaderRequest { id: None });
            let _whatever = tokio::time::timeout(TRANSFER_TIMEOUT, told).await;
        }
    }
    Ok(())
}

/// Ends all faults: opens the links, lets paused nodes go on and starts dead ones.
fn mend(cluster: &Cluster, links: Option<&Links>) -> Result<()> {
    if let Some(links) = links {
        links.heal_all();
    }
    for node in cluster.nodes()? {
        if is_alive(node.pid) {
            cluster.resume(node.id)?;
        } else {
            tokio::task::block_in_place(|| cluster.restart(node.id))?;
        }
    }
    Ok(())
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)?;
        if let Some(second) = self.joined_by {
            write!(f, " + {second:?}")?;
        }
        write!(f, " ({} ms)", self.lasts.as_millis())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, planned) in self.0.iter().enumerate() {
            write!(f, "{}{planned}", if position == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_faults_again_and_every_kind_of_them() {
        let draw = |seed| Plan::draw(&mut Rng::with_seed(seed), 9);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        for seed in 0..100 {
            let Plan(faults) = draw(seed);
            assert_eq!(faults.len(), 9);
            let has = |is: fn(&Fault) -> bool| faults.iter().any(|planned| is(&planned.fault));
            assert!(has(|fault| matches!(fault, Fault::Kill(_))) && has(|fault| *fault == Fault::KillAll));
            assert!(has(|fault| matches!(fault, Fault::Pause(_))) && has(|fault| matches!(fault, Fault::Isolate(_))));
            assert!(has(|fault| matches!(fault, Fault::OneWay(..) | Fault::Mute(_) | Fault::Deaf(_))));
            assert!(has(|fault| *fault == Fault::Transfer) && has(|fault| matches!(fault, Fault::Stop(_))));
        }
    }
}
