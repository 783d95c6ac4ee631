//! When a barrier term is due to be followed by a new one.

use std::time::Duration;

use types::Timestamp;

/// How long, and for how many records, one barrier term seals. Random nonces need neither; it is hygiene, and it bounds
/// what one term that got out can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermBounds {
    /// Age from which a term is due.
    pub age: Duration,
    /// Number of records from which a term is due.
    pub records: u64,
}

impl Default for TermBounds {
    fn default() -> Self {
        Self { age: Duration::from_hours(90 * 24), records: 1 << 32 }
    }
}

/// Why a term is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermDue {
    /// It is as old as a term may become, or nobody knows how old.
    Age,
    /// It has sealed as many records as it may.
    Records,
}

impl TermBounds {
    /// Whether the term made at `created` (`None`: by a format that did not keep it) that has sealed so many records is
    /// due at `now`.
    pub fn due(&self, created: Option<Timestamp>, records: u64, now: Timestamp) -> Option<TermDue> {
        let Some(created) = created else { return Some(TermDue::Age) };
        let age = Duration::from_millis(now.as_millis().saturating_sub(created.as_millis()));
        if age >= self.age {
            return Some(TermDue::Age);
        }
        (records >= self.records).then_some(TermDue::Records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn a_term_is_due_at_its_bounds_and_not_before() {
        let (bounds, created) = (TermBounds::default(), Timestamp::from_millis(5));
        let at = |day: u64, millis: u64| Timestamp::from_millis(5 + day * DAY_MS - millis);
        assert_eq!(bounds.due(Some(created), u64::from(u32::MAX), at(90, 1)), None);
        assert_eq!(bounds.due(Some(created), 0, at(90, 0)), Some(TermDue::Age));
        assert_eq!(bounds.due(Some(created), 1 << 32, at(1, 0)), Some(TermDue::Records));
        assert_eq!(TermBounds { records: 3, ..bounds }.due(Some(created), 3, created), Some(TermDue::Records));
    }

    #[test]
    fn a_term_of_unknown_age_is_due() {
        assert_eq!(TermBounds::default().due(None, 0, Timestamp::from_millis(1)), Some(TermDue::Age));
    }

    #[test]
    fn a_clock_that_went_back_makes_no_term_due() {
        let created = Some(Timestamp::from_millis(1_000));
        assert_eq!(TermBounds::default().due(created, 0, Timestamp::from_millis(1)), None);
    }
}
