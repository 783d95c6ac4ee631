//! What the tests of whole clusters are made of: real `conclave` processes, clients of every kind, an oracle that
//! knows what was promised, and a scanner for plaintext that should not be there.
//!
//! A [`Cluster`] is `conclave dev` in a directory of its own. Everything that a test runs gets an environment made
//! of nothing but `DIR/env` and a search path, so that the developer's own AWS or Conclave settings change nothing.
//! No test waits for time to pass: it waits with [`until`] for what it needs, and fails when that does not come.
//!
//! [`history`] notes what clients asked and heard, [`faults`] breaks things as a seed says, and [`linearizable`] decides
//! whether one copy of each secret could have answered so.
//!
//! Assertions are not made here; the tests make them.

pub mod canary;
pub mod cluster;
pub mod dialog;
pub mod fate;
pub mod faults;
pub mod history;
pub mod linearizable;
pub mod links;
pub mod oracle;
pub mod process;
pub mod provision;
pub mod requests;
pub mod signed;
pub mod small_disk;
pub mod strace;
pub mod wait;

pub use canary::Canary;
pub use cluster::{Cluster, Node};
pub use dialog::Dialog;
pub use fate::{Fate, Refusal, judge};
pub use links::Links;
pub use oracle::{Oracle, Ticks};
pub use process::{Finished, Program};
pub use provision::Provision;
pub use signed::{SignedClient, SignedConnection};
pub use small_disk::SmallDisk;
pub use strace::Strace;
pub use wait::{PATIENCE, until, until_async};
