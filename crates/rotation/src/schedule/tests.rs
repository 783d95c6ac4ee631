use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

/// Years of a calendar that a schedule is followed through.
const YEARS: i64 = 1_000;
/// Windows that are looked at of one schedule.
const WINDOWS: usize = 3_000;

fn at(day: Date, hour: u64) -> Timestamp {
    let days = day.since(date(1970, 1, 1)).unwrap().get_days();
    Timestamp::from_millis((u64::try_from(days).unwrap() * 24 + hour) * MS_PER_HOUR)
}

/// A moment as `2024-02-29 07`.
fn shown(at: Timestamp) -> String {
    let day = date(1970, 1, 1).checked_add(jiff::Span::new().days(i64::try_from(day_of(at)).unwrap())).unwrap();
    format!("{day} {:02}", hour_of(at) % 24)
}

#[track_caller]
fn windows(expression: &str, duration: Option<&str>, after: Timestamp, expected: &[(&str, u64)]) {
    let schedule = Schedule::parse(expression, duration).unwrap();
    let mut after = after;
    for (start, hours) in expected {
        let window = schedule.next_window(after).unwrap();
        let length = window.end.since(window.start).as_secs() / 3_600;
        assert_eq!((shown(window.start).as_str(), length), (*start, *hours), "{expression} after {}", shown(after));
        after = window.start;
    }
}

#[test]
fn rates_in_days_start_at_midnight_and_last_the_day() {
    let noon = at(date(2024, 2, 27), 12);
    windows("rate(1 day)", None, noon, &[("2024-02-28 00", 24), ("2024-02-29 00", 24), ("2024-03-01 00", 24)]);
    windows("rate(10 days)", Some("3h"), noon, &[("2024-03-08 00", 3), ("2024-03-18 00", 3)]);
    windows("rate( 1000  days )", None, noon, &[("2026-11-23 00", 24)]);
}

#[test]
fn rates_in_hours_keep_their_distance_over_midnight() {
    let noon = at(date(2024, 12, 30), 12);
    windows("rate(4 hours)", None, noon, &[("2024-12-30 16", 1), ("2024-12-30 20", 1), ("2024-12-31 00", 1)]);
    windows(
        "rate(12 hours)",
        Some("12h"),
        noon,
        &[("2024-12-31 00", 12), ("2024-12-31 12", 12), ("2025-01-01 00", 12)],
    );
    let ten = Schedule::parse("rate(10 hours)", Some("2h")).unwrap();
    let first = ten.next_window(noon).unwrap();
    assert_eq!(ten.next_window(first.start).unwrap().start.since(first.start).as_secs(), 36_000);
}

#[test]
fn cron_knows_ends_of_months_and_leap_days() {
    let start = at(date(2023, 1, 31), 0);
    windows("cron(0 0 L * ? *)", None, start, &[("2023-02-28 00", 24), ("2023-03-31 00", 24), ("2023-04-30 00", 24)]);
    windows("cron(0 5 29 2 ? *)", None, start, &[("2024-02-29 05", 19), ("2028-02-29 05", 19)]);
    // 2100 has no such day.
    windows("cron(0 5 29 FEB ? *)", None, at(date(2096, 3, 1), 0), &[("2104-02-29 05", 19)]);
    windows("cron(0 0 31 * ? *)", None, start, &[("2023-03-31 00", 24), ("2023-05-31 00", 24)]);
    windows("cron(0 23 31 12 ? *)", None, start, &[("2023-12-31 23", 1), ("2024-12-31 23", 1)]);
    windows("cron(0 0 1 1/3 ? *)", None, start, &[("2023-04-01 00", 24), ("2023-07-01 00", 24)]);
}

