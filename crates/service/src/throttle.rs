//! Who goes on when there is more to do than the node can.
//!
//! * **A share under contention.** While no more than [`limits::CONTENDED_REQUESTS`] are in flight, nobody is held
//!   back. Above it, every principal that is active has the same right to what the node really serves: a token bucket
//!   that is filled not by the clock but by the node's own progress, one turn for each active principal as often as
//!   so many requests were let in. Whoever took more than its turns is throttled until the queue is short again;
//!   whoever took less never is. A principal that is alone has all turns. No rate has to be guessed, and none is
//!   wrong on another machine.
//! * **A ceiling**, if the operator sets one: requests a second of one principal on this node.
//! * **Failed authentications** of an address, and of one credential from one address, have a bucket each. An empty
//!   one refuses before anything is checked, so guessing is slow. It is of address *and* credential, so that nobody
//!   shuts a credential's owner out by failing in its name from elsewhere, and an address that fails much is only
//!   refused with credentials that this node does not know.
//! * **Requests in flight** are bounded for all together.
//!
//! Buckets are found by a keyed hash and there are only so many. The fullest one makes room: it is the one that says
//! least.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use types::{ApiError, ErrorCode, Principal, limits};

use crate::caller::{Caller, Credential};

const BUSY: &str = "The node has as many requests under way as it can. Nothing was changed.";
/// One request of a principal, in units of progress.
const TURN: u64 = 1 << 20;
/// Locks that the buckets are spread over.
const SHARDS: usize = 64;

/// So many a second, and so many at once above that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: NonZeroU32,
    /// Tokens in a full bucket.
    pub burst: NonZeroU32,
}

/// What an operator may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceLimits {
    /// The ceiling of one principal on one node.
    pub requests: Option<Rate>,
    /// Failed authentications of one credential from one address.
    pub failures: Option<Rate>,
}

/// The buckets and counters of one node.
pub(crate) struct Throttle {
    limits: ServiceLimits,
    begun: Instant,
    in_flight: AtomicUsize,
    progress: AtomicU64,
    active: Active,
    principals: Buckets<Share>,
    failures: Buckets<Bucket>,
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Throttle {
    pub(crate) fn new(limits: ServiceLimits) -> Self {
        Self {
            limits,
            begun: Instant::now(),
            in_flight: AtomicUsize::new(0),
            progress: AtomicU64::new(0),
            active: Active::default(),
            principals: Buckets::new(limits::PRINCIPAL_BUCKETS),
            failures: Buckets::new(limits::FAILURE_BUCKETS),
        }
    }

    /// Lets a request in before anything about it is checked. `is_known` says whether this node knows its credential.
    ///
    /// # Errors
    /// Throttling after too many failures, ServiceUnavailable when too much is in flight.
    pub(crate) fn enter(&self, caller: &Caller, is_known: impl FnOnce() -> bool) -> Result<Turn<'_>, ApiError> {
        if let Some(rate) = self.limits.failures
            && !self.failures.are_empty()
        {
            let now = self.clock(caller.arrived);
            let spent = |source: u64, meter: Meter| self.failures.look(source, |bucket| bucket.is_empty(now, meter));
            if spent(self.credential(caller), Meter::of(rate))
                || spent(self.address(caller.peer), Meter::of_address(rate)) && !is_known()
            {
                return Err(ErrorCode::Throttling.into());
            }
        }
        let turn = Turn(&self.in_flight);
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= limits::REQUESTS_IN_FLIGHT {
            return Err(ApiError::new(ErrorCode::ServiceUnavailable, BUSY));
        }
        Ok(turn)
    }

