//! The canonical request and the string to sign.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::signed_request::Received;
use super::{ALGORITHM, TERMINATOR};

/// Everything but letters, digits and `-._~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for paths, which keep their slashes.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A SHA-256 in lower-case hexadecimal digits.
pub(super) fn hex_sha256(bytes: &[u8]) -> [u8; 64] {
    let mut digits = [0; 64];
    hex::encode_to_slice(Sha256::digest(bytes), &mut digits).expect("64 digits for 32 bytes");
    digits
}

/// The request in the one form that client and server agree on.
pub(super) fn canonical_request(received: &Received<'_>, signed_headers: &[&str], payload_hash: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(received.method.as_bytes());
    out.push(b'\n');
    write_path(&mut out, received.path);
    out.push(b'\n');
    write_query(&mut out, received.query);
    out.push(b'\n');
    for name in signed_headers {
        write_header(&mut out, received, name);
    }
    out.push(b'\n');
    for (position, name) in signed_headers.iter().enumerate() {
        if position > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(payload_hash);
    out
}

/// What the signature is the HMAC of.
pub(super) fn string_to_sign(date: &[u8; 16], day: &[u8; 8], region: &str, service: &str, canonical: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    for part in [ALGORITHM.as_bytes(), b"\n", date, b"\n", day, b"/", region.as_bytes(), b"/", service.as_bytes(), b"/"]
    {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(TERMINATOR.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&hex_sha256(canonical));
    out
}

/// Resolves `.`, `..` (RFC 3986, 5.2.4) and empty segments, then encodes the path as it came once more.
fn write_path(out: &mut Vec<u8>, path: &str) {
    if path.is_empty() || path == "/" {
        return out.push(b'/');
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    for segment in &segments {
        out.push(b'/');
        extend(out, percent_encode(segment.as_bytes(), RESERVED_IN_PATH));
    }
    if segments.is_empty() || matches!(path.rsplit('/').next(), Some("" | "." | "..")) {
        out.push(b'/');
    }
}

/// Encodes names and values anew and sorts the pairs by them.
fn write_query(out: &mut Vec<u8>, query: &str) {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded_anew(name), encoded_anew(value)))
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.as_bytes());
    }
}

fn encoded_anew(text: &str) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(text).into();
    percent_encode(&decoded, RESERVED).to_string()
}

/// One line: all values of the header in the order they came, trimmed, runs of spaces as one.
fn write_header(out: &mut Vec<u8>, received: &Received<'_>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut values = received.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).peekable();
    // HTTP/2 has `:authority` in the place of `Host`.
    let authority = received.authority.filter(|_| name == "host" && values.peek().is_none());
    for (position, value) in values.chain(authority.map(str::as_bytes)).enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let mut previous = b' ';
        for &byte in value.trim_ascii() {
            if byte != b' ' || previous != b' ' {
                out.push(byte);
            }
            previous = byte;
        }
    }
    out.push(b'\n');
}

fn extend<'a>(out: &mut Vec<u8>, parts: impl Iterator<Item = &'a str>) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_are_resolved_and_encoded_twice() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a%20b", "/a%2520b"),
            ("/a//b/", "/a/b/"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a/%2e%2E/b", "/a/%252e%252E/b"),
        ] {
            assert_eq!(written(|out| write_path(out, path)), canonical, "{path}");
        }
    }

    #[test]
    fn queries_are_sorted_by_their_encoded_form() {
        for (query, canonical) in [
            ("", ""),
            ("&", ""),
            ("b=2&a=1&a=0&a", "a=&a=0&a=1&b=2"),
            ("a=b=c", "a=b%3Dc"),
            ("a=%20&b=+", "a=%20&b=%2B"),
            ("a=%ff&A=%7e", "A=~&a=%FF"),
            ("a=%2", "a=%252"),
        ] {
            assert_eq!(written(|out| write_query(out, query)), canonical, "{query}");
        }
    }
}
