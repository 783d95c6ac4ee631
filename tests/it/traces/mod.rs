//! What AWS was seen to answer, step by step, from one table on both fronts: [`table`] holds requests and answers as
//! data, and this file plays them.
//!
//! In a request and in an answer `$name` is the secret of the trace, `$arn` its ARN, `$partial` the ARN without its
//! suffix, and `$1` to `$9` are tokens. In an answer `"*"` is anything, `"*day"` midnight of a day, and null is a member
//! that is not there. An answer without such signs is compared byte by byte where it is JSON.

mod checklist;
mod filters;
mod table;
mod trace;

use std::time::SystemTime;

use serde_json::Value;
use testkit::{Cluster, SignedClient};
use uuid::Uuid;

use self::table::TRACES;
use self::trace::{Expected, Step, Trace};
use crate::fronts::{Front, Refused};

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_traces_are_repeated_on_both_fronts() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let mut sides = [
        Side::Json(cluster.signed(ids[0]).unwrap()),
        Side::Grpc(Box::new(Front::Grpc(cluster.secrets(ids[1]).unwrap()))),
    ];
    let mut wrong = Vec::new();
    for side in &mut sides {
        for trace in TRACES {
            wrong.extend(Play::new(trace.name, side).all(trace).await.err());
        }
        wrong.extend(filters::play(side).await);
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_line_of_the_checklist_has_its_trace_or_its_test() {
    for (number, (line, traces)) in (1..).zip(checklist::CHECKLIST) {
        assert_eq!(*line, number, "the checklist has its nineteen lines in order");
        assert!(!traces.is_empty(), "nothing is said of line {line}");
        for name in *traces {
            let known = TRACES.iter().any(|trace| trace.name == *name) || checklist::ELSEWHERE.contains(name);
            assert!(known, "line {line} names {name}, which there is not");
        }
    }
    assert_eq!(checklist::CHECKLIST.len(), 19);
}

/// A front, as raw as it gets.
enum Side {
    Json(SignedClient),
    Grpc(Box<Front>),
}

/// An answer: as JSON, and the bytes of its body where there are such.
type Answered = (Result<Value, Refused>, Option<String>);

impl Side {
    const fn name(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Grpc(_) => "grpc",
        }
    }

    async fn ask(&mut self, operation: &str, body: &str) -> Result<Answered, String> {
        match self {
            Self::Json(client) => ask_json(client, operation, body).await,
            // A refusal is one of ours only if its details say so: `Front` demands them.
            Self::Grpc(front) => Ok((front.call(operation, serde_json::from_str(body).unwrap()).await, None)),
        }
    }
}

/// Asks over AWS JSON, and demands all that AWS's front promises of every answer.
async fn ask_json(client: &SignedClient, operation: &str, body: &str) -> Result<Answered, String> {
    let request = client.sign(client.request(operation, body), SystemTime::now()).unwrap();
    let answer = client.send(request).await.unwrap();
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let demand = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{what}: {answer:?}")) };
    demand(Uuid::parse_str(header("x-amzn-requestid")).is_ok(), "no request id that is a UUID")?;
    demand(header("content-type") == "application/x-amz-json-1.1", "another content type")?;
    demand(answer.headers.contains_key("date"), "no date")?;
    demand(!answer.body.contains("null"), "a member without a value is not left out")?;
    let json = answer.json().map_err(|error| error.to_string())?;
    if answer.status.is_success() {
        demand(answer.status == 200, "another status")?;
        demand(!answer.headers.contains_key("x-amzn-errortype"), "an error type with a success")?;
        return Ok((Ok(json), Some(answer.body)));
    }
    demand(answer.status == 400, "another status")?;
    let code = answer.error_code();
    demand(header("x-amzn-errortype") == code, "another code in the header")?;
    let spelling = if FRAMEWORK.contains(&code.as_str()) { "message" } else { "Message" };
    let message = json[spelling].as_str().unwrap_or_default().to_owned();
    // The body to the byte: two members, in this order.
    let exact = format!("{{\"__type\":\"{code}\",\"{spelling}\":{}}}", Value::from(message.as_str()));
    demand(answer.body == exact, &format!("the body is not {exact}"))?;
    Ok((Err(Refused { code, message }), Some(answer.body)))
}

/// Codes that AWS's front-end framework answers with; its messages are spelled small.
const FRAMEWORK: [&str; 4] =
    ["ValidationException", "AccessDeniedException", "SerializationException", "UnknownOperationException"];

struct Play<'a> {
    side: &'a mut Side,
    trace: &'a str,
    name: String,
    arn: String,
    tokens: Vec<String>,
}

