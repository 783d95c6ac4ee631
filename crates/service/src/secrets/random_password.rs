//! GetRandomPassword.

use types::{ApiError, Namespace, Plaintext};
use zeroize::Zeroizing;

use crate::api::{GetRandomPasswordInput, GetRandomPasswordOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, GetRandomPasswordRequest};

/// Makes a password, which is kept nowhere.
pub(crate) struct GetRandomPassword;

impl UseCase for GetRandomPassword {
    type Input = GetRandomPasswordInput;
    type Request = GetRandomPasswordRequest;
    type Output = GetRandomPasswordOutput;
    const ACTION: Action = Action::GetRandomPassword;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::get_random_password(input)
    }
}

impl Read for GetRandomPassword {
    async fn act(request: Authorized<'_, Self::Request>, _: &View<'_>) -> Result<Self::Output, ApiError> {
        Ok(GetRandomPasswordOutput { random_password: password(&request, &mut Draws::default()) })
    }
}

/// One character of each required type, others of any, and all of them in an order that is drawn too.
fn password(request: &GetRandomPasswordRequest, draws: &mut Draws) -> Plaintext {
    let any = request.types.concat();
    let mut characters = Zeroizing::new(Vec::with_capacity(request.length));
    if request.require_each {
        characters.extend(request.types.iter().map(|of_type| draws.one_of(of_type)));
    }
    while characters.len() < request.length {
        characters.push(draws.one_of(&any));
    }
    for end in (2..=characters.len()).rev() {
        characters.swap(end - 1, draws.below(end));
    }
    Plaintext::copy_from(&characters)
}

/// Numbers of the operating system, two bytes a draw, fetched in blocks.
#[derive(Default)]
struct Draws {
    block: Zeroizing<Vec<u8>>,
}

impl Draws {
    const BLOCK: usize = 256;

    fn one_of(&mut self, characters: &[u8]) -> u8 {
        characters[self.below(characters.len())]
    }

    /// A number below `end`, which is at least 1 and less than 65,536. The numbers that the last, incomplete round of
    /// `end` would favour are drawn again.
    fn below(&mut self, end: usize) -> usize {
        let round = (usize::from(u16::MAX) + 1) / end * end;
        loop {
            let drawn = usize::from(self.next());
            if drawn < round {
                return drawn % end;
            }
        }
    }

    fn next(&mut self) -> u16 {
        loop {
            if let (Some(high), Some(low)) = (self.block.pop(), self.block.pop()) {
                return u16::from_be_bytes([high, low]);
            }
            let block = Zeroizing::new(key_service::random::<{ Self::BLOCK }>());
            self.block = Zeroizing::new(block.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn made(input: GetRandomPasswordInput) -> String {
        let request = shape::get_random_password(input).unwrap();
        let password = password(&request, &mut Draws::default());
        String::from_utf8(password.expose_secret().to_vec()).unwrap()
    }

    fn of_length(length: i64) -> GetRandomPasswordInput {
        GetRandomPasswordInput { password_length: Some(length), ..GetRandomPasswordInput::default() }
    }

    #[test]
    fn a_password_has_its_length_and_a_character_of_each_type() {
        for length in [4, 5, 32, 4096] {
            for _ in 0..50 {
                let password = made(of_length(length));
                assert_eq!(password.len(), usize::try_from(length).unwrap());
                let has = |is_member: fn(&u8) -> bool| password.bytes().any(|byte| is_member(&byte));
                assert!(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase));
                assert!(has(u8::is_ascii_digit) && has(u8::is_ascii_punctuation) && !password.contains(' '));
            }
        }
        let spaced = GetRandomPasswordInput { include_space: Some(true), ..of_length(5) };
        assert!(made(spaced).contains(' '));
    }

    #[test]
    fn excluded_characters_never_stand_in_a_password() {
        let input = || GetRandomPasswordInput {
            exclude_characters: Some("abcdefABCDEF/@\"' \\".to_owned()),
            exclude_numbers: Some(true),
            include_space: Some(true),
            ..of_length(4096)
        };
        let password = made(input());
        assert!(!password.contains(|c: char| c.is_ascii_digit() || "abcdefABCDEF/@\"' \\".contains(c)));
    }

    #[test]
    fn types_that_are_not_required_may_be_missing() {
        let input = || GetRandomPasswordInput { require_each_included_type: Some(false), ..of_length(1) };
        let types: std::collections::BTreeSet<bool> =
            (0..200).map(|_| made(input()).bytes().all(|byte| byte.is_ascii_alphanumeric())).collect();
        assert_eq!(types.len(), 2);
    }

    #[test]
    fn every_character_and_every_place_is_drawn_about_equally() {
        let mut draws = Draws::default();
        for end in [1, 3, 10, 62, 94] {
            let mut seen = BTreeMap::<usize, u32>::new();
            let rounds = 4_000 * u32::try_from(end).unwrap();
            (0..rounds).for_each(|_| *seen.entry(draws.below(end)).or_default() += 1);
            // 4,000 expected of each, standard deviation at most 63.
            assert_eq!(seen.len(), end);
            assert!(seen.values().all(|count| (4_000 - 400..=4_000 + 400).contains(count)), "{end}: {seen:?}");
        }
        // Of four types in four places, the digit stands in each place equally often.
        let mut places = [0_u32; 4];
        for _ in 0..4_000 {
            places[made(of_length(4)).find(|c: char| c.is_ascii_digit()).unwrap()] += 1;
        }
        assert!(places.iter().all(|count| (800..1_200).contains(count)), "{places:?}");
    }

    #[test]
    fn two_passwords_are_never_the_same() {
        assert_ne!(made(of_length(32)), made(of_length(32)));
    }
}
