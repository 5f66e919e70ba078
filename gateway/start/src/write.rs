//! Resources as files: one a kind, and the Secrets apart in one that only its owner may read and that no repository takes.

mod spec;

use fairlead_crds::{SECRET_CREDENTIAL, SECRET_LABEL, SECRET_VIRTUAL_KEY};

use crate::resources::{Caller, Credential, Resources};
use crate::secret::Hidden;
use crate::yaml::Node;

/// The one file that is private.
const SECRETS: &str = "secrets.yaml";
/// Stands for a value that is not there or not to be seen.
const PLACEHOLDER: &str = "replace-me";

/// A file to write.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub text: String,
    /// Whether only its owner may read it.
    pub private: bool,
}

/// A private file holds credentials, so nothing of the text is shown.
impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .field("private", &self.private)
            .finish_non_exhaustive()
    }
}

/// Whether values of Secrets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// For private files.
    Values,
    /// For everybody's eyes: something to replace stands in their place, and keys of callers are left to the gateway to make.
    Nothing,
}

impl Resources {
    /// The files, in the order in which one reads them.
    #[must_use]
    pub fn files(&self, shown: Shown) -> Vec<File> {
        let file = |name, head: &str, documents: Vec<String>| File {
            name,
            text: format!("{head}{}", documents.join("---\n")),
            private: false,
        };
        let mut callers: Vec<String> = self.teams.iter().map(spec::team).collect();
        callers.extend(
            self.callers
                .iter()
                .map(|key| spec::caller(key, supplied(key, shown).is_some())),
        );
        let mut files = vec![
            file(
                "providers.yaml",
                "# Who answers. What can be said of a provider is in docs/api.md.\n",
                self.providers.iter().filter_map(spec::provider).collect(),
            ),
            file(
                "rules.yaml",
                "# Who is sent where. Requests that no rule takes go by PROVIDER/MODEL.\n",
                self.rules.iter().map(spec::rule).collect(),
            ),
            file("keys.yaml", "# Who may call.\n", callers),
            File {
                private: true,
                ..file(
                    SECRETS,
                    "# Keep this file out of repositories, and readable by nobody else.\n",
                    self.secrets(shown),
                )
            },
        ];
        files.retain(|file| file.text.contains("apiVersion"));
        if shown == Shown::Values {
            // First, so that there is no moment in which the secrets could be taken along.
            files.insert(
                0,
                File {
                    name: ".gitignore",
                    text: format!("{SECRETS}\n"),
                    private: false,
                },
            );
        }
        files
    }

    fn secrets(&self, shown: Shown) -> Vec<String> {
        let mut documents = Vec::new();
        for provider in &self.providers {
            let in_secrets = |credential: &&Credential| !credential.secret.is_empty();
            for credential in provider.credentials.iter().filter(in_secrets) {
                let name = secret_name(&provider.name, &credential.name);
                documents.push(secret(&name, SECRET_CREDENTIAL, &credential.secret, shown));
            }
        }
        for caller in &self.callers {
            if let Some(value) = supplied(caller, shown) {
                let data = [("apiKey", value.clone())];
                let name = format!("{}-key", caller.name);
                documents.push(secret(&name, SECRET_VIRTUAL_KEY, &data, shown));
            }
        }
        documents
    }
}

/// The value of a key that stands in a Secret.
fn supplied(caller: &Caller, shown: Shown) -> Option<&Hidden> {
    let value = caller.value.as_ref()?;
    (shown == Shown::Values && value.expose().is_some()).then_some(value)
}

fn secret_name(provider: &str, credential: &str) -> String {
    format!("{provider}-{credential}")
}

fn secret(name: &str, usage: &str, data: &[(&'static str, Hidden)], shown: Shown) -> String {
    let mut comments = String::new();
    let mut fields = Vec::new();
    for (key, value) in data {
        let known = value.expose().filter(|_| shown == Shown::Values);
        if let (None, Some(variable)) = (known, value.name()) {
            comments.push_str(&format!("# {key}: what {variable} holds\n"));
        }
        fields.push(((*key).into(), Node::text(known.unwrap_or(PLACEHOLDER))));
    }
    let labels = Node::map([(SECRET_LABEL, Node::text(usage))]);
    let document = Node::map([
        ("apiVersion", Node::text("v1")),
        ("kind", Node::text("Secret")),
        (
            "metadata",
            Node::map([("name", Node::text(name)), ("labels", labels)]),
        ),
        ("stringData", Node::Map(fields)),
    ]);
    comments + &document.document()
}
