//! The crate's promises, on clusters of three nodes that speak mTLS on the loopback, and on openraft's own suite.

mod cluster;
mod conformance;
mod harness;
mod identity;
mod membership;
mod peer_unseal;
mod purge;
mod reads;
mod rollback;
