//! The record of a request: one for each that came through the door, however it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use types::{ApiError, ErrorCode, Principal, Region};

use crate::authorize::{Action, Decision};
use crate::caller::Caller;

/// Takes the records of requests: the place of audit.
pub trait Recorder: Send + Sync {
    /// Takes one record, once the request has ended.
    fn record(&self, record: &Record<'_>);
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered,
    /// With an error.
    Refused(ErrorCode),
    /// The caller went away before; a write may have been applied.
    Abandoned,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "answered",
            Self::Refused(code) => code.aws_name(),
            Self::Abandoned => "abandoned",
        })
    }
}

/// A request that has ended. It holds no name and no value but the encryption contexts, which are for audit alone.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The operation.
    pub action: Action,
    /// Who asked for it; `None` when that could not be proved.
    pub principal: Option<&'a Principal>,
    /// The region that it was asked in.
    pub region: &'a Region,
    /// The id in the answer.
    pub request_id: &'a str,
    /// Why it was allowed or denied; `None` when it did not come so far.
    pub decision: Option<&'a Decision>,
    /// The encryption contexts of the request as they came: none, one, or that of the source and that of the
    /// destination.
    pub encryption_contexts: &'a [Arc<BTreeMap<String, String>>],
    /// How it ended.
    pub ending: Ending,
    /// From arrival to end.
    pub duration: Duration,
}

/// Writes records to the log, at DEBUG.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingRecorder;

impl Recorder for TracingRecorder {
    fn record(&self, record: &Record<'_>) {
        tracing::debug!(
            operation = record.action.name(),
            principal = record.principal.map(Principal::arn),
            region = record.region.as_str(),
            request_id = record.request_id,
            ending = %record.ending,
            duration_us = u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

/// The record of a request under way. It is taken when this is dropped, so that no request goes without one.
pub(crate) struct OpenRecord<'a> {
    recorder: &'a dyn Recorder,
    action: Action,
    caller: &'a Caller,
    pub(crate) principal: Option<Principal>,
    pub(crate) decision: Option<Decision>,
    pub(crate) encryption_contexts: Vec<Arc<BTreeMap<String, String>>>,
    ending: Ending,
}

impl<'a> OpenRecord<'a> {
    pub(crate) fn new(recorder: &'a dyn Recorder, action: Action, caller: &'a Caller) -> Self {
        Self {
            recorder,
            action,
            caller,
            principal: None,
            decision: None,
            encryption_contexts: Vec::new(),
            ending: Ending::Abandoned,
        }
    }

    /// Ends the request with its result, which is passed on.
    pub(crate) fn end<T>(mut self, result: Result<T, ApiError>) -> Result<T, ApiError> {
        self.ending = match &result {
            Ok(_) => Ending::Answered,
            Err(error) => Ending::Refused(error.code),
        };
        result
    }
}

impl Drop for OpenRecord<'_> {
    fn drop(&mut self) {
        self.recorder.record(&Record {
            action: self.action,
            principal: self.principal.as_ref(),
            region: &self.caller.region,
            request_id: &self.caller.request_id,
            decision: self.decision.as_ref(),
            encryption_contexts: &self.encryption_contexts,
            ending: self.ending,
            duration: self.caller.arrived.elapsed(),
        });
    }
}
