//! What a browser does with the console, as far as its pages' scripts ask for something.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// For one answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Somebody before the console.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    http: reqwest::Client,
    url: String,
    cookie: Option<String>,
    /// Where a proxy says that it comes from; `None`: there is no proxy.
    from: Option<&'static str>,
}

/// What the console said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) status: u16,
    /// All of it, as text.
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn json(&self) -> Result<Value> {
        ensure!(self.status == 200, "{self:?}");
        serde_json::from_str(&self.text).with_context(|| self.text.clone())
    }

    /// How many rows a page of requests has.
    pub(crate) fn rows(&self) -> Result<Vec<Value>> {
        let page = self.json()?;
        let rows = page["entries"].as_array().context("no entries")?;
        Ok(rows.clone())
    }
}

impl Browser {
    /// Of the console at this address, signed in as nobody.
    pub(crate) fn at(console: SocketAddr) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            url: format!("http://{console}/api/v1/"),
            cookie: None,
            from: None,
        })
    }

    /// The same behind a proxy that says where it comes from.
    pub(crate) fn from(self, address: &'static str) -> Self {
        Self {
            from: Some(address),
            ..self
        }
    }

    /// Signs in with a token, or with a key.
    pub(crate) async fn sign_in(&self, with: &str, value: &str) -> Result<(Said, Self)> {
        let request = self
            .request(Method::POST, "session")
            .json(&json!({with: value}));
        let answer = request.send().await?;
        let cookie = answer
            .headers()
            .get(SET_COOKIE)
            .and_then(|set| set.to_str().ok());
        let cookie = cookie.and_then(|set| Some(set.split_once(';')?.0.to_owned()));
        let browser = Self {
            cookie,
            ..self.clone()
        };
        Ok((said(answer).await?, browser))
    }

    /// The same, who is let in.
    pub(crate) async fn signed_in(&self, token: &str) -> Result<Self> {
        let (said, browser) = self.sign_in("token", token).await?;
        ensure!(said.status == 200 && browser.cookie.is_some(), "{said:?}");
        Ok(browser)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Said> {
        said(self.request(Method::GET, path).send().await?).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Said> {
        said(self.request(Method::POST, path).json(body).send().await?).await
    }

    pub(crate) async fn sign_out(&self) -> Result<Said> {
        said(self.request(Method::DELETE, "session").send().await?).await
    }

    /// With more headers than a page sends.
    pub(crate) async fn get_with(&self, path: &str, more: &[(&'static str, &str)]) -> Result<Said> {
        let mut headers = HeaderMap::new();
        for (name, value) in more {
            headers.insert(*name, HeaderValue::from_str(value)?);
        }
        said(
            self.request(Method::GET, path)
                .headers(headers)
                .send()
                .await?,
        )
        .await
    }

    /// What the live view says within so long.
    pub(crate) async fn live(&self, after: Option<&str>, patience: Duration) -> Result<String> {
        let mut request = self.request(Method::GET, "live");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let mut answer = request.send().await?;
        let mut text = format!("{}\n", answer.status());
        let reading = async {
            while let Ok(Some(bytes)) = answer.chunk().await {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        };
        // It has no end of its own.
        let _ = tokio::time::timeout(patience, reading).await;
        Ok(text)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let mut request = request.header("x-fairlead-console", "1");
        if let Some(from) = self.from {
            request = request.header("x-forwarded-for", from);
        }
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

async fn said(answer: reqwest::Response) -> Result<Said> {
    Ok(Said {
        status: answer.status().as_u16(),
        text: answer.text().await?,
    })
}