    /// Counts a request whose sender is proved.
    ///
    /// # Errors
    /// Throttling when the principal has had its share, or is above its ceiling.
    pub(crate) fn charge(&self, principal: &Principal, arrived: Instant) -> Result<(), ApiError> {
        let now = self.clock(arrived);
        let contended = self.in_flight.load(Ordering::Relaxed) > limits::CONTENDED_REQUESTS;
        let fair = Meter { cost: TURN, depth: u64::from(limits::SHARE_BURST) * TURN };
        let admitted = self.principals.with(self.principals.name(principal), |share| {
            let active = self.active.with(&mut share.seen, now);
            let progress = self.progress.load(Ordering::Relaxed);
            if contended && share.turns.is_empty(progress, fair) {
                return false;
            }
            if self.limits.requests.is_some_and(|rate| !share.ceiling.take(now, Meter::of(rate))) {
                return false;
            }
            share.turns.take_what_is_there(progress, fair);
            self.progress.fetch_add(TURN / active, Ordering::Relaxed);
            true
        });
        if admitted { Ok(()) } else { Err(ErrorCode::Throttling.into()) }
    }

    /// Counts a failed authentication.
    pub(crate) fn failed(&self, caller: &Caller) {
        let Some(rate) = self.limits.failures else { return };
        let now = self.clock(caller.arrived);
        self.failures.with(self.credential(caller), |bucket| bucket.take_what_is_there(now, Meter::of(rate)));
        self.failures.with(self.address(caller.peer), |bucket| bucket.take_what_is_there(now, Meter::of_address(rate)));
    }

    /// Counts a request that names nobody; `error`, or Throttling when its address has failed too much.
    pub(crate) fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError {
        let Some(rate) = self.limits.failures else { return error };
        let now = self.clock(Instant::now());
        let meter = Meter::of_address(rate);
        let counted = self.failures.with(self.address(peer), |bucket| bucket.take(now, meter));
        if counted { error } else { ErrorCode::Throttling.into() }
    }

    fn credential(&self, caller: &Caller) -> u64 {
        let named = match &caller.credential {
            Credential::Certificate(uri) => uri,
            Credential::Signature(check) => check.access_key_id().as_str(),
        };
        self.failures.name(&(caller.peer.map(network), named))
    }

    fn address(&self, peer: Option<IpAddr>) -> u64 {
        self.failures.name(&peer.map(network))
    }

    /// Nanoseconds since the start.
    fn clock(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The part of an address that one client has: all of IPv4's, and the network of IPv6's, in which hosts choose freely.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The price of one token and the size of a bucket, in the time that fills it.
#[derive(Clone, Copy)]
struct Meter {
    cost: u64,
    depth: u64,
}

impl Meter {
    fn of(rate: Rate) -> Self {
        let cost = 1_000_000_000 / u64::from(rate.per_second.get());
        Self { cost, depth: cost * u64::from(rate.burst.get()) }
    }

    fn of_address(rate: Rate) -> Self {
        let one = Self::of(rate);
        Self { cost: one.cost / u64::from(limits::FAILURES_PER_ADDRESS), ..one }
    }
}

/// A token bucket, as the time at which it will be full.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Whether a token is missing.
    fn is_empty(self, now: u64, meter: Meter) -> bool {
        self.after_one(now, meter) > now.saturating_add(meter.depth)
    }

    /// Takes a token, if there is one.
    fn take(&mut self, now: u64, meter: Meter) -> bool {
        let is_there = !self.is_empty(now, meter);
        if is_there {
            self.full_at = self.after_one(now, meter);
        }
        is_there
    }

    /// Takes a token or the rest of one: what happened cannot be refused any more.
    fn take_what_is_there(&mut self, now: u64, meter: Meter) {
        self.full_at = self.after_one(now, meter).min(now.saturating_add(meter.depth));
    }

    fn after_one(self, now: u64, meter: Meter) -> u64 {
        self.full_at.max(now).saturating_add(meter.cost)
    }
}

/// What is kept of a principal.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Filled by the node's progress.
    turns: Bucket,
    /// Filled by the clock.
    ceiling: Bucket,
    seen: Seen,
}

/// The period in which a principal has last been counted; 0 before.
type Seen = u64;

