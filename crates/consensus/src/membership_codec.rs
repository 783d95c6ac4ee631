//! The bytes of a membership in log entries and checkpoints: a version byte, then the wire's message.
//!
//! Version 2 has data directories and removed nodes, which a program of version 1 must not overlook.

use prost::Message;
use proto::raft::v1 as pb;

use crate::raft_types::Membership;
use crate::wire::{self, Malformed};

const VERSION: u8 = 2;
const FIRST_VERSION: u8 = 1;

pub(crate) fn encode(membership: &Membership) -> Vec<u8> {
    let message = wire::membership_to(membership);
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    // Writing to a vector does not fail.
    let _ = message.encode(&mut bytes);
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Membership, Malformed> {
    let Some((FIRST_VERSION..=VERSION, rest)) = bytes.split_first() else {
        return Err(Malformed("with a membership of an unknown version"));
    };
    let message = pb::Membership::decode(rest).map_err(|_| Malformed("with a membership that cannot be decoded"))?;
    wire::membership_from(message)
}
