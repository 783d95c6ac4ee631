//! What a served cluster is held against: the model, operation by operation. Findings are texts for whoever has to act.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Map, Value, json};
use testkit::{SignedClient, SignedConnection};
use uuid::Uuid;

use super::botocore::{Model, Place, members};
use super::tables::{How, Tables, reason};
use super::values::{self, Case, Fails};

/// Characters of a value that an error repeats at least.
const ECHOED_CHARS: usize = 200;

/// One operation, as far as it was seen at work.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) served: bool,
    /// Members of requests that the server reads.
    pub(super) read: BTreeSet<String>,
    /// Members of requests that were in a call that succeeded.
    pub(super) used: BTreeSet<String>,
    /// Members of answers.
    pub(super) shown: BTreeSet<String>,
}

/// An answer.
pub(super) enum Answered {
    Success(Value),
    Refused { code: String, message: String },
}

pub(super) struct Checks<'a> {
    model: &'a Model,
    tables: &'static Tables,
    client: SignedClient,
    connection: SignedConnection,
    pub(super) seen: BTreeMap<String, Seen>,
    pub(super) findings: Vec<String>,
    /// What stands for a text in the requests of the table of errors.
    pub(super) names: Vec<(&'static str, String)>,
    /// Calls made.
    pub(super) calls: usize,
}

impl<'a> Checks<'a> {
    pub(super) async fn new(model: &'a Model, tables: &'static Tables, client: &SignedClient) -> Self {
        let connection = client.connect().await.unwrap();
        let (seen, findings, names) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { model, tables, client: client.clone(), connection, seen, findings, names, calls: 0 }
    }

    /// The calls that follow are of that region.
    pub(super) fn go(&mut self, region: &str) {
        self.client = self.client.in_region(region);
    }

    /// Everything that the model alone can tell of a request.
    pub(super) async fn requests(&mut self, operation: &str) {
        let seen = Seen { served: self.is_served(operation).await, ..Seen::default() };
        let served = seen.served;
        self.seen.insert(operation.to_owned(), seen);
        match (served, self.tables.not_served.iter().any(|(listed, _)| *listed == operation)) {
            (true, true) => self.find(format!("{operation} is served: take it off NOT_SERVED")),
            (false, false) => {
                self.find(format!(
                    "{operation} is an operation of the model that is not served, and not on NOT_SERVED"
                ));
            }
            _ => {}
        }
        if !served {
            return;
        }
        let model = self.model;
        for place in model.places(model.request(operation)) {
            if self.is_read(operation, &place).await {
                self.bounds(operation, &place).await;
            }
        }
    }

    /// Every modelled error: provoked here, by a test that is named, or not and why not.
    pub(super) async fn errors(&mut self, operation: &str) {
        for error in self.model.errors(operation) {
            match self.tables.how(operation, error) {
                None => {
                    self.find(format!("{operation}: the model has {error}, and ERRORS does not say who exercises it"))
                }
                Some(How::Here(body)) => {
                    let named =
                        self.names.iter().fold((*body).to_owned(), |body, (name, text)| body.replace(name, text));
                    let body: Map<String, Value> = serde_json::from_str(&named).unwrap();
                    let body = with(self.request(operation), body);
                    match self.call(operation, &body).await {
                        Answered::Refused { code, .. } if code == error => {}
                        Answered::Refused { code, message } => {
                            self.find(format!(
                                "{operation} {body} is refused with {code} ({message}), not with {error}"
                            ));
                        }
                        Answered::Success(_) => {
                            self.find(format!("{operation} {body} is done, not refused with {error}"))
                        }
                    }
                }
                Some(How::Test(_) | How::Not(_)) => {}
            }
        }
    }

