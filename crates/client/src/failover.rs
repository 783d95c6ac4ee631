//! One call over several endpoints: which is asked next, what is repeated, and how it ends.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proto::{REGION_METADATA, from_wire_error};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Request, Response, Status};
use types::consistency::CONSISTENCY_HEADER;
use types::{Consistency, ErrorCode, Region};

use crate::error::{AttemptError, Error, Refusal, Why};

/// Time for a call with all its attempts, unless the client was told another.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(15);
/// Time for a command of administration.
pub(crate) const ADMINISTRATION_DEADLINE: Duration = Duration::from_secs(60);
/// Attempts of one call, over all endpoints.
const ATTEMPTS: usize = 10;
/// Longest pause before the first attempt at an endpoint that has failed in this call; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause before any attempt.
const MOST_PAUSE: Duration = Duration::from_secs(1);

/// Whether a call may be made again when it is not known what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Read,
    /// A write that carries a ClientRequestToken, or is of a kind that does no harm twice.
    Harmless,
    /// A write that would be done twice.
    Never,
}

/// One node.
pub(crate) struct Endpoint {
    pub(crate) address: Arc<str>,
    pub(crate) channel: Channel,
}

/// All nodes, and what calls have in common.
pub(crate) struct Cluster {
    endpoints: Vec<Endpoint>,
    /// Where calls begin: an endpoint that has answered, or the one behind one that has not.
    preferred: AtomicUsize,
    region: Option<MetadataValue<Ascii>>,
    /// Of reads, if not what they have anyway.
    consistency: Option<MetadataValue<Ascii>>,
    deadline: Duration,
}

impl Cluster {
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        in_order: bool,
        region: Option<&Region>,
        consistency: Consistency,
        deadline: Duration,
    ) -> Self {
        let first = if in_order { 0 } else { draw(endpoints.len()) };
        let region = region.and_then(|region| region.as_str().parse().ok());
        let relaxed = Some(consistency).filter(|consistency| *consistency != Consistency::Linearizable);
        let consistency = relaxed.and_then(|consistency| consistency.to_string().parse().ok());
        Self { endpoints, preferred: AtomicUsize::new(first), region, consistency, deadline }
    }

    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(|endpoint| &*endpoint.address)
    }

    /// Makes a call, at most [`ATTEMPTS`] times and within `limit`.
    ///
    /// # Errors
    /// [`Error`]; a write that may have been applied is [`Error::OutcomeUnknown`], whatever came afterwards.
    pub(crate) async fn call<M: Clone, R, F>(
        &self,
        repeat: Repeat,
        limit: Duration,
        message: M,
        send: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<R, Error>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let deadline = Instant::now() + limit;
        let first = self.preferred.load(Ordering::Relaxed);
        let mut in_doubt = false;
        let mut attempt = 0;
        loop {
            let position = (first + attempt) % self.endpoints.len();
            let endpoint = &self.endpoints[position];
            let sent =
                timeout_at(deadline, send(endpoint.channel.clone(), self.request(message.clone(), repeat))).await;
            let status = match sent {
                Ok(Ok(response)) => {
                    self.preferred.store(position, Ordering::Relaxed);
                    return Ok(response.into_inner());
                }
                Ok(Err(status)) => status,
                Err(_) => return Err(endpoint.no_answer(repeat)),
            };

            let fate = Fate::of(&status);
            in_doubt |= repeat != Repeat::Read && matches!(fate, Fate::Doubt { .. });
            let error = endpoint.failed(&status);
            if !fate.allows(repeat) {
                return Err(ended(error, in_doubt, fate));
            }
            self.avoid(position);
            tracing::debug!(endpoint = &*endpoint.address, attempt, status = ?status.code(), "attempt failed");

            attempt += 1;
            let pause = self.pause_before(attempt, fate);
            if attempt == ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(ended(error, in_doubt, fate));
            }
            sleep(pause).await;
        }
    }

    fn request<M>(&self, message: M, repeat: Repeat) -> Request<M> {
        let mut request = Request::new(message);
        if let Some(region) = &self.region {
            request.metadata_mut().insert(REGION_METADATA, region.clone());
        }
        if let Some(consistency) = self.consistency.as_ref().filter(|_| repeat == Repeat::Read) {
            request.metadata_mut().insert(CONSISTENCY_HEADER, consistency.clone());
        }
        request
    }

    /// Lets the next call begin behind this endpoint, unless another call knows better already.
    fn avoid(&self, position: usize) {
        let next = (position + 1) % self.endpoints.len();
        // Lost to another call.
        let _ = self.preferred.compare_exchange(position, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// None before an endpoint that has not been asked yet, then a drawn one; after Throttling always one.
    fn pause_before(&self, attempt: usize, fate: Fate) -> Duration {
        let asked_at_once = if fate == Fate::Throttled { 1 } else { self.endpoints.len() };
        let most = most_pause(attempt, asked_at_once);
        Duration::from_micros(u64::try_from(draw(usize::try_from(most.as_micros()).unwrap_or(0))).unwrap_or(0))
    }
}

impl Endpoint {
    fn failed(&self, status: &Status) -> AttemptError {
        let why = match from_wire_error(status) {
            Some(error) => Why::Answer(Refusal::of_cluster(error)),
            None if status.source().is_some() => Why::Connection(root_cause(status)),
            None => Why::Answer(Refusal::of_other(status)),
        };
        AttemptError { endpoint: self.address.to_string(), why }
    }

    fn no_answer(&self, repeat: Repeat) -> Error {
        let error = AttemptError { endpoint: self.address.to_string(), why: Why::NoAnswer };
        if repeat == Repeat::Read { Error::DeadlineExceeded(error) } else { Error::OutcomeUnknown(error) }
    }
}

/// What is known of an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It was not done, and may be elsewhere or later.
    NotDone,
    /// It was not done, because this client asks for too much.
    Throttled,
    /// It may have been done. Only some of these are repeated.
    Doubt { passing: bool },
    /// It was not done, and will not be.
    Refused,
}

