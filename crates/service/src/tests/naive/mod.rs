//! Random histories: whatever is asked in whatever order, the product answers as a naive model of the API does.

mod history;
mod invariants;
pub(super) mod model;

use proptest::prelude::*;

use self::history::{Action, Play, Versions};

/// How many histories are tried: few by default, as many as the environment says by hand.
const HISTORIES: &str = "CONCLAVE_TEST_HISTORIES";
const DEFAULT_HISTORIES: u32 = 200;

fn histories() -> u32 {
    std::env::var(HISTORIES).ok().and_then(|count| count.parse().ok()).unwrap_or(DEFAULT_HISTORIES)
}

fn play(actions: &[Action]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut play = Play::new();
        for action in actions {
            play.step(action).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(histories()))]

    #[test]
    fn any_history_has_the_outcomes_of_the_naive_model(actions in prop::collection::vec(history::action(), 1..40)) {
        play(&actions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(histories().div_ceil(20)))]

    #[test]
    fn any_history_at_the_quotas_has_the_outcomes_of_the_naive_model(
        actions in prop::collection::vec(history::action_at_the_quotas(), 8..24),
    ) {
        play(&actions);
    }
}

#[test]
fn the_quota_of_versions_spares_the_young_and_the_labelled() {
    let put = |count| Action::Puts { count, versions: Versions::Unlabelled };
    let mut actions = vec![Action::create("a")];
    // A hundred and one on one day do not fit; a day later the oldest make room, one for each.
    actions.extend([put(60), put(60), Action::Pass { hours: 25 }, put(60), put(60)]);
    play(&actions);
}
