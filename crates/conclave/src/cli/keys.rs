//! `conclave key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Connection, DocumentArgs, FreshnessArgs, Refused};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a key.
    Create {
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// A tag; may be given several times.
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<String>,
        /// Who may use it, in JSON, from a file, `-` for stdin [default: the account's root].
        #[arg(long, value_name = "FILE")]
        policy_file: Option<PathBuf>,
        /// Accepts a policy under which you could not change it again.
        #[arg(long, requires = "policy_file")]
        bypass_policy_lockout_safety_check: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Shows what is known of a key.
    Describe {
        /// Id, ARN or alias.
        key_id: String,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists keys.
    List {
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Gives a key another description.
    SetDescription {
        /// Id or ARN.
        key_id: String,
        /// What it is for; empty to remove the description.
        #[arg(value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Makes a disabled key usable again.
    Enable(OneKey),
    /// Makes a key unusable: what it has encrypted cannot be read until it is enabled again.
    Disable(OneKey),
    /// Has a key deleted after a window; what it has encrypted is lost then.
    ScheduleDeletion {
        /// Id or ARN.
        key_id: String,
        /// Days of the window, 7 to 30 [default: 30].
        #[arg(long, value_name = "DAYS")]
        pending_window_in_days: Option<i64>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes a key out of its deletion window; it is disabled then.
    CancelDeletion(OneKey),
    /// Rotates a key now; what its older material has encrypted stays readable.
    Rotate(OneKey),
    /// Has a key rotated by period.
    EnableRotation {
        /// Id or ARN.
        key_id: String,
        /// The period, 90 to 2560 days [default: 365].
        #[arg(long, value_name = "DAYS")]
        rotation_period_in_days: Option<i64>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ends that.
    DisableRotation(OneKey),
    /// Shows whether and when a key is rotated.
    RotationStatus {
        /// Id or ARN.
        key_id: String,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists the material of a key.
    Rotations {
        /// Id or ARN.
        key_id: String,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Further names of keys.
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Policies of keys: who may use one.
    #[command(subcommand)]
    Policy(KeyPolicyCommand),
    /// Grants: who else may use one.
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Sets tags of a key.
    Tag {
        /// Id or ARN.
        key_id: String,
        /// The tags; a key that it has gets the new value.
        #[arg(required = true, value_name = "KEY=VALUE")]
        tags: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Removes tags of a key.
    Untag {
        /// Id or ARN.
        key_id: String,
        /// The keys of the tags.
        #[arg(required = true, value_name = "KEY")]
        tag_keys: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists the tags of a key.
    Tags {
        /// Id or ARN.
        key_id: String,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Encrypts up to 4096 bytes and prints the ciphertext in base64.
    Encrypt {
        /// Id, ARN or alias.
        key_id: String,
        /// Reads what is to be encrypted from a file, `-` for stdin, byte for byte [default: stdin, or a prompt on a
        /// terminal].
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        #[command(flatten)]
        refused: Refused,
        #[command(flatten)]
        context: ContextArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Decrypts and prints the plaintext byte for byte.
    Decrypt {
        /// The key that must have encrypted it: id, ARN or alias.
        #[arg(long, value_name = "ID")]
        key_id: Option<String>,
        #[command(flatten)]
        ciphertext: CiphertextArgs,
        #[command(flatten)]
        context: ContextArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Encrypts a ciphertext anew, under another key or in another context, without showing what it holds.
    ReEncrypt {
        /// The key that is to encrypt it: id, ARN or alias.
        #[arg(value_name = "KEY_ID")]
        destination_key_id: String,
        /// The key that must have encrypted it: id, ARN or alias.
        #[arg(long, value_name = "ID")]
        source_key_id: Option<String>,
        #[command(flatten)]
        ciphertext: CiphertextArgs,
        /// A pair of the context that it has; may be given several times.
        #[arg(long = "source-context", value_name = "KEY=VALUE")]
        source_context: Vec<String>,
        /// A pair of the context that it gets; may be given several times.
        #[arg(long = "destination-context", value_name = "KEY=VALUE")]
        destination_context: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Draws a data key and prints it encrypted, in base64; with --output json in the clear too.
    GenerateDataKey {
        /// Id, ARN or alias.
        key_id: String,
        /// `AES_256` or `AES_128` [default: AES_256].
        #[arg(long, value_name = "SPEC", conflicts_with = "number_of_bytes")]
        key_spec: Option<String>,
        /// Its length instead, 1 to 1024.
        #[arg(long, value_name = "N")]
        number_of_bytes: Option<i64>,
        /// Never in the clear.
        #[arg(long)]
        without_plaintext: bool,
        #[command(flatten)]
        context: ContextArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A command on one key.
#[derive(Debug, Args)]
pub(crate) struct OneKey {
    /// Id or ARN.
    pub(crate) key_id: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AliasCommand {
    /// Gives a key one more name.
    Create {
        /// `alias/` and a name.
        alias_name: String,
        /// The key, by id or ARN.
        target_key_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Has an alias stand for another key.
    Update {
        /// `alias/` and a name.
        alias_name: String,
        /// The key, by id or ARN.
        target_key_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes an alias away; its key stays.
    Delete {
        /// `alias/` and a name.
        alias_name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists aliases.
    List {
        /// Those of one key, by id or ARN.
        #[arg(long, value_name = "ID")]
        key_id: Option<String>,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyPolicyCommand {
    /// Gives a key a policy, in the place of the one that it has.
    Put {
        /// Id or ARN.
        key_id: String,
        /// Accepts a policy under which you could not change it again.
        #[arg(long)]
        bypass_policy_lockout_safety_check: bool,
        #[command(flatten)]
        document: DocumentArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Prints the policy of a key.
    Get {
        /// Id or ARN.
        key_id: String,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Allows a principal to use a key.
    Create {
        /// Id or ARN.
        key_id: String,
        /// The ARN of whom it allows something.
        #[arg(long, value_name = "ARN")]
        grantee_principal: String,
        /// What it allows; may be given several times.
        #[arg(long = "operation", value_name = "OPERATION", required = true)]
        operations: Vec<String>,
        /// The ARN of who may retire it.
        #[arg(long, value_name = "ARN")]
        retiring_principal: Option<String>,
        /// Makes a repetition harmless.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A pair that the encryption context must have; may be given several times.
        #[arg(long = "context-subset", value_name = "KEY=VALUE", conflicts_with = "context_equals")]
        context_subset: Vec<String>,
        /// A pair of the context that the encryption context must be; may be given several times.
        #[arg(long = "context-equals", value_name = "KEY=VALUE")]
        context_equals: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists the grants of a key.
    List {
        /// Id or ARN.
        key_id: String,
        /// Those of this principal.
        #[arg(long, value_name = "ARN")]
        grantee_principal: Option<String>,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ends a grant of a key.
    Revoke {
        /// Id or ARN.
        key_id: String,
        /// The grant.
        grant_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ends a grant, as the one that may retire it or use it.
    Retire {
        /// What `create` printed for it.
        #[arg(long, value_name = "TOKEN", required_unless_present = "grant_id", conflicts_with_all = ["key_id", "grant_id"])]
        grant_token: Option<String>,
        /// The ARN of its key.
        #[arg(long, value_name = "ARN", requires = "grant_id")]
        key_id: Option<String>,
        /// Its id.
        #[arg(long, value_name = "ID", requires = "key_id")]
        grant_id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What a ciphertext belongs to.
#[derive(Debug, Args)]
pub(crate) struct ContextArgs {
    /// A pair of the encryption context, which is not secret; may be given several times.
    #[arg(long = "context", value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
}

/// Where a ciphertext comes from.
#[derive(Debug, Args)]
pub(crate) struct CiphertextArgs {
    /// Reads the ciphertext, in base64, from a file, `-` for stdin [default: stdin].
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
}
