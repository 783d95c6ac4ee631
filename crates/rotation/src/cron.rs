//! `cron()` as Secrets Manager has it: full hours, no choice of years, and `L`, `#` and names of days.

use std::ops::RangeInclusive;

use jiff::Span;
use jiff::civil::Date;

use crate::schedule::{Invalid, number};

/// After that many years the calendar is the same again.
const CALENDAR_YEARS: i64 = 400;
const DAYS_OF_MONTH: RangeInclusive<u64> = 1..=31;
const MONTHS: RangeInclusive<u64> = 1..=12;
const DAYS_OF_WEEK: RangeInclusive<u64> = 1..=7;
const MONTH_NAMES: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// The inside of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    first_hour: u64,
    /// Increments begin again each day.
    every_hours: Option<u64>,
    days: Days,
    months: Set,
}

/// Numbers below 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u64);

/// The days of a month: those that any of these names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Days {
    of_month: Set,
    last_of_month: bool,
    of_week: Set,
    /// Days of the week for which only the last one of the month counts.
    last_of_week: Set,
    /// `day * 8 + n` for the n-th such day of the month.
    nth_of_week: Set,
}

/// A day that the calendar knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day(Date);

impl Day {
    /// The day that is so many after 1970-01-01.
    pub(crate) fn of(days: u64) -> Option<Self> {
        let span = Span::new().try_days(i64::try_from(days).ok()?).ok()?;
        EPOCH.checked_add(span).ok().map(Self)
    }

    /// Its number: days after 1970-01-01.
    fn number(self) -> Option<u64> {
        let span = self.0.since(EPOCH).ok()?;
        u64::try_from(span.get_days()).ok()
    }
}

impl Set {
    fn insert(&mut self, number: u64) {
        self.0 |= 1 << number;
    }

    const fn contains(self, number: u64) -> bool {
        self.0 >> number & 1 == 1
    }
}

impl Cron {
    /// Reads the six fields.
    ///
    /// # Errors
    /// What is wrong with the first field that is.
    pub(crate) fn parse(fields: &str) -> Result<Self, Invalid> {
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
            return Err(Invalid::Fields);
        };
        if number(minutes) != Some(0) {
            return Err(Invalid::Minutes);
        }
        let (first_hour, every_hours) = parse_hours(hours).ok_or(Invalid::Hours)?;
        let days = match (*day_of_month, *day_of_week) {
            (of_month, "?") if of_month != "?" => parse_days_of_month(of_month).ok_or(Invalid::DayOfMonth)?,
            ("?", of_week) if of_week != "?" => parse_days_of_week(of_week).ok_or(Invalid::DayOfWeek)?,
            _ => return Err(Invalid::TwoKindsOfDays),
        };
        let months = parse_months(month).ok_or(Invalid::Month)?;
        if *year != "*" {
            return Err(Invalid::Year);
        }
        let cron = Self { first_hour, every_hours, days, months };
        cron.next_day(0).map(|_| cron).ok_or(Invalid::Never)
    }

    /// The hours of a day at which windows start.
    pub(crate) fn hours(&self) -> impl Iterator<Item = u64> {
        let step = self.every_hours.unwrap_or(24);
        (self.first_hour..24).step_by(usize::try_from(step).unwrap_or(24))
    }

    /// Hours that every window has before its day ends or the next one starts.
    pub(crate) fn room(&self) -> u64 {
        let last = self.hours().last().unwrap_or(self.first_hour);
        let rest_of_day = 24 - last;
        if last == self.first_hour { rest_of_day } else { rest_of_day.min(self.every_hours.unwrap_or(rest_of_day)) }
    }

    /// Whether it tells hours rather than days.
    pub(crate) const fn is_in_hours(&self) -> bool {
        self.every_hours.is_some()
    }

    pub(crate) fn matches(&self, Day(date): Day) -> bool {
        let (day, length) = (unsigned(date.day()), unsigned(date.days_in_month()));
        let of_week = unsigned(date.weekday().to_sunday_one_offset());
        let Days { of_month, last_of_month, of_week: all_of_week, last_of_week, nth_of_week } = &self.days;
        self.months.contains(unsigned(date.month()))
            && (of_month.contains(day)
                || (*last_of_month && day == length)
                || all_of_week.contains(of_week)
                || (last_of_week.contains(of_week) && day + 7 > length)
                || nth_of_week.contains(of_week * 8 + day.div_ceil(7)))
    }

    /// The first day from `from` on that matches, both counted from 1970-01-01.
    pub(crate) fn next_day(&self, from: u64) -> Option<u64> {
        let mut day = Day::of(from)?;
        let end = day.0.checked_add(Span::new().years(CALENDAR_YEARS)).unwrap_or(Date::MAX);
        while day.0 < end {
            if self.matches(day) {
                return day.number();
            }
            let in_month = self.months.contains(unsigned(day.0.month()));
            let last_before = if in_month { day.0 } else { day.0.last_of_month() };
            day = Day(last_before.tomorrow().ok()?);
        }
        None
    }
}

