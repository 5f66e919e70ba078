//! A small client: whole objects in, the API server's answer out, refusals included.

mod resource;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Method, RequestBuilder};
use serde_json::{Value, json};

use self::resource::Resource;

/// Whether a write lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// It is stored.
    Stored,
    /// Everything is checked and nothing stored.
    DryRun,
}

/// Speaks to one API server. Writes are strict about unknown and duplicate fields, as kubectl's are.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    user: Option<String>,
}

/// What the API server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The object as it is now, or a `Status` that says why not.
    pub body: Value,
    /// The `Warning` headers.
    pub warnings: Vec<String>,
}

impl Client {
    /// A client for the server at `url`, which shows a certificate under `ca` (PEM), by a bearer token.
    ///
    /// # Errors
    /// When `ca` is no certificate.
    pub fn new(url: &str, ca: &str, token: &str) -> Result<Self> {
        let ca = Certificate::from_pem(ca.as_bytes()).context("the CA is no certificate")?;
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            url: url.to_owned(),
            token: token.to_owned(),
            user: None,
        })
    }

    /// A client for the cluster that `kubectl config view --raw --flatten -o json` describes, if its user has a token.
    ///
    /// # Errors
    /// When it has none, or the description lacks something.
    pub fn of_config(config: &Value) -> Result<Self> {
        let text = |value: &Value, what: &str| {
            let text = value.as_str().map(str::to_owned);
            text.with_context(|| format!("the kubeconfig has no {what}"))
        };
        let cluster = &config["clusters"][0]["cluster"];
        let ca = text(&cluster["certificate-authority-data"], "CA")?;
        let ca = String::from_utf8(STANDARD.decode(ca)?)?;
        let token = text(&config["users"][0]["user"]["token"], "token")?;
        Self::new(&text(&cluster["server"], "server")?, &ca, &token)
    }

    /// The same as another user, who may do what RBAC says and no more.
    #[must_use]
    pub fn acting_as(&self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self.clone()
        }
    }

    /// The same server as a service account sees it.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn as_service_account(&self, namespace: &str, name: &str) -> Result<Self> {
        Ok(Self {
            token: self.token(namespace, name).await?,
            ..self.clone()
        })
    }

    /// A bearer token of a service account.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        self.token_for(namespace, name, &[]).await
    }

    /// The same for audiences of one's own; none: the API server's.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn token_for(
        &self,
        namespace: &str,
        name: &str,
        audiences: &[&str],
    ) -> Result<String> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let spec = match audiences {
            [] => json!({}),
            audiences => json!({"audiences": audiences}),
        };
        let request =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        let answer = self
            .write(Method::POST, &path, &request, Write::Stored)
            .await?;
        match answer.body["status"]["token"].as_str() {
            Some(token) => Ok(token.to_owned()),
            None => bail!("no token for {namespace}/{name}: {}", answer.message()),
        }
    }

    /// Whether the server says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = self.request(Method::GET, "/readyz").send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Creates an object, as `kubectl create` does.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn create(&self, object: &Value, write: Write) -> Result<Answer> {
        let path = Resource::of(object)?.collection();
        self.write(Method::POST, &path, object, write).await
    }

    /// Replaces an object. It must carry the `resourceVersion` that it replaces.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn replace(&self, object: &Value, write: Write) -> Result<Answer> {
        let path = Resource::of(object)?.item();
        self.write(Method::PUT, &path, object, write).await
    }

    /// Replaces the status of an object, as [`Client::replace`] the rest.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn replace_status(&self, object: &Value) -> Result<Answer> {
        let path = format!("{}/status", Resource::of(object)?.item());
        self.write(Method::PUT, &path, object, Write::Stored).await
    }

    /// Applies an object on the server's side under a name of one's own, as tools of GitOps do: what others have written is taken over.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn apply(&self, object: &Value, manager: &str) -> Result<Answer> {
        let path = Resource::of(object)?.item();
        let request = self.request(
            Method::PATCH,
            &format!("{path}?fieldManager={manager}&force=true"),
        );
        let kind = "application/apply-patch+yaml";
        answer(
            request
                .header("content-type", kind)
                .body(object.to_string()),
        )
        .await
    }

    /// Reads an object as it is now.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn get(&self, object: &Value) -> Result<Answer> {
        answer(self.request(Method::GET, &Resource::of(object)?.item())).await
    }

    /// The objects of a kind, by its plural name, in one namespace.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn list(
        &self,
        api_version: &str,
        plural: &str,
        namespace: &str,
    ) -> Result<Vec<Value>> {
        let path = resource::collection(api_version, Some(namespace), plural);
        let mut answer = answer(self.request(Method::GET, &path)).await?;
        if !answer.is_success() {
            bail!("cannot list {path}: {}", answer.message());
        }
        serde_json::from_value(answer.body["items"].take())
            .with_context(|| format!("{path} is not a list"))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub async fn delete(&self, object: &Value) -> Result<()> {
        let path = Resource::of(object)?.item();
        let answer = answer(self.request(Method::DELETE, &path)).await?;
        if answer.is_success() {
            Ok(())
        } else {
            bail!("cannot delete {path}: {}", answer.message())
        }
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        object: &Value,
        write: Write,
    ) -> Result<Answer> {
        let dry_run = match write {
            Write::Stored => "",
            Write::DryRun => "&dryRun=All",
        };
        answer(
            self.request(method, &format!("{path}?fieldValidation=Strict{dry_run}"))
                .json(object),
        )
        .await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        match &self.user {
            Some(user) => request.header("impersonate-user", user),
            None => request,
        }
    }
}

