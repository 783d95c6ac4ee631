//! The `Authorization` header of a signed request.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use types::{ApiError, ErrorCode};

use super::{ALGORITHM, TERMINATOR};

/// The header's parts, each of the right form.
#[derive(Debug)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// Lower case, sorted, each once.
    pub(super) signed_headers: Vec<&'a str>,
    pub(super) signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    /// Reads the one header of `headers`.
    pub(super) fn from_headers(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let Some(header) = all.next() else { return Err(ErrorCode::MissingAuthenticationToken.into()) };
        if all.next().is_some() {
            return Err(incomplete("The request has more than one Authorization header."));
        }
        let text = header.to_str().map_err(|_| incomplete("The Authorization header is not ASCII text."))?;
        Self::parse(text)
    }

    /// Reads `AWS4-HMAC-SHA256 Credential=.../.../.../.../aws4_request, SignedHeaders=a;b, Signature=<hex>`. No text
    /// of the header is echoed.
    fn parse(text: &'a str) -> Result<Self, ApiError> {
        let (algorithm, parameters) = text.trim().split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            return Err(incomplete("Unsupported AWS 'algorithm': the Authorization header must say AWS4-HMAC-SHA256."));
        }

        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in parameters.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(|| {
                incomplete(
                    "The Authorization header has a parameter that is not a key=value pair (missing equal-sign).",
                )
            })?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(incomplete("The Authorization header has an unknown parameter.")),
            };
            if slot.replace(value).is_some() {
                return Err(incomplete("The Authorization header has a parameter twice."));
            }
        }
        let required = |value: Option<&'a str>, text| value.filter(|v| !v.is_empty()).ok_or_else(|| incomplete(text));
        let credential = required(credential, "Authorization header requires 'Credential' parameter.")?;
        let signature = required(signature, "Authorization header requires 'Signature' parameter.")?;
        let signed_headers = required(signed_headers, "Authorization header requires 'SignedHeaders' parameter.")?;

        let scope: Vec<&str> = credential.splitn(6, '/').collect();
        let &[access_key, date, region, service, terminator] = scope.as_slice() else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        if terminator != TERMINATOR {
            return Err(invalid("Credential should be scoped with a valid terminator: 'aws4_request'."));
        }
        let signed_headers: Vec<&str> = signed_headers.split(';').collect();
        let lower = signed_headers.iter().all(|name| !name.bytes().any(|b| b.is_ascii_uppercase()));
        if !lower || !signed_headers.is_sorted_by(|a, b| a < b) {
            return Err(incomplete("'SignedHeaders' must be lower-case names in order, each once."));
        }
        Ok(Self { access_key, date, region, service, signed_headers, signature: lower_hex(signature)? })
    }

    /// Whether the signature covers the header `name`.
    pub(super) fn signs(&self, name: &str) -> bool {
        self.signed_headers.binary_search(&name).is_ok()
    }
}

fn lower_hex(text: &str) -> Result<[u8; 32], ApiError> {
    let mut bytes = [0; 32];
    let upper = text.bytes().any(|b| b.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if !upper => Ok(bytes),
        _ => Err(mismatch()),
    }
}

pub(super) fn incomplete(text: &'static str) -> ApiError {
    ApiError::new(ErrorCode::IncompleteSignature, text)
}

pub(super) fn invalid(text: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidSignature, text)
}

/// The answer to every signature that does not fit, whatever part of the request is the reason.
pub(super) fn mismatch() -> ApiError {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn header(credential: &str, signed: &str, signature: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}")
    }

    #[test]
    fn parameters_come_in_any_order_with_or_without_spaces() {
        let spaced = header("AKID/20150830/us-east-1/sts/aws4_request", "host;x-amz-date", SIGNATURE);
        let shuffled = format!(
            "AWS4-HMAC-SHA256   Signature={SIGNATURE},SignedHeaders=host;x-amz-date,Credential=AKID/20150830/us-east-1/sts/aws4_request"
        );
        for text in [spaced, shuffled] {
            let read = Authorization::parse(&text).unwrap();
            assert_eq!(
                (read.access_key, read.date, read.region, read.service),
                ("AKID", "20150830", "us-east-1", "sts")
            );
            assert_eq!(read.signed_headers, ["host", "x-amz-date"]);
            assert!(read.signs("host") && !read.signs("date"));
        }
    }

    #[test]
    fn malformed_headers_are_refused_without_an_echo() {
        use ErrorCode::{IncompleteSignature, InvalidSignature};
        let credential = "AKIDLEAK/20150830/us-east-1/sts/aws4_request";
        let upper = SIGNATURE.to_uppercase();
        let cases = [
            (String::new(), IncompleteSignature),
            ("Bearer AKIDLEAK".to_owned(), IncompleteSignature),
            ("AWS4-HMAC-SHA256".to_owned(), IncompleteSignature),
            (header(credential, "host", SIGNATURE).replace("HMAC", "ECDSA"), IncompleteSignature),
            (header(credential, "host", SIGNATURE).replace("Credential=", "Credential"), IncompleteSignature),
            (header(credential, "host", SIGNATURE).replace("Signature=", "Sig="), IncompleteSignature),
            (header(credential, "host", SIGNATURE) + ", Credential=x", IncompleteSignature),
            (header(credential, "host", ""), IncompleteSignature),
            (header(credential, "", SIGNATURE), IncompleteSignature),
            (header(credential, "Host", SIGNATURE), IncompleteSignature),
            (header(credential, "x-amz-date;host", SIGNATURE), IncompleteSignature),
            (header(credential, "host;host", SIGNATURE), IncompleteSignature),
            (header("AKIDLEAK/20150830/us-east-1/sts", "host", SIGNATURE), IncompleteSignature),
            (header("AKIDLEAK/a/20150830/us-east-1/sts/aws4_request", "host", SIGNATURE), IncompleteSignature),
            (header("AKIDLEAK/20150830/us-east-1/sts/aws5_request", "host", SIGNATURE), InvalidSignature),
            (header(credential, "host", &SIGNATURE[1..]), InvalidSignature),
            (header(credential, "host", &upper), InvalidSignature),
        ];
        for (text, code) in cases {
            let error = Authorization::parse(&text).unwrap_err();
            assert_eq!(error.code, code, "{text}");
            assert!(!error.message.is_empty() && !error.message.contains("LEAK"), "{text}");
        }
    }
}
