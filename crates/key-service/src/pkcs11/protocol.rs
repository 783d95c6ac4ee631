//! What server and child say to each other: frames of `length u32 | bytes`, a request and an answer in turn.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use crate::bytes::{Reader, put_prefixed};
use crate::memory::KEY_BYTES;

/// Bytes of a frame. It is less than a pipe holds.
const MAX_FRAME_BYTES: usize = 16 << 10;
/// Bytes of a message of the child.
const MAX_TEXT_BYTES: usize = 1 << 10;

/// What the child is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// Load the module, log in and find the key, or make it.
    Open { module: &'a [u8], token: &'a [u8], key: &'a [u8], pin_file: &'a [u8], create: bool },
    /// Encrypt a key; the answer is `length u16 | IV | ciphertext`.
    Encrypt { aad: &'a [u8], plaintext: &'a [u8; KEY_BYTES] },
    /// Decrypt a key; the answer is the key.
    Decrypt { iv: &'a [u8], aad: &'a [u8], ciphertext: &'a [u8] },
    /// See whether the key works; the answer is empty.
    Check,
}

impl<'a> Request<'a> {
    /// # Panics
    /// When a part has 64 KiB; paths, labels and AADs have not.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_FRAME_BYTES));
        match *self {
            Self::Open { module, token, key, pin_file, create } => {
                out.extend_from_slice(&[1, u8::from(create)]);
                [module, token, key, pin_file].into_iter().for_each(|text| put_prefixed(&mut out, text));
            }
            Self::Encrypt { aad, plaintext } => {
                out.push(2);
                put_prefixed(&mut out, aad);
                out.extend_from_slice(plaintext);
            }
            Self::Decrypt { iv, aad, ciphertext } => {
                out.push(3);
                [iv, aad, ciphertext].into_iter().for_each(|bytes| put_prefixed(&mut out, bytes));
            }
            Self::Check => out.push(4),
        }
        out
    }

    pub(super) fn decode(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        let request = match reader.u8()? {
            1 => {
                let create = match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                let mut text = || reader.prefixed();
                Self::Open { module: text()?, token: text()?, key: text()?, pin_file: text()?, create }
            }
            2 => Self::Encrypt { aad: reader.prefixed()?, plaintext: reader.array()? },
            3 => Self::Decrypt { iv: reader.prefixed()?, aad: reader.prefixed()?, ciphertext: reader.prefixed()? },
            4 => Self::Check,
            _ => return None,
        };
        reader.rest().is_empty().then_some(request)
    }
}

/// What the child answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is done.
    Done(Zeroizing<Vec<u8>>),
    /// The token says that the ciphertext is not authentic.
    Refused,
    /// The token says that the PIN is wrong.
    PinRefused,
    /// Anything else.
    Failed(String),
}

impl Answer {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_FRAME_BYTES));
        match self {
            Self::Done(body) => {
                out.push(0);
                out.extend_from_slice(body);
            }
            Self::Refused => out.push(1),
            Self::PinRefused => out.push(2),
            Self::Failed(why) => {
                out.push(3);
                out.extend(why.bytes().take(MAX_TEXT_BYTES));
            }
        }
        out
    }

    pub(super) fn decode(frame: &[u8]) -> Option<Self> {
        let (kind, body) = frame.split_first()?;
        match kind {
            0 => Some(Self::Done(Zeroizing::new(body.to_vec()))),
            1 => body.is_empty().then_some(Self::Refused),
            2 => body.is_empty().then_some(Self::PinRefused),
            3 if body.len() <= MAX_TEXT_BYTES => {
                // It goes into messages and logs.
                let text = String::from_utf8_lossy(body);
                Some(Self::Failed(text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()))
            }
            _ => None,
        }
    }
}

/// Reads a frame.
///
/// # Errors
/// An IO error, of kind `UnexpectedEof` at the end, or `InvalidData` for a frame over the bound.
pub(super) fn read_frame(input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= MAX_FRAME_BYTES);
    let bytes =
        bytes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")))?;
    let mut frame = Zeroizing::new(vec![0; bytes]);
    input.read_exact(&mut frame)?;
    Ok(frame)
}

/// Writes a frame, in one piece.
///
/// # Errors
/// An IO error, of kind `InvalidInput` for a frame over the bound.
pub(super) fn write_frame(output: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= MAX_FRAME_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    let mut out = Zeroizing::new(Vec::with_capacity(4 + frame.len()));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(frame);
    output.write_all(&out)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_come_over_as_they_were() {
        for request in [
            Request::Open { module: b"/lib.so", token: b"t", key: b"k", pin_file: b"/pin", create: true },
            Request::Open { module: b"", token: b"", key: b"", pin_file: b"", create: false },
            Request::Encrypt { aad: b"aad", plaintext: &[7; KEY_BYTES] },
            Request::Decrypt { iv: b"iv", aad: b"aad", ciphertext: b"ciphertext" },
            Request::Check,
        ] {
            let frame = request.encode();
            assert_eq!(Request::decode(&frame).as_ref(), Some(&request));
            for length in 0..frame.len() {
                assert_eq!(Request::decode(&frame[..length]), None, "{length} bytes of {request:?}");
            }
            assert_eq!(Request::decode(&[&frame[..], &[0]].concat()), None);
        }
    }

    #[test]
    fn answers_come_over_without_control_characters() {
        let key = Answer::Done(Zeroizing::new(vec![1, 2, 3]));
        for answer in [key, Answer::Refused, Answer::PinRefused, Answer::Failed("no token".to_owned())] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        let hostile = Answer::Failed("one\nline\u{1b}[2J".to_owned());
        assert_eq!(Answer::decode(&hostile.encode()), Some(Answer::Failed("one line [2J".to_owned())));
        let long = Answer::Failed("é".repeat(MAX_TEXT_BYTES));
        assert!(matches!(Answer::decode(&long.encode()), Some(Answer::Failed(_))));
    }

    #[test]
    fn a_frame_over_the_bound_is_neither_written_nor_read() {
        let too_long = vec![0; MAX_FRAME_BYTES + 1];
        let mut written = Vec::new();
        assert_eq!(write_frame(&mut written, &too_long).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(written.is_empty());
        let announced = [&u32::MAX.to_le_bytes()[..], &too_long].concat();
        assert_eq!(read_frame(&mut announced.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_fail(bytes in vec(any::<u8>(), 0..2_048)) {
            if let Some(request) = Request::decode(&bytes) {
                prop_assert_eq!(&request.encode()[..], &bytes[..]);
            }
            let _ = Answer::decode(&bytes);
            let _ = read_frame(&mut bytes.as_slice());
        }

        #[test]
        fn frames_come_over_one_after_the_other(frames in vec(vec(any::<u8>(), 0..300), 0..5)) {
            let mut pipe = Vec::new();
            frames.iter().for_each(|frame| write_frame(&mut pipe, frame).unwrap());
            let mut rest = pipe.as_slice();
            for frame in &frames {
                prop_assert_eq!(&read_frame(&mut rest).unwrap()[..], &frame[..]);
            }
            prop_assert_eq!(read_frame(&mut rest).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