    /// Calls an operation that must succeed, if it is served.
    pub(super) async fn done(&mut self, operation: &str, body: Value) -> Value {
        if !self.seen.get(operation).is_some_and(|seen| seen.served) {
            return Value::Null;
        }
        let answered = self.call(operation, &body).await;
        let mut used = BTreeSet::new();
        let model = self.model;
        names(&body, "", &mut used);
        let answer = match answered {
            Answered::Success(answer) => answer,
            Answered::Refused { code, message } => {
                self.find(format!("{operation} {body} is refused: {code} {message}"));
                return Value::Null;
            }
        };
        let mut wrong = Vec::new();
        let shape = model.answer(operation);
        if shape.is_null() {
            if answer != Value::Null && answer != json!({}) {
                wrong.push(format!("answers {answer}, and the model has no answer"));
            }
        } else {
            is_of_shape(model, shape, &answer, "", &mut wrong);
        }
        wrong.into_iter().for_each(|wrong| self.find(format!("{operation}: {wrong}")));
        let seen = self.seen.entry(operation.to_owned()).or_default();
        seen.used.extend(used);
        names(&answer, "", &mut seen.shown);
        answer
    }

    /// Which members were neither at work nor are listed, and which are listed for no reason.
    pub(super) fn members(&mut self, operation: &str) {
        let Some(seen) = self.seen.get(operation).filter(|seen| seen.served) else { return };
        let mut found = Vec::new();
        for name in self.model.places(self.model.request(operation)).iter().map(Place::name).collect::<BTreeSet<_>>() {
            let at = format!("{operation}.{name}");
            let ignored = reason(self.tables.ignored, operation, &name).is_some();
            let unused = reason(self.tables.not_used, operation, &name).is_some();
            match (seen.read.contains(&name), ignored) {
                (false, false) => {
                    found.push(format!("{at} is a member of the model that is not read, and not on IGNORED"))
                }
                (true, true) => found.push(format!("{at} is read: take it off IGNORED")),
                _ => {}
            }
            match (seen.used.contains(&name), unused || ignored) {
                (false, false) => found.push(format!("{at} is in no call that succeeds, and not on NOT_USED")),
                (true, true) if unused => found.push(format!("{at} is in a call that succeeds: take it off NOT_USED")),
                _ => {}
            }
        }
        for name in answer_names(self.model, operation) {
            let at = format!("{operation}.{name}");
            match (seen.shown.contains(&name), reason(self.tables.not_shown, operation, &name).is_some()) {
                (false, false) => found.push(format!("{at} is in no answer, and not on NOT_SHOWN")),
                (true, true) => found.push(format!("{at} is in an answer: take it off NOT_SHOWN")),
                _ => {}
            }
        }
        self.findings.extend(found);
    }

    async fn is_served(&mut self, operation: &str) -> bool {
        match self.call(operation, &json!({})).await {
            Answered::Refused { code, .. } => code != "UnknownOperationException",
            Answered::Success(_) => true,
        }
    }

    /// Whether the server reads a member: then a value of another type is no JSON for it.
    async fn is_read(&mut self, operation: &str, place: &Place<'_>) -> bool {
        let mut request = self.request(operation);
        values::put(self.model, &mut request, place, values::of_another_type(place.shape));
        let body = Value::Object(request);
        let read = matches!(
            self.call(operation, &body).await,
            Answered::Refused { code, .. } if code == "SerializationException"
        );
        let name = place.name();
        if read && !place.is_entries() {
            self.seen.entry(operation.to_owned()).or_default().read.insert(name);
        } else if !read && place.is_entries() && reason(self.tables.ignored, operation, &name).is_none() {
            self.find(format!("{operation}.{name}: an entry of another type is not refused"));
        }
        read
    }

