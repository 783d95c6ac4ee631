//! Whether a resource's policy opens it to everybody, which BlockPublicPolicy refuses.

use crate::condition::{Condition, Family};
use crate::document::{Effect, Policy, Principals, Statement};
use crate::principal::PrincipalPattern;

/// Keys that say where a request comes from or who sends it; fixed values of one of these make a grant narrow. In
/// small letters. AWS documents such a list with "The meaning of public" for S3, and uses the same analysis here.
const NARROWING: [&str; 16] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
    "aws:vpcsourceip",
    "sts:externalid",
];

impl Policy {
    /// Whether a statement allows everybody something, without a condition that narrows who that is.
    pub fn grants_public_access(&self) -> bool {
        self.statements.iter().any(is_public)
    }
}

fn is_public(statement: &Statement) -> bool {
    let everybody = match &statement.principals {
        Some(Principals::Are(principals)) => principals.contains(&PrincipalPattern::Anyone),
        Some(Principals::AreNot(_)) => true,
        None => false,
    };
    statement.effect == Effect::Allow && everybody && !statement.conditions.iter().any(narrows)
}

/// Only a comparison that fails where the key is absent, with values that do not match everything.
fn narrows(condition: &Condition) -> bool {
    let operator = condition.operator;
    let can_fail = !operator.negated && !operator.if_exists && operator.quantifier.is_none();
    let fixed = |value: &String| match operator.family {
        Family::String | Family::StringIgnoreCase => !value.contains("${"),
        Family::StringLike | Family::Arn => value.chars().any(|c| c.is_alphanumeric()) && !value.contains("${"),
        Family::Ip => !value.ends_with("/0"),
        _ => false,
    };
    can_fail && NARROWING.contains(&condition.key.to_ascii_lowercase().as_str()) && condition.values.iter().all(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Kind;

    fn public(principal: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow",{principal},"Action":"secretsmanager:GetSecretValue","Resource":"*"{condition}}}}}"#
        );
        Policy::parse(&text, Kind::Resource).unwrap().grants_public_access()
    }

    #[test]
    fn a_grant_to_everybody_is_public_however_it_is_written() {
        for principal in [
            r#""Principal":"*""#,
            r#""Principal":{"AWS":"*"}"#,
            r#""Principal":{"AWS":["123456789012","*"]}"#,
            r#""NotPrincipal":{"AWS":"123456789012"}"#,
        ] {
            assert!(public(principal, ""), "{principal}");
        }
        assert!(!public(r#""Principal":{"AWS":"123456789012"}"#, ""));
    }

    #[test]
    fn only_a_condition_with_fixed_values_narrows_it() {
        let everybody = r#""Principal":"*""#;
        for narrow in [
            r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}"#,
            r#"{"StringEquals":{"AWS:principalaccount":["123456789012"]}}"#,
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        ] {
            assert!(!public(everybody, &format!(r#","Condition":{narrow}"#)), "{narrow}");
        }
        for wide in [
            r#"{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#,
            r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-1234567890"}}"#,
            r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1234567890"}}"#,
            r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}"#,
            r#"{"StringLike":{"aws:PrincipalArn":"*"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}}"#,
            r#"{"StringEquals":{"aws:username":"${aws:username}"}}"#,
        ] {
            assert!(public(everybody, &format!(r#","Condition":{wide}"#)), "{wide}");
        }
    }

    #[test]
    fn a_denial_is_never_public() {
        let text = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
        assert!(!Policy::parse(text, Kind::Resource).unwrap().grants_public_access());
    }
}