impl Fate {
    fn of(status: &Status) -> Self {
        let code = from_wire_error(status).and_then(|error| error.code);
        match code {
            Some(ErrorCode::ServiceUnavailable | ErrorCode::RequestTimeout | ErrorCode::KeyUnavailable) => {
                return Self::NotDone;
            }
            Some(ErrorCode::Throttling) => return Self::Throttled,
            Some(ErrorCode::OutcomeUnknown) => return Self::Doubt { passing: true },
            Some(_) => return Self::Refused,
            None if has_source::<ConnectError>(status) => return Self::NotDone,
            None => {}
        }
        match status.code() {
            Code::Unavailable | Code::Unknown => Self::Doubt { passing: true },
            // Made here, of a connection that was lost, or there, of an answer that cannot be read.
            Code::Cancelled | Code::Internal => Self::Doubt { passing: status.source().is_some() },
            Code::DeadlineExceeded | Code::OutOfRange | Code::Aborted | Code::DataLoss => {
                Self::Doubt { passing: false }
            }
            _ => Self::Refused,
        }
    }

    const fn allows(self, repeat: Repeat) -> bool {
        match self {
            Self::NotDone | Self::Throttled => true,
            Self::Doubt { passing } => passing && matches!(repeat, Repeat::Read | Repeat::Harmless),
            Self::Refused => false,
        }
    }
}

/// How a call ends whose last attempt failed so.
fn ended(error: AttemptError, in_doubt: bool, fate: Fate) -> Error {
    if in_doubt {
        return Error::OutcomeUnknown(error);
    }
    match (fate, error) {
        (
            Fate::Refused | Fate::Throttled | Fate::Doubt { passing: false },
            AttemptError { why: Why::Answer(refusal), .. },
        ) => Error::Refused(refusal),
        (_, error) => Error::Unavailable(error),
    }
}

