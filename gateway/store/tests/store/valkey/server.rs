//! A Redis of the test's own, on a free port, in a folder of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fairlead_store::ValkeyOptions;
use tempfile::TempDir;

use crate::support::folder;

/// A server; killed when dropped.
pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    /// With its appends written every second, and what else is said.
    pub(crate) fn start(more: &[&str]) -> Self {
        let mut server = Self::idle(more);
        server.resume_process();
        server
    }

    /// Not yet started.
    pub(crate) fn idle(more: &[&str]) -> Self {
        let folder = folder();
        let port = free_port();
        let usual = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"];
        let arguments = usual.iter().chain(more).map(|word| (*word).to_owned());
        Self {
            child: None,
            port,
            folder,
            arguments: arguments.collect(),
        }
    }

    /// Started again, where it was and with what it had written.
    pub(crate) fn resume_process(&mut self) {
        let mut command = self.command();
        command.args(["--port", &self.port.to_string()]);
        self.child = Some(spawn(&mut command));
        wait_for(self.port);
    }

    /// Keeps nothing on disk.
    pub(crate) fn forgets(&mut self) {
        self.arguments
            .extend(["--appendonly", "no"].map(str::to_owned));
    }

    /// Speaks TLS only, to those who show a certificate.
    pub(crate) fn encrypted(files: &Certificates) -> Self {
        let mut server = Self::idle(&["--tls-auth-clients", "yes"]);
        let mut name = |option: &str, path: &Path| {
            let words = [option.to_owned(), path.display().to_string()];
            server.arguments.extend(words);
        };
        name("--tls-cert-file", &files.certificate);
        name("--tls-key-file", &files.key);
        name("--tls-ca-cert-file", &files.authority);
        let mut command = server.command();
        command.args(["--port", "0", "--tls-port", &server.port.to_string()]);
        server.child = Some(spawn(&mut command));
        until(|| TcpStream::connect(("127.0.0.1", server.port)).is_ok());
        server
    }

    fn command(&self) -> Command {
        let mut command = Command::new("redis-server");
        command.arg("--dir").arg(self.folder.path());
        command.args(&self.arguments);
        command
    }

    /// Until a command is answered with this.
    pub(crate) fn until(&self, words: &[&str], expected: &str) {
        until(|| self.say(words).contains(expected));
    }

    /// Ended with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Neither runs nor answers, but keeps its connections.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Runs on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn options(&self) -> ValkeyOptions {
        ValkeyOptions::at("127.0.0.1", self.port)
    }

    /// Says a command and returns what it answers, as it stands.
    pub(crate) fn say(&self, words: &[&str]) -> String {
        say(self.port, words)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Sentinel that watches a master.
pub(crate) struct Sentinel {
    child: Child,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Sentinel {
    /// Takes a master for down after half a second.
    pub(crate) fn watch(master: u16) -> Self {
        let folder = folder();
        let port = free_port();
        let file: PathBuf = folder.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor counters 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds counters 500\nsentinel failover-timeout counters 2000\n",
            folder.path().display()
        );
        std::fs::write(&file, text).unwrap();
        let child = spawn(Command::new("redis-server").arg(&file).arg("--sentinel"));
        wait_for(port);
        Self {
            child,
            port,
            _folder: folder,
        }
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
        .spawn()
        .expect("redis-server is installed by `make deps`")
}

/// Until it answers.
fn wait_for(port: u16) {
    let answers = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 32];
        let read = stream.read(&mut answer)?;
        let answer = &answer[..read];
        // One that wants a password or TLS is up as well.
        Ok(answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH"))
    };
    until(|| answers().unwrap_or(false));
}

/// Until it is so; 20 s at most.
pub(crate) fn until(so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        pause();
    }
    panic!("waited in vain");
}

/// The files of an authority and of one certificate, for either side.
pub(crate) struct Certificates {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

pub(crate) fn certificates(folder: &Path) -> Certificates {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
    name_it(&mut parameters, "authority");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, &authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    name_it(&mut parameters, "either side");
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Certificates {
        authority: write("authority.pem", authority.pem()),
        certificate: write("certificate.pem", certificate.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}

fn name_it(parameters: &mut rcgen::CertificateParams, name: &str) {
    let mut distinguished = rcgen::DistinguishedName::new();
    distinguished.push(rcgen::DnType::CommonName, name);
    parameters.distinguished_name = distinguished;
}

/// Makes a cluster of them.
pub(crate) fn join(nodes: &[Server]) {
    let share = 16384 / nodes.len();
    for (at, node) in nodes.iter().enumerate() {
        let first = at * share;
        let last = if at + 1 == nodes.len() {
            16383
        } else {
            first + share - 1
        };
        let (first, last) = (first.to_string(), last.to_string());
        let given = node.say(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        assert!(given.contains("OK"), "{given}");
        node.say(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        let port = nodes[0].port.to_string();
        node.say(&["CLUSTER", "MEET", "127.0.0.1", &port]);
    }
    for node in nodes {
        until(|| {
            let info = node.say(&["CLUSTER", "INFO"]);
            let known = format!("cluster_known_nodes:{}", nodes.len());
            info.contains("cluster_state:ok") && info.contains(&known)
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no runtime here: between two looks whether a server has started"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Says a command to a port and returns what it answers, as it stands.
pub(crate) fn say(port: u16, words: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut said = format!("*{}\r\n", words.len());
    for word in words {
        said.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(said.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut answer = vec![0; 65536];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}