async fn answer(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let warnings = response
        .headers()
        .get_all("warning")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect();
    let text = response.text().await?;
    let body = match serde_json::from_str(&text) {
        Ok(body) => body,
        // Of a kind that is not served, or not yet, it says so in plain text.
        Err(_) if status == 404 => json!({"message": text.trim()}),
        Err(error) => return Err(error.into()),
    };
    Ok(Answer {
        status,
        warnings,
        body,
    })
}

impl Answer {
    /// Whether the server did what was asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why it did not: the text that kubectl prints.
    #[must_use]
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Whether the refusal names `field`: by a cause of its own, as unknown, or in the message of a rule about the whole object, which
    /// cannot carry a path into `metadata`.
    #[must_use]
    pub fn blames(&self, field: &str) -> bool {
        let names = |cause: &Value| {
            cause["field"] == field
                || (cause["field"] == "<nil>"
                    && cause["message"]
                        .as_str()
                        .is_some_and(|message| message.contains(&format!("{field} "))))
        };
        let causes = self.body["details"]["causes"].as_array();
        causes.into_iter().flatten().any(names)
            || self
                .message()
                .contains(&format!("unknown field \"{field}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_blames_the_field_of_a_cause_and_no_other() {
        let causes = json!([{"field": "spec.type", "message": "Required value"}, {"field": "<nil>", "message": "Invalid value: \"object\": metadata.name must be a DNS label"}]);
        let refusal = Answer {
            status: 422,
            warnings: Vec::new(),
            body: json!({"message": "spec.type: Required value", "details": {"causes": causes}}),
        };
        assert!(refusal.blames("spec.type") && refusal.blames("metadata.name"));
        assert!(!refusal.blames("spec") && !refusal.blames("metadata"));
    }

    #[test]
    fn an_unknown_field_is_blamed_by_its_whole_name() {
        let refusal = Answer {
            status: 400,
            warnings: Vec::new(),
            body: json!({"message": "strict decoding error: unknown field \"spec.targets[0].port\""}),
        };
        assert!(refusal.blames("spec.targets[0].port"));
        assert!(!refusal.blames("spec.targets[0]"));
    }
}
