//! NextToken: where the next page of a listing begins, sealed for the listing that it belongs to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use key_service::{Barrier, SealedKind};
use state::{Secret, SecretUid};
use types::{ApiError, ErrorCode, Namespace, Principal, SecretArn, SecretName, Timestamp};
use zeroize::Zeroizing;

use crate::shape::{ListSecretsRequest, SortBy};

/// What a token's binding begins with: no token of one kind of listing is good for another.
const LIST_VERSIONS: u8 = 2;

/// The operations that list secrets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lister {
    ListSecrets = 1,
    BatchGetSecretValue = 3,
}

/// A place in a listing. Uids break ties: they are given in the order of creation and never twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    Created(SecretUid),
    Name(SecretName),
    Dated(Option<Timestamp>, SecretUid),
}

impl Position {
    /// Where the secret stands in that order.
    pub(super) fn of(secret: &Secret, sort_by: SortBy) -> Self {
        match sort_by {
            SortBy::CreatedDate => Self::Created(secret.uid),
            SortBy::Name => Self::Name(secret.name.clone()),
            SortBy::LastChangedDate => Self::Dated(Some(secret.last_changed), secret.uid),
            SortBy::LastAccessedDate => Self::Dated(secret.last_accessed, secret.uid),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Created(uid) => [&[1][..], &uid.0.to_le_bytes()].concat(),
            Self::Name(name) => [&[2], name.as_str().as_bytes()].concat(),
            Self::Dated(None, uid) => [&[3][..], &uid.0.to_le_bytes()].concat(),
            Self::Dated(Some(date), uid) => [&[4][..], &uid.0.to_le_bytes(), &date.as_millis().to_le_bytes()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let uid = |bytes: &[u8]| Some(SecretUid(u64::from_le_bytes(bytes.try_into().ok()?)));
        match kind {
            1 => Some(Self::Created(uid(rest)?)),
            2 => Some(Self::Name(SecretName::parse(std::str::from_utf8(rest).ok()?).ok()?)),
            3 => Some(Self::Dated(None, uid(rest)?)),
            4 => {
                let (first, date) = rest.split_at_checked(8)?;
                let date = u64::from_le_bytes(date.try_into().ok()?);
                Some(Self::Dated(Some(Timestamp::from_millis(date)), uid(first)?))
            }
            _ => None,
        }
    }

    const fn fits(&self, sort_by: SortBy) -> bool {
        matches!(
            (self, sort_by),
            (Self::Created(_), SortBy::CreatedDate)
                | (Self::Name(_), SortBy::Name)
                | (Self::Dated(..), SortBy::LastChangedDate | SortBy::LastAccessedDate)
        )
    }
}

/// One listing: who lists what, in which order. The size of the page may change from one to the next.
pub(super) struct Listing<'a> {
    pub(super) lister: Lister,
    pub(super) principal: &'a Principal,
    pub(super) namespace: &'a Namespace,
    pub(super) request: &'a ListSecretsRequest,
}

impl Listing<'_> {
    /// The token of a position in this listing.
    pub(super) fn seal(&self, barrier: &Barrier, position: &Position) -> String {
        seal(barrier, &self.bytes(), &position.encode())
    }

    /// The position that a token of this listing stands for.
    ///
    /// # Errors
    /// InvalidNextToken for any other token.
    pub(super) fn open(&self, barrier: &Barrier, token: &str) -> Result<Position, ApiError> {
        open(barrier, &self.bytes(), token)
            .and_then(|opened| Position::decode(&opened))
            .filter(|position| position.fits(self.request.sort_by))
            .ok_or_else(not_of_this_listing)
    }

