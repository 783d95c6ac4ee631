//! What `state` promises, through its public face only.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod access;
mod aliases;
mod bootstrap;
mod create;
mod delete;
mod fixture;
mod grants;
mod key_words;
mod keys;
mod keys_random;
mod memory;
mod purge;
mod put;
mod random;
mod records;
mod replication;
mod resource_policy;
mod rewraps;
mod rotation;
mod stages;
mod tags;
mod tokens;
mod touch;
mod update;
