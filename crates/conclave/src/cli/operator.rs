//! `conclave operator`, as far as it talks to a running cluster.

use clap::{Args, Subcommand, ValueEnum};

use super::Connection;

#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// Shows of each node whether it is sealed, and what could unseal it.
    SealStatus {
        #[command(flatten)]
        connection: Connection,
    },
    /// Seals all nodes. They stay sealed, over restarts too, until they are unsealed.
    Seal {
        #[command(flatten)]
        connection: Connection,
    },
    /// Unseals every node that is sealed; without options, by the providers of the nodes' own configuration.
    Unseal {
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Adds, removes, lists and verifies the providers of the root key.
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Makes a new barrier term, under which everything is sealed from now on.
    RotateBarrier {
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Makes a new root key under the providers that there are, all of which must be at hand.
    RotateRoot {
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Deals new shares, has enough of them typed in again, and takes the old ones away.
    Rekey {
        /// Shares that are dealt.
        #[arg(long, value_name = "N", default_value_t = 5)]
        shares: u8,
        /// Shares that are needed.
        #[arg(long, value_name = "K", default_value_t = 3)]
        threshold: u8,
        /// The provider whose shares are replaced [default: the only one with shares].
        #[arg(long, value_name = "PROVIDER")]
        replaces: Option<String>,
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What the operator types in, at the prompt or line by line on stdin: first the passphrase, then the shares, and last a
/// new passphrase where there is one. An empty line ends the shares.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct AttendedArgs {
    /// Asks for the passphrase.
    #[arg(long)]
    pub(crate) with_passphrase: bool,
    /// Asks for shares, one by one.
    #[arg(long)]
    pub(crate) with_shares: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Lists the providers.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Opens the root key with each provider that is at hand on the node that answers.
    Verify {
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Adds a provider; new shares are shown once.
    Add {
        /// Its kind. A keyfile is the one that the nodes' configuration names.
        #[arg(value_enum)]
        kind: NewProviderKind,
        /// Shares that are dealt, with `shamir`.
        #[arg(long, value_name = "N", default_value_t = 5)]
        shares: u8,
        /// Shares that are needed, with `shamir`.
        #[arg(long, value_name = "K", default_value_t = 3)]
        threshold: u8,
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes a provider away; never the last one.
    Remove {
        /// Its id, as `list` shows it.
        id: String,
        #[command(flatten)]
        attended: AttendedArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What opens the root key of a new cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderChoice {
    /// A file that every node gets.
    Keyfile,
    /// A passphrase, which an operator gives at each start.
    Passphrase,
    /// Shares of a key, of which operators give enough at each start.
    Shamir,
}

/// A provider that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NewProviderKind {
    Keyfile,
    Passphrase,
    Shamir,
}