impl<'a> Play<'a> {
    fn new(trace: &'a str, side: &'a mut Side) -> Self {
        let name = format!("{}/{}", side.name(), trace.replace(' ', "-"));
        let tokens = (1..=9).map(|_| Uuid::new_v4().to_string()).collect();
        Self { side, trace, name, arn: String::new(), tokens }
    }

    /// Plays a trace to its end, or to the first step that is not as recorded.
    async fn all(mut self, trace: &Trace) -> Result<(), String> {
        for (number, step) in trace.steps.iter().enumerate() {
            self.step(step).await.map_err(|wrong| {
                let side = self.side.name();
                format!("{:?} over {side}, step {} ({}): {wrong}", self.trace, number + 1, step.operation)
            })?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let (answered, raw) = self.side.ask(step.operation, &self.filled(step.request)).await?;
        if let (true, "CreateSecret", Ok(created)) = (self.arn.is_empty(), step.operation, &answered) {
            self.arn = created["ARN"].as_str().unwrap_or_default().to_owned();
        }
        match (&step.expected, answered) {
            (Expected::Answer(expected), Ok(answer)) => {
                let text = self.filled(expected);
                let expected: Value = serde_json::from_str(&text).unwrap();
                same("", &expected, &answer, true)?;
                match raw {
                    Some(raw) if is_exact(&expected) && raw != text => Err(format!("{raw} is not {text}")),
                    _ => Ok(()),
                }
            }
            (Expected::Part(expected), Ok(answer)) => {
                same("", &serde_json::from_str(&self.filled(expected)).unwrap(), &answer, false)
            }
            (Expected::Nothing, Ok(answer)) => {
                let empty = answer.is_null() || answer.as_object().is_some_and(serde_json::Map::is_empty);
                if empty { Ok(()) } else { Err(format!("{answer} is not nothing")) }
            }
            (Expected::Refusal(code, text), Err(refused)) => {
                let text = self.filled(text);
                let expected = Refused { code: (*code).to_owned(), message: text };
                if refused == expected { Ok(()) } else { Err(format!("{refused:?} is not {expected:?}")) }
            }
            (Expected::Code(code), Err(refused)) if refused.code == *code => Ok(()),
            (expected, answered) => Err(format!("{answered:?} is not {expected:?}")),
        }
    }

    fn filled(&self, text: &str) -> String {
        let partial = self.arn.rsplit_once('-').map_or("", |(partial, _)| partial);
        let mut text = text.replace("$name", &self.name).replace("$arn", &self.arn).replace("$partial", partial);
        for (number, token) in (1..).zip(&self.tokens) {
            text = text.replace(&format!("${number}"), token);
        }
        text
    }
}

/// Whether an expected answer can be compared byte by byte: nothing in it is open, not even the order of labels.
fn is_exact(expected: &Value) -> bool {
    match expected {
        Value::String(text) => !text.starts_with('*'),
        Value::Array(list) => list.len() < 2 && list.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Compares what may be open. Lists of texts have no order; with `whole`, no other members are allowed.
fn same(place: &str, expected: &Value, answer: &Value, whole: bool) -> Result<(), String> {
    let differs = || Err(format!("{place:?} is {answer}, not {expected}"));
    match (expected, answer) {
        (Value::String(sign), answer) if sign == "*" => {
            if answer.is_null() {
                differs()
            } else {
                Ok(())
            }
        }
        (Value::String(sign), answer) if sign == "*day" => {
            match answer.as_f64().is_some_and(|seconds| seconds > 0.0 && seconds % 86_400.0 == 0.0) {
                true => Ok(()),
                false => differs(),
            }
        }
        (Value::Object(expected), Value::Object(given)) => {
            if let Some(other) = given.keys().find(|name| whole && !expected.contains_key(*name)) {
                return Err(format!("{place:?} has {other}: {answer}"));
            }
            for (name, member) in expected {
                same(&format!("{place}.{name}"), member, given.get(name).unwrap_or(&Value::Null), whole)?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(given)) if expected.len() == given.len() => {
            let (mut expected, mut given) = (expected.clone(), given.clone());
            if expected.iter().all(Value::is_string) {
                expected.sort_by_key(Value::to_string);
                given.sort_by_key(Value::to_string);
            }
            for (number, (expected, given)) in expected.iter().zip(&given).enumerate() {
                same(&format!("{place}[{number}]"), expected, given, whole)?;
            }
            Ok(())
        }
        (expected, answer) if expected == answer => Ok(()),
        _ => differs(),
    }
}
