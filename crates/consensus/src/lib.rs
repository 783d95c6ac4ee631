//! Consensus: a [`Replica`] of the state, kept by openraft.
//!
//! This is the only crate that names openraft. It owns both halves of the peer protocol, the adapters to the log
//! and the state, the forwarding of proposals to the leader and the read barrier. What it offers the rest is
//! small: [`Replica::propose`], [`Replica::read_barrier`], membership, and status. What a command means is decided
//! in `state`; who may propose it, in `service`.

mod acknowledged;
mod barrier;
mod boots;
mod checkpoint;
mod clocks;
mod config;
mod data_dir;
mod forward;
mod log;
mod machine;
mod membership;
mod membership_codec;
mod network;
mod peer;
mod peer_unseal;
mod propose;
mod purge;
mod raft_types;
mod reads;
mod replica;
mod sealed_peer;
mod standing;
mod status;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

pub use barrier::NoQuorum;
pub use checkpoint::{CheckpointError, Retention};
pub use config::{Clock, Custody, ReplicaConfig, Timing};
pub use data_dir::{DataDirError, set_aside};
pub use machine::Published;
pub use membership::MembershipError;
pub use peer::PeerService;
pub use peer_unseal::{TermsRefused, ask_for_terms};
pub use propose::{Proposal, ProposeError, Receipt};
pub use raft_types::Member;
pub use reads::StaleState;
pub use replica::{Replica, StartError, Tuning};
pub use sealed_peer::SealedPeer;
pub use standing::Expelled;
pub use status::{LocalStatus, PeerError, PeerStatus, Role};
pub use transfer::TransferError;
