//! What the door does with those who ask for too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use types::{AccessKeyId, ApiError, ErrorCode};

use super::world::{ACCESS_KEY, ACCESS_KEY_SECRET, World, caller, signed, token};
use crate::authorize::Action;
use crate::caller::{Credential, SignatureCheck};
use crate::record::Ending;
use crate::throttle::{Rate, ServiceLimits};

const BURST: usize = 3;

fn slow() -> Option<Rate> {
    Some(Rate { per_second: 1.try_into().unwrap(), burst: u32::try_from(BURST).unwrap().try_into().unwrap() })
}

/// A wrong signature that counts how often it is checked.
struct Guess(AccessKeyId, Arc<AtomicUsize>);

impl SignatureCheck for Guess {
    fn access_key_id(&self) -> &AccessKeyId {
        &self.0
    }

    fn verify(&self, _: Option<(&[u8], u64)>) -> Result<(), ApiError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Err(ErrorCode::InvalidSignature.into())
    }
}

#[tokio::test]
async fn who_is_over_the_ceiling_is_throttled_and_recorded_and_nothing_is_done() {
    let world = World::limited(ServiceLimits { requests: slow(), failures: None });
    world.create("s", Some("one")).await.unwrap();
    world.get("s").await.unwrap();
    assert_eq!(world.get("missing").await.unwrap_err().code, ErrorCode::ResourceNotFound);

    let proposals = world.cluster.lock().proposals;
    assert_eq!(world.get("s").await.unwrap_err(), ErrorCode::Throttling.into());
    assert_eq!(world.put("s", &token("v2"), "two", &[]).await.unwrap_err().code, ErrorCode::Throttling);
    let malformed = ApiError::from(ErrorCode::Serialization);
    let refused = world.door.refuse::<()>(Action::GetSecretValue, &world.caller, malformed).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Throttling);
    assert_eq!(world.cluster.lock().proposals, proposals);
    let throttled = world.seen().into_iter().filter(|seen| seen.ending == Ending::Refused(ErrorCode::Throttling));
    assert!(throttled.clone().all(|seen| seen.principal.is_some() && !seen.decided));
    assert_eq!(throttled.count(), 3);
}

#[tokio::test]
async fn guesses_are_refused_before_they_are_checked() {
    let mut world = World::limited(ServiceLimits { requests: None, failures: slow() });
    world.create("s", Some("one")).await.unwrap();
    let checked = Arc::new(AtomicUsize::new(0));
    let guess = Guess(AccessKeyId::parse(ACCESS_KEY).unwrap(), checked.clone());
    world.caller = caller(Credential::Signature(Box::new(guess)), "us-east-1");
    for _ in 0..BURST {
        assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::InvalidSignature);
    }
    for _ in 0..10 {
        assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::Throttling);
        assert_eq!(world.create("t", Some("one")).await.unwrap_err().code, ErrorCode::Throttling);
    }
    assert_eq!(checked.load(Ordering::Relaxed), BURST);
    // The owner of the key comes from another address.
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    world.caller.peer = Some([10, 0, 0, 9].into());
    assert!(world.get("s").await.is_ok());
}

#[tokio::test]
async fn a_node_that_lags_does_not_count_those_it_does_not_know_yet_as_failures() {
    let world = World::limited(ServiceLimits { requests: None, failures: slow() });
    world.lag();
    for number in 0..2 * BURST {
        world.create_with(&format!("s{number}"), &token(&number.to_string()), Some("one")).await.unwrap();
    }
}
