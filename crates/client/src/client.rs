//! The client.

use std::fmt;
use std::sync::Arc;

use crate::builder::{Builder, ConfigError};
use crate::failover::Cluster;

/// A cluster, as one caller sees it. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) cluster: Arc<Cluster>,
}

impl Client {
    /// Begins a client.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes a client of what [`Builder::from_env`] reads. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is not set or what it names cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Builder::from_env()?.connect()
    }

    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster: Arc::new(cluster) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")?;
        f.debug_list().entries(self.cluster.addresses()).finish()
    }
}