/// The longest pause before an attempt of which so many come at once.
fn most_pause(attempt: usize, at_once: usize) -> Duration {
    match attempt.checked_sub(at_once) {
        Some(repeated) => {
            let doublings = u32::try_from(repeated).unwrap_or(u32::MAX).min(16);
            (FIRST_PAUSE * (1 << doublings)).min(MOST_PAUSE)
        }
        None => Duration::ZERO,
    }
}

/// A number below `end`; 0 when there is none, or no randomness.
fn draw(end: usize) -> usize {
    let drawn = getrandom::u32().unwrap_or(0);
    usize::try_from(drawn).unwrap_or(0).checked_rem(end).unwrap_or(0)
}

fn has_source<E: std::error::Error + 'static>(status: &Status) -> bool {
    sources(status).any(|error| error.is::<E>())
}

fn root_cause(status: &Status) -> String {
    sources(status).last().map_or_else(|| status.message().to_owned(), ToString::to_string)
}

fn sources(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(status.source(), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use proto::to_wire_error;
    use types::ApiError;

    use super::*;

    const NOT_DONE: Fate = Fate::NotDone;
    const PASSING_DOUBT: Fate = Fate::Doubt { passing: true };

    #[test]
    fn only_five_codes_of_the_cluster_are_ever_repeated_by_writes() {
        for &code in ErrorCode::ALL {
            let fate = Fate::of(&to_wire_error(&ApiError::from(code), "r-1"));
            let expected = match code {
                ErrorCode::ServiceUnavailable | ErrorCode::RequestTimeout | ErrorCode::KeyUnavailable => NOT_DONE,
                ErrorCode::Throttling => Fate::Throttled,
                ErrorCode::OutcomeUnknown => PASSING_DOUBT,
                _ => Fate::Refused,
            };
            assert_eq!(fate, expected, "{code:?}");
        }
    }

    #[test]
    fn a_write_without_a_token_is_repeated_only_when_it_was_not_done() {
        assert!(NOT_DONE.allows(Repeat::Never));
        assert!(!PASSING_DOUBT.allows(Repeat::Never));
        assert!(PASSING_DOUBT.allows(Repeat::Harmless));
        assert!(!Fate::Refused.allows(Repeat::Read));
        // The service throttles before it acts.
        assert!(Fate::Throttled.allows(Repeat::Never));
    }

    #[test]
    fn a_throttled_client_never_goes_on_at_once_and_learns_why_it_ended() {
        let refusal = Refusal::of_cluster(from_wire_error(&to_wire_error(&ErrorCode::Throttling.into(), "r")).unwrap());
        let error = AttemptError { endpoint: "e".to_owned(), why: Why::Answer(refusal) };
        assert_eq!(ended(error, false, Fate::Throttled).code(), Some(ErrorCode::Throttling));
        assert_eq!(most_pause(1, 1), FIRST_PAUSE);
    }

    #[test]
    fn a_status_that_is_not_the_clusters_leaves_a_doubt_where_it_may_hide_an_answer() {
        for (status, fate) in [
            (Status::unavailable("proxy"), PASSING_DOUBT),
            (Status::unknown("proxy"), PASSING_DOUBT),
            (Status::internal("the answer cannot be decoded"), Fate::Doubt { passing: false }),
            (Status::out_of_range("the answer is too large"), Fate::Doubt { passing: false }),
            (Status::unimplemented("proxy"), Fate::Refused),
            (Status::permission_denied("proxy"), Fate::Refused),
        ] {
            assert_eq!(Fate::of(&status), fate, "{status:?}");
        }
    }

    #[test]
    fn pauses_begin_with_the_second_round_and_are_bounded() {
        let pauses: Vec<u128> = (1..=ATTEMPTS).map(|attempt| most_pause(attempt, 3).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
        assert_eq!(most_pause(usize::MAX, 1), MOST_PAUSE);
    }

    #[test]
    fn draws_stay_below_their_end() {
        assert_eq!((draw(0), draw(1)), (0, 0));
        assert!((0..100).all(|_| draw(3) < 3));
    }
}
