//! Numbers that are texts: read exactly, whatever their length, their fraction and their exponent.

/// The whole number that a well-formed number is; `None` where it has a fraction, or more than 128 bits.
pub(super) fn whole(text: &str) -> Option<i128> {
    let Parts { negative, before, after, exponent } = Parts::of(text)?;
    let after = after.trim_end_matches('0');
    let digits = || before.bytes().chain(after.bytes()).skip_while(|digit| *digit == b'0');
    let count = digits().count();
    if count == 0 {
        return Some(0);
    }
    // The number is its digits times this power of ten.
    let power = exponent.saturating_sub(after.len() as i64);
    let cut = usize::try_from(power.saturating_neg()).unwrap_or(0);
    if cut >= count || digits().skip(count - cut).any(|digit| digit != b'0') {
        return None;
    }
    // Built as a negative number, of which there is one more.
    let more = usize::try_from(power.max(0)).unwrap_or(usize::MAX);
    let zeros = std::iter::repeat_n(b'0', more);
    let mut number: i128 = 0;
    for digit in digits().take(count - cut).chain(zeros) {
        number = number.checked_mul(10)?.checked_sub(i128::from(digit - b'0'))?;
    }
    if negative { Some(number) } else { number.checked_neg() }
}

/// Whether a well-formed number is anything but zero.
pub(super) fn is_nonzero(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.before.bytes().chain(parts.after.bytes()).any(|digit| digit != b'0'))
}

/// Whether a number is written with digits alone.
pub(super) fn is_plain(text: &str) -> bool {
    text.strip_prefix(['-', '+']).unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a decimal, without an exponent, is exactly that float. A float has a finite number of decimal digits, and all
/// of them are compared.
pub(super) fn is_exactly(text: &str, float: f64) -> bool {
    /// Digits after the point of the float that has most.
    const FRACTION_DIGITS_MAX: usize = 1_074;
    let Some(Parts { negative, before, after, exponent: 0 }) = Parts::of(text) else { return false };
    let (before, after) = (before.trim_start_matches('0'), after.trim_end_matches('0'));
    if !float.is_finite() || after.len() > FRACTION_DIGITS_MAX {
        return false;
    }
    let precision = if float.fract() == 0.0 { 0 } else { FRACTION_DIGITS_MAX };
    let all = format!("{:.precision$}", float.abs());
    let (float_before, float_after) = all.split_once('.').unwrap_or((&all, ""));
    let is_zero = before.is_empty() && after.is_empty();
    before == float_before.trim_start_matches('0')
        && after == float_after.trim_end_matches('0')
        && (is_zero || negative == float.is_sign_negative())
}

struct Parts<'a> {
    negative: bool,
    before: &'a str,
    after: &'a str,
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let size = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if !is_digits(before) || !is_digits(after) || !is_digits(size) || before.len() + after.len() == 0 {
            return None;
        }
        // An exponent beyond 64 bits is as good as the largest.
        let size = if size.is_empty() { return None } else { size.parse().unwrap_or(i64::MAX) };
        let exponent = if exponent.starts_with('-') { -size } else { size };
        Some(Parts { negative, before, after, exponent })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", Some(0))]
    #[case("-0", Some(0))]
    #[case("-0.000e-7", Some(0))]
    #[case("0e99999999999999999999999", Some(0))]
    #[case("1.0", Some(1))]
    #[case("+5.", Some(5))]
    #[case(".5e1", Some(5))]
    #[case("1e2", Some(100))]
    #[case("1200e-2", Some(12))]
    #[case("-1.5e+1", Some(-15))]
    #[case("9007199254740993.0", Some(9_007_199_254_740_993))]
    #[case("-170141183460469231731687303715884105728", Some(i128::MIN))]
    #[case("170141183460469231731687303715884105727", Some(i128::MAX))]
    #[case("170141183460469231731687303715884105728", None)]
    #[case("1.5", None)]
    #[case("1e-1", None)]
    #[case("1205e-2", None)]
    #[case("5e-99999999999999999999999", None)]
    #[case("1e400", None)]
    #[case("1e99999999999999999999999", None)]
    #[case("", None)]
    #[case("-", None)]
    #[case(".", None)]
    #[case("1e", None)]
    #[case("0x10", None)]
    fn a_whole_number_is_read_in_every_spelling(#[case] text: &str, #[case] expected: Option<i128>) {
        assert_eq!(whole(text), expected);
    }

    #[rstest]
    #[case("0.5", 0.5, true)]
    #[case("-0.50", -0.5, true)]
    #[case("0.1", 0.1, false)]
    #[case("0.1000000000000000055511151231257827021181583404541015625", 0.1, true)]
    #[case("0.00", -0.0, true)]
    #[case("9007199254740992", 9_007_199_254_740_992.0, true)]
    #[case("9007199254740993", 9_007_199_254_740_992.0, false)]
    #[case("-1", 1.0, false)]
    #[case("100000000000000000000000", 1e23, false)]
    fn a_decimal_is_a_float_only_if_every_digit_is(#[case] text: &str, #[case] float: f64, #[case] expected: bool) {
        assert_eq!(is_exactly(text, float), expected);
    }

    proptest! {
        #[test]
        fn digits_may_be_moved_behind_the_point(number: i128, places in 0usize..50) {
            let text = number.to_string();
            prop_assert_eq!(whole(&text), Some(number));
            let (sign, digits) = text.split_at(usize::from(number < 0));
            let padded = format!("{digits:0>places$}");
            let (before, after) = padded.split_at(padded.len() - places.min(padded.len()));
            let moved = format!("{sign}{before}.{after}e{places}");
            prop_assert_eq!(whole(&moved), Some(number));
            prop_assert_eq!(is_nonzero(&moved), number != 0);
        }

        #[test]
        fn any_text_is_read_or_not(text in "[-+0-9.eE]{0,12}") {
            let _ = (whole(&text), is_nonzero(&text), is_plain(&text), is_exactly(&text, 1.0));
        }
    }
}
