use state::{Command, CreateSecret, DeleteMode, Outcome, Refusal, TagResource, UntagResource};
use types::{ErrorCode, SecretArn, Tag, limits};

use crate::fixture::{Node, refused};

/// Tags in the notation `key=value`.
fn tags(text: &str) -> Vec<Tag> {
    let tag = |(key, value): (&str, &str)| Tag { key: key.into(), value: value.into() };
    text.split_whitespace().map(|word| tag(word.split_once('=').unwrap())).collect()
}

fn tag_command(target: &SecretArn, text: &str) -> Command {
    Command::TagResource(TagResource { target: target.clone(), tags: tags(text) })
}

fn untag_command(target: &SecretArn, keys: &str) -> Command {
    let keys = keys.split_whitespace().map(Into::into).collect();
    Command::UntagResource(UntagResource { target: target.clone(), keys })
}

fn tag(node: &mut Node, text: &str) -> Outcome {
    let target = node.secret("a").arn.clone();
    node.run(tag_command(&target, text))
}

fn untag(node: &mut Node, keys: &str) -> Outcome {
    let target = node.secret("a").arn.clone();
    node.run(untag_command(&target, keys))
}

/// The tags as text; `None` if the secret was never tagged.
fn shown(node: &Node) -> Option<String> {
    let tags = node.secret("a").tags.as_ref()?;
    Some(tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect::<Vec<_>>().join(" "))
}

#[test]
fn known_keys_keep_their_place_and_new_ones_come_behind() {
    let mut node = Node::new();
    let command = node.create_command("a", "1", None);
    node.run(Command::CreateSecret(CreateSecret { tags: tags("b=1 a=2"), ..command })).unwrap();
    let before = node.secret("a").last_changed;
    tag(&mut node, "c=3 b=4 B=5 a=2").unwrap();
    assert_eq!(shown(&node).as_deref(), Some("b=4 a=2 c=3 B=5"));
    assert!(node.secret("a").last_changed > before);
}

#[test]
fn never_tagged_is_not_the_same_as_tagged_no_more() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    untag(&mut node, "x").unwrap();
    tag(&mut node, "").unwrap();
    assert_eq!(shown(&node), None);
    tag(&mut node, "x=1 y=2").unwrap();
    untag(&mut node, "y nothing x").unwrap();
    assert_eq!(shown(&node).as_deref(), Some(""));
}

#[test]
fn what_comes_to_nothing_is_no_change() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    tag(&mut node, "x=1").unwrap();
    let before = node.secret("a").clone();
    tag(&mut node, "x=1").unwrap();
    untag(&mut node, "X nothing").unwrap();
    assert_eq!(*node.secret("a"), before);
    untag(&mut node, "x").unwrap();
    assert!(node.secret("a").last_changed > before.last_changed);
}

#[test]
fn fifty_tags_are_the_most_that_a_secret_can_have() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    let most: Vec<String> = (0..limits::TAGS_PER_SECRET).map(|n| format!("k{n}=v")).collect();
    tag(&mut node, &most.join(" ")).unwrap();
    let before = node.secret("a").clone();
    assert_eq!(refused(&tag(&mut node, "k0=other more=v")).0, ErrorCode::InvalidParameter);
    assert_eq!(*node.secret("a"), before);
    tag(&mut node, "k0=other").unwrap();
    untag(&mut node, "k1").unwrap();
    tag(&mut node, "more=v").unwrap();
    assert_eq!(node.secret("a").tags.as_ref().unwrap().len(), limits::TAGS_PER_SECRET);
}

#[test]
fn tags_of_a_scheduled_secret_stay_and_those_of_a_missing_one_are_decided_again() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    tag(&mut node, "x=1").unwrap();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(refused(&tag(&mut node, "x=2")), (ErrorCode::InvalidRequest, marked));
    assert_eq!(refused(&untag(&mut node, "x")), (ErrorCode::InvalidRequest, marked));
    assert_eq!(shown(&node).as_deref(), Some("x=1"));
    let gone = node.secret("a").arn.clone();
    node.delete("a", DeleteMode::Force).unwrap();
    assert_eq!(node.run(tag_command(&gone, "x=2")), Err(Refusal::Conflict));
    assert_eq!(node.run(untag_command(&gone, "x")), Err(Refusal::Conflict));
}
