//! Filters of listings: all filters must match, and of each one value.

use state::Secret;
use types::Region;

use crate::shape::{Filter, FilterKey, FilterValue};

/// Whether the secret matches every filter; `primary` is the region of its primary, if it is replicated.
pub(super) fn matches_all(filters: &[Filter], secret: &Secret, primary: Option<&Region>) -> bool {
    filters.iter().all(|filter| filter.values.iter().any(|value| matches(filter.key, value, secret, primary)))
}

/// A prefix that every match's name has, if the filters ask for one.
pub(super) fn name_prefix(filters: &[Filter]) -> Option<&str> {
    filters.iter().find_map(|filter| match (filter.key, filter.values.as_slice()) {
        (FilterKey::Name, [FilterValue { negated: false, text }]) => Some(text.as_str()),
        _ => None,
    })
}

/// A secret without the attribute matches negated values only.
fn matches(key: FilterKey, value: &FilterValue, secret: &Secret, primary: Option<&Region>) -> bool {
    let text = value.text.as_str();
    let tags = || secret.tags.iter().flatten();
    let found = match key {
        FilterKey::Name => secret.name.as_str().starts_with(text),
        FilterKey::TagKey => tags().any(|tag| tag.key.starts_with(text)),
        FilterKey::TagValue => tags().any(|tag| tag.value.starts_with(text)),
        FilterKey::Description => secret.description.as_deref().is_some_and(|attribute| has_words(attribute, text)),
        FilterKey::All => {
            has_words(secret.name.as_str(), text)
                || secret.description.as_deref().is_some_and(|attribute| has_words(attribute, text))
                || tags().any(|tag| has_words(&tag.key, text) || has_words(&tag.value, text))
        }
        FilterKey::PrimaryRegion => primary.is_some_and(|region| region.as_str().starts_with(text)),
        // No secret is managed by a service.
        FilterKey::OwningService => false,
    };
    found != value.negated
}

/// Whether every word of `sought` begins some word of `attribute`, in any case of letters. Without a word in it,
/// `sought` is found nowhere.
fn has_words(attribute: &str, sought: &str) -> bool {
    let mut sought = words(sought).peekable();
    sought.peek().is_some() && sought.all(|begin| words(attribute).any(|word| begins(word, begin)))
}

fn begins(word: &str, begin: &str) -> bool {
    word.as_bytes().get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin.as_bytes()))
}

/// Words end at whitespace and special characters, before a capital that follows a small letter, and before a digit
/// that follows a letter.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).flat_map(humps).filter(|word| !word.is_empty())
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "/-_+=.@".contains(c)
}

fn humps(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let boundary = rest.char_indices().zip(rest.chars().skip(1)).find_map(|((at, before), after)| {
            let ends =
                before.is_lowercase() && after.is_uppercase() || before.is_alphabetic() && after.is_ascii_digit();
            ends.then(|| at + before.len_utf8())
        });
        let (hump, tail) = rest.split_at(boundary.unwrap_or(rest.len()));
        rest = tail;
        Some(hump)
    })
}

#[cfg(test)]
mod tests {
    use types::{Namespace, Region, SecretArn, SecretName, Tag, Timestamp, VersionId};

    use super::*;

