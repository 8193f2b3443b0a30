//! What is done around every request: bounds, a few retries, the count, the warnings and the log.
//!
//! In: the service below. Out: a service that behaves as kubectl's client does, and no slower.

use super::transport::{Late, TooLarge};
use super::warning::Warnings;
use crate::limits::{Budget, Counted};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use tower::{Service, retry::Policy};

/// Any error, as tower passes it on.
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
/// The body of an answer.
type Answer = UnsyncBoxBody<bytes::Bytes, BoxError>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The most retries of one request.
const RETRIES: u32 = 4;
/// The first wait, where the server asks for none; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The bytes of answers that wait to be understood, of all that are read at once.
#[derive(Debug)]
pub(super) struct Waiting {
    bytes: AtomicU64,
    limit: u64,
}

impl Waiting {
    pub(super) fn at_most(limit: u64) -> Self {
        Self { bytes: AtomicU64::new(0), limit }
    }
}

/// What one answer has of them.
#[derive(Debug)]
struct Share {
    of: Arc<Waiting>,
    bytes: u64,
}

impl Share {
    fn take(&mut self, more: u64) -> Result<(), TooLarge> {
        self.bytes += more;
        let before = self.of.bytes.fetch_add(more, Ordering::Relaxed);
        if before + more > self.of.limit { Err(TooLarge(self.of.limit)) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body that is there as a whole, with its share.
struct Held {
    body: Full<bytes::Bytes>,
    _share: Share,
}

impl http_body::Body for Held {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(|never| match never {})
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Reads the whole answer within a time and a size, retries and all. Sizes are those after
/// decompression, and shared by all answers that are read at once.
///
/// Every request of ours has one answer, so nothing is lost by not streaming it; but for a watch,
/// which the server ends, and whose parts are small.
#[derive(Clone)]
pub(super) struct Whole<S> {
    pub(super) inner: S,
    pub(super) timeout: Option<Duration>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) budget: Arc<Budget>,
}

impl<S, B> Service<Request<Body>> for Whole<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let watch = is_watch(&request);
        let answer = self.inner.call(request);
        let timeout = self.timeout;
        let mut share = Share { of: Arc::clone(&self.waiting), bytes: 0 };
        let budget = Arc::clone(&self.budget);
        if watch {
            return Box::pin(async move {
                Ok(answer.await?.map(|body| body.map_err(Into::into).boxed_unsync()))
            });
        }
        let whole = async move {
            let (head, mut body) = answer.await?.into_parts();
            let mut bytes = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(Into::into)?.into_data() else { continue };
                share.take(data.len() as u64)?;
                budget.take(Counted::Bytes, data.len() as u64)?;
                bytes.extend_from_slice(&data);
            }
            let body = Held { body: Full::from(bytes), _share: share };
            Ok(Response::from_parts(head, body.boxed_unsync()))
        };
        Box::pin(async move {
            match timeout {
                None => whole.await,
                Some(after) => tokio::time::timeout(after, whole)
                    .await
                    .unwrap_or_else(|_| Err(Late(after).into())),
            }
        })
    }
}

/// Whether the answer to a request goes on and on.
fn is_watch(request: &Request<Body>) -> bool {
    let mut parts = request.uri().query().unwrap_or_default().split('&');
    parts.any(|part| matches!(part, "watch=true" | "watch=1"))
}

/// Counts and logs each request that goes out, and hears the warnings in its answer.
#[derive(Clone)]
pub(super) struct Observed<S> {
    pub(super) inner: S,
    pub(super) warnings: Warnings,
    pub(super) sent: Arc<AtomicUsize>,
}

impl<S, B> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let warnings = self.warnings.clone();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let started = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await.map_err(Into::into);
            let took = started.elapsed();
            let Ok(answer) = answer else {
                tracing::debug!(%method, path, ?took, "failed");
                return answer;
            };
            let status = answer.status().as_u16();
            tracing::debug!(%method, path, status, ?took, "answered");
            for warning in answer.headers().get_all(http::header::WARNING) {
                warnings.hear(warning.as_bytes());
            }
            Ok(answer)
        })
    }
}

/// Tries again what an overloaded server asks to be tried again, a few times and not for long.
#[derive(Clone, Default)]
pub(super) struct Again {
    tried: u32,
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Again {
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Sleep> {
        let answer = result.as_ref().ok().filter(|_| self.tried < RETRIES)?;
        let asked = answer.headers().get(http::header::RETRY_AFTER);
        let asked = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let again = match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => true,
            // What was written may have been done all the same, unless the server says otherwise.
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                request.method() == Method::GET || asked.is_some()
            }
            _ => false,
        };
        let wait = asked.map_or(FIRST_WAIT * 2_u32.pow(self.tried), Duration::from_secs);
        self.tried += 1;
        again.then(|| tokio::time::sleep(wait.min(LONGEST_WAIT)))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let body = request.body().try_clone()?;
        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tower::{ServiceExt as _, service_fn};

    #[test]
    fn answers_have_a_largest_size() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = service_fn(|_| async {
            let answer = Response::new(http_body_util::Full::new(bytes::Bytes::from("0123456789")));
            Ok::<_, BoxError>(answer.map(|body| body.map_err(|never: Infallible| match never {})))
        });
        let whole = |limit| Whole {
            inner: answer,
            timeout: None,
            waiting: Arc::new(Waiting::at_most(limit)),
            budget: Arc::default(),
        };
        let ask =
            |whole: &Whole<_>| runtime.block_on(whole.clone().oneshot(Request::new(Body::empty())));
        assert!(ask(&whole(9)).is_err_and(|error| error.is::<TooLarge>()));
        // The limit is one for all that wait, and what is done with waits no more.
        let shared = whole(25);
        let first = ask(&shared).unwrap();
        let second = ask(&shared).unwrap();
        assert!(ask(&shared).is_err_and(|error| error.is::<TooLarge>()));
        drop((first, second));
        assert!(ask(&shared).is_ok());
        assert_eq!(shared.waiting.bytes.load(Ordering::Relaxed), 0);
    }
}