/// How many principals have come in this period or the one before.
#[derive(Debug, Default)]
struct Active {
    period: AtomicU64,
    now: AtomicU64,
    before: AtomicU64,
}

impl Active {
    /// Counts a principal and answers how many there are, itself included.
    fn with(&self, seen: &mut Seen, clock: u64) -> u64 {
        let nanos = u64::try_from(limits::SHARE_PERIOD.as_nanos()).unwrap_or(u64::MAX);
        let period = clock / nanos + 1;
        let last = self.period.load(Ordering::Relaxed);
        if last < period && self.period.compare_exchange(last, period, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let ended = self.now.swap(0, Ordering::Relaxed);
            self.before.store(if last + 1 == period { ended } else { 0 }, Ordering::Relaxed);
        }
        if *seen < period {
            *seen = period;
            self.now.fetch_add(1, Ordering::Relaxed);
        }
        self.now.load(Ordering::Relaxed).max(self.before.load(Ordering::Relaxed)).max(1)
    }
}

/// How much is taken from an entry: the entry that lost least makes room.
trait Taken {
    fn taken(&self) -> u64;
}

impl Taken for Bucket {
    fn taken(&self) -> u64 {
        self.full_at
    }
}

impl Taken for Share {
    fn taken(&self) -> u64 {
        self.turns.full_at
    }
}

/// At most so many entries, by the hash of their names, behind as many locks as are seldom wanted twice.
struct Buckets<V> {
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<u64, V>>]>,
    shard_capacity: usize,
    entries: AtomicUsize,
}

