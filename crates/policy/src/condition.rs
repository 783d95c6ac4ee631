//! Conditions: an operator, a key, and the values that it is compared with.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One key of one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How the key's value is compared.
    pub operator: Operator,
    /// `aws:SourceIp`, `secretsmanager:VersionStage`; case does not count.
    pub key: String,
    /// Any may match, or none of them for a negated operator. Numbers and booleans are kept as their text.
    pub values: Vec<String>,
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Text as it is.
    String,
    /// Text without regard to case.
    StringIgnoreCase,
    /// Text with wildcards.
    StringLike,
    /// Decimals.
    Numeric(Order),
    /// Moments.
    Date(Order),
    /// `true` or `false`.
    Bool,
    /// Bytes, in base64.
    Binary,
    /// Addresses and networks.
    Ip,
    /// ARNs, part by part, with wildcards.
    Arn,
    /// Whether the key is there at all.
    Null,
}

/// How two ordered values must stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The same.
    Equal,
    /// The request's is less.
    Less,
    /// The request's is not greater.
    LessOrEqual,
    /// The request's is greater.
    Greater,
    /// The request's is not less.
    GreaterOrEqual,
}

/// How an operator treats a key with several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Every value must match; so it holds where there is none.
    ForAllValues,
    /// One value must match.
    ForAnyValue,
}

/// A condition operator with all that its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What it compares.
    pub family: Family,
    /// It holds where the comparison does not.
    pub negated: bool,
    /// It holds where the key is absent.
    pub if_exists: bool,
    /// For keys with several values.
    pub quantifier: Option<Quantifier>,
}

impl Operator {
    /// Reads a name such as `ForAnyValue:StringNotLikeIfExists`. Case counts.
    pub fn parse(text: &str) -> Option<Self> {
        let (quantifier, text) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (name, if_exists) = text.strip_suffix("IfExists").map_or((text, false), |name| (name, true));
        let (family, negated) = family(name)?;
        // Null asks whether the key exists, so it has neither form.
        if family == Family::Null && (if_exists || quantifier.is_some()) {
            return None;
        }
        Some(Self { family, negated, if_exists, quantifier })
    }

    /// Whether the operator could compare anything with `value`.
    pub fn takes(&self, value: &str) -> bool {
        match self.family {
            Family::String | Family::StringIgnoreCase | Family::StringLike => true,
            Family::Numeric(_) => is_decimal(value),
            Family::Date(_) => is_moment(value),
            Family::Bool | Family::Null => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Family::Binary => STANDARD.decode(value).is_ok(),
            Family::Ip => value.parse::<IpAddr>().is_ok() || value.parse::<ipnet::IpNet>().is_ok(),
            // A variable may stand for any number of parts.
            Family::Arn => value == "*" || value.contains("${") || value.matches(':').count() >= 5,
        }
    }
}

fn family(name: &str) -> Option<(Family, bool)> {
    use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    Some(match name {
        "StringEquals" => (Family::String, false),
        "StringNotEquals" => (Family::String, true),
        "StringEqualsIgnoreCase" => (Family::StringIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Family::StringIgnoreCase, true),
        "StringLike" => (Family::StringLike, false),
        "StringNotLike" => (Family::StringLike, true),
        "NumericEquals" => (Family::Numeric(Equal), false),
        "NumericNotEquals" => (Family::Numeric(Equal), true),
        "NumericLessThan" => (Family::Numeric(Less), false),
        "NumericLessThanEquals" => (Family::Numeric(LessOrEqual), false),
        "NumericGreaterThan" => (Family::Numeric(Greater), false),
        "NumericGreaterThanEquals" => (Family::Numeric(GreaterOrEqual), false),
        "DateEquals" => (Family::Date(Equal), false),
        "DateNotEquals" => (Family::Date(Equal), true),
        "DateLessThan" => (Family::Date(Less), false),
        "DateLessThanEquals" => (Family::Date(LessOrEqual), false),
        "DateGreaterThan" => (Family::Date(Greater), false),
        "DateGreaterThanEquals" => (Family::Date(GreaterOrEqual), false),
        "Bool" => (Family::Bool, false),
        "BinaryEquals" => (Family::Binary, false),
        "IpAddress" => (Family::Ip, false),
        "NotIpAddress" => (Family::Ip, true),
        "ArnEquals" | "ArnLike" => (Family::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Family::Arn, true),
        "Null" => (Family::Null, false),
        _ => return None,
    })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 64 && all_digits(whole) && all_digits(fraction)
}

/// ISO 8601 with or without a time, or seconds since the epoch.
fn is_moment(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
        || text.parse::<jiff::civil::Date>().is_ok()
        || (text.len() <= 20 && text.parse::<i64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(text: &str) -> Operator {
        Operator::parse(text).unwrap()
    }

    #[test]
    fn a_name_says_everything() {
        let plain = operator("StringEquals");
        assert_eq!(plain, Operator { family: Family::String, negated: false, if_exists: false, quantifier: None });
        let rich = operator("ForAnyValue:StringNotLikeIfExists");
        assert_eq!(
            rich,
            Operator {
                family: Family::StringLike,
                negated: true,
                if_exists: true,
                quantifier: Some(Quantifier::ForAnyValue)
            }
        );
        for bad in ["", "stringEquals", "StringEqual", "NullIfExists", "ForAllValues:Null", "ForSome:Bool", "IfExists"]
        {
            assert_eq!(Operator::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_that_could_never_match_are_told_apart() {
        for (name, good, bad) in [
            ("NumericLessThan", "3.50", "three"),
            ("NumericLessThan", "-1", "1e5"),
            ("DateGreaterThan", "2026-01-01", "yesterday"),
            ("DateGreaterThan", "2026-01-01T00:00:00+02:00", "2026-13-01"),
            ("DateGreaterThan", "1767225600", "1767225600s"),
            ("Bool", "TRUE", "1"),
            ("Null", "false", "no"),
            ("BinaryEquals", "AAEC", "AAE"),
            ("IpAddress", "10.0.0.0/8", "10.0.0.0/33"),
            ("NotIpAddress", "2001:db8::1", "localhost"),
            ("ArnLike", "arn:aws:iam::*:role/*", "role/*"),
        ] {
            assert!(operator(name).takes(good), "{name} {good}");
            assert!(!operator(name).takes(bad), "{name} {bad}");
        }
        assert!(operator("StringEquals").takes("anything"));
    }
}
