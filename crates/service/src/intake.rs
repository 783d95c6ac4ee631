//! What a node holds of requests before it knows who sends them: bytes, over all connections.
//!
//! A request counts from its head until its answer, and its body with every piece that comes, not with what it
//! announces, so that a client which announces much and sends nothing takes nothing from others. The last part of
//! the bytes is for small requests, as nearly all are: large bodies cannot keep reads out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use types::{ApiError, ErrorCode, limits};

const FULL: &str = "The node holds as many requests as it can. Nothing was changed.";

/// The bytes that requests may take; clones share them.
#[derive(Clone, Debug)]
pub struct Intake {
    free: Arc<AtomicUsize>,
}

impl Default for Intake {
    fn default() -> Self {
        Self::of(limits::INTAKE_BYTES)
    }
}

impl Intake {
    fn of(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Lets a request begin that announces a body of so many bytes.
    ///
    /// # Errors
    /// ServiceUnavailable when there is no room; the body should not be read then.
    pub fn begin(&self, announced: u64) -> Result<Held, ApiError> {
        let held = Held(Arc::new(Share { free: self.free.clone(), bytes: AtomicUsize::new(0) }));
        held.grow(limits::REQUEST_OVERHEAD_BYTES)?;
        // Only asked for, not taken: it is taken as it comes.
        let announced = usize::try_from(announced).unwrap_or(usize::MAX).min(limits::REQUEST_BODY_BYTES);
        if self.free.load(Ordering::Relaxed) < announced.saturating_add(kept_from(announced)) {
            return Err(full());
        }
        Ok(held)
    }

    /// Bytes that are held now.
    pub fn held(&self) -> usize {
        limits::INTAKE_BYTES.saturating_sub(self.free.load(Ordering::Relaxed))
    }
}

/// The bytes of one request; they are free again when the last clone is dropped.
#[derive(Clone)]
pub struct Held(Arc<Share>);

struct Share {
    free: Arc<AtomicUsize>,
    bytes: AtomicUsize,
}

impl Held {
    /// Takes more bytes, before they are kept.
    ///
    /// # Errors
    /// ServiceUnavailable when there is no room.
    pub fn grow(&self, more: usize) -> Result<(), ApiError> {
        let body = (self.0.bytes.load(Ordering::Relaxed) + more).saturating_sub(limits::REQUEST_OVERHEAD_BYTES);
        let kept = kept_from(body);
        let take = |free: usize| free.checked_sub(more).filter(|left| *left >= kept);
        self.0.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| full())?;
        self.0.bytes.fetch_add(more, Ordering::Relaxed);
        Ok(())
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.0.bytes.load(Ordering::Relaxed))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.free.fetch_add(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

/// Bytes that a body of this size must leave free.
const fn kept_from(body: usize) -> usize {
    if body > limits::SMALL_BODY_BYTES { limits::INTAKE_RESERVE_BYTES } else { 0 }
}

fn full() -> ApiError {
    ApiError::new(ErrorCode::ServiceUnavailable, FULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERHEAD: usize = limits::REQUEST_OVERHEAD_BYTES;

    fn refused(result: Result<Held, ApiError>) -> bool {
        result.is_err_and(|error| error.code == ErrorCode::ServiceUnavailable)
    }

    #[test]
    fn large_bodies_leave_room_for_small_requests() {
        let intake = Intake::of(limits::INTAKE_RESERVE_BYTES + 3 * OVERHEAD + (1 << 20));
        let large = intake.begin(1 << 20).unwrap();
        large.grow(1 << 20).unwrap();
        let second = intake.begin(10).unwrap();
        second.grow(limits::SMALL_BODY_BYTES).unwrap();
        // What it announced was a lie, and there is no room for the rest.
        assert!(second.grow(OVERHEAD).is_err());
        assert!(refused(intake.begin(1 << 20)));
        assert!(intake.begin(100).is_ok());
        drop(large);
        assert!(intake.begin(1 << 20).is_ok());
    }

    #[test]
    fn a_request_that_does_not_begin_or_grow_takes_nothing() {
        let intake = Intake::of(2 * OVERHEAD);
        let all: Vec<Held> = (0..2).map(|_| intake.begin(0).unwrap()).collect();
        assert!(refused(intake.begin(0)));
        assert!(all[0].grow(1).is_err());
        let copy = all[0].clone();
        drop(all);
        assert_eq!(intake.free.load(Ordering::Relaxed), OVERHEAD);
        drop(copy);
        assert_eq!(intake.free.load(Ordering::Relaxed), 2 * OVERHEAD);
    }

    #[test]
    fn announcing_takes_nothing() {
        let intake = Intake::default();
        let many: Vec<Held> = (0..1_000).map(|_| intake.begin(1 << 20).unwrap()).collect();
        assert_eq!(intake.held(), many.len() * OVERHEAD);
    }
}