    /// What a token is bound to: unambiguous, and equal for equal listings.
    fn bytes(&self) -> Vec<u8> {
        let ListSecretsRequest { filters, sort_by, descending, include_planned_deletion, .. } = self.request;
        let mut bytes =
            vec![self.lister as u8, *sort_by as u8, u8::from(*descending), u8::from(*include_planned_deletion)];
        let mut put = |text: &str| put(&mut bytes, text);
        put(&self.principal.arn());
        put(&self.namespace.account.to_string());
        put(self.namespace.region.as_str());
        for filter in filters {
            put(&(filter.key as u8).to_string());
            put(&filter.values.len().to_string());
            for value in &filter.values {
                put(if value.negated { "!" } else { "" });
                put(&value.text);
            }
        }
        bytes
    }
}

/// One listing of versions: who lists those of which secret. A secret made again under the same name is another one.
pub(super) struct VersionListing<'a> {
    pub(super) principal: &'a Principal,
    pub(super) arn: &'a SecretArn,
    pub(super) include_deprecated: bool,
}

impl VersionListing<'_> {
    /// The token of the place behind the version of that part number.
    pub(super) fn seal(&self, barrier: &Barrier, part: u64) -> String {
        seal(barrier, &self.bytes(), &part.to_le_bytes())
    }

    /// The part number that a token of this listing stands for.
    ///
    /// # Errors
    /// InvalidNextToken for any other token.
    pub(super) fn open(&self, barrier: &Barrier, token: &str) -> Result<u64, ApiError> {
        let opened = open(barrier, &self.bytes(), token).ok_or_else(not_of_this_listing)?;
        opened[..].try_into().map(u64::from_le_bytes).map_err(|_| not_of_this_listing())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![LIST_VERSIONS, u8::from(self.include_deprecated)];
        put(&mut bytes, &self.principal.arn());
        put(&mut bytes, self.arn.as_str());
        bytes
    }
}

fn seal(barrier: &Barrier, listing: &[u8], position: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(barrier.seal(SealedKind::NextToken, listing, position))
}