#[test]
fn cron_knows_days_of_the_week() {
    // A Monday.
    let start = at(date(2024, 1, 1), 0);
    windows("cron(0 0 ? * SUN *)", None, start, &[("2024-01-07 00", 24), ("2024-01-14 00", 24)]);
    windows("cron(0 0 ? * 1 *)", None, start, &[("2024-01-07 00", 24)]);
    windows("cron(0 0 ? * L *)", None, start, &[("2024-01-06 00", 24), ("2024-01-13 00", 24)]);
    windows("cron(0 0 ? * MON-FRI *)", None, start, &[("2024-01-02 00", 24), ("2024-01-03 00", 24)]);
    windows("cron(0 0 ? * 3#1 *)", None, start, &[("2024-01-02 00", 24), ("2024-02-06 00", 24)]);
    windows("cron(0 0 ? * FRI#5 *)", None, start, &[("2024-03-29 00", 24), ("2024-05-31 00", 24)]);
    windows("cron(0 0 ? * FRIL *)", None, start, &[("2024-01-26 00", 24), ("2024-02-23 00", 24)]);
    windows("cron(0 0 FRIL * ? *)", None, start, &[("2024-01-26 00", 24), ("2024-02-23 00", 24)]);
    windows("cron(0 0 ? * 6L *)", None, start, &[("2024-01-26 00", 24)]);
    windows("cron(0 0 ? 2 MON#5 *)", None, start, &[("2044-02-29 00", 24)]);
}

#[test]
fn increments_of_hours_begin_again_each_day() {
    let start = at(date(2024, 1, 1), 0);
    windows("cron(0 /8 * * ? *)", None, start, &[("2024-01-01 08", 1), ("2024-01-01 16", 1), ("2024-01-02 00", 1)]);
    windows(
        "cron(0 8/10 ? * * *)",
        Some("6h"),
        start,
        &[("2024-01-01 08", 6), ("2024-01-01 18", 6), ("2024-01-02 08", 6)],
    );
    windows("cron(0 20/4 * * ? *)", Some("4h"), start, &[("2024-01-01 20", 4), ("2024-01-02 20", 4)]);
}

#[test]
fn what_is_no_schedule_is_refused_for_what_it_is() {
    for (expression, duration, why) in [
        ("", None, Invalid::Expression),
        ("rate", None, Invalid::Expression),
        ("RATE(1 day)", None, Invalid::Expression),
        ("every(1 day)", None, Invalid::Expression),
        ("cron(0 0 * * ? *", None, Invalid::Expression),
        ("rate()", None, Invalid::Rate),
        ("rate(1)", None, Invalid::Rate),
        ("rate(0 days)", None, Invalid::Rate),
        ("rate(1001 days)", None, Invalid::Rate),
        ("rate(3 hours)", None, Invalid::Rate),
        ("rate(240 minutes)", None, Invalid::Rate),
        ("rate(1 day ago)", None, Invalid::Rate),
        ("rate(+1 days)", None, Invalid::Rate),
        ("rate(99999999999999999999 days)", None, Invalid::Rate),
        ("cron(0 0 * * ?)", None, Invalid::Fields),
        ("cron(0 0 * * ? * *)", None, Invalid::Fields),
        ("cron(1 0 * * ? *)", None, Invalid::Minutes),
        ("cron(* 0 * * ? *)", None, Invalid::Minutes),
        ("cron(0 24 * * ? *)", None, Invalid::Hours),
        ("cron(0 * * * ? *)", None, Invalid::Hours),
        ("cron(0 1,5 * * ? *)", None, Invalid::Hours),
        ("cron(0 /3 * * ? *)", None, Invalid::Hours),
        ("cron(0 0/24 * * ? *)", None, Invalid::Hours),
        ("cron(0 0 0 * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 32 * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 5-1 * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 1, * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 1#1 * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 15W * ? *)", None, Invalid::DayOfMonth),
        ("cron(0 0 1 13 ? *)", None, Invalid::Month),
        ("cron(0 0 1 JUNE ? *)", None, Invalid::Month),
        ("cron(0 0 1 ? ? *)", None, Invalid::Month),
        ("cron(0 0 1 ? * *)", None, Invalid::TwoKindsOfDays),
        ("cron(0 0 ? * ? *)", None, Invalid::TwoKindsOfDays),
        ("cron(0 0 * * * *)", None, Invalid::TwoKindsOfDays),
        ("cron(0 0 ? * 0 *)", None, Invalid::DayOfWeek),
        ("cron(0 0 ? * 8 *)", None, Invalid::DayOfWeek),
        ("cron(0 0 ? * MON#6 *)", None, Invalid::DayOfWeek),
        ("cron(0 0 1 * ? 2024)", None, Invalid::Year),
        ("cron(0 0 30 2 ? *)", None, Invalid::Never),
        ("cron(0 0 31 4,6,9,11 ? *)", None, Invalid::Never),
        ("rate(1 day)", Some("0h"), Invalid::Duration),
        ("rate(1 day)", Some("25h"), Invalid::Duration),
        ("rate(1 day)", Some("3"), Invalid::Duration),
        ("rate(4 hours)", Some("5h"), Invalid::Window),
        ("rate(10 hours)", Some("3h"), Invalid::Window),
        ("rate(5 hours)", Some("2h"), Invalid::Window),
        ("cron(0 16 * * ? *)", Some("9h"), Invalid::Window),
        ("cron(0 /8 * * ? *)", Some("9h"), Invalid::Window),
        ("cron(0 /9 * * ? *)", Some("7h"), Invalid::Window),
    ] {
        assert_eq!(Schedule::parse(expression, duration), Err(why), "{expression} {duration:?}");
    }
    for days in [0, 1_001] {
        assert_eq!(Schedule::after_days(days, None), Err(Invalid::Rate));
    }
}

