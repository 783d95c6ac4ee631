//! The signals that end a node.

use tokio::signal::unix::{SignalKind, signal as listen};

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
/// When the system does not let the process listen for them.
pub(crate) async fn signal() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("SIGINT: the node stops"),
        _ = terminate.recv() => tracing::info!("SIGTERM: the node stops"),
    }
    Ok(())
}
