//! `conclave secret policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Connection;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Gives a secret a policy, in the place of the one that it has.
    Put {
        /// Name or ARN.
        secret_id: String,
        /// Refuses a policy that opens the secret to everybody.
        #[arg(long)]
        block_public_policy: bool,
        #[command(flatten)]
        document: DocumentArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Prints the policy of a secret; nothing if it has none.
    Get {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes the policy of a secret away.
    Delete {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Says what a policy does and should not, and changes nothing. Ends with status 1 if it found something.
    Validate {
        /// The secret that the policy is meant for, by name or ARN.
        #[arg(long, value_name = "ID")]
        secret_id: Option<String>,
        #[command(flatten)]
        document: DocumentArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists the names of a secret's policies.
    List {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Where a policy comes from.
#[derive(Debug, Args)]
pub(crate) struct DocumentArgs {
    /// Reads the policy, in JSON, from a file, `-` for stdin [default: stdin].
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
}
