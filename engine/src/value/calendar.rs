//! Days and instants, and what they are as text. Arithmetic of its own, because what reads and prints has to agree on
//! every value, and libraries round, wrap or take shortcuts at the edges.

use std::io::Write;
use std::ops::RangeInclusive;

/// The days that a column holds, counted from 1970-01-01: 0001-01-01 to 9999-12-31, as in SQL and as four digits can say.
pub(crate) const DAYS: RangeInclusive<i64> = -719_162..=2_932_896;
const SECONDS_OF_DAY: i64 = 86_400;
const MICROS_OF_DAY: i64 = SECONDS_OF_DAY * 1_000_000;
/// The instants that a column holds, in microseconds since 1970-01-01T00:00:00Z: those of [`DAYS`] in UTC.
pub(crate) const MICROS: RangeInclusive<i64> = *DAYS.start() * MICROS_OF_DAY..=(*DAYS.end() + 1) * MICROS_OF_DAY - 1;

/// The day of exactly `YYYY-MM-DD`, counted from 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?);
    let days = days_of(year, month, day);
    let exists = civil(days) == (year, month, day) && DAYS.contains(&days);
    exists.then(|| i32::try_from(days).ok()).flatten()
}

/// Microseconds since 1970-01-01T00:00:00Z of an RFC 3339 instant. What is finer than a microsecond would be lost, so it
/// does not fit, and neither does a leap second, which this count does not have.
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let (time, zone) = rest.as_bytes().split_at_checked(9)?;
    micros_of(parse_date(day)?, time, zone)
}

/// As [`parse_instant`], of what SQL takes for an instant too: without an offset it is in UTC, and a day is its midnight.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = parse_date(day)?;
    let Some((time, zone)) = rest.as_bytes().split_at_checked(9) else {
        return rest.is_empty().then_some(i64::from(day) * MICROS_OF_DAY);
    };
    match zone.last() {
        None | Some(b'0'..=b'9') if !zone.contains(&b':') => micros_of(day, time, &[zone, b"Z"].concat()),
        _ => micros_of(day, time, zone),
    }
}

/// `time` is `THH:MM:SS`, `rest` a fraction of a second and the offset.
fn micros_of(day: i32, time: &[u8], mut rest: &[u8]) -> Option<i64> {
    if !matches!(time[0], b'T' | b't' | b' ') || time[3] != b':' || time[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&time[1..3])?, number(&time[4..6])?, number(&time[7..])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if let [b'.', fraction @ ..] = rest {
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, after) = fraction.split_at(length);
        if digits.is_empty() || digits.iter().skip(6).any(|digit| *digit != b'0') {
            return None;
        }
        micros = (0..6).fold(0, |sum, at| sum * 10 + digits.get(at).map_or(0, |digit| i64::from(digit - b'0')));
        rest = after;
    }
    let seconds = (hour * 60 + minute) * 60 + second - offset(rest)?;
    let micros = i64::from(day) * MICROS_OF_DAY + seconds * 1_000_000 + micros;
    MICROS.contains(&micros).then_some(micros)
}

/// Seconds that a place's clock is ahead of UTC: `Z`, `+01:00`.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = (hours * 60 + minutes) * 60;
            (hours <= 23 && minutes <= 59).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Eras of 400 years, years that begin in March.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// `YYYY-MM-DD`; a year that takes more than four digits has its sign, as ISO 8601 has it.
pub(crate) fn put_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    put_year(out, year);
    put(out, format_args!("-{month:02}-{day:02}"));
}

/// `YYYY-MM-DDTHH:MM:SS`, with a fraction of three, six or nine digits where there is one.
pub(crate) fn put_moment(out: &mut Vec<u8>, seconds: i64, nanos: u32) {
    put_date(out, seconds.div_euclid(SECONDS_OF_DAY));
    out.push(b'T');
    put_time(out, seconds.rem_euclid(SECONDS_OF_DAY), nanos);
}

/// `HH:MM:SS`, with a fraction as of [`put_moment`].
pub(crate) fn put_time(out: &mut Vec<u8>, seconds: i64, nanos: u32) {
    let (minutes, second) = (seconds / 60, seconds % 60);
    put(out, format_args!("{:02}:{:02}:{second:02}", minutes / 60, minutes % 60));
    match nanos {
        0 => {}
        nanos if nanos % 1_000_000 == 0 => put(out, format_args!(".{:03}", nanos / 1_000_000)),
        nanos if nanos % 1_000 == 0 => put(out, format_args!(".{:06}", nanos / 1_000)),
        nanos => put(out, format_args!(".{nanos:09}")),
    }
}

fn put_year(out: &mut Vec<u8>, year: i64) {
    match year {
        0..=9_999 => put(out, format_args!("{year:04}")),
        year => put(out, format_args!("{year:+05}")),
    }
}

