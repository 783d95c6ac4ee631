//! Schedules, and the windows that they give. All of it is in UTC.

use types::Timestamp;

use crate::cron::{Cron, Day};

const MS_PER_HOUR: u64 = 3_600_000;
const HOURS_PER_DAY: u64 = 24;
/// A secret may be rotated as often as this. Source: `RotationRulesType` in the AWS API reference.
const LEAST_HOURS: u64 = 4;
/// The range of AutomaticallyAfterDays.
const MOST_DAYS: u64 = 1_000;

/// Why rules are no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Neither of the two kinds of expression.
    #[error(
        "The schedule expression must be of the form rate(Value Unit) or cron(Minutes Hours Day-of-month Month Day-of-week Year)."
    )]
    Expression,
    /// A rate without a number in range and a unit.
    #[error("The rate must be a number of hours or days, at least 4 hours and at most 1000 days.")]
    Rate,
    /// A cron expression has not its six fields.
    #[error("A cron expression must have six fields.")]
    Fields,
    /// Windows start at full hours.
    #[error("The Minutes field must be 0.")]
    Minutes,
    /// Neither an hour nor an increment.
    #[error("The Hours field must be an hour from 0 to 23, which an increment of at least 4 hours may follow.")]
    Hours,
    /// Something else than days of the month.
    #[error("The Day-of-month field is not valid.")]
    DayOfMonth,
    /// Something else than months.
    #[error("The Month field is not valid.")]
    Month,
    /// Something else than days of the week.
    #[error("The Day-of-week field is not valid.")]
    DayOfWeek,
    /// Both kinds of days, or none.
    #[error("Exactly one of the Day-of-month and Day-of-week fields must be ?.")]
    TwoKindsOfDays,
    /// There is no choice of years.
    #[error("The Year field must be *.")]
    Year,
    /// No day is ever matched.
    #[error("The schedule expression matches no date.")]
    Never,
    /// Not a number of hours.
    #[error("The Duration must be a number of hours from 1h to 24h.")]
    Duration,
    /// The window is too long for where it starts.
    #[error("The rotation window must not extend into the next UTC day or into the next rotation window.")]
    Window,
}

/// The time in which a rotation is to take place. It is never longer than its UTC day, and its hours are full ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Window {
    /// The last second of the window, which is how AWS shows NextRotationDate: so it is on the day of the window.
    pub const fn last_second(&self) -> Timestamp {
        Timestamp::from_millis(self.end.as_millis().saturating_sub(1_000))
    }
}

/// When a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    starts: Starts,
    /// Absent for all that is left of the day.
    hours: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Starts {
    /// At midnight, so many days after the day of the last change of the value.
    EveryDays(u64),
    /// Counted from a midnight that does not move, or windows would come too close to each other.
    EveryHours(u64),
    Cron(Cron),
}