#[test]
fn the_longest_window_that_fits_is_taken() {
    for (expression, duration) in [
        ("rate(1 day)", "24h"),
        ("rate(4 hours)", "4h"),
        ("rate(10 hours)", "2h"),
        ("rate(5 hours)", "1h"),
        ("rate(48 hours)", "24h"),
        ("cron(0 16 * * ? *)", "8h"),
        ("cron(0 /8 * * ? *)", "8h"),
        ("cron(0 /9 * * ? *)", "6h"),
        ("cron(0 jan-mon * * ? *)", ""),
    ] {
        assert_eq!(Schedule::parse(expression, Some(duration)).is_ok(), !duration.is_empty(), "{expression}");
    }
}

#[test]
fn days_between_rotations_are_told_for_every_schedule() {
    let first = at(date(2024, 1, 1), 9);
    for (expression, days) in [
        ("rate(10 hours)", 1),
        ("rate(24 hours)", 1),
        ("rate(36 hours)", 2),
        ("rate(10 days)", 10),
        ("cron(0 /8 * * ? *)", 1),
        ("cron(0 16 1,15 * ? *)", 1),
        ("cron(0 8 1,15 * ? *)", 14),
        ("cron(0 0 29 2 ? *)", 59),
    ] {
        assert_eq!(Schedule::parse(expression, None).unwrap().automatically_after_days(first), days, "{expression}");
    }
    assert_eq!(Schedule::after_days(30, Some("2h")).unwrap().automatically_after_days(first), 30);
    let leap_days = Schedule::parse("cron(0 0 29 2 ? *)", None).unwrap();
    assert_eq!(leap_days.automatically_after_days(at(date(2024, 3, 1), 0)), 1_000);
}

#[test]
fn the_next_rotation_is_shown_as_the_last_second_of_its_window() {
    let schedule = Schedule::parse("cron(0 16 1,15 * ? *)", Some("2h")).unwrap();
    let window = schedule.next_window(at(date(2022, 10, 1), 20)).unwrap();
    assert_eq!(shown(window.start), "2022-10-15 16");
    assert_eq!(window.last_second().as_millis(), at(date(2022, 10, 15), 18).as_millis() - 1_000);
}

#[test]
fn there_is_no_window_after_the_end_of_the_calendar() {
    for expression in ["rate(1 day)", "rate(5 hours)", "cron(0 0 * * ? *)", "cron(0 /4 ? 2 SUNL *)"] {
        let schedule = Schedule::parse(expression, None).unwrap();
        assert_eq!(schedule.next_window(Timestamp::from_millis(u64::MAX)), None);
        assert!((1..=1_000).contains(&schedule.automatically_after_days(Timestamp::from_millis(u64::MAX))));
    }
}

