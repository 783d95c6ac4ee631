//! The constraints of shapes: all that fail are collected and told together, as AWS does.

use std::fmt::{Display, Write as _};
use std::ops::RangeInclusive;

use types::{ApiError, ErrorCode};

/// Characters of a value that an error echoes.
const ECHOED_CHARS: usize = 256;
/// Failures that an error spells out; the count tells of the others.
const LISTED_FAILURES: usize = 10;

/// The pattern of a text.
pub(super) struct Pattern {
    /// As AWS prints it.
    pub(super) shown: &'static str,
    pub(super) matches: fn(&str) -> bool,
}

/// Collects failed constraints while the members of an input are taken.
///
/// Each method gives the member back, or a placeholder where it failed: use what they gave only after
/// [`Self::finish`] has passed. Paths are AWS's: `secretId`, `filters.1.member.key`.
#[derive(Default)]
pub(crate) struct Constraints {
    failed: usize,
    listed: String,
}

/// A member as an error shows it.
enum Shown<'a> {
    Null,
    Sensitive,
    Value(&'a dyn Display),
}

impl Constraints {
    /// Ends the collection.
    ///
    /// # Errors
    /// ValidationException, if anything failed.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.failed {
            0 => Ok(()),
            1 => Err(ApiError::validation(self.listed)),
            count => Err(ApiError::new(
                ErrorCode::Validation,
                format!("{count} validation errors detected: {}", self.listed),
            )),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, path: &str, text: Option<String>, chars: RangeInclusive<usize>) -> String {
        if text.is_none() {
            self.null(path);
        }
        self.text(path, text, chars).unwrap_or_default()
    }

    /// A text of so many characters.
    pub(crate) fn text(&mut self, path: &str, text: Option<String>, chars: RangeInclusive<usize>) -> Option<String> {
        if let Some(text) = &text {
            self.length(&Shown::Value(text), path, text.chars().count(), &chars);
        }
        text
    }

    /// A text of so many characters that is parsed by a type whose only rule is that length.
    pub(crate) fn parsed<T, E>(
        &mut self,
        path: &str,
        text: Option<&str>,
        chars: RangeInclusive<usize>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text?;
        if !self.length(&Shown::Value(&text), path, text.chars().count(), &chars) {
            return None;
        }
        let parsed = parse(text).ok();
        debug_assert!(parsed.is_some(), "{path} has a rule beside its length");
        parsed
    }

    /// A sensitive member of so many bytes or characters.
    pub(crate) fn sensitive(&mut self, path: &str, length: Option<usize>, allowed: RangeInclusive<usize>) {
        if let Some(length) = length {
            self.length(&Shown::Sensitive, path, length, &allowed);
        }
    }

    /// A sensitive text of a pattern.
    pub(super) fn sensitive_pattern(&mut self, path: &str, text: &str, pattern: &Pattern) {
        if !(pattern.matches)(text) {
            let shown = pattern.shown;
            self.fail(&Shown::Sensitive, path, format_args!("Member must satisfy regular expression pattern: {shown}"));
        }
    }

    /// A text of a pattern.
    pub(super) fn pattern(&mut self, path: &str, text: &str, pattern: &Pattern) {
        if !(pattern.matches)(text) {
            let must = format_args!("Member must satisfy regular expression pattern: {}", pattern.shown);
            self.fail(&Shown::Value(&text), path, must);
        }
    }

    /// A number in a range.
    pub(crate) fn number(&mut self, path: &str, number: Option<i64>, allowed: RangeInclusive<i64>) -> Option<i64> {
        if let Some(number) = &number {
            let shown = Shown::Value(number);
            if number < allowed.start() {
                let least = allowed.start();
                self.fail(&shown, path, format_args!("Member must have value greater than or equal to {least}"));
            }
            if number > allowed.end() {
                let most = allowed.end();
                self.fail(&shown, path, format_args!("Member must have value less than or equal to {most}"));
            }
        }
        number
    }

    /// One of the words of `set`.
    pub(crate) fn one_of<T: Copy>(&mut self, path: &str, word: Option<&str>, set: &[(&str, T)]) -> Option<T> {
        let word = word?;
        let found = set.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = set.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            self.fail(&Shown::Value(&word), path, format_args!("Member must satisfy enum value set: [{known}]"));
        }
        found
    }

    /// The number of a list's members.
    pub(crate) fn members(&mut self, path: &str, count: Option<usize>, allowed: RangeInclusive<usize>) {
        if let Some(count) = count {
            let shown = if count == 0 { "[]" } else { "[...]" };
            self.length(&Shown::Value(&shown), path, count, &allowed);
        }
    }

    /// Texts in a list, each of so many characters and, where there is one, of a pattern. AWS tells of the list as a
    /// whole, with all that its members must satisfy.
    pub(super) fn each(
        &mut self,
        path: &str,
        texts: &[String],
        chars: RangeInclusive<usize>,
        pattern: Option<&Pattern>,
    ) {
        let fits = |text: &String| {
            chars.contains(&text.chars().count()) && pattern.is_none_or(|pattern| (pattern.matches)(text))
        };
        if texts.iter().all(fits) {
            return;
        }
        let mut must = format!(
            "Member must satisfy constraint: [Member must have length less than or equal to {}, Member must have length \
             greater than or equal to {}",
            chars.end(),
            chars.start()
        );
        if let Some(pattern) = pattern {
            must.push_str(", Member must satisfy regular expression pattern: ");
            must.push_str(pattern.shown);
        }
        must.push(']');
        let shown = format!("[{}]", texts.join(", "));
        self.fail(&Shown::Value(&shown), path, must);
    }

    /// A member that must be there and is not.
    pub(crate) fn null(&mut self, path: &str) {
        self.fail(&Shown::Null, path, "Member must not be null");
    }

    /// A member that breaks a rule of its own.
    pub(crate) fn broken(&mut self, path: &str, value: &str, must: &str) {
        self.fail(&Shown::Value(&value), path, must);
    }

    /// A member that breaks a rule of its own and is not repeated.
    pub(super) fn hidden(&mut self, path: &str, must: &str) {
        self.fail(&Shown::Sensitive, path, must);
    }

    fn length(&mut self, shown: &Shown<'_>, path: &str, length: usize, allowed: &RangeInclusive<usize>) -> bool {
        let (least, most) = (allowed.start(), allowed.end());
        if length < *least {
            self.fail(shown, path, format_args!("Member must have length greater than or equal to {least}"));
        } else if length > *most {
            self.fail(shown, path, format_args!("Member must have length less than or equal to {most}"));
        }
        allowed.contains(&length)
    }

    fn fail(&mut self, shown: &Shown<'_>, path: &str, must: impl Display) {
        self.failed += 1;
        if self.failed > LISTED_FAILURES {
            return;
        }
        let separator = if self.listed.is_empty() { "" } else { "; " };
        let value = match shown {
            Shown::Null => " null".to_owned(),
            Shown::Sensitive => String::new(),
            Shown::Value(value) => format!(" '{}'", shortened(&value.to_string())),
        };
        write!(self.listed, "{separator}Value{value} at '{path}' failed to satisfy constraint: {must}")
            .expect("a String takes every text");
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ECHOED_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
