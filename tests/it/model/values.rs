//! Values just inside and just outside what a shape of the model allows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::botocore::{Model, Place, Step, members};

/// Entries of a list without a bound, and characters of a text without one, that are enough to try.
const ENOUGH: u8 = 8;

/// A value to try.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) value: Value,
    /// Which bound it is at: `max 2048`.
    pub(super) bound: String,
    /// What it fails to satisfy, in AWS's words; nothing for a value inside.
    pub(super) fails: Vec<Fails>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fails {
    Text(String),
    /// None of these words. AWS tells them in no order.
    Words(Vec<String>),
}

/// Values at every bound of a shape.
pub(super) fn cases(model: &Model, shape: &Value) -> Vec<Case> {
    match shape["type"].as_str().unwrap_or_default() {
        "string" if shape["enum"].is_array() => words(shape),
        "string" => texts(shape),
        "integer" | "long" => numbers(shape),
        "blob" => sizes(shape, &|length| json!(STANDARD.encode(vec![7; length]))),
        "list" => {
            let entry = typical(model, model.shape(&shape["member"]));
            sizes(shape, &|length| Value::Array(vec![entry.clone(); length]))
        }
        _ => Vec::new(),
    }
}

/// Texts at the bounds of a shape's length, and one that is not of its pattern.
fn texts(shape: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut at = |value: String, bound: String| {
        cases.push(Case { fails: failures(shape, &value), value: json!(value), bound });
    };
    if let Some(least) = number(shape, "min") {
        at(nearest(shape, least, true), format!("min {least}"));
        if least > 0 {
            at(near(shape, least - 1), format!("below min {least}"));
        }
    }
    if let Some(most) = number(shape, "max") {
        at(nearest(shape, most, false), format!("max {most}"));
        at(near(shape, most + 1), format!("above max {most}"));
    }
    if let Some(pattern) = shape["pattern"].as_str() {
        let length = number(shape, "min").unwrap_or(1).max(1);
        // The one or the other is in no pattern that there is.
        let strange = ["~", "\u{100}"].map(|character| character.repeat(length));
        let outside = strange.into_iter().find(|text| !is_match(shape, text));
        at(outside.unwrap_or_default(), format!("not of the pattern {pattern}"));
    }
    cases
}

fn words(shape: &Value) -> Vec<Case> {
    let words: Vec<String> =
        shape["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let inside = words.iter().map(|word| Case { value: json!(word), bound: format!("word {word}"), fails: Vec::new() });
    let outside = Case {
        value: json!("no-such-word"),
        bound: "another word".to_owned(),
        fails: vec![Fails::Words(words.clone())],
    };
    inside.chain([outside]).collect()
}

fn numbers(shape: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut at = |value: i64, bound: String, fails: Option<String>| {
        cases.push(Case { value: json!(value), bound, fails: fails.into_iter().map(Fails::Text).collect() });
    };
    if let Some(least) = shape["min"].as_i64() {
        at(least, format!("min {least}"), None);
        let must = format!("Member must have value greater than or equal to {least}");
        at(least - 1, format!("below min {least}"), Some(must));
    }
    if let Some(most) = shape["max"].as_i64() {
        at(most, format!("max {most}"), None);
        let must = format!("Member must have value less than or equal to {most}");
        at(most + 1, format!("above max {most}"), Some(must));
    }
    cases
}

fn sizes(shape: &Value, of: &dyn Fn(usize) -> Value) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut at = |length: usize, bound: String| {
        let fails = length_failure(shape, length).into_iter().map(Fails::Text).collect();
        cases.push(Case { value: of(length), bound, fails });
    };
    if let Some(least) = number(shape, "min") {
        at(least, format!("min {least}"));
        if least > 0 {
            at(least - 1, format!("below min {least}"));
        }
    }
    if let Some(most) = number(shape, "max") {
        at(most, format!("max {most}"));
        at(most + 1, format!("above max {most}"));
    }
    cases
}

/// What AWS says of a list with an entry that breaks a rule: all that entries must satisfy.
pub(super) fn of_entries(shape: &Value) -> String {
    let length = |word: &str, key: &str| {
        let bound = number(shape, key).unwrap_or(0);
        format!("Member must have length {word} than or equal to {bound}")
    };
    let mut rules = vec![length("less", "max"), length("greater", "min")];
    if let Some(pattern) = shape["pattern"].as_str() {
        rules.push(format!("Member must satisfy regular expression pattern: {pattern}"));
    }
    format!("Member must satisfy constraint: [{}]", rules.join(", "))
}

