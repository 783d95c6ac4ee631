//! From text to a policy. Every object is read by hand, so that what comes twice or is unknown is refused where it
//! stands; the grammar itself bounds how deep a document can be.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::condition::{Condition, Operator};
use crate::document::{Actions, Effect, Kind, Policy, Principals, Resources, Statement, Version};
use crate::pattern::{ActionPattern, ResourcePattern};
use crate::principal::PrincipalPattern;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (line {line}, column {column})")]
pub struct Malformed {
    /// One sentence without a full stop. It repeats names of elements and short values of the document.
    pub what: String,
    /// From 1.
    pub line: usize,
    /// From 1; just after what is wrong.
    pub column: usize,
    /// Whether it is a principal that is wrong, which AWS has a text of its own for.
    pub is_principal: bool,
}

/// Begins every text about a principal.
const UNSUPPORTED_PRINCIPAL: &str = "unsupported principal";
/// The longest text that an error repeats, in characters.
const ECHOED_CHARS: usize = 64;

pub(crate) fn parse(text: &str, kind: Kind) -> Result<Policy, Malformed> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let policy = PolicyReader(kind).deserialize(&mut deserializer);
    policy.and_then(|policy| deserializer.end().map(|()| policy)).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let what = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        let is_principal = what.starts_with(UNSUPPORTED_PRINCIPAL);
        Malformed { what, line: error.line(), column: error.column(), is_principal }
    })
}

struct PolicyReader(Kind);

