//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use client::Consistency;

mod keys;
mod operator;
mod resource_policies;
mod rotation;

pub(crate) use keys::{AliasCommand, CiphertextArgs, GrantCommand, KeyCommand, KeyPolicyCommand, OneKey};
pub(crate) use operator::{AttendedArgs, LiveCommand, NewProviderKind, ProviderChoice, ProviderCommand};
pub(crate) use resource_policies::{DocumentArgs, PolicyCommand};
pub(crate) use rotation::RotationArgs;

use crate::failure::Usage;
use crate::output::Output;

/// A replicated secrets store that speaks the AWS Secrets Manager API.
#[derive(Debug, Parser)]
#[command(name = "conclave", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The form of the answer.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one node.
    Server(ServerArgs),
    /// Runs a whole cluster on this machine, for development and tests.
    Dev(DevArgs),
    /// Makes a new cluster's keys and certificates.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Looks at a cluster and changes its members.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Reads and writes secrets.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Makes and uses keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The node's configuration, TOML. `CONCLAVE_<SECTION>_<KEY>` in the environment overrides a value.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Reads the configuration and the files of keys and certificates that it names, says whether they are good, and
    /// ends.
    #[arg(long)]
    pub(crate) check: bool,
    /// Starts empty, as a node with a new id: log and state of the node that has lived in the data directory are set
    /// aside in it. For one start only.
    #[arg(long, conflicts_with = "check")]
    pub(crate) rejoin: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
pub(crate) struct DevArgs {
    /// Number of nodes [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=9))]
    pub(crate) nodes: Option<u64>,
    /// Where the cluster's data is kept and resumed from [default: a temporary directory].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// The account that owns the secrets [default: 123456789012].
    #[arg(long, value_name = "ID")]
    pub(crate) account_id: Option<String>,
    /// The root access key: 4 to 128 letters and digits [default: drawn].
    #[arg(long, value_name = "ID", requires = "secret_access_key")]
    pub(crate) access_key_id: Option<String>,
    /// The root access key's secret.
    #[arg(long, value_name = "KEY", requires = "access_key_id")]
    pub(crate) secret_access_key: Option<String>,
    /// A region that the cluster serves; the first one is the default [default: six of AWS's].
    #[arg(long = "region", value_name = "R")]
    pub(crate) regions: Vec<String>,
    /// The first port; each node takes two [default: free ones].
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) base_port: Option<u16>,
    #[command(subcommand)]
    pub(crate) command: Option<DevCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevCommand {
    /// Starts a node again that has died; does nothing to a live one.
    RestartNode {
        /// The node.
        id: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Makes a new cluster's authorities, root key, keyring and root credentials.
    Init(InitArgs),
    /// Makes the directory of one node: certificates, keyring, keyfile, configuration.
    IssueNode(IssueNodeArgs),
    #[command(flatten)]
    Live(LiveCommand),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The operator's directory; it must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The first account.
    #[arg(long, value_name = "ID")]
    pub(crate) account_id: String,
    /// A region that the cluster serves; the first one is the default.
    #[arg(long = "region", value_name = "R", default_value = "us-east-1")]
    pub(crate) regions: Vec<String>,
    /// What opens the root key. A passphrase is taken from the prompt or from stdin.
    #[arg(long, value_enum, default_value = "keyfile")]
    pub(crate) provider: ProviderChoice,
    /// Shares that are dealt, with `--provider shamir`.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shares: u8,
    /// Shares that are needed, with `--provider shamir`.
    #[arg(long, value_name = "K", default_value_t = 3)]
    pub(crate) threshold: u8,
}

#[derive(Debug, Args)]
pub(crate) struct IssueNodeArgs {
    /// The operator's directory, made by `operator init`.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The node's id, never given before in this cluster.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) id: u64,
    /// A host name or IP address by which clients reach the node; the first one is advertised.
    #[arg(long = "host", value_name = "H", required = true)]
    pub(crate) hosts: Vec<String>,
    /// Port for clients.
    #[arg(long, value_name = "P", default_value_t = 7400)]
    pub(crate) client_port: u16,
    /// Port for the other nodes.
    #[arg(long, value_name = "P", default_value_t = 7401)]
    pub(crate) peer_port: u16,
    /// The address that the node binds.
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub(crate) bind: std::net::IpAddr,
    /// This is the cluster's first node: it starts the cluster, the others are added to it.
    #[arg(long)]
    pub(crate) first: bool,
    /// The node's directory, to be copied to its machine; it must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Where the directory will be on the node's machine [default: where it is made].
    #[arg(long, value_name = "DIR")]
    pub(crate) install_dir: Option<PathBuf>,
    /// Where log, state and keyring will be on the node's machine, on another device than the keyfile if you can; what
    /// is in `data` goes there [default: /var/lib/conclave/data with --install-dir, else `data` where it is made].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Issues new certificates to the node that has this id already, because the old ones end or are lost. Never for a
    /// node that lost its data: that one needs a new id.
    #[arg(long, conflicts_with = "first")]
    pub(crate) reissue: bool,
    /// Lets the node be unsealed by its peers, and unseal them: whoever has its disk and its network has the secrets.
    #[arg(long)]
    pub(crate) peer_unseal: bool,
}

impl IssueNodeArgs {
    pub(crate) fn client_listen(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.client_port)
    }

    pub(crate) fn peer_listen(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.peer_port)
    }
}

