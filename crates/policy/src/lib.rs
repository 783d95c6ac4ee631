//! IAM policy documents: a strict parser, and what a document says of itself.
//!
//! A document is read once, into types that cannot be wrong: elements that the grammar does not have, elements that
//! come twice, and values that their operator could never compare are refused with their place in the text. The text
//! itself is for the caller to keep: AWS gives a policy back as it was stored.
//!
//! The grammar is that of the IAM user guide, "Grammar of the IAM JSON policy language".
//!
//! Pure: no clock, no I/O. What is deliberately not here: who has which policy (`state`), and who asks (`service`).
#![warn(missing_docs)]

mod condition;
mod document;
mod grammar;
mod pattern;
mod principal;
mod public;

pub use condition::{Condition, Family, Operator, Order, Quantifier};
pub use document::{Actions, Effect, Kind, Policy, Principals, Resources, Statement, Version};
pub use grammar::Malformed;
pub use pattern::{ActionPattern, ResourcePattern};
pub use principal::PrincipalPattern;
