//! Bodies: from JSON to the inputs of the service, and from its outputs to JSON.
//!
//! What a member may be is for the service to say; here only its type counts. Members that the API does not know are
//! skipped, `null` is absence, and no text of a request comes back in an error.

mod answer;
mod keys;
#[cfg(test)]
mod random;
mod replication;
mod request;
mod resource_policies;
mod rotation;
mod shape;
mod text;

pub(crate) use answer::Body;
pub(crate) use request::decode;
pub(crate) use shape::Shape;
