//! The use cases, behind the only door there is: authenticate, authorize, act, record.
//!
//! A front decodes a request, says who claims to send it ([`Caller`]), and gets an answer or an error of the API.
//! No protocol is named here, and no decision is taken in a front.
//!
//! ```text
//! UseCases -> door    one state for authentication, authorization and data; decides writes again after a Conflict
//!              |- throttle       shares of principals, failed authentications, requests in flight
//!              |- authenticate   access keys and certificates
//!              |- shape          from an input to a request that cannot be wrong
//!              |- authorize      who may do what
//!              |- secrets/       what each operation means
//!              |- keys/          the same of keys
//!              |- vault          values are sealed before they are proposed
//!              |- touch          LastAccessedDate, once a day
//!              `- record         the place of audit
//! ```
//!
//! [`Intake`] bounds what fronts hold of requests before they come here.
//!
//! What is deliberately not here: what a command does to the state (`state`), how it gets there (`consensus`), and
//! every wire format.

pub mod api;
mod authenticate;
mod authorize;
mod caller;
mod cluster;
mod door;
mod intake;
mod keys;
mod opened;
mod reads;
mod record;
mod replicated;
mod rotation_functions;
mod sealing;
mod secrets;
mod service;
mod shape;
#[cfg(test)]
mod tests;
mod throttle;
mod touch;
mod use_cases;
mod vault;

pub use authorize::{Action, Decision, Effect, Layer};
pub use caller::{Answer, Caller, Credential, SignatureCheck};
pub use cluster::{ClusterStatus, NodeCheckpoint, NodeDigest, NodeFacts, NodeStatus};
pub use consensus::{Member, Role};
pub use intake::{Held, Intake};
pub use key_service::ProviderKind;
pub use reads::RelaxedReads;
pub use record::{Ending, Record, Recorder, TracingRecorder};
pub use sealing::{
    ChangedKeyring, Given, KeyCustody, KeyringChange, NewProvider, PreparedKeyring, ProviderId, ProviderReport,
    SealStatus,
};
pub use service::{Clock, Service};
pub use throttle::{Rate, ServiceLimits};
pub use use_cases::{Operation, UseCases};