    /// A value at each side of every bound.
    async fn bounds(&mut self, operation: &str, place: &Place<'_>) {
        let at = format!("{operation}.{}", place.name());
        let path = place.path();
        if place.required {
            let mut request = self.request(operation);
            values::put(self.model, &mut request, place, Value::Null);
            let must = "Value null at '%' failed to satisfy constraint: Member must not be null".replace('%', &path);
            self.refused(operation, &at, "nothing", &Value::Object(request), &[must], 1).await;
        }
        for case in values::cases(self.model, place.shape) {
            let mut request = self.request(operation);
            values::put(self.model, &mut request, place, case.value.clone());
            let body = Value::Object(request);
            let exception =
                self.tables.exceptions.iter().find(|(listed, bound, _)| *listed == at && *bound == case.bound);
            if case.fails.is_empty() {
                let answered = self.call(operation, &body).await;
                let refused = match answered {
                    Answered::Refused { code, message } => {
                        let about = code == "ValidationException" && message.contains(&format!("at '{path}'"));
                        (about || code == "SerializationException").then_some(message)
                    }
                    Answered::Success(_) => None,
                };
                match (refused, exception) {
                    (Some(message), None) => {
                        self.find(format!("{at}: a value at its {} is refused: {message}", case.bound));
                    }
                    (None, Some(_)) => self.find(format!("{at}, {}: take it off EXCEPTIONS", case.bound)),
                    _ => {}
                }
            } else if exception.is_none() {
                let (texts, count) = expected(place, &path, &case);
                self.refused(operation, &at, &case.bound, &body, &texts, count).await;
                if let Some(Fails::Words(words)) = case.fails.first() {
                    self.words(operation, &at, &body, words).await;
                }
            }
        }
    }

    /// Expects so many failed constraints, with these texts.
    async fn refused(&mut self, operation: &str, at: &str, bound: &str, body: &Value, texts: &[String], count: usize) {
        let message = match self.call(operation, body).await {
            Answered::Refused { code, message } if code == "ValidationException" => message,
            Answered::Refused { code, message } => {
                return self.find(format!("{at}, {bound}: {code} ({message}), not ValidationException: {texts:?}"));
            }
            Answered::Success(_) => return self.find(format!("{at}, {bound}: done, not refused with {texts:?}")),
        };
        let counted = match count {
            1 => "1 validation error detected: Value".to_owned(),
            count => format!("{count} validation errors detected: Value"),
        };
        if !message.starts_with(&counted) || !texts.iter().all(|text| message.contains(text)) {
            self.find(format!("{at}, {bound}: not {counted:?} and {texts:?}, but {message:?}"));
        }
    }

    /// Expects all words of an enumeration in the error, in any order.
    async fn words(&mut self, operation: &str, at: &str, body: &Value, words: &[String]) {
        let Answered::Refused { message, .. } = self.call(operation, body).await else { return };
        let told = message.rsplit_once('[').map(|(_, rest)| rest.trim_end_matches(']')).unwrap_or_default();
        let told: BTreeSet<&str> = told.split(", ").collect();
        if told != words.iter().map(String::as_str).collect() {
            self.find(format!("{at}: the words of the model are {words:?}, the error has {message:?}"));
        }
    }

    /// A legal request with nothing but what it needs.
    fn request(&self, operation: &str) -> Map<String, Value> {
        let shape = self.model.request(operation);
        let required = shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let needed = self.tables.needed.iter().filter(|(of, _)| *of == operation).map(|(_, name)| *name);
        let typical = |name: &str| {
            let shape = self.model.member(shape, name).unwrap();
            (name.to_owned(), values::typical(self.model, shape))
        };
        let token = |name: &str| (name.to_owned(), json!(Uuid::new_v4().to_string()));
        required.chain(needed).map(typical).chain(self.model.tokens(shape).into_iter().map(token)).collect()
    }

    /// Sends a request, and holds every refusal against the model too.
    async fn call(&mut self, operation: &str, body: &Value) -> Answered {
        self.calls += 1;
        let request = self.client.request(operation, &body.to_string());
        let request = self.client.sign(request, std::time::SystemTime::now()).unwrap();
        let answer = self.connection.send(request).await.unwrap();
        let json = answer.json().unwrap();
        if answer.status == StatusCode::OK {
            return Answered::Success(json);
        }
        let code = answer.error_code();
        if answer.status != StatusCode::BAD_REQUEST {
            self.find(format!("{operation} {body}: {} {code}", answer.status));
        }
        let modelled = self.model.is_modelled(&code);
        let beyond = self.tables.beyond.iter().any(|(of, error, _)| *of == operation && *error == code);
        if modelled && !beyond && !self.model.errors(operation).contains(&code.as_str()) {
            self.find(format!("{operation} {body}: {code} is no error that the model has for it"));
        }
        let (spelled, other) =
            if modelled && self.tables.capital_messages { ("Message", "message") } else { ("message", "Message") };
        let silent = self.tables.silent.contains(&code.as_str());
        if json[spelled].is_string() == silent || json.get(other).is_some() {
            self.find(format!("{operation}: {code} needs {spelled:?} and no other member: {json}"));
        }
        Answered::Refused { code, message: json[spelled].as_str().unwrap_or_default().to_owned() }
    }