/// Where the cluster is and who asks; the variables are what `dev` writes into its `env` file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connection {
    /// The nodes' client addresses, comma separated.
    #[arg(long, env = "CONCLAVE_ENDPOINTS", value_name = "HOST:PORT,...")]
    pub(crate) endpoints: Option<String>,
    /// The authority of the nodes' client ports, PEM.
    #[arg(long, env = "CONCLAVE_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The client certificate, PEM.
    #[arg(long, env = "CONCLAVE_CERT", value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The client certificate's key, PEM.
    #[arg(long, env = "CONCLAVE_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The region [default: the cluster's first].
    #[arg(long, env = "AWS_REGION", value_name = "R")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Shows every member, also those that cannot be reached.
    Status {
        #[command(flatten)]
        connection: Connection,
    },
    /// Forces a checkpoint on every node.
    Snapshot {
        #[command(flatten)]
        connection: Connection,
    },
    /// Shows each node's state digest and applied index.
    Digest {
        #[command(flatten)]
        connection: Connection,
    },
    /// Adds a node and makes it a voter once it has caught up. Doing it again is harmless.
    AddNode {
        /// The node's id.
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        id: u64,
        /// Its peer port.
        #[arg(long, value_name = "HOST:PORT")]
        peer_addr: String,
        /// Its client port.
        #[arg(long, value_name = "HOST:PORT")]
        client_addr: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes a node out of the cluster for good: its id is not given again. Doing it again is harmless.
    RemoveNode {
        /// The node's id.
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        id: u64,
        #[command(flatten)]
        connection: Connection,
    },
    /// Hands leadership to another voter, before maintenance of the leader's machine for example.
    TransferLeader {
        /// The next leader [default: the voter that is least behind].
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        id: Option<u64>,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Makes a secret.
    Create {
        /// Its name.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The key that encrypts it: id, ARN or alias [default: the account's own].
        #[arg(long, value_name = "ID")]
        kms_key_id: Option<String>,
        /// A tag; may be given several times.
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<String>,
        /// Another region that the secret is to be in; may be given several times.
        #[arg(long = "replica-region", value_name = "REGION")]
        replica_regions: Vec<String>,
        /// Makes the secret without a value.
        #[arg(long, conflicts_with_all = ["from_file", "binary"])]
        no_value: bool,
        /// Names the request, so that a retry is harmless; 32 to 64 characters [default: drawn].
        #[arg(long, value_name = "TOKEN")]
        client_request_token: Option<String>,
        #[command(flatten)]
        value: ValueArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Prints a secret's value.
    Get {
        /// Name or ARN.
        secret_id: String,
        /// A version [default: the one with the label AWSCURRENT].
        #[arg(long, value_name = "ID")]
        version_id: Option<String>,
        /// The version with this label.
        #[arg(long, value_name = "LABEL")]
        version_stage: Option<String>,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Gives a secret a new value.
    Put {
        /// Name or ARN.
        secret_id: String,
        /// A label for the new version; may be given several times [default: AWSCURRENT].
        #[arg(long = "version-stage", value_name = "LABEL")]
        version_stages: Vec<String>,
        /// Names the request, so that a retry is harmless; 32 to 64 characters [default: drawn].
        #[arg(long, value_name = "TOKEN")]
        client_request_token: Option<String>,
        #[command(flatten)]
        value: ValueArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Shows a secret's metadata.
    Describe {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists secrets.
    List {
        /// Only names that begin like this.
        #[arg(long, value_name = "PREFIX")]
        name: Option<String>,
        /// Secrets in their deletion window too.
        #[arg(long)]
        include_planned_deletion: bool,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Deletes a secret, after a window in which it can be restored.
    Delete {
        /// Name or ARN.
        secret_id: String,
        /// Days of the window, 7 to 30 [default: 30].
        #[arg(long, value_name = "DAYS", conflicts_with = "force")]
        recovery_window_in_days: Option<i64>,
        /// At once and for ever.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Changes a secret's description or key, gives it a new value, or all at once.
    Update {
        /// Name or ARN.
        secret_id: String,
        /// What it is for; empty to remove the description.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The key that encrypts it; empty for the default key.
        #[arg(long, value_name = "ID")]
        kms_key_id: Option<String>,
        /// Reads a new value from a file, `-` for stdin, byte for byte [default: the value stays].
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// The new value is bytes, not text.
        #[arg(long, requires = "from_file")]
        binary: bool,
        /// Names the request, so that a retry is harmless; 32 to 64 characters [default: drawn].
        #[arg(long, value_name = "TOKEN")]
        client_request_token: Option<String>,
        #[command(flatten)]
        refused: Refused,
        #[command(flatten)]
        connection: Connection,
    },
    /// Lists the versions of a secret.
    Versions {
        /// Name or ARN.
        secret_id: String,
        /// Versions without a label too.
        #[arg(long)]
        include_deprecated: bool,
        #[command(flatten)]
        freshness: FreshnessArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Moves a staging label from one version to another.
    #[command(group = ArgGroup::new("versions").multiple(true).required(true))]
    Stage {
        /// Name or ARN.
        secret_id: String,
        /// The label.
        #[arg(value_name = "LABEL")]
        version_stage: String,
        /// The version that gets it; without one the label is taken away.
        #[arg(long, value_name = "ID", group = "versions")]
        move_to_version_id: Option<String>,
        /// The version that has it; needed unless none has it.
        #[arg(long, value_name = "ID", group = "versions")]
        remove_from_version_id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Takes a secret out of its deletion window.
    Restore {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Sets tags of a secret.
    Tag {
        /// Name or ARN.
        secret_id: String,
        /// The tags; a key that the secret has gets the new value.
        #[arg(required = true, value_name = "KEY=VALUE")]
        tags: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Removes tags of a secret.
    Untag {
        /// Name or ARN.
        secret_id: String,
        /// The keys of the tags; those that the secret does not have do not count.
        #[arg(required = true, value_name = "KEY")]
        tag_keys: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Configures how a secret is rotated, and begins a rotation.
    Rotate {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        rotation: RotationArgs,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ends the rotations of a secret. What one that is under way has left stays.
    CancelRotate {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Replicates a secret to other regions of the cluster.
    Replicate {
        /// Name or ARN.
        secret_id: String,
        /// The regions.
        #[arg(required = true, value_name = "REGION")]
        regions: Vec<String>,
        /// Deletes a secret of that name that is in such a region, at once.
        #[arg(long)]
        force_overwrite: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Deletes replicas of a secret, at once.
    RemoveRegions {
        /// Name or ARN.
        secret_id: String,
        /// The regions.
        #[arg(required = true, value_name = "REGION")]
        regions: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Makes a replica a secret like every other; --region is the replica's.
    StopReplication {
        /// Name or ARN.
        secret_id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Policies of secrets: who else may do what with one.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Lets the cluster make a password, which it does not keep.
    RandomPassword {
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

/// How fresh the answer must be.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FreshnessArgs {
    /// What the answer may do without, where the nodes are configured for it.
    #[arg(long, value_enum, value_name = "CONSISTENCY", default_value_t)]
    consistency: ConsistencyArg,
    /// How old a stale answer may be, in seconds: 5s [default: as old as the node allows].
    #[arg(long, value_name = "AGE", value_parser = seconds)]
    max_age: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ConsistencyArg {
    /// Every write that was acknowledged before is seen.
    #[default]
    Linearizable,
    /// The leader is believed without its quorum's word; wrong clocks and pauses may hide writes.
    Lease,
    /// The answer may be old.
    Stale,
}

impl FreshnessArgs {
    /// What the cluster is asked for.
    ///
    /// # Errors
    /// [`Usage`] for an age of something that has none.
    pub(crate) fn consistency(self) -> Result<Consistency, Usage> {
        match (self.consistency, self.max_age) {
            (ConsistencyArg::Stale, max_age) => Ok(Consistency::Stale { max_age }),
            (_, Some(_)) => Err(Usage("--max-age is for --consistency stale".to_owned())),
            (ConsistencyArg::Linearizable, None) => Ok(Consistency::Linearizable),
            (ConsistencyArg::Lease, None) => Ok(Consistency::Lease),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u32>();
    seconds.map(|seconds| Duration::from_secs(seconds.into())).map_err(|_| "whole seconds, such as 5s".to_owned())
}

/// What a password is to be like.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Characters, 1 to 4096 [default: 32].
    #[arg(long, value_name = "N")]
    pub(crate) password_length: Option<i64>,
    /// Characters that it must not have.
    #[arg(long, value_name = "CHARACTERS", allow_hyphen_values = true)]
    pub(crate) exclude_characters: Option<String>,
    /// No digits.
    #[arg(long)]
    pub(crate) exclude_numbers: bool,
    /// No punctuation.
    #[arg(long)]
    pub(crate) exclude_punctuation: bool,
    /// No capitals.
    #[arg(long)]
    pub(crate) exclude_uppercase: bool,
    /// No small letters.
    #[arg(long)]
    pub(crate) exclude_lowercase: bool,
    /// Spaces too.
    #[arg(long)]
    pub(crate) include_space: bool,
    /// It need not have a character of each type that it may have.
    #[arg(long)]
    pub(crate) no_require_each_included_type: bool,
}

/// Where a value comes from: stdin, a file, or a prompt without echo.
#[derive(Debug, Args)]
pub(crate) struct ValueArgs {
    /// Reads the value from a file, `-` for stdin, byte for byte [default: stdin, or a prompt on a terminal].
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
    /// The value is bytes, not text.
    #[arg(long)]
    pub(crate) binary: bool,
    #[command(flatten)]
    pub(crate) refused: Refused,
}

/// Values among the arguments, which are never accepted: they only exist to say why.
#[derive(Debug, Default, Args)]
pub(crate) struct Refused {
    /// A value behind the other arguments.
    #[arg(hide = true, value_name = "VALUE")]
    refused_value: Option<String>,
    /// A value behind an option that other tools have.
    #[arg(long = "value", alias = "secret-string", alias = "secret-binary", hide = true, value_name = "VALUE")]
    refused_option: Option<String>,
}

impl Refused {
    /// Whether there is one.
    pub(crate) const fn is_there(&self) -> bool {
        self.refused_value.is_some() || self.refused_option.is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_age_is_of_a_stale_answer_and_in_seconds() {
        let asked = |arguments: &[&str]| {
            let line = ["conclave", "secret", "get", "s"].iter().chain(arguments);
            let Command::Secret(SecretCommand::Get { freshness, .. }) = Cli::try_parse_from(line).ok()?.command else {
                return None;
            };
            freshness.consistency().ok()
        };
        let stale = |max_age: Option<u64>| Some(Consistency::Stale { max_age: max_age.map(Duration::from_secs) });
        assert_eq!(asked(&[]), Some(Consistency::Linearizable));
        assert_eq!(asked(&["--consistency", "lease"]), Some(Consistency::Lease));
        assert_eq!(asked(&["--consistency", "stale"]), stale(None));
        assert_eq!(asked(&["--consistency", "stale", "--max-age", "5s"]), stale(Some(5)));
        assert_eq!(asked(&["--consistency", "stale", "--max-age", "60"]), stale(Some(60)));
        for refused in ["-1", "5m", "", "s", "1.5s"] {
            assert_eq!(asked(&["--consistency", "stale", &format!("--max-age={refused}")]), None, "{refused}");
        }
        assert_eq!(asked(&["--max-age", "5s"]), None);
        assert_eq!(asked(&["--consistency", "eventual"]), None);
    }
}
