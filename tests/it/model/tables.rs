//! What a served service is held against beside its model.

/// The lists of one service, each entry with its reason. The tests fail on an entry that is not true any more.
pub(super) struct Tables {
    /// The name of botocore's model.
    pub(super) service: &'static str,
    /// What the section of `proto/README.md` is called.
    pub(super) sheet: &'static str,
    /// Whether modelled errors spell `Message`.
    pub(super) capital_messages: bool,
    /// Errors that have no message, so that nobody learns more than their name.
    pub(super) silent: &'static [&'static str],
    /// Errors of operations whose model does not have them: operation, error, reason.
    pub(super) beyond: &'static [(&'static str, &'static str, &'static str)],
    /// Members that a request needs although the model does not say so.
    pub(super) needed: &'static [(&'static str, &'static str)],
    /// All operations of the model.
    pub(super) operations: &'static [&'static str],
    /// Operations of the model that are not served.
    pub(super) not_served: &'static [(&'static str, &'static str)],
    /// Members of requests that the server passes over.
    pub(super) ignored: &'static [(&'static str, &'static str)],
    /// Members of requests that are read and that no call here succeeds with.
    pub(super) not_used: &'static [(&'static str, &'static str)],
    /// Members of answers that no call here is answered with.
    pub(super) not_shown: &'static [(&'static str, &'static str)],
    /// Bounds that AWS itself does not hold as its model has them: member, bound, reason.
    pub(super) exceptions: &'static [(&'static str, &'static str, &'static str)],
    /// Modelled errors: operation or `*`, error, who exercises it. An operation's own line comes before that of all.
    pub(super) errors: &'static [(&'static str, &'static str, How)],
}

/// Who exercises a modelled error.
pub(super) enum How {
    /// This request, over what every request of the operation needs; null takes a member away.
    Here(&'static str),
    /// The test of this name.
    Test(&'static str),
    /// Nobody, and why.
    Not(&'static str),
}

impl Tables {
    /// Who exercises an error of an operation.
    pub(super) fn how(&self, operation: &str, error: &str) -> Option<&'static How> {
        let of = |name: &str| self.errors.iter().find(|(listed, known, _)| *listed == name && *known == error);
        of(operation).or_else(|| of("*")).map(|(_, _, how)| how)
    }
}

/// Why a member is on a list.
pub(super) fn reason(list: &[(&str, &'static str)], operation: &str, member: &str) -> Option<&'static str> {
    let covers = |listed: &str| {
        let (member, Some((of, name))) = (format!(".{member}."), listed.split_once('.')) else {
            return listed == operation;
        };
        let name = format!(".{name}.");
        if of == "*" { member.contains(&name) } else { of == operation && member.starts_with(&name) }
    };
    // An operation's own line comes before that of all.
    let line = list.iter().filter(|(listed, _)| covers(listed)).max_by_key(|(listed, _)| !listed.starts_with('*'));
    line.map(|(_, reason)| *reason)
}
