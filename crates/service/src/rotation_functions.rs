//! Who rotates: the functions that a secret can be rotated by.

use std::fmt::Debug;

use state::State;
use types::Namespace;

/// The functions that this cluster can invoke.
pub(crate) trait RotationFunctions: Debug + Send + Sync {
    /// Whether the function of that ARN can be invoked for secrets of the namespace.
    fn can_invoke(&self, state: &State, namespace: &Namespace, arn: &str) -> bool;
}

/// There is no way yet to register a function.
#[derive(Debug)]
pub(crate) struct NoFunctions;

impl RotationFunctions for NoFunctions {
    fn can_invoke(&self, _: &State, _: &Namespace, _: &str) -> bool {
        false
    }
}
