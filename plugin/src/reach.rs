//! The admin ports of gateways: of those in a cluster by ports that the API server forwards, with the user's own rights, or of those that are named.
//!
//! A gateway that does not answer takes nothing away from what the others say.

mod pods;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::args::Place;
use crate::error::{Error, chain};
use crate::session::Session;

pub(crate) use pods::Pods;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long an answer may be, in bytes.
const LONGEST: usize = 32 * 1024 * 1024;

/// The gateways.
pub(crate) enum Reach {
    /// By their addresses.
    Direct {
        addresses: Vec<String>,
        token: Option<String>,
    },
    /// Pods of a cluster.
    Pods(Box<Pods>),
}

/// What a gateway has said.
pub(crate) struct Answer<T> {
    /// Which one.
    pub(crate) gateway: String,
    /// What it has said, or why it has not.
    pub(crate) said: Result<T, Error>,
}

impl Reach {
    /// Those that the command line names.
    ///
    /// # Errors
    /// The file of the token cannot be read.
    pub(crate) fn direct(place: &Place) -> Result<Self, Error> {
        let read = |file: &std::path::PathBuf| {
            let text = std::fs::read_to_string(file);
            text.map_err(|error| Error::File(file.clone(), error))
        };
        let token = place.admin_token_file.as_ref().map(read).transpose()?;
        Ok(Self::Direct {
            addresses: place.gateway.clone(),
            token: token.map(|token| token.trim().to_owned()),
        })
    }

    /// The ready ones of a cluster.
    ///
    /// # Errors
    /// The user may not list pods, or there are none.
    pub(crate) async fn pods(session: &Session, place: &Place) -> Result<Self, Error> {
        Ok(Self::Pods(Box::new(Pods::find(session, place).await?)))
    }

    /// The gateways' names.
    pub(crate) fn gateways(&self) -> Vec<String> {
        match self {
            Self::Direct { addresses, .. } => addresses.clone(),
            Self::Pods(pods) => pods.names(),
        }
    }

    /// What every gateway says under a path that is open to everybody.
    ///
    /// # Errors
    /// The first error, if none of them answers.
    pub(crate) async fn ask(&self, path: &str) -> Result<Vec<Answer<Bytes>>, Error> {
        self.ask_with(path, None).await
    }

    /// What every gateway says under a path that needs the token.
    ///
    /// # Errors
    /// There is no token, or the first error, if none of them answers.
    pub(crate) async fn ask_in_confidence(&self, path: &str) -> Result<Vec<Answer<Bytes>>, Error> {
        let token = self.token().await?;
        self.ask_with(path, Some(&token)).await
    }