/// Appends to bytes in memory, which takes everything.
pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, SecondsFormat};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn shown(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn a_day_is_what_another_calendar_says_and_is_read_as_it_is_shown(days in DAYS) {
            let text = shown(|out| put_date(out, days));
            let theirs = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::TimeDelta::days(days);
            prop_assert_eq!(&text, &theirs.to_string());
            prop_assert_eq!(parse_date(&text).map(i64::from), Some(days));
        }

        #[test]
        fn an_instant_is_what_another_calendar_says_and_is_read_as_it_is_shown(micros in MICROS) {
            let (seconds, nanos) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) as u32 * 1_000);
            let text = shown(|out| put_moment(out, seconds, nanos)) + "Z";
            let theirs = DateTime::from_timestamp_micros(micros).unwrap();
            prop_assert_eq!(&text, &theirs.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            prop_assert_eq!(parse_instant(&text), Some(micros));
        }

        #[test]
        fn every_offset_leads_to_the_same_instant(micros in MICROS, minutes in -1_439i32..=1_439) {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            let there = at.with_timezone(&chrono::FixedOffset::east_opt(minutes * 60).unwrap());
            // A year that takes five digits there cannot be written.
            prop_assume!((1..=9_999).contains(&chrono::Datelike::year(&there.date_naive())));
            prop_assert_eq!(parse_instant(&there.to_rfc3339()), Some(micros));
        }

        #[test]
        fn any_text_is_read_or_not_and_never_ends_the_process(text in "\\PC{0,40}", days: i64) {
            let _ = (parse_date(&text), parse_instant(&text));
            let days = days / 1_000_000;
            shown(|out| put_moment(out, days, 1));
        }
    }

    #[test]
    fn the_first_and_the_last_day_are_those_of_sql() {
        assert_eq!(parse_date("0001-01-01").map(i64::from), Some(*DAYS.start()));
        assert_eq!(parse_date("9999-12-31").map(i64::from), Some(*DAYS.end()));
        assert_eq!(parse_instant("0001-01-01T00:00:00Z"), Some(*MICROS.start()));
        assert_eq!(parse_instant("9999-12-31T23:59:59.999999Z"), Some(*MICROS.end()));
        assert_eq!(shown(|out| put_date(out, *DAYS.end() + 1)), "+10000-01-01");
        assert_eq!(shown(|out| put_date(out, *DAYS.start() - 366)), "0000-01-01");
        assert_eq!(shown(|out| put_date(out, *DAYS.start() - 367)), "-0001-12-31");
    }

    #[rstest]
    #[case("0000-12-31")]
    #[case("1970-1-2")]
    #[case("1970-01-02 ")]
    #[case("+970-01-02")]
    #[case("1970-13-01")]
    #[case("1970-00-01")]
    #[case("1970-01-00")]
    #[case("2023-02-29")]
    #[case("1900-02-29")]
    #[case("19700102")]
    #[case("1970-01-0é")]
    #[case("10000-01-01")]
    #[case("2024-02-29T23:30:00-05:00")]
    fn what_is_no_day_is_not_read(#[case] text: &str) {
        assert_eq!(parse_date(text), None);
    }

    #[rstest]
    #[case("1970-01-01T00:00:00")]
    #[case("1970-01-01")]
    #[case("1970-01-01T00:00:00.Z")]
    #[case("1970-01-01T00:00:00.0000001Z")]
    #[case("1970-01-01T00:00:00.0000000000001Z")]
    #[case::leap_second("2016-12-31T23:59:60Z")]
    #[case::next_day("1970-01-01T24:00:00Z")]
    #[case("1970-01-01T00:60:00Z")]
    #[case("1970-01-01T00:00:00+0100")]
    #[case("1970-01-01T00:00:00+24:00")]
    #[case("1970-01-01T00:00:00+01:60")]
    #[case("1970-01-01T00:00:00Z ")]
    #[case("1970-01-01_00:00:00Z")]
    #[case("1970-02-30T00:00:00Z")]
    #[case::before_the_first("0001-01-01T00:00:00+00:01")]
    #[case::after_the_last("9999-12-31T23:59:59-00:01")]
    fn what_is_no_instant_to_the_microsecond_is_not_read(#[case] text: &str) {
        assert_eq!(parse_instant(text), None);
    }

    #[rstest]
    #[case("1970-01-02", Some(MICROS_OF_DAY))]
    #[case("1970-01-01 00:00:01", Some(1_000_000))]
    #[case("1970-01-01T00:00:00.000001", Some(1))]
    #[case("1970-01-01T01:00:00+01:00", Some(0))]
    #[case("1970-01-01T01:00:00-01:00", Some(7_200_000_000))]
    #[case("1970-01-01T00:00:00.0000001", None)]
    #[case("1970-01-01T00:00", None)]
    #[case("1970-01-01T", None)]
    #[case("1970-1-1", None)]
    #[case("", None)]
    fn sql_may_leave_out_the_offset_or_the_time(#[case] text: &str, #[case] micros: Option<i64>) {
        assert_eq!(parse_timestamp(text), micros);
    }

    #[rstest]
    #[case("1970-01-01T00:00:01+00:00", 1_000_000)]
    #[case("1970-01-01t00:00:00z", 0)]
    #[case("1970-01-01 00:00:00.5Z", 500_000)]
    #[case("1970-01-01T00:00:00.123456000000000Z", 123_456)]
    #[case("1969-12-31T23:30:00-00:30", 0)]
    fn every_form_of_an_instant_is_read(#[case] text: &str, #[case] micros: i64) {
        assert_eq!(parse_instant(text), Some(micros));
    }
}
