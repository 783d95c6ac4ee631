//! Waiting for what must happen.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a test waits for what must happen. Long, because a busy machine is no failure; no test measures it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Errors
/// When `look` fails, or saw nothing for `patience`; both name `what`.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look().with_context(|| format!("while waiting for {what}"))? {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("waited {patience:?} in vain for {what}");
        }
        std::thread::sleep(PAUSE);
    }
}

/// [`until`] for a look that waits itself.
///
/// # Errors
/// When `look` fails, or saw nothing for `patience`; both name `what`.
pub async fn until_async<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look().await.with_context(|| format!("while waiting for {what}"))? {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("waited {patience:?} in vain for {what}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