    pub(super) fn find(&mut self, finding: String) {
        let short: String = finding.chars().take(700).collect();
        self.findings.push(short);
    }
}

/// The texts of the error for a value outside, and how many constraints it tells of.
fn expected(place: &Place<'_>, path: &str, case: &Case) -> (Vec<String>, usize) {
    if place.is_entries() && place.shape["enum"].is_array() {
        return (vec![format!("at '{path}"), "Member must satisfy enum value set: [".to_owned()], 1);
    }
    if place.is_entries() {
        return (vec![format!("at '{path}' failed to satisfy constraint: {}", values::of_entries(place.shape))], 1);
    }
    // Bytes are repeated by AWS as what its own language shows of them.
    let sensitive = place.shape["sensitive"] == true || place.shape["type"] == "blob";
    let shown = match &case.value {
        Value::String(_) | Value::Array(_) | Value::Object(_) if sensitive => "Value at '".to_owned(),
        Value::String(text) => format!("Value '{}", text.chars().take(ECHOED_CHARS).collect::<String>()),
        Value::Array(_) => "Value '[".to_owned(),
        other => format!("Value '{other}'"),
    };
    let must = case.fails.iter().map(|fails| match fails {
        Fails::Text(text) => format!("at '{path}' failed to satisfy constraint: {text}"),
        Fails::Words(_) => format!("at '{path}' failed to satisfy constraint: Member must satisfy enum value set: ["),
    });
    (must.chain([shown]).collect(), case.fails.len())
}

/// The names of all members that an object has, those within too.
fn names(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let name = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
                names(value, &name, found);
                found.insert(name);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| names(entry, before, found)),
        _ => {}
    }
}

/// The names of all members of an operation's answer.
pub(super) fn answer_names(model: &Model, operation: &str) -> BTreeSet<String> {
    model.places(model.answer(operation)).iter().map(Place::name).collect()
}

/// Holds an answer against its shape: types, members, bounds, and no nulls.
fn is_of_shape(model: &Model, shape: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let fits = match shape["type"].as_str().unwrap_or_default() {
        "structure" => value.as_object().is_some_and(|object| {
            for (name, value) in object {
                let path = format!("{at}.{name}");
                match members(shape).find(|(known, _)| known == name) {
                    Some((_, reference)) => is_of_shape(model, model.shape(reference), value, &path, wrong),
                    None => wrong.push(format!("{path} is no member of the model's answer")),
                }
            }
            true
        }),
        "list" => value.as_array().is_some_and(|entries| {
            entries.iter().for_each(|entry| is_of_shape(model, model.shape(&shape["member"]), entry, at, wrong));
            has_length(shape, entries.len())
        }),
        "map" => value.as_object().is_some_and(|object| {
            object.values().for_each(|value| is_of_shape(model, model.shape(&shape["value"]), value, at, wrong));
            true
        }),
        "string" => value.as_str().is_some_and(|text| {
            let words = shape["enum"].as_array();
            words.is_none_or(|words| words.contains(value)) && has_length(shape, text.chars().count())
        }),
        "blob" => value.is_string(),
        "timestamp" => value.is_number(),
        "integer" | "long" => value.is_i64(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    if !fits {
        wrong.push(format!("{at} is {value}, which is not of the model's shape {shape}"));
    }
}

fn has_length(shape: &Value, length: usize) -> bool {
    let length = length as u64;
    shape["min"].as_u64().is_none_or(|least| least <= length) && shape["max"].as_u64().is_none_or(|most| length <= most)
}

fn with(mut body: Map<String, Value>, more: Map<String, Value>) -> Value {
    body.extend(more);
    body.retain(|_, value| !value.is_null());
    Value::Object(body)
}
