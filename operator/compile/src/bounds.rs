//! What a value, an object and a namespace may take of what is published, in bytes.
//!
//! Everything of an installation is published together, so whatever could grow without bound would one day keep everybody's edits from being
//! published. Here it is a finding of the object that is too large, and of no other. The gateway's namespace has no share of its own: it is the
//! platform's.

use std::collections::BTreeMap;
use std::io;

use fairlead_snapshot::{Credentials, ObjectName};
use serde::Serialize;

use crate::finding::{Finding, Reason};
use crate::inputs::Settings;
use crate::path::Path;

/// The longest value of a credential; what is longer does not fit the head of a request with room to spare.
pub const CREDENTIAL_BYTES: usize = 8 * 1024;
/// The largest bundle of CA certificates: some forty of them.
pub const CA_BYTES: usize = 64 * 1024;
/// The largest certificate chain that a provider is shown, and the largest key of one.
pub const CLIENT_CERTIFICATE_BYTES: usize = 16 * 1024;
/// The longest value of a virtual key, with the line break at its end that does not count.
pub const KEY_BYTES: usize = 512 + 2;
/// The most that one object may be in the snapshot, as JSON with its name. A ConfigMap takes 1 MiB.
pub const ENTRY_BYTES: usize = 128 * 1024;
/// The most that all objects of a namespace may be in the snapshot: more than twenty thousand keys.
pub const NAMESPACE_BYTES: usize = 8 * 1024 * 1024;
/// The most that the values of the credentials of a namespace may be, with their names: some two thousand of usual length.
const NAMESPACE_CREDENTIAL_BYTES: usize = 256 * 1024;
/// The most that the values of all credentials may be, with their names: as much as the Secrets hold that gateways read, and room for what is
/// being replaced.
const ALL_CREDENTIAL_BYTES: usize = fairlead_snapshot::CREDENTIALS_BYTES;

/// What is taken so far.
pub(crate) struct Room<'a> {
    settings: &'a Settings,
    entries: BTreeMap<String, usize>,
    credentials: BTreeMap<String, usize>,
    all_credentials: usize,
}

impl<'a> Room<'a> {
    /// All of it.
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            entries: BTreeMap::new(),
            credentials: BTreeMap::new(),
            all_credentials: 0,
        }
    }

    /// Takes the room that an entry needs, and the values that it names.
    ///
    /// # Errors
    /// It is too large, or nothing is left for it; then it takes nothing.
    pub(crate) fn take(
        &mut self,
        name: &ObjectName,
        entry: &impl Serialize,
        values: &Credentials,
    ) -> Result<(), Finding> {
        let bytes = length(name) + length(entry);
        if bytes > ENTRY_BYTES {
            return Err(too_large(format!(
                "is {bytes} bytes as it would be published, and an object may have {ENTRY_BYTES}; say less in it, or say it in several objects"
            )));
        }
        let of = |map: &BTreeMap<String, usize>| map.get(&name.namespace).copied();
        let platform = self.settings.is_gateway(&name.namespace);
        let entries = of(&self.entries).unwrap_or_default() + bytes;
        if entries > NAMESPACE_BYTES && !platform {
            return Err(too_large(format!(
                "does not fit beside the older objects of its namespace, which together may be {NAMESPACE_BYTES} bytes as they are published; remove some"
            )));
        }
        let value_bytes = values.bytes();
        let credentials = of(&self.credentials).unwrap_or_default() + value_bytes;
        if credentials > NAMESPACE_CREDENTIAL_BYTES && value_bytes > 0 && !platform {
            return Err(too_large(format!(
                "its credentials do not fit beside those of older providers of its namespace, which together may be {NAMESPACE_CREDENTIAL_BYTES} bytes; remove some"
            )));
        }
        if self.all_credentials + value_bytes > ALL_CREDENTIAL_BYTES && value_bytes > 0 {
            return Err(too_large(format!(
                "its credentials do not fit beside those of older providers of the installation, which together may be {ALL_CREDENTIAL_BYTES} bytes; ask the platform team"
            )));
        }
        self.entries.insert(name.namespace.clone(), entries);
        self.credentials.insert(name.namespace.clone(), credentials);
        self.all_credentials += value_bytes;
        Ok(())
    }
}

fn too_large(message: String) -> Finding {
    Finding::new(&Path::of("spec"), Reason::TooLarge, message)
}

/// How long the JSON is.
fn length(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // What cannot be written as JSON is no entry; none is like that.
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX / 4,
    }
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
