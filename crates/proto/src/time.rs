//! `google.protobuf.Timestamp` and log time.

use types::Timestamp;

const MS_PER_SECOND: u64 = 1_000;
const NANOS_PER_MS: i32 = 1_000_000;

/// Writes a log time on the wire.
pub fn to_wire_time(time: Timestamp) -> prost_types::Timestamp {
    let ms = time.as_millis();
    let nanos = i32::try_from(ms % MS_PER_SECOND).unwrap_or(0) * NANOS_PER_MS;
    prost_types::Timestamp { seconds: i64::try_from(ms / MS_PER_SECOND).unwrap_or(i64::MAX), nanos }
}

/// Reads a time from the wire; `None` before 1970 or with nanoseconds out of range.
pub fn from_wire_time(time: &prost_types::Timestamp) -> Option<Timestamp> {
    let seconds = u64::try_from(time.seconds).ok()?;
    let ms = u64::try_from(time.nanos / NANOS_PER_MS).ok().filter(|ms| *ms < MS_PER_SECOND)?;
    seconds.checked_mul(MS_PER_SECOND)?.checked_add(ms).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_wire() {
        for ms in [0, 1, 999, 1_000, 1_727_176_691_830] {
            let time = Timestamp::from_millis(ms);
            assert_eq!(from_wire_time(&to_wire_time(time)), Some(time));
        }
        assert_eq!(from_wire_time(&prost_types::Timestamp { seconds: -1, nanos: 0 }), None);
    }
}
