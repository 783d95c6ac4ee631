//! Parsing of GetRandomPassword: which characters there are to draw from.

use types::{ApiError, ErrorCode, limits};

use super::constraints::Constraints;
use super::request::GetRandomPasswordRequest;
use crate::api::GetRandomPasswordInput;

const TOO_SHORT: &str = "Password length is too short based on the required types.";
const NOTHING_LEFT: &str = "The password can't have any characters: all of them are excluded.";

/// Parses GetRandomPassword.
pub(crate) fn get_random_password(input: GetRandomPasswordInput) -> Result<GetRandomPasswordRequest, ApiError> {
    let mut constraints = Constraints::default();
    let length = constraints.number("passwordLength", input.password_length, limits::PASSWORD_CHARS);
    let excluded = constraints.text("excludeCharacters", input.exclude_characters, 0..=limits::EXCLUDED_CHARS);
    constraints.finish()?;

    let length = usize::try_from(length.unwrap_or(limits::DEFAULT_PASSWORD_CHARS)).map_err(|_| too_short())?;
    let excluded = excluded.unwrap_or_default();
    let characters = |is_member: fn(&u8) -> bool| -> Vec<u8> {
        (b' '..=b'~').filter(is_member).filter(|&byte| !excluded.contains(char::from(byte))).collect()
    };
    let mut types = Vec::new();
    if input.exclude_lowercase != Some(true) {
        types.push(characters(u8::is_ascii_lowercase));
    }
    if input.exclude_uppercase != Some(true) {
        types.push(characters(u8::is_ascii_uppercase));
    }
    if input.exclude_numbers != Some(true) {
        types.push(characters(u8::is_ascii_digit));
    }
    if input.exclude_punctuation != Some(true) {
        types.push(characters(u8::is_ascii_punctuation));
    }
    if input.include_space == Some(true) {
        types.push(characters(|byte| *byte == b' '));
    }
    // A type of which every character is excluded is not required.
    types.retain(|characters| !characters.is_empty());
    let require_each = input.require_each_included_type.unwrap_or(true);
    if types.is_empty() {
        return Err(ApiError::new(ErrorCode::InvalidParameter, NOTHING_LEFT));
    }
    if require_each && length < types.len() {
        return Err(too_short());
    }
    Ok(GetRandomPasswordRequest { length, types, require_each })
}

fn too_short() -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, TOO_SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(input: GetRandomPasswordInput) -> Vec<String> {
        let request = get_random_password(input).unwrap();
        request.types.into_iter().map(|characters| String::from_utf8(characters).unwrap()).collect()
    }

    const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
    const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const NUMBERS: &str = "0123456789";
    const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    fn none() -> GetRandomPasswordInput {
        GetRandomPasswordInput {
            exclude_numbers: Some(true),
            exclude_punctuation: Some(true),
            exclude_uppercase: Some(true),
            exclude_lowercase: Some(true),
            ..GetRandomPasswordInput::default()
        }
    }

    #[test]
    fn an_empty_input_asks_for_32_characters_of_four_types() {
        let request = get_random_password(GetRandomPasswordInput::default()).unwrap();
        assert_eq!((request.length, request.require_each), (32, true));
        assert_eq!(shown(GetRandomPasswordInput::default()), [LOWERCASE, UPPERCASE, NUMBERS, PUNCTUATION]);
        assert_eq!(PUNCTUATION.len(), 32);
    }

    #[test]
    fn each_switch_is_for_its_own_type() {
        let with = |change: fn(&mut GetRandomPasswordInput)| {
            let mut input = none();
            change(&mut input);
            shown(input)
        };
        assert_eq!(with(|input| input.exclude_lowercase = Some(false)), [LOWERCASE]);
        assert_eq!(with(|input| input.exclude_uppercase = None), [UPPERCASE]);
        assert_eq!(with(|input| input.exclude_numbers = None), [NUMBERS]);
        assert_eq!(with(|input| input.exclude_punctuation = None), [PUNCTUATION]);
        assert_eq!(with(|input| input.include_space = Some(true)), [" "]);
    }

    #[test]
    fn a_type_without_a_character_left_is_not_required() {
        let input = |length, excluded: &str| GetRandomPasswordInput {
            password_length: Some(length),
            exclude_characters: Some(excluded.to_owned()),
            ..GetRandomPasswordInput::default()
        };
        assert_eq!(shown(input(3, "0123456789"))[2], PUNCTUATION);
        assert_eq!(
            shown(input(4, "\u{e4}/@\"'\\bB1"))[..3],
            ["acdefghijklmnopqrstuvwxyz", "ACDEFGHIJKLMNOPQRSTUVWXYZ", "023456789"]
        );
        assert!(get_random_password(input(3, "01234567")).is_err());
    }

    #[test]
    fn bad_passwords_get_the_texts_of_aws() {
        let long =
            |length| GetRandomPasswordInput { password_length: Some(length), ..GetRandomPasswordInput::default() };
        let number = |length: i64, must: &str| {
            let text = format!(
                "1 validation error detected: Value '{length}' at 'passwordLength' failed to satisfy constraint: Member must \
                 have value {must}"
            );
            (ErrorCode::Validation, text)
        };
        let cases = [
            (long(5000), number(5000, "less than or equal to 4096")),
            (long(0), number(0, "greater than or equal to 1")),
            (long(3), (ErrorCode::InvalidParameter, TOO_SHORT.to_owned())),
            (
                GetRandomPasswordInput { include_space: Some(true), ..long(4) },
                (ErrorCode::InvalidParameter, TOO_SHORT.to_owned()),
            ),
            (none(), (ErrorCode::InvalidParameter, NOTHING_LEFT.to_owned())),
        ];
        for (input, expected) in cases {
            let error = get_random_password(input).unwrap_err();
            assert_eq!((error.code, error.message.into_owned()), expected);
        }
        let excluded = |count| GetRandomPasswordInput {
            exclude_characters: Some("x".repeat(count)),
            ..GetRandomPasswordInput::default()
        };
        assert!(get_random_password(excluded(4096)).is_ok());
        assert_eq!(get_random_password(excluded(4097)).unwrap_err().code, ErrorCode::Validation);
        let any = GetRandomPasswordInput { require_each_included_type: Some(false), ..long(1) };
        assert!(get_random_password(any).is_ok());
    }
}