impl Schedule {
    /// The schedule of `AutomaticallyAfterDays`.
    ///
    /// # Errors
    /// [`Invalid::Rate`] for a number out of range, [`Invalid::Duration`].
    pub fn after_days(days: u64, duration: Option<&str>) -> Result<Self, Invalid> {
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(Invalid::Rate);
        }
        Ok(Self { starts: Starts::EveryDays(days), hours: duration.map(duration_hours).transpose()? })
    }

    /// The schedule of a `ScheduleExpression`.
    ///
    /// # Errors
    /// What is wrong with expression, duration, or the two together.
    pub fn parse(expression: &str, duration: Option<&str>) -> Result<Self, Invalid> {
        let starts = match (argument_of("rate", expression), argument_of("cron", expression)) {
            (Some(rate), _) => parse_rate(rate)?,
            (None, Some(cron)) => Starts::Cron(Cron::parse(cron)?),
            (None, None) => return Err(Invalid::Expression),
        };
        let given = duration.map(duration_hours).transpose()?;
        if given.is_some_and(|hours| hours > starts.room()) {
            return Err(Invalid::Window);
        }
        let hours = given.or(if starts.is_in_hours() { Some(1) } else { None });
        Ok(Self { starts, hours })
    }

    /// The first window that starts after a moment; none when the calendar ends before it.
    pub fn next_window(&self, after: Timestamp) -> Option<Window> {
        let start_hour = match &self.starts {
            Starts::EveryDays(days) => (day_of(after) + days).checked_mul(HOURS_PER_DAY)?,
            Starts::EveryHours(hours) => (hour_of(after) / hours + 1).checked_mul(*hours)?,
            Starts::Cron(cron) => next_of(cron, hour_of(after))?,
        };
        let rest_of_day = HOURS_PER_DAY - start_hour % HOURS_PER_DAY;
        let end_hour = start_hour.checked_add(self.hours.unwrap_or(rest_of_day))?;
        // A window that the calendar cannot name is none.
        Day::of(end_hour / HOURS_PER_DAY)?;
        let at = |hour: u64| hour.checked_mul(MS_PER_HOUR).map(Timestamp::from_millis);
        Some(Window { start: at(start_hour)?, end: at(end_hour)? })
    }

    /// AutomaticallyAfterDays as it is echoed: the days from a rotation at that moment to the next, 1 to 1000.
    pub fn automatically_after_days(&self, after: Timestamp) -> u64 {
        let days = match &self.starts {
            Starts::EveryDays(days) => *days,
            Starts::EveryHours(hours) => hours.div_ceil(HOURS_PER_DAY),
            Starts::Cron(_) => {
                self.next_window(after).map_or(MOST_DAYS, |window| day_of(window.start).saturating_sub(day_of(after)))
            }
        };
        days.clamp(1, MOST_DAYS)
    }
}

impl Starts {
    /// Hours that every window has before its day ends or the next one starts.
    fn room(&self) -> u64 {
        match self {
            Self::EveryDays(_) => HOURS_PER_DAY,
            // They start at all hours of the day that this divides.
            Self::EveryHours(hours) => greatest_common_divisor(*hours, HOURS_PER_DAY),
            Self::Cron(cron) => cron.room(),
        }
    }

    const fn is_in_hours(&self) -> bool {
        match self {
            Self::EveryDays(_) => false,
            Self::EveryHours(_) => true,
            Self::Cron(cron) => cron.is_in_hours(),
        }
    }
}

/// What stands in the parentheses after `name`.
fn argument_of<'a>(name: &str, expression: &'a str) -> Option<&'a str> {
    expression.trim().strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn parse_rate(rate: &str) -> Result<Starts, Invalid> {
    let mut words = rate.split_ascii_whitespace();
    let (Some(value), Some(unit), None) = (words.next(), words.next(), words.next()) else { return Err(Invalid::Rate) };
    let value = number(value).ok_or(Invalid::Rate)?;
    match unit {
        "hour" | "hours" if (LEAST_HOURS..=MOST_DAYS * HOURS_PER_DAY).contains(&value) => Ok(Starts::EveryHours(value)),
        "day" | "days" if (1..=MOST_DAYS).contains(&value) => Ok(Starts::EveryDays(value)),
        _ => Err(Invalid::Rate),
    }
}

fn duration_hours(duration: &str) -> Result<u64, Invalid> {
    let hours = duration.strip_suffix('h').and_then(number);
    hours.filter(|hours| (1..=HOURS_PER_DAY).contains(hours)).ok_or(Invalid::Duration)
}

/// A number of digits only.
pub(crate) fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The first hour after `hour`, both since the epoch, at which the expression starts a window.
fn next_of(cron: &Cron, hour: u64) -> Option<u64> {
    let today = hour / HOURS_PER_DAY;
    let today_matches = Day::of(today).is_some_and(|day| cron.matches(day));
    let later_today = cron.hours().find(|&start| today_matches && start > hour % HOURS_PER_DAY);
    match later_today {
        Some(start) => Some(today * HOURS_PER_DAY + start),
        None => Some(cron.next_day(today + 1)? * HOURS_PER_DAY + cron.hours().next()?),
    }
}

const fn hour_of(at: Timestamp) -> u64 {
    at.as_millis() / MS_PER_HOUR
}

const fn day_of(at: Timestamp) -> u64 {
    hour_of(at) / HOURS_PER_DAY
}

const fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
