//! Parsing of listings.

use types::{ApiError, ErrorCode, Namespace, limits};

use super::constraints::{Constraints, Pattern};
use super::request::{
    BatchGetSecretValueRequest, Filter, FilterKey, FilterValue, ListSecretVersionIdsRequest, ListSecretsRequest,
    NamedSecret, SortBy,
};
use super::secrets::{take_secret_id, target};
use crate::api::{BatchGetSecretValueInput, FilterInput, ListSecretVersionIdsInput, ListSecretsInput};

const LIST_OR_FILTERS: &str = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
const PAGE_WITHOUT_FILTERS: &str =
    "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.";
const FILTER_KEYS: &[(&str, FilterKey)] = &[
    ("all", FilterKey::All),
    ("name", FilterKey::Name),
    ("tag-key", FilterKey::TagKey),
    ("description", FilterKey::Description),
    ("tag-value", FilterKey::TagValue),
    ("primary-region", FilterKey::PrimaryRegion),
    ("owning-service", FilterKey::OwningService),
];
const SORT_ORDERS: &[(&str, bool)] = &[("asc", false), ("desc", true)];
const SORT_KEYS: &[(&str, SortBy)] = &[
    ("created-date", SortBy::CreatedDate),
    ("last-accessed-date", SortBy::LastAccessedDate),
    ("last-changed-date", SortBy::LastChangedDate),
    ("name", SortBy::Name),
];
const FILTER_VALUE: Pattern = Pattern {
    shown: r"^\!?[a-zA-Z0-9 :_@\/\+\=\.\-\!]*$",
    matches: |text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b" :_@/+=.-!".contains(&b)),
};

/// Parses ListSecrets.
pub(crate) fn list_secrets(input: ListSecretsInput) -> Result<ListSecretsRequest, ApiError> {
    let given = input.filters.unwrap_or_default();

    let mut constraints = Constraints::default();
    let max_results = take_max_results(&mut constraints, input.max_results, limits::PAGE_ENTRIES);
    let next_token = take_next_token(&mut constraints, input.next_token);
    constraints.members("filters", Some(given.len()), 0..=limits::FILTERS);
    let keys = take_filters(&mut constraints, &given);
    let descending = constraints.one_of("sortOrder", input.sort_order.as_deref(), SORT_ORDERS);
    let sort_by = constraints.one_of("sortBy", input.sort_by.as_deref(), SORT_KEYS);
    constraints.finish()?;

    Ok(ListSecretsRequest {
        max_results,
        next_token,
        filters: parse_filters(given, keys)?,
        sort_by: sort_by.unwrap_or(SortBy::CreatedDate),
        descending: descending.unwrap_or(false),
        include_planned_deletion: input.include_planned_deletion.unwrap_or(false),
    })
}

/// Parses ListSecretVersionIds.
pub(crate) fn list_secret_version_ids(
    input: ListSecretVersionIdsInput,
    namespace: &Namespace,
) -> Result<ListSecretVersionIdsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let max_results = take_max_results(&mut constraints, input.max_results, limits::PAGE_ENTRIES);
    let next_token = take_next_token(&mut constraints, input.next_token);
    constraints.finish()?;
    let include_deprecated = input.include_deprecated.unwrap_or(false);
    Ok(ListSecretVersionIdsRequest {
        secret: target(secret_id, namespace)?,
        max_results,
        next_token,
        include_deprecated,
    })
}

/// Parses BatchGetSecretValue.
pub(crate) fn batch_get_secret_value(
    input: BatchGetSecretValueInput,
    namespace: &Namespace,
) -> Result<BatchGetSecretValueRequest, ApiError> {
    let filters = input.filters.as_deref().unwrap_or_default();
    let mut constraints = Constraints::default();
    if let Some(ids) = &input.secret_id_list {
        constraints.members("secretIdList", Some(ids.len()), 1..=limits::BATCH_SECRETS);
        constraints.each("secretIdList", ids, 1..=limits::SECRET_ID_CHARS, None);
    }
    constraints.members("filters", Some(filters.len()), 0..=limits::FILTERS);
    let keys = take_filters(&mut constraints, filters);
    let max_results = take_max_results(&mut constraints, input.max_results, limits::BATCH_SECRETS);
    let next_token = take_next_token(&mut constraints, input.next_token);
    constraints.finish()?;

    match (input.secret_id_list, input.filters) {
        (Some(_), Some(_)) | (None, None) => Err(ApiError::new(ErrorCode::InvalidParameter, LIST_OR_FILTERS)),
        (Some(_), None) if input.max_results.is_some() => {
            Err(ApiError::new(ErrorCode::InvalidParameter, PAGE_WITHOUT_FILTERS))
        }
        (Some(ids), None) => {
            let named = |given: String| NamedSecret { target: target(given.clone(), namespace), given };
            Ok(BatchGetSecretValueRequest::Named(ids.into_iter().map(named).collect()))
        }
        (None, Some(given)) => Ok(BatchGetSecretValueRequest::Listed(ListSecretsRequest {
            max_results,
            next_token,
            filters: parse_filters(given, keys)?,
            sort_by: SortBy::CreatedDate,
            descending: false,
            include_planned_deletion: false,
        })),
    }
}

/// The size of a page: as asked, else the largest.
pub(super) fn take_max_results(constraints: &mut Constraints, given: Option<i64>, largest: usize) -> usize {
    let most = i64::try_from(largest).unwrap_or(i64::MAX);
    let taken = constraints.number("maxResults", given, 1..=most);
    taken.and_then(|number| usize::try_from(number).ok()).unwrap_or(largest)
}

pub(super) fn take_next_token(constraints: &mut Constraints, given: Option<String>) -> Option<String> {
    constraints.text("nextToken", given, 1..=limits::NEXT_TOKEN_CHARS)
}

