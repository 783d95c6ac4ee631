//! The PKCS#11 helper by itself, for the tests; a server is its own helper.

use std::process::ExitCode;

fn main() -> ExitCode {
    key_service::pkcs11::helper_main()
}
