//! Log time: milliseconds since the Unix epoch.

use std::time::Duration;

/// A moment in milliseconds since 1970-01-01T00:00:00Z, as stamped by the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

const MS_PER_DAY: u64 = 86_400_000;

impl Timestamp {
    /// The epoch itself, which is before every stamp.
    pub const ZERO: Self = Self(0);

    /// Makes a timestamp from milliseconds since the epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `days` whole days later; saturates at the end of time.
    pub const fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(days as u64 * MS_PER_DAY))
    }

    /// The moment `duration` later, in whole milliseconds; saturates.
    pub fn plus(self, duration: Duration) -> Self {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// The time from `earlier` to this moment, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The next representable moment.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// 00:00:00 UTC of this moment's day, the resolution of `LastAccessedDate`.
    pub const fn start_of_day(self) -> Self {
        Self(self.0 - self.0 % MS_PER_DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_starts_at_midnight_utc() {
        let noon = Timestamp::from_millis(1_727_176_691_830);
        assert_eq!(noon.start_of_day().as_millis(), 1_727_136_000_000);
        assert_eq!(noon.start_of_day().start_of_day(), noon.start_of_day());
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus_days(1), end);
        assert_eq!(end.next(), end);
        assert_eq!(Timestamp::ZERO.since(end), Duration::ZERO);
    }
}