fn unsigned(number: i8) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The first hour and the increment.
fn parse_hours(field: &str) -> Option<(u64, Option<u64>)> {
    let hour = |text| number(text).filter(|hour| *hour < 24);
    let Some((first, step)) = field.split_once('/') else { return Some((hour(field)?, None)) };
    let step = number(step).filter(|step| (4..24).contains(step))?;
    Some((if first.is_empty() { 0 } else { hour(first)? }, Some(step)))
}

fn parse_days_of_month(field: &str) -> Option<Days> {
    let mut days = Days::default();
    for item in field.split(',') {
        match item.strip_suffix(['L', 'l']) {
            Some("") => days.last_of_month = true,
            // "The last Friday" is a day of the month too.
            Some(day) => days.last_of_week.insert(named(day, &DAY_NAMES)?),
            None => parse_item(item, DAYS_OF_MONTH, &[], &mut days.of_month)?,
        }
    }
    Some(days)
}

fn parse_days_of_week(field: &str) -> Option<Days> {
    let mut days = Days::default();
    let day = |text| one_of(text, DAYS_OF_WEEK, &DAY_NAMES);
    for item in field.split(',') {
        if let Some(last) = item.strip_suffix(['L', 'l']) {
            // By itself it is the last day of the week.
            if last.is_empty() { days.of_week.insert(7) } else { days.last_of_week.insert(day(last)?) }
        } else if let Some((name, nth)) = item.split_once('#') {
            let nth = number(nth).filter(|nth| (1..=5).contains(nth))?;
            days.nth_of_week.insert(day(name)? * 8 + nth);
        } else {
            parse_item(item, DAYS_OF_WEEK, &DAY_NAMES, &mut days.of_week)?;
        }
    }
    Some(days)
}

fn parse_months(field: &str) -> Option<Set> {
    let mut months = Set::default();
    for item in field.split(',') {
        parse_item(item, MONTHS, &MONTH_NAMES, &mut months)?;
    }
    Some(months)
}

/// `*`, `a`, `a-b`, `/n`, and with an increment `*/n`, `a/n` and `a-b/n`.
fn parse_item(item: &str, range: RangeInclusive<u64>, names: &[&str], set: &mut Set) -> Option<()> {
    let (span, step) = match item.split_once('/') {
        Some((span, step)) => (span, Some(number(step).filter(|step| *step > 0 && range.contains(step))?)),
        None => (item, None),
    };
    let one = |text| one_of(text, range.clone(), names);
    let (first, last) = match span.split_once('-') {
        Some((first, last)) => (one(first)?, one(last)?),
        None if span == "*" || (span.is_empty() && step.is_some()) => (*range.start(), *range.end()),
        None if step.is_some() => (one(span)?, *range.end()),
        None => (one(span)?, one(span)?),
    };
    if first > last {
        return None;
    }
    let step = step.unwrap_or(1);
    (first..=last).filter(|number| (number - first).is_multiple_of(step)).for_each(|number| set.insert(number));
    Some(())
}

/// A number of the range, or a name that stands for one; the first name for 1.
fn one_of(text: &str, range: RangeInclusive<u64>, names: &[&str]) -> Option<u64> {
    number(text).filter(|number| range.contains(number)).or_else(|| named(text, names))
}

fn named(text: &str, names: &[&str]) -> Option<u64> {
    (1..).zip(names).find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(number, _)| number)
}