/// An ordinary value of a shape.
pub(super) fn typical(model: &Model, shape: &Value) -> Value {
    match shape["type"].as_str().unwrap_or_default() {
        "string" => match shape["enum"].get(0) {
            Some(word) => word.clone(),
            None => json!(nearest(shape, usize::from(ENOUGH), true)),
        },
        "integer" | "long" => json!(shape["min"].as_i64().unwrap_or(i64::from(ENOUGH))),
        "boolean" => json!(true),
        "blob" => json!(STANDARD.encode([7; ENOUGH as usize])),
        "map" => json!({"key": "value"}),
        "list" => json!([typical(model, model.shape(&shape["member"]))]),
        "structure" => {
            let typical = |(name, reference): (&str, &Value)| (name.to_owned(), typical(model, model.shape(reference)));
            Value::Object(members(shape).map(typical).collect())
        }
        other => panic!("no value of type {other:?} can be made: teach this function"),
    }
}

/// A value of another type.
pub(super) fn of_another_type(shape: &Value) -> Value {
    match shape["type"].as_str().unwrap_or_default() {
        "string" | "blob" | "list" | "map" | "structure" => json!(1),
        _ => json!("a text"),
    }
}

/// A request with `value` at a place, and ordinary values in the structures on the way.
pub(super) fn put(model: &Model, request: &mut Map<String, Value>, place: &Place<'_>, value: Value) {
    let mut built = value;
    let mut structures = place.within.iter().rev();
    for step in place.steps.iter().rev() {
        built = match step {
            Step::Entry => json!([built]),
            Step::Member(name) => {
                let structure = structures.next().expect("a member is in a structure");
                if place.within.len() > 1 && !std::ptr::eq(*structure, place.within[0]) {
                    let mut around = typical(model, structure);
                    around[*name] = built;
                    around
                } else {
                    json!({ *name: built })
                }
            }
        };
    }
    let Value::Object(built) = built else { panic!("a request is an object") };
    request.extend(built);
}

/// What a text fails to satisfy.
fn failures(shape: &Value, text: &str) -> Vec<Fails> {
    let length = length_failure(shape, text.chars().count());
    let pattern = shape["pattern"].as_str().filter(|_| !is_match(shape, text));
    let pattern = pattern.map(|pattern| format!("Member must satisfy regular expression pattern: {pattern}"));
    length.into_iter().chain(pattern).map(Fails::Text).collect()
}

fn length_failure(shape: &Value, length: usize) -> Option<String> {
    match (number(shape, "min"), number(shape, "max")) {
        (Some(least), _) if length < least => Some(format!("Member must have length greater than or equal to {least}")),
        (_, Some(most)) if length > most => Some(format!("Member must have length less than or equal to {most}")),
        _ => None,
    }
}

/// A legal text of `length` characters, or of the nearest length that a legal text has on that side.
fn nearest(shape: &Value, length: usize, at_least: bool) -> String {
    let allowed = number(shape, "min").unwrap_or(0)..=number(shape, "max").unwrap_or(usize::MAX);
    let length = length.clamp(*allowed.start(), *allowed.end());
    let lengths: Vec<usize> =
        if at_least { (length..length + usize::from(ENOUGH)).collect() } else { (0..=length).rev().collect() };
    let legal = |length: &usize| {
        let legal = allowed.contains(length) && is_match(shape, &near(shape, *length));
        legal.then(|| near(shape, *length))
    };
    lengths.iter().find_map(legal).unwrap_or_else(|| panic!("no text of {shape} can be made: teach `near`"))
}

/// A text of `length` characters, of the shape's pattern if one of a few is.
fn near(shape: &Value, length: usize) -> String {
    let followed = |start: &str, with: &str, end: &str| {
        let rest = length.saturating_sub(start.len() + end.len());
        let text = format!("{start}{}{end}", with.repeat(rest));
        text.chars().take(length).collect::<String>()
    };
    let texts = [
        followed("", "a", ""),
        followed("a-", "1", ""),
        followed("", "1", "h"),
        followed("a.a.", "a", ""),
        followed("arn:aws:a:a:123456789012:", "a", ""),
    ];
    texts.iter().find(|text| is_match(shape, text)).unwrap_or(&texts[0]).clone()
}

/// Whether the whole of a text is of the shape's pattern, if it has one.
fn is_match(shape: &Value, text: &str) -> bool {
    let Some(pattern) = shape["pattern"].as_str() else { return true };
    // `\!`, `\/`, `\_`, `\=` are plain characters to Java and unknown escapes to others.
    let pattern = ["!", "/", "_", "=", "@"]
        .iter()
        .fold(pattern.to_owned(), |pattern, plain| pattern.replace(&format!("\\{plain}"), plain));
    Regex::new(&format!("^(?:{pattern})$")).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
}

fn number(shape: &Value, key: &str) -> Option<usize> {
    shape[key].as_u64().and_then(|number| usize::try_from(number).ok())
}
