//! Whether a key policy would lock out who gives it.
//!
//! The policy of a key is the root of authority over it: what it does not allow, nobody may do, the root of the account
//! included. So one under which its author could not call PutKeyPolicy again is refused.

use policy::{
    ActionPattern, Actions, Effect, Policy, PrincipalPattern, Principals, ResourcePattern, Resources, Statement,
};
use types::{ApiError, ErrorCode, Principal};

const LOCKS_OUT: &str = "The new key policy will not allow you to update the key policy in the future.";
const NEEDED: (&str, &str) = ("kms", "PutKeyPolicy");

/// Refuses a policy under which `principal` could not call PutKeyPolicy on the key of that ARN.
///
/// What a condition comes to in the future is not known: an Allow with one does not count, and neither does a Deny.
///
/// # Errors
/// MalformedPolicyDocument, as AWS has it.
pub(super) fn must_not_lock_out(policy: &Policy, key_arn: &str, principal: &Principal) -> Result<(), ApiError> {
    let says = |effect| {
        let concerned = |statement: &&Statement| concerns(statement, key_arn, principal);
        policy.statements.iter().filter(concerned).any(|statement| statement.effect == effect)
    };
    if says(Effect::Allow) && !says(Effect::Deny) {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::MalformedPolicyDocument, LOCKS_OUT))
}

fn concerns(statement: &Statement, key_arn: &str, principal: &Principal) -> bool {
    let by = |pattern: &PrincipalPattern| match pattern {
        PrincipalPattern::Anyone => true,
        PrincipalPattern::Account(account) => principal.account() == Some(*account),
        PrincipalPattern::Arn(arn) => *arn == principal.arn(),
        PrincipalPattern::UniqueId(_) | PrincipalPattern::Service(_) | PrincipalPattern::Federated(_) => false,
    };
    let does = |pattern: &ActionPattern| {
        let (service, name) = NEEDED;
        pattern.service.as_deref().is_none_or(|known| known == service)
            && matches(&pattern.name.to_ascii_lowercase(), &name.to_ascii_lowercase())
    };
    // A variable stands for what is not known here: it matches nothing.
    let on = |pattern: &ResourcePattern| pattern.text == "*" || matches(&pattern.text, key_arn);
    let principals = match &statement.principals {
        Some(Principals::Are(patterns)) => patterns.iter().any(by),
        Some(Principals::AreNot(patterns)) => !patterns.iter().any(by),
        None => false,
    };
    let actions = match &statement.actions {
        Actions::Are(patterns) => patterns.iter().any(does),
        Actions::AreNot(patterns) => !patterns.iter().any(does),
    };
    let resources = match &statement.resources {
        Some(Resources::Are(patterns)) => patterns.iter().any(on),
        Some(Resources::AreNot(patterns)) => !patterns.iter().any(on),
        None => true,
    };
    principals && actions && resources && statement.conditions.is_empty()
}

/// Whether a text fits a pattern of `*` and `?`. It takes no longer than the product of the lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, read));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((behind, from)) = star else { return false };
                star = Some((behind, from + 1));
                at = behind;
                read = from + 1;
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use policy::Kind;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000";

    fn locks_out(statements: &str) -> bool {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let policy = Policy::parse(&text, Kind::Resource).unwrap();
        must_not_lock_out(&policy, ARN, &Principal::Root("123456789012".parse().unwrap())).is_err()
    }

    fn statement(effect: &str, principal: &str, action: &str, resource: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"{resource}"{condition}}}"#
        )
    }

    const ROOT: &str = r#"{"AWS":"arn:aws:iam::123456789012:root"}"#;

    #[test]
    fn who_may_put_the_policy_again_is_not_locked_out() {
        for (principal, action, resource) in [
            (ROOT, "kms:*", "*"),
            (r#"{"AWS":"123456789012"}"#, "kms:PutKeyPolicy", "*"),
            (r#""*""#, "kms:put*", ARN),
            (ROOT, "*", "arn:aws:kms:us-east-1:*:key/*"),
            (ROOT, "kms:P?tKeyPolicy", "*"),
        ] {
            assert!(
                !locks_out(&statement("Allow", principal, action, resource, "")),
                "{principal} {action} {resource}"
            );
        }
    }

    #[test]
    fn who_may_not_is_locked_out() {
        let condition = r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
        for (principal, action, resource, condition) in [
            (r#"{"AWS":"arn:aws:iam::210987654321:root"}"#, "kms:*", "*", ""),
            (r#"{"AWS":"arn:aws:iam::123456789012:role/app"}"#, "kms:*", "*", ""),
            (ROOT, "kms:Get*", "*", ""),
            (ROOT, "secretsmanager:*", "*", ""),
            (ROOT, "kms:*", "arn:aws:kms:us-east-1:123456789012:key/other", ""),
            (ROOT, "kms:*", "*", condition),
        ] {
            let alone = statement("Allow", principal, action, resource, condition);
            assert!(locks_out(&alone), "{alone}");
        }
        let allowed = statement("Allow", ROOT, "kms:*", "*", "");
        let denied = statement("Deny", r#""*""#, "kms:PutKeyPolicy", "*", "");
        assert!(locks_out(&format!("{allowed},{denied}")));
        let denied_sometimes = statement("Deny", r#""*""#, "kms:PutKeyPolicy", "*", condition);
        assert!(!locks_out(&format!("{allowed},{denied_sometimes}")));
    }

    #[test]
    fn stars_stand_for_any_text_and_question_marks_for_one_byte() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "a", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
