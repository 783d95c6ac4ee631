//! Prints a secret: `cargo run -p client --example get_secret -- NAME`, with the environment that `conclave dev` writes.
#![expect(clippy::print_stdout, reason = "it is what the example is for")]

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: get_secret NAME")?;
    let client = client::Client::from_env()?;
    let secret = client.get_secret_value(name).await?;
    println!("{}", secret.value.expose_str().ok_or("the value is binary")?);
    Ok(())
}
