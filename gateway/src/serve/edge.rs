//! What holds for every request, whatever it asks for: a head that means one thing, pages that may read the answer, a gateway that is about
//! to leave, and a caller that must see the answer before its connection ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version, header};

use crate::answer::body::{Body, Response};
use crate::answer::reject::Rejection;
use crate::cors;
use crate::headers::listed;
use crate::observe::record::Record;
use crate::request::inbound::Inbound;
use crate::serve::{linger, router};
use crate::worker::{Phase, Worker};

/// The most header fields of a request; HTTP/1.1 has the same limit in its parser.
const MAX_FIELDS: usize = 100;

/// Answers one request; `read` is told when all of it has come.
pub(crate) async fn serve<B>(
    worker: Arc<Worker>,
    request: http::Request<B>,
    read: Arc<AtomicBool>,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Send,
{
    let (head, body) = request.into_parts();
    let (version, waits) = (head.version, head.headers.contains_key(header::EXPECT));
    let mut body = Inbound::new(body, read);
    let (mut response, close) = answer(&worker, head, &mut body).await;
    let unread = version < Version::HTTP_2 && !body.is_read();
    // A body that is small ends soon, and the connection goes on after it.
    let close = close || (unread && body.announced().is_none_or(|all| all > linger::SMALL));
    if unread && !waits {
        linger::read_on(&worker, body);
    }
    if version < Version::HTTP_2 && (close || *worker.shared.phase.borrow() != Phase::Serving) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// The answer, and whether nothing more can be understood of the connection.
async fn answer<B>(worker: &Arc<Worker>, head: Parts, body: &mut Inbound<B>) -> (Response, bool)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if let Err(rejection) = understand(&head) {
        return (router::refuse(worker, &rejection), true);
    }
    let cors = &worker.shared.cors;
    let page = cors.admitted(&head.headers);
    let asks_for_head = head.method == Method::HEAD;
    let mut response = if page.is_some() && cors::is_preflight(&head.method, &head.headers) {
        permission(worker, &head)
    } else {
        router::route(worker, head, body).await
    };
    cors::open(response.headers_mut(), page, cors.varies());
    if asks_for_head {
        without_body(&mut response);
    }
    (response, false)
}

/// Heads that mean one thing to one reader and another to the next are refused (RFC 9112, 3.2, 6.1 and 6.3).
fn understand(head: &Parts) -> Result<(), Rejection> {
    let headers = &head.headers;
    if headers.len() > MAX_FIELDS {
        return Err(Rejection::TooManyHeaders(MAX_FIELDS));
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let (one, two) = (hosts.next(), hosts.next());
    if two.is_some() {
        return Err(Rejection::AmbiguousHead(
            "the request has more than one Host header; send one",
        ));
    }
    if one.is_none() && head.version == Version::HTTP_11 {
        return Err(Rejection::AmbiguousHead(
            "the request has no Host header; send one",
        ));
    }
    if !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Rejection::AmbiguousHead(
            "the request has both a Content-Length and a Transfer-Encoding; send one of them",
        ));
    }
    let mut codings = listed(headers, &header::TRANSFER_ENCODING);
    let chunked = codings
        .next()
        .is_some_and(|one| one.eq_ignore_ascii_case("chunked"));
    if !chunked || codings.next().is_some() {
        return Err(Rejection::TransferCoding);
    }
    Ok(())
}

/// What a browser is told that asks for a page.
fn permission(worker: &Worker, head: &Parts) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    record.complete = true;
    record.status = StatusCode::NO_CONTENT.as_u16();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.headers_mut() = cors::preflight(&head.headers);
    response
}

fn without_body(response: &mut Response) {
    use http_body::Body as _;
    let length = response.body().size_hint().exact();
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version: Version, fields: &[(&'static str, &'static str)]) -> Parts {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.version = version;
        for (name, value) in fields {
            head.headers.append(*name, HeaderValue::from_static(value));
        }
        head
    }

    fn told(version: Version, fields: &[(&'static str, &'static str)]) -> u16 {
        match understand(&head(version, fields)) {
            Ok(()) => 200,
            Err(rejection) => rejection.status().as_u16(),
        }
    }

    #[test]
    fn a_head_says_once_whom_it_is_for() {
        let host = ("host", "a");
        assert_eq!(told(Version::HTTP_11, &[host]), 200);
        assert_eq!(told(Version::HTTP_11, &[]), 400);
        assert_eq!(told(Version::HTTP_11, &[host, ("host", "b")]), 400);
        assert_eq!(told(Version::HTTP_2, &[]), 200);
        assert_eq!(told(Version::HTTP_2, &[host, host]), 400);
        assert_eq!(told(Version::HTTP_10, &[]), 200);
    }

    #[test]
    fn a_body_is_transferred_in_chunks_or_as_it_is() {
        let with = |fields: &[(&'static str, &'static str)]| {
            told(Version::HTTP_11, &[&[("host", "a")], fields].concat())
        };
        assert_eq!(with(&[("transfer-encoding", "Chunked")]), 200);
        assert_eq!(with(&[("transfer-encoding", "gzip, chunked")]), 501);
        assert_eq!(
            with(&[
                ("transfer-encoding", "gzip"),
                ("transfer-encoding", "chunked")
            ]),
            501
        );
        assert_eq!(
            with(&[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked")
            ]),
            501
        );
        assert_eq!(
            with(&[("transfer-encoding", "chunked"), ("content-length", "3")]),
            400
        );
        assert_eq!(with(&[("content-length", "3")]), 200);
    }

    #[test]
    fn no_request_has_more_fields_than_are_read() {
        let mut many = head(Version::HTTP_2, &[]);
        for at in 0..=MAX_FIELDS {
            let name = http::HeaderName::from_bytes(format!("x-{at}").as_bytes()).unwrap();
            many.headers.insert(name, HeaderValue::from_static("1"));
        }
        assert_eq!(understand(&many).unwrap_err().status(), 431);
    }
}