fn item(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = String> {
    let step = *range.end();
    prop_oneof![
        Just("*".to_owned()),
        range.clone().prop_map(|number| number.to_string()),
        (range.clone(), range.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (range, 1..=step).prop_map(|(first, step)| format!("{first}/{step}")),
    ]
}

fn list(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = String> {
    prop::collection::vec(item(range), 1..3).prop_map(|items| items.join(","))
}

fn expression() -> impl Strategy<Value = String> {
    let hours = prop_oneof![
        (0..24_u64).prop_map(|hour| hour.to_string()),
        (0..24_u64, 4..24_u64).prop_map(|(first, step)| format!("{first}/{step}")),
    ];
    let of_month = prop_oneof![4 => list(1..=31), 1 => Just("L".to_owned())];
    let of_week = prop_oneof![
        list(1..=7),
        Just("L".to_owned()),
        (1..=7_u64).prop_map(|day| format!("{day}L")),
        (1..=7_u64, 1..=5_u64).prop_map(|(day, nth)| format!("{day}#{nth}")),
    ];
    let days =
        prop_oneof![of_month.prop_map(|day| (day, "?".to_owned())), of_week.prop_map(|day| ("?".to_owned(), day))];
    prop_oneof![
        (1..=1_000_u64).prop_map(|days| format!("rate({days} days)")),
        (4..=24_000_u64).prop_map(|hours| format!("rate({hours} hours)")),
        (4..=48_u64).prop_map(|hours| format!("rate({hours} hours)")),
        (hours, days, list(1..=12))
            .prop_map(|(hours, (of_month, of_week), month)| format!("cron(0 {hours} {of_month} {month} {of_week} *)")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Windows of a schedule, from one to the next, up to a thousand years.
    #[test]
    fn windows_come_one_after_the_other_each_inside_its_day(
        expression in expression(), hours in prop::option::of(1..=24_u64), start in 0..100_000_000_000_000_u64,
    ) {
        let duration = hours.map(|hours| format!("{hours}h"));
        let schedule = match Schedule::parse(&expression, duration.as_deref()) {
            Ok(schedule) => schedule,
            Err(error) => {
                prop_assert!(matches!(error, Invalid::Window | Invalid::Never), "{expression}: {error}");
                return Ok(());
            }
        };
        let start = Timestamp::from_millis(start);
        let end = start.plus_days(u32::try_from(YEARS * 366).unwrap());
        let mut last = Window { start, end: start };
        // Every window for a while, and then leaps over the rest of the years.
        for number in 0..WINDOWS {
            let window = schedule.next_window(last.start).unwrap();
            prop_assert!(window.start >= last.end && window.start > last.start, "{expression}: {last:?} {window:?}");
            prop_assert!(window.start < window.end);
            prop_assert_eq!(day_of(window.start), day_of(window.last_second()));
            prop_assert_eq!(window.start.as_millis() % MS_PER_HOUR, 0);
            if let Some(hours) = hours {
                prop_assert_eq!(window.end.since(window.start).as_secs(), hours * 3_600);
            }
            prop_assert!((1..=1_000).contains(&schedule.automatically_after_days(last.start)));
            last = if number % 8 == 7 {
                let leap = window.end.plus_days(u32::try_from(number).unwrap());
                Window { start: leap, end: leap }
            } else {
                window
            };
            if last.start > end {
                break;
            }
        }
    }

    /// Held against a look at every hour, of what the fields say by themselves.
    #[test]
    fn no_matching_hour_is_passed_over(
        first in 0..24_u64, of_month in 1..=31_u64, months in prop::collection::btree_set(1..=12_i8, 1..4),
        start in 0..80_000_u64,
    ) {
        let list: Vec<_> = months.iter().map(ToString::to_string).collect();
        let expression = format!("cron(0 {first} {of_month} {} ? *)", list.join(","));
        let Ok(schedule) = Schedule::parse(&expression, None) else {
            prop_assert!(of_month >= 30);
            return Ok(());
        };
        let mut day = date(1970, 1, 1).checked_add(jiff::Span::new().days(i64::try_from(start).unwrap())).unwrap();
        let after = at(day, 12);
        loop {
            let here = u64::try_from(day.day()).unwrap() == of_month && months.contains(&day.month());
            if here && at(day, first) > after {
                break;
            }
            day = day.tomorrow().unwrap();
        }
        prop_assert_eq!(schedule.next_window(after).unwrap().start, at(day, first));
    }

    #[test]
    fn no_text_panics(expression in "(rate|cron)?\\(?[0-9A-Za-z()#?*/, -]{0,60}\\)?", duration in prop::option::of("[0-9]{0,4}h?"), after: u64) {
        if let Ok(schedule) = Schedule::parse(&expression, duration.as_deref()) {
            schedule.next_window(Timestamp::from_millis(after));
        }
    }
}