    fn secret(name: &str, description: Option<&str>, tags: &[(&str, &str)]) -> Secret {
        let namespace =
            Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() };
        let name = SecretName::parse(name).unwrap();
        Secret {
            uid: state::SecretUid(1),
            arn: SecretArn::new(&namespace, &name, "a1b2c3"),
            namespace,
            name,
            create_token: VersionId::parse(&"t".repeat(32)).unwrap(),
            description: description.map(Into::into),
            kms_key_id: None,
            tags: Some(tags.iter().map(|(k, v)| Tag { key: (*k).into(), value: (*v).into() }).collect()),
            created: Timestamp::ZERO,
            last_changed: Timestamp::ZERO,
            last_accessed: None,
            deletion_date: None,
            rotation: None,
            versions: state::Versions::default(),
            labels: Vec::new(),
            next_part: 0,
            key_changed_at: 0,
        }
    }

    fn filter(key: FilterKey, values: &[&str]) -> Filter {
        let parse = |text: &&str| match text.strip_prefix('!') {
            Some(rest) => FilterValue { negated: true, text: rest.to_owned() },
            None => FilterValue { negated: false, text: (*text).to_owned() },
        };
        Filter { key, values: values.iter().map(parse).collect() }
    }

    #[test]
    fn names_and_tags_match_by_prefix_in_the_given_case() {
        use FilterKey::{Name, TagKey, TagValue};
        let secret = secret("/testing2", None, &[("Env", "prod"), ("team", "Core")]);
        let cases: &[(FilterKey, &[&str], bool)] = &[
            (Name, &["/"], true),
            (Name, &["/testing2"], true),
            (Name, &["/testing22"], false),
            (Name, &["/Testing"], false),
            (Name, &["testing"], false),
            (Name, &["testing1 one"], false),
            (Name, &[""], true),
            (Name, &["!/"], false),
            (Name, &["!a"], true),
            (Name, &["x", "!y"], true),
            (TagKey, &["En"], true),
            (TagKey, &["en"], false),
            (TagValue, &["Co"], true),
            (TagValue, &["ore"], false),
            (TagKey, &["nope", "te"], true),
            (TagKey, &["!te"], false),
        ];
        for (key, values, expected) in cases {
            assert_eq!(matches_all(&[filter(*key, values)], &secret, None), *expected, "{key:?} {values:?}");
        }
    }

    #[test]
    fn tag_keys_and_values_of_two_filters_need_not_be_of_one_tag() {
        let secret = secret("s", None, &[("a", "1"), ("b", "2")]);
        let both = |key, value| [filter(FilterKey::TagKey, &[key]), filter(FilterKey::TagValue, &[value])];
        assert!(matches_all(&both("a", "2"), &secret, None));
        assert!(!matches_all(&both("a", "3"), &secret, None));
    }

    #[test]
    fn descriptions_match_by_words() {
        let cases: &[(&str, &str, bool)] = &[
            ("a secret", "a", true),
            ("an secret", "a", true),
            ("asecret", "a", true),
            ("thesecret", "a", false),
            ("a secret", "a secret", true),
            ("an secret", "a secret", true),
            ("asecret", "a secret", false),
            ("one and two", "one two", true),
            ("one and two", "o t", true),
            ("one and two", "One TWO", true),
            ("one and two", "three", false),
            ("one", "", false),
            ("one", "!a", true),
            ("a", "!a", false),
        ];
        for (description, value, expected) in cases {
            let secret = secret("s", Some(description), &[]);
            let filters = [filter(FilterKey::Description, &[value])];
            assert_eq!(matches_all(&filters, &secret, None), *expected, "{description:?} {value:?}");
        }
    }

    #[test]
    fn all_looks_for_the_words_in_one_attribute() {
        let cases: &[(&str, &str, bool)] = &[
            ("SecretOne", "sec", true),
            ("SecretOne", "one", true),
            ("SecretOne", "secret one", true),
            ("SecretOne", "ret", false),
            ("Thirdsecret", "Secret", false),
            ("AppBeta", "beta", true),
            ("prod-AppBeta/x", "beta", true),
            ("db2", "2", true),
            ("COMPANY", "comp", true),
            ("COMPANY", "pany", false),
            ("a/b", "/", false),
            ("first", "words", true),
            ("first", "first words", false),
            ("first", "key tag", true),
            ("first", "tag value", false),
        ];
        for (name, value, expected) in cases {
            let secret = secret(name, Some("some words"), &[("tagKey", "theValue")]);
            assert_eq!(
                matches_all(&[filter(FilterKey::All, &[value])], &secret, None),
                *expected,
                "{name:?} {value:?}"
            );
        }
    }

    #[test]
    fn a_secret_without_the_attribute_matches_negated_values_only() {
        let secret = secret("s", None, &[]);
        for key in [FilterKey::Description, FilterKey::TagKey, FilterKey::PrimaryRegion, FilterKey::OwningService] {
            assert!(!matches_all(&[filter(key, &["a"])], &secret, None), "{key:?}");
            assert!(matches_all(&[filter(key, &["!a"])], &secret, None), "{key:?}");
        }
    }

    #[test]
    fn only_replicated_secrets_have_a_primary_region() {
        let secret = secret("s", None, &[]);
        let east = Region::parse("us-east-1").unwrap();
        for (value, primary, expected) in [
            ("us-", Some(&east), true),
            ("us-east-1", Some(&east), true),
            ("US", Some(&east), false),
            ("us-west", Some(&east), false),
            ("!us", Some(&east), false),
            ("us", None, false),
        ] {
            let filters = [filter(FilterKey::PrimaryRegion, &[value])];
            assert_eq!(matches_all(&filters, &secret, primary), expected, "{value}");
        }
    }

    #[test]
    fn only_one_positive_name_is_a_prefix_to_start_from() {
        let name = |values| [filter(FilterKey::All, &["x"]), filter(FilterKey::Name, values)];
        assert_eq!(name_prefix(&name(&["a"])), Some("a"));
        assert_eq!(name_prefix(&name(&["!a"])), None);
        assert_eq!(name_prefix(&name(&["a", "b"])), None);
        assert_eq!(name_prefix(&[]), None);
    }
}