impl<V: Taken + Default> Buckets<V> {
    fn new(capacity: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shard_capacity: capacity / SHARDS,
            entries: AtomicUsize::new(0),
        }
    }

    fn name(&self, name: &impl Hash) -> u64 {
        self.hasher.hash_one(name)
    }

    fn are_empty(&self) -> bool {
        self.entries.load(Ordering::Relaxed) == 0
    }

    /// Looks at an entry, or says false of one that is not there: its bucket is full.
    fn look(&self, name: u64, look: impl FnOnce(&V) -> bool) -> bool {
        self.shard(name).lock().unwrap_or_else(PoisonError::into_inner).get(&name).is_some_and(look)
    }

    /// Works on an entry, made if need be.
    fn with<T>(&self, name: u64, work: impl FnOnce(&mut V) -> T) -> T {
        let mut shard = self.shard(name).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = shard.get_mut(&name) {
            return work(entry);
        }
        if shard.len() >= self.shard_capacity {
            let fullest = shard.iter().min_by_key(|(_, entry)| entry.taken()).map(|(name, _)| *name);
            fullest.and_then(|name| shard.remove(&name));
        } else {
            self.entries.fetch_add(1, Ordering::Relaxed);
        }
        work(shard.entry(name).or_default())
    }

    fn shard(&self, name: u64) -> &Mutex<HashMap<u64, V>> {
        let last = self.shards.len() as u64;
        &self.shards[usize::try_from(name % last).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use types::{AccessKeyId, Region};

    use super::*;
    use crate::caller::SignatureCheck;

    struct Named(AccessKeyId);

    impl SignatureCheck for Named {
        fn access_key_id(&self) -> &AccessKeyId {
            &self.0
        }

        fn verify(&self, _: Option<(&[u8], u64)>) -> Result<(), ApiError> {
            Err(ErrorCode::InvalidSignature.into())
        }
    }

    fn caller(peer: [u8; 4], key: &str, arrived: Instant) -> Caller {
        Caller {
            credential: Credential::Signature(Box::new(Named(AccessKeyId::parse(key).unwrap()))),
            region: Region::parse("us-east-1").unwrap(),
            consistency: None,
            request_id: "request".to_owned(),
            peer: Some(peer.into()),
            arrived,
        }
    }

    fn principal(number: u64) -> Principal {
        Principal::Root(format!("{number:012}").parse().unwrap())
    }

    fn rate(per_second: u32, burst: u32) -> Option<Rate> {
        Some(Rate { per_second: per_second.try_into().unwrap(), burst: burst.try_into().unwrap() })
    }

    fn throttled<T>(result: Result<T, ApiError>) -> bool {
        match result {
            Ok(_) => false,
            Err(error) => {
                assert_eq!((error.code, &*error.message), (ErrorCode::Throttling, "Rate exceeded"));
                true
            }
        }
    }

    /// A node with more in flight than it has without contention.
    fn contended() -> Throttle {
        let throttle = Throttle::new(ServiceLimits::default());
        throttle.in_flight.store(limits::CONTENDED_REQUESTS + 1, Ordering::Relaxed);
        throttle
    }

    fn admitted(throttle: &Throttle, who: &Principal, times: usize) -> usize {
        (0..times).filter(|_| !throttled(throttle.charge(who, throttle.begun))).count()
    }

    #[test]
    fn a_principal_that_is_alone_has_the_whole_node() {
        assert_eq!(admitted(&contended(), &principal(1), 100_000), 100_000);
    }

    #[test]
    fn without_contention_nobody_is_throttled() {
        let throttle = Throttle::new(ServiceLimits::default());
        assert_eq!(admitted(&throttle, &principal(1), 1), 1);
        assert_eq!(admitted(&throttle, &principal(2), 100_000), 100_000);
    }

    #[test]
    fn under_contention_the_greedy_are_throttled_and_the_modest_are_not() {
        let throttle = contended();
        let (greedy, modest) = (principal(1), principal(2));
        let (mut to_greedy, mut to_modest) = (0, 0);
        for _ in 0..1_000 {
            to_greedy += admitted(&throttle, &greedy, 100);
            to_modest += admitted(&throttle, &modest, 1);
        }
        assert_eq!(to_modest, 1_000);
        // Its burst, once as it was alone, and half of every turn goes to it again.
        let ahead = 2 * usize::try_from(limits::SHARE_BURST).unwrap() + 100;
        assert!((1_000..=1_000 + ahead).contains(&to_greedy), "{to_greedy}");
        // As soon as the queue is short, the rest of the node is there for whoever asks.
        throttle.in_flight.store(0, Ordering::Relaxed);
        assert_eq!(admitted(&throttle, &greedy, 100), 100);
    }

    #[test]
    fn three_who_ask_for_all_get_a_third_each() {
        let throttle = contended();
        let all: Vec<Principal> = (1..=3).map(principal).collect();
        // The first asks ten times as often as the others.
        let mut got = [0; 3];
        for _ in 0..10_000 {
            for ((who, got), times) in all.iter().zip(&mut got).zip([10, 1, 1]) {
                *got += admitted(&throttle, who, times);
            }
        }
        assert_eq!(&got[1..], [10_000, 10_000]);
        assert!(got[0] < 10_000 + 3 * usize::try_from(limits::SHARE_BURST).unwrap(), "{got:?}");
    }

    #[test]
    fn those_who_have_left_have_no_share() {
        let throttle = contended();
        admitted(&throttle, &principal(2), 10);
        let later = throttle.begun + 3 * limits::SHARE_PERIOD;
        let all = (0..10_000).filter(|_| throttle.charge(&principal(1), later).is_ok()).count();
        assert_eq!(all, 10_000);
    }

    #[test]
    fn a_ceiling_lets_a_burst_through_and_then_its_rate() {
        let throttle = Throttle::new(ServiceLimits { requests: rate(10, 5), failures: None });
        let at = |ms| throttle.begun + Duration::from_millis(ms);
        let count = |who: u64, ms, times: usize| {
            (0..times).filter(|_| !throttled(throttle.charge(&principal(who), at(ms)))).count()
        };
        assert_eq!(count(1, 0, 100), 5);
        assert_eq!(count(2, 0, 100), 5);
        assert_eq!(count(1, 100, 100), 1);
        assert_eq!(count(1, 1_100, 100), 5);
    }

    #[test]
    fn guessing_is_slow_and_shuts_nobody_else_out() {
        let throttle = Throttle::new(ServiceLimits { requests: None, failures: rate(10, 5) });
        let known = || true;
        let (here, there) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let at = |ms| throttle.begun + Duration::from_millis(ms);
        for _ in 0..5 {
            assert!(!throttled(throttle.enter(&caller(here, "AKIDVICTIM", at(0)), known)));
            throttle.failed(&caller(here, "AKIDVICTIM", at(0)));
        }
        assert!(throttled(throttle.enter(&caller(here, "AKIDVICTIM", at(0)), known)));
        // The same key from elsewhere, and another key from here.
        assert!(!throttled(throttle.enter(&caller(there, "AKIDVICTIM", at(0)), known)));
        assert!(!throttled(throttle.enter(&caller(here, "AKIDOTHER", at(0)), known)));
        // In time there is one more guess.
        assert!(!throttled(throttle.enter(&caller(here, "AKIDVICTIM", at(100)), known)));
    }

    #[test]
    fn an_address_that_guesses_names_is_refused_with_those_that_are_not_known() {
        let throttle = Throttle::new(ServiceLimits { requests: None, failures: rate(10, 5) });
        let here = [10, 0, 0, 1];
        for guess in 0..50 {
            let guess = caller(here, &format!("AKID{guess}"), throttle.begun);
            assert!(!throttled(throttle.enter(&guess, || false)));
            throttle.failed(&guess);
        }
        assert!(throttled(throttle.enter(&caller(here, "AKIDNEXT", throttle.begun), || false)));
        assert!(!throttled(throttle.enter(&caller(here, "AKIDGOOD", throttle.begun), || true)));
        let refused = throttle.nameless(Some(here.into()), ErrorCode::MissingAuthenticationToken.into());
        assert_eq!(refused.code, ErrorCode::Throttling);
        let elsewhere = throttle.nameless(Some([10, 0, 0, 2].into()), ErrorCode::MissingAuthenticationToken.into());
        assert_eq!(elsewhere.code, ErrorCode::MissingAuthenticationToken);
    }

    #[test]
    fn hosts_of_one_network_are_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }

    #[test]
    fn requests_in_flight_are_bounded_and_come_back() {
        let throttle = Throttle::new(ServiceLimits::default());
        let one = caller([10, 0, 0, 1], "AKID", throttle.begun);
        let all: Vec<Turn<'_>> =
            (0..limits::REQUESTS_IN_FLIGHT).map(|_| throttle.enter(&one, || true).unwrap()).collect();
        assert_eq!(throttle.enter(&one, || true).unwrap_err().code, ErrorCode::ServiceUnavailable);
        drop(all);
        assert_eq!(throttle.in_flight.load(Ordering::Relaxed), 0);
        assert!(throttle.enter(&one, || true).is_ok());
    }

    #[test]
    fn buckets_are_bounded_and_the_emptiest_stays() {
        let throttle = Throttle::new(ServiceLimits { requests: None, failures: rate(1, 5) });
        let guesser = caller([10, 0, 0, 1], "AKIDVICTIM", throttle.begun);
        for _ in 0..5 {
            throttle.failed(&guesser);
        }
        for other in 0..30_000_u32 {
            throttle.failed(&caller(other.to_be_bytes(), "AKID", throttle.begun));
        }
        let kept: usize = throttle.failures.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= limits::FAILURE_BUCKETS && kept == throttle.failures.entries.load(Ordering::Relaxed), "{kept}");
        assert!(throttled(throttle.enter(&guesser, || true)));
    }

    #[test]
    fn many_threads_count_as_one() {
        let throttle = contended();
        let (greedy, modest) = (principal(1), principal(2));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| admitted(&throttle, &greedy, 20_000));
                scope.spawn(|| assert_eq!(admitted(&throttle, &modest, 10), 10));
            }
        });
    }
}
