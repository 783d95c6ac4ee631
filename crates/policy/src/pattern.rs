//! Patterns of actions and resources.

/// `*`, or a service's prefix and a name with wildcards. It matches without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPattern {
    /// In small letters; `None` for `*`.
    pub service: Option<String>,
    /// With `*` and `?`.
    pub name: String,
}

impl ActionPattern {
    /// Reads `*` or `prefix:Name`; the prefix has no wildcards.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self { service: None, name: "*".to_owned() });
        }
        let (service, name) = text.split_once(':')?;
        let is_prefix = !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*' || b == b'?');
        (is_prefix && is_name).then(|| Self { service: Some(service.to_ascii_lowercase()), name: name.to_owned() })
    }
}

/// `*`, or an ARN with wildcards and variables. It matches part by part, and case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePattern {
    /// As it was written.
    pub text: String,
}

impl ResourcePattern {
    /// The colons that an ARN has at least.
    const COLONS: usize = 5;

    /// Reads `*` or an ARN of at least six parts.
    pub fn parse(text: &str) -> Option<Self> {
        let is_arn = text.starts_with("arn:") && text.matches(':').count() >= Self::COLONS;
        (text == "*" || is_arn).then(|| Self { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_star_or_a_literal_prefix_and_a_name() {
        let action = ActionPattern::parse("SecretsManager:Get*").unwrap();
        assert_eq!((action.service.as_deref(), action.name.as_str()), (Some("secretsmanager"), "Get*"));
        assert_eq!(ActionPattern::parse("*").unwrap().service, None);
        for bad in ["", "Get", ":Get", "secretsmanager:", "secrets*:Get", "**", "a b:Get", "a:b:c", "s3:Get Object"] {
            assert_eq!(ActionPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_resource_is_a_star_or_six_parts() {
        for good in ["*", "arn:aws:secretsmanager:*:*:secret:prod/*", "arn:aws:s3:::bucket", "arn:aws:a:b:c:"] {
            assert!(ResourcePattern::parse(good).is_some(), "{good}");
        }
        for bad in ["", "prod", "arn:aws:s3", "arn:aws:s3::bucket", "urn:a:b:c:d:e"] {
            assert_eq!(ResourcePattern::parse(bad), None, "{bad}");
        }
    }
}