/// Checks the shapes of filters, and gives their keys.
fn take_filters(constraints: &mut Constraints, given: &[FilterInput]) -> Vec<Option<FilterKey>> {
    let mut keys = Vec::new();
    for (position, filter) in given.iter().enumerate() {
        let member = format!("filters.{}.member", position + 1);
        keys.push(constraints.one_of(&format!("{member}.key"), filter.key.as_deref(), FILTER_KEYS));
        let Some(values) = &filter.values else { continue };
        let path = format!("{member}.values");
        constraints.members(&path, Some(values.len()), 1..=limits::FILTER_VALUES);
        constraints.each(&path, values, 0..=limits::FILTER_VALUE_CHARS, Some(&FILTER_VALUE));
    }
    keys
}

fn parse_filters(given: Vec<FilterInput>, keys: Vec<Option<FilterKey>>) -> Result<Vec<Filter>, ApiError> {
    given.into_iter().zip(keys).map(|(filter, key)| parse_filter(filter, key)).collect()
}

fn parse_filter(filter: FilterInput, key: Option<FilterKey>) -> Result<Filter, ApiError> {
    let (Some(word), Some(key)) = (filter.key, key) else {
        return Err(ApiError::new(ErrorCode::InvalidParameter, "Invalid filter key"));
    };
    let Some(values) = filter.values else {
        return Err(ApiError::new(ErrorCode::InvalidParameter, format!("Invalid filter values for key: {word}")));
    };
    let values = values.into_iter().map(|value| match value.strip_prefix('!') {
        Some(text) => FilterValue { negated: true, text: text.to_owned() },
        None => FilterValue { negated: false, text: value },
    });
    Ok(Filter { key, values: values.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(key: Option<&str>, values: Option<&[&str]>) -> FilterInput {
        FilterInput {
            key: key.map(str::to_owned),
            values: values.map(|values| values.iter().map(|&value| value.to_owned()).collect()),
        }
    }

    fn with(filters: Vec<FilterInput>) -> ListSecretsInput {
        ListSecretsInput { filters: Some(filters), ..ListSecretsInput::default() }
    }

    #[test]
    fn an_empty_input_lists_a_whole_page_in_the_order_of_creation() {
        let request = list_secrets(ListSecretsInput::default()).unwrap();
        assert_eq!((request.max_results, request.sort_by, request.descending), (100, SortBy::CreatedDate, false));
        assert!(request.filters.is_empty() && !request.include_planned_deletion);
    }

    #[test]
    fn a_bang_negates_one_value() {
        let request = list_secrets(with(vec![filter(Some("name"), Some(&["one", "!two", "!", ""]))])).unwrap();
        let values: Vec<_> = request.filters[0].values.iter().map(|v| (v.negated, v.text.as_str())).collect();
        assert_eq!(values, [(false, "one"), (true, "two"), (true, ""), (false, "")]);
    }

    #[test]
    fn bad_listings_get_the_texts_of_aws() {
        let sorted = |sort_by: &str, order: &str| ListSecretsInput {
            sort_by: Some(sort_by.to_owned()),
            sort_order: Some(order.to_owned()),
            ..ListSecretsInput::default()
        };
        let paged = |max_results| ListSecretsInput { max_results: Some(max_results), ..ListSecretsInput::default() };
        let cases = [
            (
                paged(0),
                ErrorCode::Validation,
                "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: \
                 Member must have value greater than or equal to 1",
            ),
            (
                paged(101),
                ErrorCode::Validation,
                "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: \
                 Member must have value less than or equal to 100",
            ),
            (
                with(vec![filter(Some("name"), Some(&["x"])), filter(Some("nom"), Some(&["x"]))]),
                ErrorCode::Validation,
                "1 validation error detected: Value 'nom' at 'filters.2.member.key' failed to satisfy constraint: \
                 Member must satisfy enum value set: [all, name, tag-key, description, tag-value, primary-region, \
                 owning-service]",
            ),
            (
                with(vec![filter(Some("name"), Some(&["a*", "b"]))]),
                ErrorCode::Validation,
                "1 validation error detected: Value '[a*, b]' at 'filters.1.member.values' failed to satisfy \
                 constraint: Member must satisfy constraint: [Member must have length less than or equal to 512, \
                 Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: \
                 ^\\!?[a-zA-Z0-9 :_@\\/\\+\\=\\.\\-\\!]*$]",
            ),
            (
                with(vec![filter(Some("name"), Some(&[]))]),
                ErrorCode::Validation,
                "1 validation error detected: Value '[]' at 'filters.1.member.values' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
            ),
            (
                with((0..11).map(|_| filter(Some("name"), Some(&["x"]))).collect()),
                ErrorCode::Validation,
                "1 validation error detected: Value '[...]' at 'filters' failed to satisfy constraint: \
                 Member must have length less than or equal to 10",
            ),
            (
                sorted("size", "up"),
                ErrorCode::Validation,
                "2 validation errors detected: Value 'up' at 'sortOrder' failed to satisfy constraint: Member must \
                 satisfy enum value set: [asc, desc]; Value 'size' at 'sortBy' failed to satisfy constraint: Member \
                 must satisfy enum value set: [created-date, last-accessed-date, last-changed-date, name]",
            ),
            (with(vec![filter(None, Some(&["x"]))]), ErrorCode::InvalidParameter, "Invalid filter key"),
            (
                with(vec![filter(Some("tag-key"), None)]),
                ErrorCode::InvalidParameter,
                "Invalid filter values for key: tag-key",
            ),
        ];
        for (input, code, message) in cases {
            let error = list_secrets(input).unwrap_err();
            assert_eq!((error.code, error.message.as_ref()), (code, message));
        }
    }
}
