use proptest::prelude::*;

use super::*;

const GOOD: &str = r#"{
  "Version": "2012-10-17",
  "Id": "team",
  "Statement": [
    {
      "Sid": "Read it",
      "Effect": "Allow",
      "Principal": {"AWS": ["arn:aws:iam::123456789012:role/app", "210987654321"], "Service": "secretsmanager.amazonaws.com"},
      "Action": "secretsmanager:GetSecretValue",
      "Resource": "*",
      "Condition": {
        "StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": 3600},
        "Bool": {"aws:SecureTransport": true}
      }
    },
    {"Effect": "Deny", "NotPrincipal": {"AWS": "123456789012"}, "NotAction": ["secretsmanager:Describe*"], "NotResource": "*"}
  ]
}"#;

fn resource(text: &str) -> Result<Policy, Malformed> {
    Policy::parse(text, Kind::Resource)
}

/// A resource's policy with one statement of these members.
fn statement(members: &str) -> String {
    format!(r#"{{"Statement":{{{members}}}}}"#)
}

const REST: &str = r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#;

#[test]
fn a_document_is_read_as_it_is_written() {
    let policy = resource(GOOD).unwrap();
    assert_eq!((policy.version, policy.id.as_deref()), (Version::V2012, Some("team")));
    let [read, rest] = policy.statements.as_slice() else { panic!("{policy:?}") };
    assert_eq!((read.sid.as_deref(), read.effect), (Some("Read it"), Effect::Allow));
    let Some(Principals::Are(principals)) = &read.principals else { panic!("{read:?}") };
    assert_eq!(principals.len(), 3);
    let values: Vec<_> = read.conditions.iter().map(|condition| condition.values.concat()).collect();
    assert_eq!(values, ["AWSCURRENT", "3600", "true"]);
    assert!(matches!(&rest.principals, Some(Principals::AreNot(_))));
    assert!(matches!(&rest.actions, Actions::AreNot(actions) if actions[0].name == "Describe*"));
    assert!(matches!(&rest.resources, Some(Resources::AreNot(_))));
    assert!(rest.conditions.is_empty());
}

#[test]
fn without_a_version_the_old_one_is_meant() {
    assert_eq!(resource(&statement(REST)).unwrap().version, Version::V2008);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let error = resource("{\n  \"Statement\": [],\n  \"Verzion\": 1\n}").unwrap_err();
    assert_eq!((error.what.as_str(), error.line), ("the policy has no statements", 2));
    let error = resource("{\n  \"Verzion\": 1\n}").unwrap_err();
    assert_eq!((error.what.as_str(), error.line), ("\"Verzion\" is not an element of a policy", 2));
}

#[test]
fn every_departure_from_the_grammar_is_refused() {
    let long = "x".repeat(200);
    let cases = [
        ("", "EOF"),
        ("[]", "expected a policy"),
        ("null", "expected a policy"),
        ("{}", "no Statement"),
        (r#"{"Statement":{}} x"#, "no Principal"),
        (&format!("{} x", statement(REST)), "trailing characters"),
        (r#"{"Version":"2020-01-01","Statement":[]}"#, "Version"),
        (r#"{"Version":"2012-10-17","Version":"2012-10-17"}"#, "Version comes twice"),
        (r#"{"statement":[]}"#, "not an element of a policy"),
        (&statement(&format!(r#"{REST},"Effect":"Deny""#)), "Effect comes twice"),
        (&statement(&format!(r#"{REST},"NotAction":"*""#)), "Action or NotAction comes twice"),
        (&statement(&format!(r#"{REST},"effect":"Deny""#)), "not an element of a statement"),
        (&statement(&format!(r#"{REST},"Sid":"a/b""#)), "Sid"),
        (&statement(r#""Effect":"allow","Principal":"*","Action":"*","Resource":"*""#), "neither Allow nor Deny"),
        (&statement(r#""Principal":"*","Action":"*","Resource":"*""#), "no Effect"),
        (&statement(r#""Effect":"Allow","Action":"*","Resource":"*""#), "no Principal"),
        (&statement(r#""Effect":"Allow","Principal":"*","Resource":"*""#), "neither Action nor NotAction"),
        (&statement(r#""Effect":"Allow","Principal":"*","Action":"*""#), "no Resource"),
        (&statement(r#""Effect":"Allow","Principal":"*","Action":[],"Resource":"*""#), "at least one value"),
        (&statement(r#""Effect":"Allow","Principal":"*","Action":"Get","Resource":"*""#), "\"Get\" is not an action"),
        (&statement(r#""Effect":"Allow","Principal":"*","Action":7,"Resource":"*""#), "invalid type"),
        (&statement(r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"prod""#), "not a resource"),
        (&statement(r#""Effect":"Allow","Principal":{},"Action":"*","Resource":"*""#), "Principal is empty"),
        (
            &statement(r#""Effect":"Allow","Principal":{"AWS":"*","AWS":"*"},"Action":"*","Resource":"*""#),
            "same member twice",
        ),
        (&statement(&format!(r#"{REST},"Condition":{{"StringIs":{{"a:b":"c"}}}}"#)), "not a condition operator"),
        (&statement(&format!(r#"{REST},"Condition":{{"Bool":{{"a:b":"yes"}}}}"#)), "can compare"),
        (&statement(&format!(r#"{REST},"Condition":{{"Bool":{{"ab":"true"}}}}"#)), "not a condition key"),
        (&statement(&format!(r#"{REST},"Condition":{{"Bool":{{"a:b":"true","A:B":"true"}}}}"#)), "condition key twice"),
        (&statement(&format!(r#"{REST},"Condition":{{"Bool":{{}},"Bool":{{}}}}"#)), "same operator twice"),
        (&statement(&format!(r#"{REST},"Condition":{{"StringEquals":{{"a:b":["c",["d"]]}}}}"#)), "invalid type"),
        (&statement(&format!(r#"{REST},"Condition":{{"StringEquals":{{"a:b":null}}}}"#)), "invalid type"),
        (
            &format!(r#"{{"Statement":[{{"Sid":"a",{REST}}},{{"Sid":"a",{REST}}}]}}"#),
            "two statements have the same Sid",
        ),
        (&format!(r#"{{"{long}":1}}"#), "xxx...\" is not an element"),
    ];
    for (text, what) in cases {
        let error = resource(text).unwrap_err();
        assert!(error.what.contains(what), "{text}\n{error}");
        assert!(!error.is_principal, "{text}");
        assert!(error.to_string().len() < 250, "{error}");
    }
}

#[test]
fn a_principal_that_is_none_is_told_apart() {
    for principal in
        [r#""alice""#, r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#, r#"{"Aws":"*"}"#, r#"{"Service":"lambda"}"#]
    {
        let text = statement(&format!(r#""Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*""#));
        let error = resource(&text).unwrap_err();
        assert!(error.is_principal && error.what.starts_with("unsupported principal "), "{error}");
    }
}

#[test]
fn each_kind_of_policy_has_its_elements() {
    let full = statement(REST);
    let without_principal = statement(r#""Effect":"Allow","Action":"*","Resource":"*""#);
    let without_resource = statement(r#""Effect":"Allow","Principal":"*","Action":"*""#);
    for (kind, good) in
        [(Kind::Identity, &without_principal), (Kind::Resource, &full), (Kind::Trust, &without_resource)]
    {
        for text in [&full, &without_principal, &without_resource] {
            assert_eq!(Policy::parse(text, kind).is_ok(), text == good, "{kind:?} {text}");
        }
    }
    let spaced = statement(r#""Sid":"a b","Effect":"Allow","Action":"*","Resource":"*""#);
    assert!(Policy::parse(&spaced, Kind::Identity).is_err());
}

#[test]
fn statements_are_bounded() {
    let of = |count: usize| format!(r#"{{"Statement":[{}]}}"#, vec![format!("{{{REST}}}"); count].join(","));
    assert!(resource(&of(Policy::STATEMENTS)).is_ok());
    assert!(resource(&of(Policy::STATEMENTS + 1)).unwrap_err().what.contains("more than 1000 statements"));
}

#[test]
fn depth_is_refused_and_not_followed() {
    let deep = format!(r#"{{"Statement":{}"#, "[".repeat(20_000));
    assert!(resource(&deep).is_err());
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[\\[\\]{}:,\" a-zA-Z0-9*]{0,200}") {
        let _ = resource(&text);
    }

    #[test]
    fn no_damage_to_a_document_is_a_panic(at in 0..GOOD.len(), with in any::<char>()) {
        let mut text: String = GOOD.chars().take(at).collect();
        text.push(with);
        text.extend(GOOD.chars().skip(at + 1));
        let _ = resource(&text);
    }
}
