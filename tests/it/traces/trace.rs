//! A line of the table, and how one is written.

/// A story of one secret.
pub(super) struct Trace {
    pub(super) name: &'static str,
    pub(super) steps: &'static [Step],
}

/// A request, and what comes of it.
pub(super) struct Step {
    pub(super) operation: &'static str,
    pub(super) request: &'static str,
    pub(super) expected: Expected,
}

#[derive(Debug)]
pub(super) enum Expected {
    /// These members and no others.
    Answer(&'static str),
    /// These members, whatever else there is.
    Part(&'static str),
    /// A success that says nothing.
    Nothing,
    /// The code and the text.
    Refusal(&'static str, &'static str),
    /// The code; the text of AWS is not known.
    Code(&'static str),
}

pub(super) const fn answers(operation: &'static str, request: &'static str, answer: &'static str) -> Step {
    Step { operation, request, expected: Expected::Answer(answer) }
}

pub(super) const fn shows(operation: &'static str, request: &'static str, part: &'static str) -> Step {
    Step { operation, request, expected: Expected::Part(part) }
}

pub(super) const fn is_silent(operation: &'static str, request: &'static str) -> Step {
    Step { operation, request, expected: Expected::Nothing }
}

pub(super) const fn refuses(
    operation: &'static str,
    request: &'static str,
    code: &'static str,
    text: &'static str,
) -> Step {
    Step { operation, request, expected: Expected::Refusal(code, text) }
}

pub(super) const fn refuses_somehow(operation: &'static str, request: &'static str, code: &'static str) -> Step {
    Step { operation, request, expected: Expected::Code(code) }
}
