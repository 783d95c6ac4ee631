//! Programs in an environment of their own, and what is left of processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A search path on which every machine finds `sh`.
const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The state of a connection as `/proc` writes it.
const ESTABLISHED: &str = "01";

/// A program to run to its end, with an empty environment but for what it is given.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    directory: Option<PathBuf>,
    stdin: Vec<u8>,
}

impl Program {
    /// Names the program. Its home is `home`, so that it finds nobody's configuration.
    pub fn new(path: impl Into<PathBuf>, home: &Path) -> Self {
        let environment =
            [("PATH", OsStr::new(SEARCH_PATH)), ("HOME", home.as_os_str()), ("LC_ALL", OsStr::new("C.UTF-8"))];
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            directory: None,
            stdin: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self {
        for (name, value) in variables {
            self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        }
        self
    }

    /// Runs in `directory`.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Gives `bytes` on standard input; without this, it is empty.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started or watched; how it ended is in the answer.
    pub fn run(&self) -> Result<Finished> {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let mut stdin = child.stdin.take().context("the program has no standard input")?;
        let input = self.stdin.clone();
        let writer = std::thread::spawn(move || match stdin.write_all(&input) {
            // A program that does not read its input is not at fault.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        });
        let output = child.wait_with_output()?;
        writer.join().map_err(|_| anyhow::anyhow!("the writer of standard input panicked"))??;
        Ok(Finished {
            command: self.to_string(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The command, for those who start it themselves.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().envs(&self.environment);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.file_name().unwrap_or_default().to_string_lossy())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", argument.to_string_lossy()))
    }
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What was run.
    pub command: String,
    /// The exit status; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// The program's standard output.
    ///
    /// # Errors
    /// When its exit status is not 0, with both outputs.
    pub fn success(self) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        bail!("`{}` ended with {:?}\nstdout: {}\nstderr: {}", self.command, self.code, self.stdout, self.stderr)
    }

    /// The program's standard output as JSON.
    ///
    /// # Errors
    /// When its exit status is not 0, or what it printed is not JSON.
    pub fn json(self) -> Result<Value> {
        let command = self.command.clone();
        let text = self.success()?;
        serde_json::from_str(&text).with_context(|| format!("`{command}` printed no JSON: {text:?}"))
    }
}

/// Sends a signal to a process; one that is gone is none of our business.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _gone = kill_process(pid, signal);
    }
}

/// Whether any thread of the process runs. A killed process keeps its ports and locks until the last of them has
/// ended, although its first thread, which is all that `/proc/PID/stat` shows, may be a zombie long before.
pub fn is_alive(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().any(|thread| {
        // The state stands behind the command's name, which may hold anything but ends at the last parenthesis.
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

/// Whether every thread of the process stands still after SIGSTOP.
pub fn is_stopped(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
    })
}

/// What follows an option on the command line of a process.
pub fn argument_after(pid: u32, option: &str) -> Option<PathBuf> {
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = command.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == option.as_bytes())?;
    arguments.next().map(|argument| OsStr::from_bytes(argument).into())
}

/// Bytes that were sent to a port of this machine's IPv4 and that nobody has read yet.
///
/// # Errors
/// When the kernel does not tell.
pub fn unread_bytes(port: u16) -> Result<u64> {
    // proc_pid_net(5): number, local and remote address:port, state, tx_queue:rx_queue; all but the first hexadecimal.
    let sockets = fs::read_to_string("/proc/self/net/tcp")?;
    let local_port = format!(":{port:04X}");
    let mut unread = 0;
    for socket in sockets.lines() {
        let fields: Vec<&str> = socket.split_ascii_whitespace().collect();
        let [_, local, _, ESTABLISHED, queues, ..] = fields[..] else { continue };
        if local.ends_with(&local_port) {
            let (_, received) = queues.split_once(':').context("/proc has no queues")?;
            unread += u64::from_str_radix(received, 16)?;
        }
    }
    Ok(unread)
}

/// User and system CPU time of a process, in clock ticks (100 a second on Linux).
///
/// # Errors
/// When the process is gone.
pub fn cpu_ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("/proc has no process name")?;
    // utime and stime are fields 14 and 15 of proc(5); `rest` begins with field 3.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field =
        |number: usize| -> Result<u64> { Ok(fields.get(number - 3).context("/proc has too few fields")?.parse()?) };
    Ok(field(14)? + field(15)?)
}

/// Whether the process was started with an argument or a program under `directory`: a process id may have been used again.
pub fn belongs_to(pid: u32, directory: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let directory = directory.as_os_str().as_encoded_bytes();
    command.windows(directory.len()).any(|window| window == directory)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_program_sees_only_what_it_is_given() {
        let program = Program::new("/bin/sh", Path::new("/nonexistent"));
        let shown = program.envs([("GIVEN", "yes")]).args(["-c", "cat; env"]).stdin("input\n").run().unwrap();
        let text = shown.success().unwrap();
        assert!(text.starts_with("input\n"), "{text}");
        assert!(text.contains("GIVEN=yes") && text.contains("HOME=/nonexistent"), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[test]
    fn a_failure_shows_both_outputs() {
        let program = Program::new("/bin/sh", Path::new("/")).args(["-c", "echo out; echo err >&2; exit 3"]);
        let error = program.run().unwrap().success().unwrap_err().to_string();
        assert!(error.contains("Some(3)") && error.contains("out") && error.contains("err"), "{error}");
    }

    #[test]
    fn a_stopped_process_stands_still_until_it_goes_on() {
        let mut child = Command::new("/bin/sh").args(["-c", "read line"]).stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        // The kernel shows the command line a little after the start.
        let script = crate::until("a command line", crate::PATIENCE, || Ok(argument_after(pid, "-c"))).unwrap();
        assert_eq!(script, Path::new("read line"));
        assert!(!is_stopped(pid));
        assert_eq!(argument_after(pid, "--other"), None);
        signal(pid, Signal::STOP);
        crate::until("a shell to stop", crate::PATIENCE, || Ok(is_stopped(pid).then_some(()))).unwrap();
        assert!(is_alive(pid));
        signal(pid, Signal::CONT);
        crate::until("a shell to go on", crate::PATIENCE, || Ok((!is_stopped(pid)).then_some(()))).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_nobody_has_read_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut sender = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        sender.write_all(b"12345").unwrap();
        let unread = |bytes| move || Ok((unread_bytes(port)? == bytes).then_some(()));
        crate::until("bytes that came", crate::PATIENCE, unread(5)).unwrap();
        reader.read_exact(&mut [0; 5]).unwrap();
        crate::until("bytes that were read", crate::PATIENCE, unread(0)).unwrap();
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = Command::new("/bin/sh").args(["-c", "read line"]).stdin(Stdio::piped()).spawn().unwrap();
        assert!(is_alive(child.id()) && cpu_ticks(child.id()).is_ok());
        assert!(!belongs_to(child.id(), Path::new("/some/where")));
        signal(child.id(), Signal::KILL);
        crate::until("the end of a shell", crate::PATIENCE, || Ok((!is_alive(child.id())).then_some(()))).unwrap();
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
