//! The crate `client`: prints a secret's value, then gives it the one on standard input.
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use client::{Client, PutSecretValue, SecretValue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: rewrite_secret NAME")?;
    let next = std::io::read_to_string(std::io::stdin())?;
    let client = Client::from_env()?;
    println!("{}", client.get_secret_value(&name).await?.value.expose_str().ok_or("the value is binary")?);
    client.put_secret_value(PutSecretValue::new(name, SecretValue::string(next))).await?;
    Ok(())
}