impl<'de> DeserializeSeed<'de> for PolicyReader {
    type Value = Policy;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Policy, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PolicyReader {
    type Value = Policy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Policy, A::Error> {
        let (mut version, mut id, mut statements) = (None, None, None);
        while let Some(element) = members.next_key::<String>()? {
            match element.as_str() {
                "Version" => {
                    let text = members.next_value::<String>()?;
                    let read = match text.as_str() {
                        "2008-10-17" => Version::V2008,
                        "2012-10-17" => Version::V2012,
                        _ => return Err(A::Error::custom("the Version is neither 2012-10-17 nor 2008-10-17")),
                    };
                    put(&mut version, read, &element)?;
                }
                "Id" => put(&mut id, members.next_value::<String>()?, &element)?,
                "Statement" => put(&mut statements, members.next_value_seed(Statements(self.0))?, &element)?,
                _ => return Err(unknown(&element, "a policy")),
            }
        }
        let statements = statements.ok_or_else(|| A::Error::custom("the policy has no Statement"))?;
        Ok(Policy { version: version.unwrap_or_default(), id, statements })
    }
}

/// One statement or a list of them.
struct Statements(Kind);

impl<'de> DeserializeSeed<'de> for Statements {
    type Value = Vec<Statement>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Statements {
    type Value = Vec<Statement>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement or a list of statements")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        StatementReader(self.0).visit_map(members).map(|statement| vec![statement])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (mut statements, mut sids) = (Vec::new(), BTreeSet::new());
        while let Some(statement) = entries.next_element_seed(StatementReader(self.0))? {
            if statement.sid.clone().is_some_and(|sid| !sids.insert(sid)) {
                return Err(A::Error::custom("two statements have the same Sid"));
            }
            statements.push(statement);
            if statements.len() > Policy::STATEMENTS {
                return Err(A::Error::custom(format_args!(
                    "the policy has more than {} statements",
                    Policy::STATEMENTS
                )));
            }
        }
        if statements.is_empty() { Err(A::Error::custom("the policy has no statements")) } else { Ok(statements) }
    }
}

struct StatementReader(Kind);

impl<'de> DeserializeSeed<'de> for StatementReader {
    type Value = Statement;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Statement, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StatementReader {
    type Value = Statement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Statement, A::Error> {
        let (mut sid, mut effect, mut principals) = (None, None, None);
        let (mut actions, mut resources, mut conditions) = (None, None, None);
        while let Some(element) = members.next_key::<String>()? {
            match element.as_str() {
                "Sid" => put(&mut sid, sid_of(members.next_value()?, self.0)?, &element)?,
                "Effect" => put(&mut effect, effect_of(&members.next_value::<String>()?)?, &element)?,
                "Principal" | "NotPrincipal" => {
                    let read = members.next_value_seed(PrincipalsReader)?;
                    let is_not = element == "NotPrincipal";
                    let read = if is_not { Principals::AreNot(read) } else { Principals::Are(read) };
                    put(&mut principals, read, "Principal or NotPrincipal")?;
                }
                "Action" | "NotAction" => {
                    let read = patterns(members.next_value_seed(Texts)?, ActionPattern::parse, "an action")?;
                    let read = if element == "Action" { Actions::Are(read) } else { Actions::AreNot(read) };
                    put(&mut actions, read, "Action or NotAction")?;
                }
                "Resource" | "NotResource" => {
                    let read = patterns(members.next_value_seed(Texts)?, ResourcePattern::parse, "a resource")?;
                    let read = if element == "Resource" { Resources::Are(read) } else { Resources::AreNot(read) };
                    put(&mut resources, read, "Resource or NotResource")?;
                }
                "Condition" => put(&mut conditions, members.next_value_seed(ConditionsReader)?, &element)?,
                _ => return Err(unknown(&element, "a statement")),
            }
        }
        let kind = self.0;
        must(kind != Kind::Identity, principals.is_some(), "Principal")?;
        must(kind != Kind::Trust, resources.is_some(), "Resource")?;
        Ok(Statement {
            sid,
            effect: effect.ok_or_else(|| A::Error::custom("a statement has no Effect"))?,
            principals,
            actions: actions.ok_or_else(|| A::Error::custom("a statement has neither Action nor NotAction"))?,
            resources,
            conditions: conditions.unwrap_or_default(),
        })
    }
}

fn must<E: Error>(wanted: bool, is_there: bool, element: &str) -> Result<(), E> {
    match (wanted, is_there) {
        (true, false) => Err(E::custom(format_args!("a statement has no {element}"))),
        (false, true) => Err(E::custom(format_args!("a statement of this kind of policy has no place for {element}"))),
        _ => Ok(()),
    }
}

fn sid_of<E: Error>(sid: String, kind: Kind) -> Result<String, E> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || (kind == Kind::Resource && " -_.".contains(c));
    if sid.chars().all(is_good) { Ok(sid) } else { Err(E::custom("a Sid has a character that it must not have")) }
}

fn effect_of<E: Error>(text: &str) -> Result<Effect, E> {
    match text {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(E::custom("the Effect of a statement is neither Allow nor Deny")),
    }
}

fn patterns<T, E: Error>(texts: Vec<String>, parse: fn(&str) -> Option<T>, what: &str) -> Result<Vec<T>, E> {
    let read = |text: &String| parse(text).ok_or_else(|| E::custom(format_args!("{} is not {what}", echoed(text))));
    texts.iter().map(read).collect()
}

/// `"*"`, or an object of lists by the kind of principal.
struct PrincipalsReader;

impl<'de> DeserializeSeed<'de> for PrincipalsReader {
    type Value = Vec<PrincipalPattern>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PrincipalsReader {
    type Value = Vec<PrincipalPattern>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("* or an object with principals")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == "*" { Ok(vec![PrincipalPattern::Anyone]) } else { Err(unsupported(text)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut principals, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(sort) = members.next_key::<String>()? {
            let parse = match sort.as_str() {
                "AWS" => PrincipalPattern::aws,
                "Service" => PrincipalPattern::service,
                "Federated" => PrincipalPattern::federated,
                _ => return Err(unsupported(&sort)),
            };
            for text in members.next_value_seed(Texts)? {
                principals.push(parse(&text).ok_or_else(|| unsupported(&text))?);
            }
            if !seen.insert(sort) {
                return Err(A::Error::custom("a Principal has the same member twice"));
            }
        }
        if principals.is_empty() { Err(A::Error::custom("a Principal is empty")) } else { Ok(principals) }
    }
}

fn unsupported<E: Error>(text: &str) -> E {
    E::custom(format_args!("{UNSUPPORTED_PRINCIPAL} {}", echoed(text)))
}

/// Operators, each with its keys, each with its values.
struct ConditionsReader;

impl<'de> DeserializeSeed<'de> for ConditionsReader {
    type Value = Vec<Condition>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ConditionsReader {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition, which is an object of operators")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut conditions, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(name) = members.next_key::<String>()? {
            let operator = Operator::parse(&name)
                .ok_or_else(|| A::Error::custom(format_args!("{} is not a condition operator", echoed(&name))))?;
            conditions.extend(members.next_value_seed(Keys(operator))?);
            if !seen.insert(name) {
                return Err(A::Error::custom("a Condition has the same operator twice"));
            }
        }
        Ok(conditions)
    }
}

struct Keys(Operator);

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Vec<Condition>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of condition keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut conditions, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(key) = members.next_key::<String>()? {
            let is_key = key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty());
            if !is_key {
                return Err(A::Error::custom(format_args!("{} is not a condition key", echoed(&key))));
            }
            if !seen.insert(key.to_lowercase()) {
                return Err(A::Error::custom("an operator has the same condition key twice"));
            }
            let values = members.next_value_seed(ConditionValues)?;
            if let Some(value) = values.iter().find(|value| !self.0.takes(value)) {
                let text = format_args!("{} is not a value that the operator can compare", echoed(value));
                return Err(A::Error::custom(text));
            }
            conditions.push(Condition { operator: self.0, key, values });
        }
        Ok(conditions)
    }
}