fn open(barrier: &Barrier, listing: &[u8], token: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    barrier.open(SealedKind::NextToken, listing, &sealed).ok()
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn not_of_this_listing() -> ApiError {
    ApiError::new(ErrorCode::InvalidNextToken, "The NextToken value is not valid for this request.")
}

#[cfg(test)]
mod tests {
    use types::{ClusterId, Region, limits};

    use super::*;
    use crate::api::{FilterInput, ListSecretsInput};
    use crate::shape;

    fn request(change: impl FnOnce(&mut ListSecretsInput)) -> ListSecretsRequest {
        let filter = |value: &str| FilterInput { key: Some("name".to_owned()), values: Some(vec![value.to_owned()]) };
        let mut input = ListSecretsInput { filters: Some(vec![filter("a"), filter("b")]), ..Default::default() };
        change(&mut input);
        shape::list_secrets(input).unwrap()
    }

    fn namespace(region: &str) -> Namespace {
        Namespace { account: "123456789012".parse().unwrap(), region: Region::parse(region).unwrap() }
    }

    fn values(input: &mut ListSecretsInput, position: usize) -> &mut Vec<String> {
        input.filters.as_mut().unwrap()[position].values.as_mut().unwrap()
    }

    #[test]
    fn positions_come_back_as_they_were() {
        let name = SecretName::parse(&"n".repeat(512)).unwrap();
        for position in [
            Position::Created(SecretUid(7)),
            Position::Name(name),
            Position::Dated(None, SecretUid(u64::MAX)),
            Position::Dated(Some(Timestamp::from_millis(5)), SecretUid(0)),
        ] {
            assert_eq!(Position::decode(&position.encode()), Some(position));
        }
        for bad in [&[][..], &[0], &[1, 2], &[2, b' '], &[4; 12], &[9; 9]] {
            assert_eq!(Position::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_listing_only() {
        let barrier = Barrier::ephemeral(ClusterId([1; 16]));
        let root = Principal::Root("123456789012".parse().unwrap());
        let home = namespace("us-east-1");
        let own = request(|_| {});
        let listing = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: &own };
        let position = Position::Created(SecretUid(42));
        let token = listing.seal(&barrier, &position);
        assert_eq!(listing.open(&barrier, &token), Ok(position.clone()));

        let bigger_page = request(|input| input.max_results = Some(7));
        let same = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: &bigger_page };
        assert_eq!(same.open(&barrier, &token), Ok(position));

        let others = [
            request(|input| input.sort_order = Some("desc".to_owned())),
            request(|input| input.sort_by = Some("name".to_owned())),
            request(|input| input.include_planned_deletion = Some(true)),
            request(|input| input.filters = None),
            request(|input| input.filters.as_mut().unwrap().truncate(1)),
            request(|input| values(input, 0)[0] = "!a".to_owned()),
            request(|input| values(input, 1)[0] = "c".to_owned()),
            request(|input| {
                input.filters.as_mut().unwrap().truncate(1);
                values(input, 0).push("b".to_owned());
            }),
        ];
        for other in &others {
            let other = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: other };
            assert_eq!(other.open(&barrier, &token).unwrap_err().code, ErrorCode::InvalidNextToken);
        }
        let away = namespace("us-east-2");
        let batch = Listing { lister: Lister::BatchGetSecretValue, principal: &root, namespace: &home, request: &own };
        assert_eq!(batch.open(&barrier, &token).unwrap_err().code, ErrorCode::InvalidNextToken);
        let elsewhere = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &away, request: &own };
        assert!(elsewhere.open(&barrier, &token).is_err());
        let somebody =
            Listing { lister: Lister::ListSecrets, principal: &Principal::System, namespace: &home, request: &own };
        assert!(somebody.open(&barrier, &token).is_err());
        assert!(listing.open(&Barrier::ephemeral(ClusterId([1; 16])), &token).is_err());
    }

    #[test]
    fn a_token_of_versions_is_good_for_its_own_secret_only() {
        let barrier = Barrier::ephemeral(ClusterId([1; 16]));
        let root = Principal::Root("123456789012".parse().unwrap());
        let (home, name) = (namespace("us-east-1"), SecretName::parse("s").unwrap());
        let (own, again) = (SecretArn::new(&home, &name, "AAAAAA"), SecretArn::new(&home, &name, "BBBBBB"));
        let listing = VersionListing { principal: &root, arn: &own, include_deprecated: false };
        let token = listing.seal(&barrier, 7);
        assert_eq!(listing.open(&barrier, &token), Ok(7));
        let others = [
            VersionListing { include_deprecated: true, ..listing },
            VersionListing { arn: &again, ..listing },
            VersionListing { principal: &Principal::System, ..listing },
        ];
        for other in others {
            assert_eq!(other.open(&barrier, &token).unwrap_err().code, ErrorCode::InvalidNextToken);
        }
        let secrets = request(|_| {});
        let secrets = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: &secrets };
        assert!(secrets.open(&barrier, &token).is_err());
        assert!(listing.open(&barrier, &secrets.seal(&barrier, &Position::Created(SecretUid(7)))).is_err());
    }

    #[test]
    fn a_tampered_token_is_refused() {
        let barrier = Barrier::ephemeral(ClusterId([1; 16]));
        let root = Principal::Root("123456789012".parse().unwrap());
        let (home, own) = (namespace("us-east-1"), request(|_| {}));
        let listing = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: &own };
        let token = listing.seal(&barrier, &Position::Created(SecretUid(42)));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(listing.open(&barrier, std::str::from_utf8(&changed).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "x", "not base64!", "AAAA"] {
            assert_eq!(listing.open(&barrier, bad).unwrap_err().code, ErrorCode::InvalidNextToken);
        }
    }

    #[test]
    fn the_longest_token_is_one_that_may_come_back() {
        let barrier = Barrier::ephemeral(ClusterId([1; 16]));
        let root = Principal::Root("123456789012".parse().unwrap());
        let (home, own) = (namespace("us-east-1"), request(|_| {}));
        let listing = Listing { lister: Lister::ListSecrets, principal: &root, namespace: &home, request: &own };
        let longest = Position::Name(SecretName::parse(&"n".repeat(512)).unwrap());
        assert!(listing.seal(&barrier, &longest).len() <= limits::NEXT_TOKEN_CHARS);
    }
}