    /// What the first gateway that answers says under a path that needs the token.
    ///
    /// # Errors
    /// There is no token, or the last error, if none of them answers.
    pub(crate) async fn ask_one_in_confidence(&self, path: &str) -> Result<Bytes, Error> {
        let token = self.token().await?;
        let mut last = Error::Other("there is no gateway".to_owned());
        for gateway in self.gateways() {
            match self.in_time(&gateway, path, Some(&token)).await {
                Ok(body) => return Ok(body),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn token(&self) -> Result<String, Error> {
        match self {
            Self::Direct { token, .. } => token.clone().ok_or_else(|| {
                Error::Other("this needs the gateway's admin token: --admin-token-file FILE, the file admin-token of its --state-dir".to_owned())
            }),
            Self::Pods(pods) => pods.token().await,
        }
    }

    async fn ask_with(&self, path: &str, token: Option<&str>) -> Result<Vec<Answer<Bytes>>, Error> {
        let one = async |gateway: String| {
            let said = self.in_time(&gateway, path, token).await;
            Answer { gateway, said }
        };
        let answers = join_all(self.gateways().into_iter().map(one)).await;
        if answers.iter().any(|answer| answer.said.is_ok()) {
            return Ok(answers);
        }
        match answers.into_iter().next().map(|answer| answer.said) {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Ok(Vec::new()),
        }
    }

    async fn in_time(
        &self,
        gateway: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<Bytes, Error> {
        match timeout(ANSWER, self.one(gateway, path, token)).await {
            Ok(said) => said,
            Err(_) => Err(wrong(
                gateway,
                format!("no answer within {} s", ANSWER.as_secs()),
            )),
        }
    }

    async fn one(&self, gateway: &str, path: &str, token: Option<&str>) -> Result<Bytes, Error> {
        match self {
            Self::Direct { .. } => {
                let stream = TcpStream::connect(gateway).await;
                let stream = stream.map_err(|error| wrong(gateway, error.to_string()))?;
                get(gateway, stream, path, token).await
            }
            Self::Pods(pods) => {
                let (stream, _forwarder) = pods.connect(gateway).await?;
                get(gateway, stream, path, token).await
            }
        }
    }
}

/// One question over a connection of its own.
async fn get(
    gateway: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    token: Option<&str>,
) -> Result<Bytes, Error> {
    let failed = |error: &dyn std::error::Error| wrong(gateway, chain(error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let mut request = Request::get(path)
        .header(header::HOST, "localhost")
        .header(header::CONNECTION, "close");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let ask = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| failed(&*error))?.to_bytes();
        if status == StatusCode::OK {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        Err(wrong(
            gateway,
            format!("{path} answers {status}: {}", text.trim()),
        ))
    };
    tokio::pin!(ask, connection);
    let mut over = false;
    loop {
        tokio::select! {
            biased;
            answer = &mut ask => return answer,
            // Its end is known to the question, too.
            _ = &mut connection, if !over => over = true,
        }
    }
}

fn wrong(gateway: &str, why: String) -> Error {
    Error::Gateway {
        gateway: gateway.to_owned(),
        why,
    }
}

/// The answers as JSON, and what is to be said about those that did not come.
pub(crate) fn as_json(
    answers: Vec<Answer<Bytes>>,
) -> (Vec<(String, serde_json::Value)>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for Answer { gateway, said } in answers {
        match said.and_then(|body| {
            serde_json::from_slice(&body).map_err(|error| wrong(&gateway, error.to_string()))
        }) {
            Ok(value) => good.push((gateway, value)),
            Err(error) => bad.push(error.to_string()),
        }
    }
    (good, bad)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn answered(text: &'static str) -> Result<Bytes, Error> {
        let (here, mut there) = tokio::io::duplex(4096);
        let serve = async move {
            let mut head = [0; 1024];
            let count = there.read(&mut head).await.unwrap();
            there.write_all(text.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&head[..count]).into_owned()
        };
        let (said, head) = tokio::join!(get("gateway-1", here, "/health", Some("t")), serve);
        assert!(head.contains("authorization: Bearer t"), "{head}");
        said
    }

    #[tokio::test]
    async fn an_answer_ends_with_its_connection() {
        let said = answered("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        assert_eq!(said.unwrap(), "{}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_text() {
        let said = answered("HTTP/1.1 401 Unauthorized\r\ncontent-length: 4\r\n\r\nsend").await;
        let error = said.unwrap_err().to_string();
        assert_eq!(error, "gateway-1: /health answers 401 Unauthorized: send");
    }

    #[tokio::test]
    async fn who_hangs_up_is_told_of() {
        let error = answered("").await.unwrap_err().to_string();
        assert!(error.starts_with("gateway-1: "), "{error}");
    }

    #[tokio::test]
    async fn one_that_is_gone_takes_nothing_away() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = gone.local_addr().unwrap().to_string();
        drop(gone);
        let reach = Reach::Direct {
            addresses: vec![there.clone(), here],
            token: None,
        };
        let serve = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            assert!(socket.read(&mut head).await.unwrap() > 0);
            socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                .await
                .unwrap();
        };
        let (answers, ()) = tokio::join!(reach.ask("/metrics"), serve);
        let (good, bad) = as_json(answers.unwrap());
        assert_eq!(good.len(), 1);
        assert!(bad.len() == 1 && bad[0].starts_with(&there), "{bad:?}");
        let nobody = Reach::Direct {
            addresses: vec![there],
            token: None,
        };
        assert!(nobody.ask("/metrics").await.is_err());
    }
}
