//! Whom a statement of a resource's or a role's policy is about.

use types::AccountId;

/// One principal of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `*` or `{"AWS": "*"}`.
    Anyone,
    /// An account, by number or by the ARN of its root.
    Account(AccountId),
    /// A user, a role or a session, by ARN: without wildcards.
    Arn(String),
    /// What is left of an ARN after its user or role is gone: the unique id.
    UniqueId(String),
    /// A service, `secretsmanager.amazonaws.com`.
    Service(String),
    /// An identity provider.
    Federated(String),
}

impl PrincipalPattern {
    /// Reads a value of the `AWS` member.
    pub(crate) fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anyone);
        }
        if let Ok(account) = text.parse() {
            return Some(Self::Account(account));
        }
        let is_unique_id = (text.starts_with("AIDA") || text.starts_with("AROA"))
            && (16..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_unique_id {
            return Some(Self::UniqueId(text.to_owned()));
        }
        let mut parts = text.splitn(6, ':');
        let ["arn", partition, service @ ("iam" | "sts"), "", account, name] =
            std::array::from_fn(|_| parts.next().unwrap_or_default())
        else {
            return None;
        };
        let account: AccountId = account.parse().ok()?;
        if partition.is_empty() || text.contains(['*', '?']) {
            return None;
        }
        match (service, name.split_once('/')) {
            ("iam", None) if name == "root" => Some(Self::Account(account)),
            ("iam", Some(("user" | "role", rest))) if !rest.is_empty() => Some(Self::Arn(text.to_owned())),
            ("sts", Some(("assumed-role", rest))) if rest.split('/').filter(|part| !part.is_empty()).count() == 2 => {
                Some(Self::Arn(text.to_owned()))
            }
            ("sts", Some(("federated-user", rest))) if !rest.is_empty() => Some(Self::Arn(text.to_owned())),
            _ => None,
        }
    }

    /// Reads a value of the `Service` member.
    pub(crate) fn service(text: &str) -> Option<Self> {
        let is_host = text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        is_host.then(|| Self::Service(text.to_owned()))
    }

    /// Reads a value of the `Federated` member: a provider's ARN or host.
    pub(crate) fn federated(text: &str) -> Option<Self> {
        let is_name =
            !text.is_empty() && !text.contains(['*', '?']) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_name.then(|| Self::Federated(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_its_number_or_its_root() {
        let account = PrincipalPattern::Account("123456789012".parse().unwrap());
        assert_eq!(PrincipalPattern::aws("123456789012"), Some(account.clone()));
        assert_eq!(PrincipalPattern::aws("arn:aws:iam::123456789012:root"), Some(account));
    }

    #[test]
    fn users_roles_and_sessions_are_named_without_wildcards() {
        for good in [
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::123456789012:user/division/alice",
            "arn:aws:iam::123456789012:role/app",
            "arn:aws:sts::123456789012:assumed-role/app/session",
        ] {
            assert_eq!(PrincipalPattern::aws(good), Some(PrincipalPattern::Arn(good.to_owned())));
        }
        for bad in [
            "",
            "alice",
            "12345",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:iam::*:root",
            "arn:aws:iam:us-east-1:123456789012:root",
            "arn:aws:iam::123456789012:group/staff",
            "arn:aws:sts::123456789012:assumed-role/app",
            "arn:aws:sts::123456789012:assumed-role/app/",
            "arn:aws:secretsmanager::123456789012:secret/x",
        ] {
            assert_eq!(PrincipalPattern::aws(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_unique_id_stands_for_one_who_is_gone() {
        let id = "AIDACKCEVSQ6C2EXAMPLE";
        assert_eq!(PrincipalPattern::aws(id), Some(PrincipalPattern::UniqueId(id.to_owned())));
        assert_eq!(PrincipalPattern::aws("AIDA"), None);
    }
}
