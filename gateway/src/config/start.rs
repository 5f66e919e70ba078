//! A start without a configuration: what the environment names is served from memory, or written into a folder and served from there.

use std::net::SocketAddr;
use std::path::PathBuf;

use fairlead_compile::documents;
use fairlead_process::random_value;
use fairlead_start::{Found, Shown, greeting, simulated, variables};

use crate::args;
use crate::args::Serve;
use crate::config::folder::Folder;
use crate::config::written;

/// The namespace of objects that name none.
const NAMESPACE: &str = "default";

/// What the environment names.
#[derive(Debug)]
pub(crate) struct Start {
    found: Found,
    /// The folder that it was written to.
    written: Option<PathBuf>,
}

impl Start {
    /// Looks, and writes down what is found if that is wanted.
    ///
    /// # Errors
    /// Nothing is named, or the folder cannot be written.
    pub(crate) fn of(args: &Serve) -> anyhow::Result<Self> {
        // A state folder keeps keys that the gateway made; a folder of resources has its key in it.
        let is_kept = args.settings.state_dir.is_some() && args.write_config.is_none();
        let fresh = (!is_kept)
            .then(|| random_value("sk-fairlead-"))
            .transpose()
            .map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        let found = if args.simulated {
            simulated(&variable, fresh)?
        } else {
            variables(&variable, args.listen, fresh)?
        };
        if let Some(directory) = &args.write_config {
            written::write(directory, &found.resources.files(Shown::Values))?;
        }
        Ok(Self {
            found,
            written: args.write_config.clone(),
        })
    }

    /// Where it is served from.
    ///
    /// # Errors
    /// What was made cannot be read, which is a mistake of ours.
    pub(crate) fn folder(&self, settings: &args::Settings) -> anyhow::Result<Folder> {
        // What was made names no namespace and is the platform's own, whatever namespace a pod may run in.
        let settings = args::Settings {
            gateway_namespace: NAMESPACE.to_owned(),
            ..settings.clone()
        };
        if let Some(directory) = &self.written {
            return Ok(Folder::new(directory, &settings));
        }
        let mut held = Vec::new();
        for file in self.found.resources.files(Shown::Values) {
            if file.name.ends_with(".yaml") {
                held.extend(documents(file.name, &file.text)?);
            }
        }
        Ok(Folder::held(held, &settings))
    }

    /// Says what was found, the key, and what to copy.
    #[expect(
        clippy::print_stderr,
        reason = "lines for the person who started the gateway, not a log record"
    )]
    pub(crate) fn greet(&self, listen: SocketAddr, tls: bool) {
        let written = self
            .written
            .as_ref()
            .map(|folder| folder.display().to_string());
        eprint!("{}", greeting(&self.found, listen, tls, written.as_deref()));
    }
}

/// A variable of the process; what is no UTF-8 is no key and no address.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
