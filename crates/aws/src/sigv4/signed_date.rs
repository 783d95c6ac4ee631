//! The moment that a request was signed at.

use http::HeaderMap;
use http::header::DATE;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;
use types::{ApiError, ErrorCode, Timestamp, limits};

use super::authorization::incomplete;

/// The date of a signature: as text for the string to sign, and as a moment.
#[derive(Debug)]
pub(super) struct SignedDate {
    /// `YYYYMMDDTHHMMSSZ`.
    text: [u8; 16],
    at: Timestamp,
}

impl SignedDate {
    /// Reads `X-Amz-Date`, or `Date` when there is none.
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut dates = headers.get_all("x-amz-date").iter().chain(headers.get_all(DATE));
        let Some(date) = dates.next() else {
            return Err(incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ));
        };
        if headers.get_all("x-amz-date").iter().nth(1).is_some() {
            return Err(incomplete("The request has more than one X-Amz-Date header."));
        }
        date.to_str().ok().and_then(|text| Self::iso_basic(text).or_else(|| Self::rfc1123(text))).ok_or_else(|| {
            incomplete("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
        })
    }

    fn iso_basic(text: &str) -> Option<Self> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            text[range].iter().try_fold(0_i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
        };
        let field = |at: usize| i8::try_from(number(at..at + 2)?).ok();
        let date = DateTime::new(number(0..4)?, field(4)?, field(6)?, field(9)?, field(11)?, field(13)?, 0).ok()?;
        let at = Offset::UTC.to_timestamp(date).ok()?;
        Some(Self { text, at: Timestamp::from_millis(at.as_millisecond().try_into().ok()?) })
    }

    fn rfc1123(text: &str) -> Option<Self> {
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        let at = Timestamp::from_millis(at.as_millisecond().try_into().ok()?);
        Self::iso_basic(&iso_basic(at))
    }

    /// `YYYYMMDDTHHMMSSZ`, as in the string to sign.
    pub(super) fn text(&self) -> &[u8; 16] {
        &self.text
    }

    /// `YYYYMMDD`, as in the credential scope.
    pub(super) fn day(&self) -> [u8; 8] {
        let [y1, y2, y3, y4, m1, m2, d1, d2, ..] = self.text;
        [y1, y2, y3, y4, m1, m2, d1, d2]
    }

    /// Refuses a date that is too far from `now`, with the texts that SDKs correct their clock by.
    pub(super) fn check_against(&self, now: Timestamp) -> Result<(), ApiError> {
        let age = limits::SIGNATURE_AGE;
        let minutes = age.as_secs() / 60;
        let date = iso_basic(self.at);
        let text = if now.since(self.at) > age {
            let earliest = Timestamp::ZERO.plus(now.since(Timestamp::ZERO.plus(age)));
            format!(
                "Signature expired: {date} is now earlier than {} ({} - {minutes} min.)",
                iso_basic(earliest),
                iso_basic(now)
            )
        } else if self.at.since(now) > age {
            format!(
                "Signature not yet current: {date} is still later than {} ({} + {minutes} min.)",
                iso_basic(now.plus(age)),
                iso_basic(now)
            )
        } else {
            return Ok(());
        };
        Err(ApiError::new(ErrorCode::InvalidSignature, text))
    }
}

/// `YYYYMMDDTHHMMSSZ` of a moment; empty beyond the year 9999.
fn iso_basic(at: Timestamp) -> String {
    let at = i64::try_from(at.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.strftime("%Y%m%dT%H%M%SZ").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// 2015-08-30T12:36:00Z.
    const AT: u64 = 1_440_938_160_000;

    fn read(headers: &[(&'static str, &str)]) -> Result<SignedDate, ApiError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        SignedDate::from_headers(&map)
    }

    #[test]
    fn both_headers_and_both_forms_are_read() {
        for headers in [
            [("x-amz-date", "20150830T123600Z")].as_slice(),
            &[("x-amz-date", "20150830T123600Z"), ("date", "Sun, 30 Aug 2015 12:00:00 GMT")],
            &[("date", "20150830T123600Z")],
            &[("date", "Sun, 30 Aug 2015 12:36:00 GMT")],
        ] {
            let date = read(headers).unwrap();
            assert_eq!((date.text(), date.at.as_millis()), (b"20150830T123600Z", AT), "{headers:?}");
            assert_eq!(&date.day(), b"20150830");
        }
    }

    #[test]
    fn other_dates_are_refused() {
        let texts = [
            "",
            "2015-08-30T12:36:00Z",
            "20150830T123600",
            "20150830T123600+",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T243600Z",
            "2015083\u{ff10}T1236Z",
            "00000000T000000Z",
            "19690101T000000Z",
            "yesterday",
        ];
        for text in texts {
            assert_eq!(read(&[("x-amz-date", text)]).unwrap_err().code, ErrorCode::IncompleteSignature, "{text}");
        }
        assert_eq!(read(&[]).unwrap_err().code, ErrorCode::IncompleteSignature);
        let twice = [("x-amz-date", "20150830T123600Z"), ("x-amz-date", "20150830T123600Z")];
        assert_eq!(read(&twice).unwrap_err().code, ErrorCode::IncompleteSignature);
    }

    #[test]
    fn fifteen_minutes_either_way_are_the_limit() {
        let date = read(&[("x-amz-date", "20150830T123600Z")]).unwrap();
        let window = 15 * 60_000;
        for now in [AT - window, AT, AT + window] {
            assert_eq!(date.check_against(Timestamp::from_millis(now)), Ok(()));
        }
        let message = |now| date.check_against(Timestamp::from_millis(now)).unwrap_err().message;
        assert_eq!(
            message(AT + window + 1000),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
        );
        assert_eq!(
            message(AT - window - 1000),
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"
        );
        assert!(date.check_against(Timestamp::from_millis(AT + window + 1)).is_err());
        assert!(date.check_against(Timestamp::from_millis(u64::MAX)).is_err());
        assert!(date.check_against(Timestamp::ZERO).is_err());
    }
}