/// A text or a list of texts; never empty.
struct Texts;

impl<'de> DeserializeSeed<'de> for Texts {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        OneOrMany::<String>(PhantomData).deserialize(deserializer)
    }
}

/// A value of a condition or a list of them: texts, numbers, booleans.
struct ConditionValues;

impl<'de> DeserializeSeed<'de> for ConditionValues {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let scalars = OneOrMany::<Scalar>(PhantomData).deserialize(deserializer)?;
        Ok(scalars.into_iter().map(|scalar| scalar.0).collect())
    }
}

/// A text, or a number or boolean as its text.
struct Scalar(String);

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<'de> de::Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a boolean")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// One entry, or a list of at least one.
struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: de::Deserialize<'de> + From<String>> DeserializeSeed<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: de::Deserialize<'de> + From<String>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of values")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![T::from(text.to_owned())])
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        T::deserialize(de::value::BoolDeserializer::new(value)).map(|one| vec![one])
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(de::value::I64Deserializer::new(value)).map(|one| vec![one])
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(de::value::U64Deserializer::new(value)).map(|one| vec![one])
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(de::value::F64Deserializer::new(value)).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        if list.is_empty() { Err(A::Error::invalid_length(0, &"at least one value")) } else { Ok(list) }
    }
}

fn put<T, E: Error>(place: &mut Option<T>, read: T, element: &str) -> Result<(), E> {
    match place.replace(read) {
        None => Ok(()),
        Some(_) => Err(E::custom(format_args!("{element} comes twice"))),
    }
}

fn unknown<E: Error>(element: &str, of: &str) -> E {
    E::custom(format_args!("{} is not an element of {of}", echoed(element)))
}

/// A text of the document as an error shows it.
fn echoed(text: &str) -> String {
    let mut chars = text.chars();
    let mut start: String = chars.by_ref().take(ECHOED_CHARS).collect();
    if chars.next().is_some() {
        start.push_str("...");
    }
    format!("{start:?}")
}

#[cfg(test)]
mod tests;
