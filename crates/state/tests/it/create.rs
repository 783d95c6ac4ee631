use state::{Command, DeleteMode};
use types::{ErrorCode, SecretArn, SecretId, Tag, ValueKind};

use crate::fixture::{Node, START, name, namespace, namespace_of, refused, sealed, token, written};

#[test]
fn a_secret_with_a_value_has_one_current_version() {
    let mut node = Node::new();
    let (arn, version, stages) = written(&node.create("a", "1", Some("v")));
    assert_eq!((version, stages.as_str()), (Some(token("1")), "AWSCURRENT"));
    let secret = node.secret("a");
    assert_eq!((&secret.arn, secret.created, secret.last_changed), (&arn, START, START));
    assert_eq!(secret.versions.len(), 1);
    assert_eq!((secret.last_accessed, secret.deletion_date), (None, None));
}

#[test]
fn a_secret_without_a_value_has_no_version() {
    let mut node = Node::new();
    let (_, version, stages) = written(&node.create("a", "1", None));
    assert_eq!((version, stages.as_str()), (None, ""));
    assert!(node.secret("a").versions.is_empty());
    let (_, version, stages) = written(&node.put("a", "2", "v", "AWSCURRENT"));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSCURRENT"));
}

#[test]
fn a_secret_is_found_by_number_name_and_full_arn_only() {
    let mut node = Node::new();
    let (arn, ..) = written(&node.create("a/b", "1", Some("v")));
    let secret = node.secret("a/b").clone();
    let found = |id: &str| node.state.find(&namespace(), &SecretId::parse(id, &namespace()).unwrap());
    assert_eq!(node.state.secret(secret.uid), Some(&secret));
    assert_eq!(node.state.secret_by_arn(&arn), Some(&secret));
    assert_eq!(found(arn.as_str()), Some(&secret));
    assert_eq!(found("a/b"), Some(&secret));
    assert_eq!(found(arn.as_str().rsplit_once('-').unwrap().0), Some(&secret));
    assert_eq!(found("a/B"), None);
    assert_eq!(node.state.secret_by_arn(&SecretArn::new(&namespace(), &name("a/b"), "zzzzzz")), None);
    assert_eq!(node.state.find(&namespace(), &SecretId::Nowhere), None);
    let elsewhere = namespace_of("eu-west-1");
    assert_eq!(node.state.find(&elsewhere, &SecretId::Arn(arn)), None);
    assert_eq!(node.state.namespace(&elsewhere), None);
}

#[test]
fn a_name_is_unique_in_its_namespace() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let taken = node.create("a", "2", Some("v"));
    assert_eq!(
        refused(&taken),
        (ErrorCode::ResourceExists, "The operation failed because the secret a already exists.")
    );
    let mut elsewhere = node.create_command("a", "1", Some("v"));
    elsewhere.namespace = namespace_of("eu-west-1");
    elsewhere.arn = SecretArn::new(&elsewhere.namespace, &elsewhere.name, "000000");
    node.run(Command::CreateSecret(elsewhere)).unwrap();
    assert_eq!(node.state.secret_count(), 2);
    assert_eq!(node.state.namespaces().count(), 2);
}

#[test]
fn a_name_that_is_scheduled_for_deletion_is_taken() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    for version in ["1", "2"] {
        assert_eq!(
            refused(&node.create("a", version, Some("v"))),
            (
                ErrorCode::InvalidRequest,
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        );
    }
}

#[test]
fn no_tags_at_creation_is_never_tagged() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    assert_eq!(node.secret("a").tags, None);
    let tag = Tag { key: "k".into(), value: "v".into() };
    let mut tagged = node.create_command("b", "1", None);
    tagged.tags = vec![tag.clone()];
    tagged.description = Some("d".into());
    tagged.kms_key_id = Some("alias/mine".into());
    node.run(Command::CreateSecret(tagged)).unwrap();
    let secret = node.secret("b");
    assert_eq!(secret.tags, Some(vec![tag]));
    assert_eq!((secret.description.as_deref(), secret.kms_key_id.as_deref()), (Some("d"), Some("alias/mine")));
}

#[test]
fn secrets_are_listed_in_the_order_of_their_creation() {
    let mut node = Node::new();
    for secret in ["c", "a", "b"] {
        node.create(secret, "1", None).unwrap();
    }
    let index = node.state.namespace(&namespace()).unwrap();
    let listed: Vec<_> = index.by_creation.iter().map(|uid| node.state.secret(*uid).unwrap().name.as_str()).collect();
    assert_eq!(listed, ["c", "a", "b"]);
}

#[test]
fn the_kind_of_a_value_may_change_from_version_to_version() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let mut put = node.put_command("a", "2", "v", "AWSCURRENT");
    put.value = sealed("v", ValueKind::Binary, 9);
    node.run(Command::PutSecretValue(put)).unwrap();
    assert_eq!(node.stages("a", "2"), "AWSCURRENT");
}
