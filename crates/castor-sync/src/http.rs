//! The server over HTTPS.

use crate::attachments::PIECE;
use crate::{BlobTransport, FetchedPiece, SyncError, Transport};
use castor_wire::sync::{
    BLOB_KIND, BlobKind, BlobState, Lease, LeaseRequest, NameRequest, Named, PullAnswer, Push, PushAnswer, SyncState,
};
use flate2::read::GzDecoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::Mutex;

/// Longest silence of an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer: many readings over a slow line.
const WHOLE: Duration = Duration::from_secs(600);
/// Longest silence of the server's events, which say every fifteen seconds that they are there.
const SILENCE: Duration = Duration::from_secs(45);
/// Longest line of its events, in bytes.
const LONGEST_LINE: usize = 1 << 20;
/// Longest answer, in bytes: a pull of many readings.
const LONGEST_ANSWER: usize = 256 << 20;

/// The address of a server: HTTPS, or HTTP on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`SyncError::Refused`] for one that is none, or that would send passwords in the clear.
    pub fn parse(text: &str) -> Result<Self, SyncError> {
        let url = Url::parse(text.trim()).map_err(|e| SyncError::Refused(format!("\"{text}\" is no address: {e}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SyncError::Refused(
                "an address holds no name and no password".to_owned(),
            ));
        }
        let server = Self(url);
        match server.0.scheme() {
            "https" => Ok(server),
            "http" if server.is_here() => Ok(server),
            _ => Err(SyncError::Refused(
                "the server's address begins with https://".to_owned(),
            )),
        }
    }

    /// Whether it is this computer.
    fn is_here(&self) -> bool {
        matches!(self.0.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    }

    /// The address as text, without a path.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    fn route(&self, path: &str) -> Result<Url, SyncError> {
        self.0.join(path).map_err(|e| SyncError::Refused(e.to_string()))
    }
}

/// What signs a person in.
#[derive(Serialize)]
pub struct SignIn<'a> {
    /// E-mail address.
    pub email: &'a str,
    /// Password.
    pub password: &'a str,
}

/// The account that is signed in, as the server says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its identity.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Role, such as `VALIDATOR`.
    pub role: String,
    /// What the role may do, such as `upload_e14`.
    pub permissions: Vec<String>,
}

impl Account {
    /// Whether it may do something.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p == permission)
    }
}

/// What a sign-in or a renewal gives.
#[derive(Clone, Deserialize)]
struct SignedIn {
    access_token: String,
    refresh_token: String,
    user: Account,
}

/// The refresh token, and what the next one will be. Both are kept together, so that a renewal whose answer was lost, or that
/// the laptop did not live to keep, can be asked for again.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Good for the next access token, once.
    now: String,
    /// Drawn here, and sent with it.
    next: String,
}

impl Tokens {
    fn new(now: String) -> Self {
        let [a, b] = [(); 2].map(|()| uuid::Uuid::new_v4().simple());
        Self {
            now,
            next: format!("{a}{b}"),
        }
    }

    /// Those that [`Self::text`] gave.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once(' ') {
            Some((now, next)) => Self {
                now: now.to_owned(),
                next: next.to_owned(),
            },
            None => Self::new(text.to_owned()),
        }
    }

    /// For the keeper of secrets.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {}", self.now, self.next)
    }
}

/// What is kept of a sign-in for the next run.
#[derive(Clone)]
pub struct Kept {
    /// What it goes on with.
    pub tokens: Tokens,
    /// Who is signed in.
    pub account: Account,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Success<T> {
    data: T,
}

#[derive(Deserialize)]
struct Failure {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    code: String,
    message: String,
}

/// Keeps a sign-in that replaces the one before, before it is used.
pub type Keep = Box<dyn Fn(Kept) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The server over HTTP, with tokens that renew themselves.
pub struct HttpTransport {
    client: Client,
    server: ServerUrl,
    /// Empty until the first request of a run that goes on with a kept sign-in.
    access_token: Mutex<String>,
    kept: Mutex<Kept>,
    keep: Keep,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

fn client(server: &ServerUrl) -> Result<Client, SyncError> {
    // Another part of the program may have chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .timeout(WHOLE)
        .read_timeout(PATIENCE)
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("CASTOR/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none());
    // HTTPS_PROXY and NO_PROXY hold for servers elsewhere.
    if server.is_here() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| SyncError::Unreachable(e.to_string()))
}

impl HttpTransport {
    /// Signs in with a password, which is not kept. The sign-in itself is kept from its first renewal on; until then it is
    /// [`Self::kept`].
    ///
    /// # Errors
    /// [`SyncError`]; a wrong password is [`SyncError::SignedOut`].
    pub async fn sign_in(server: ServerUrl, sign_in: &SignIn<'_>, keep: Keep) -> Result<Self, SyncError> {
        let client = client(&server)?;
        let request = client.post(server.route("/api/auth/login")?).json(sign_in);
        let signed_in: SignedIn = answered(request).await?;
        Ok(Self {
            client,
            server,
            access_token: Mutex::new(signed_in.access_token),
            kept: Mutex::new(Kept {
                tokens: Tokens::new(signed_in.refresh_token),
                account: signed_in.user,
            }),
            keep,
        })
    }

    /// What is to be kept of the sign-in for the next run.
    pub async fn kept(&self) -> Kept {
        self.kept.lock().await.clone()
    }

    /// Goes on with the sign-in of an earlier run.
    ///
    /// # Errors
    /// [`SyncError`] when no HTTP client can be made.
    pub fn resume(server: ServerUrl, kept: Kept, keep: Keep) -> Result<Self, SyncError> {
        Ok(Self {
            client: client(&server)?,
            server,
            access_token: Mutex::new(String::new()),
            kept: Mutex::new(kept),
            keep,
        })
    }

    /// Ends the sign-in on the server.
    ///
    /// # Errors
    /// [`SyncError`] when the server did not hear of it; the sign-in then ends by itself when it is not used.
    pub async fn sign_out(&self) -> Result<(), SyncError> {
        self.ask::<serde_json::Value, ()>(Method::POST, "/api/auth/logout", None)
            .await
            .map(|_| ())
    }

    /// Asks the server who is signed in.
    ///
    /// # Errors
    /// [`SyncError`]; [`SyncError::SignedOut`] when nobody is.
    pub async fn me(&self) -> Result<Account, SyncError> {
        let account: Account = self.ask::<_, ()>(Method::GET, "/api/auth/me", None).await?;
        self.kept.lock().await.account.clone_from(&account);
        Ok(account)
    }

    /// The account, as of the last answer that said it.
    pub async fn account(&self) -> Account {
        self.kept.lock().await.account.clone()
    }

    /// Gives forms back before their time; how many the server had lent.
    ///
    /// # Errors
    /// [`SyncError`].
    pub async fn release(&self, client: &str, forms: &[String]) -> Result<u64, SyncError> {
        let body = serde_json::json!({ "client": client, "forms": forms });
        self.ask(Method::POST, "/api/sync/release", Some(&body)).await
    }

    /// The first of some names that is this account's and nobody else's, if any is; it belongs to it from then on.
    ///
    /// # Errors
    /// [`SyncError`] when there is no answer; [`SyncError::Refused`] too where the account corrects nothing.
    pub async fn take_name(&self, names: Vec<String>) -> Result<Option<String>, SyncError> {
        let named: Named = self
            .ask(Method::POST, "/api/sync/name", Some(&NameRequest { names }))
            .await?;
        Ok(named.name)
    }

    /// Any request of the server's API, and what it answered: a failure too is an answer here.
    ///
    /// # Errors
    /// [`SyncError`] when there is none.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answered, SyncError> {
        let url = self.server.route(path)?;
        let response = self
            .sent(|token| {
                let request = self.client.request(method.clone(), url.clone()).bearer_auth(token);
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            })
            .await?;
        let status = response.status().as_u16();
        let bytes = whole(response).await?;
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answered { status, body })
    }

    /// Listens to what happens on the server, until the connection ends.
    ///
    /// # Errors
    /// [`SyncError`] when it cannot be listened to, and when it falls silent.
    pub async fn listen(&self, mut happens: impl FnMut(&str) + Send) -> Result<(), SyncError> {
        let url = self.server.route("/api/events")?;
        let send = |token: &str| {
            let request = self.client.get(url.clone()).bearer_auth(token);
            request.timeout(Duration::from_secs(24 * 3600))
        };
        let response = self.sent(send).await?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        happens("connected");
        let mut response = response;
        let mut lines = Vec::new();
        loop {
            let chunk = tokio::time::timeout(SILENCE, response.chunk())
                .await
                .map_err(|_| SyncError::Unreachable("it fell silent".to_owned()))?
                .map_err(|e| SyncError::Unreachable(e.without_url().to_string()))?;
            let Some(chunk) = chunk else { return Ok(()) };
            lines.extend_from_slice(&chunk);
            while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = lines.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(kind) = line.strip_prefix("event:") {
                    happens(kind.trim());
                }
            }
            if lines.len() > LONGEST_LINE {
                return Err(SyncError::Unexpected("a line of its events does not end".to_owned()));
            }
        }
    }

    /// Asks with the token and reads the answer's envelope.
    async fn ask<T: DeserializeOwned, B: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, SyncError> {
        let url = self.server.route(path)?;
        let response = self
            .sent(|token| {
                let request = self
                    .client
                    .request(method.clone(), url.clone())
                    .bearer_auth(token)
                    .header(ACCEPT_ENCODING, "gzip");
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            })
            .await?;
        enveloped(response).await
    }

    /// Sends a request with the token, renewed once when it has ended.
    async fn sent(&self, request: impl Fn(&str) -> RequestBuilder + Send + Sync) -> Result<Response, SyncError> {
        let token = self.access_token.lock().await.clone();
        if !token.is_empty() {
            let response = unanswered(request(&token).send().await)?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
        }
        let token = self.renewed(&token).await?;
        let response = unanswered(request(&token).send().await)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(refusal(response).await);
        }
        Ok(response)
    }

    /// A new access token, unless another request has renewed it meanwhile.
    async fn renewed(&self, former: &str) -> Result<String, SyncError> {
        let mut access_token = self.access_token.lock().await;
        if *access_token != former {
            return Ok(access_token.clone());
        }
        let tokens = self.kept.lock().await.tokens.clone();
        let body = serde_json::json!({ "refresh_token": tokens.now, "next": tokens.next });
        let request = self.client.post(self.server.route("/api/auth/refresh")?).json(&body);
        let fresh: SignedIn = answered(request).await?;
        let kept = Kept {
            tokens: Tokens::new(fresh.refresh_token),
            account: fresh.user,
        };
        // A refresh token is good once: from here on the new one counts, whether or not the laptop can keep it.
        *self.kept.lock().await = kept.clone();
        access_token.clone_from(&fresh.access_token);
        (self.keep)(kept).await.map_err(SyncError::Store)?;
        Ok(fresh.access_token)
    }
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Its body; one that is no JSON as text.
    pub body: serde_json::Value,
}

/// A response, or why there is none.
fn unanswered(sent: Result<Response, reqwest::Error>) -> Result<Response, SyncError> {
    sent.map_err(|error| SyncError::Unreachable(causes(&error.without_url())))
}

/// An error with what lies under it: reqwest's own words say only that sending failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

async fn whole(response: Response) -> Result<Vec<u8>, SyncError> {
    let coding = response.headers().get(CONTENT_ENCODING);
    let packed = coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let mut response = response;
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| SyncError::Unreachable(causes(&e.without_url())))?
    {
        bytes.extend_from_slice(&chunk);
        bounded(&bytes)?;
    }
    if !packed {
        return Ok(bytes);
    }
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut plain = Vec::new();
        let most = u64::try_from(LONGEST_ANSWER).unwrap_or(u64::MAX).saturating_add(1);
        GzDecoder::new(&*bytes).take(most).read_to_end(&mut plain)?;
        Ok::<_, std::io::Error>(plain)
    });
    let wrong =
        |error: &dyn std::fmt::Display| SyncError::Unexpected(format!("its answer cannot be unpacked: {error}"));
    let plain = unpacked.await.map_err(|e| wrong(&e))?.map_err(|e| wrong(&e))?;
    bounded(&plain)?;
    Ok(plain)
}

fn bounded(bytes: &[u8]) -> Result<(), SyncError> {
    if bytes.len() > LONGEST_ANSWER {
        return Err(SyncError::Unexpected(format!("more than {LONGEST_ANSWER} bytes")));
    }
    Ok(())
}

async fn answered<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, SyncError> {
    enveloped(unanswered(request.send().await)?).await
}

async fn enveloped<T: DeserializeOwned>(response: Response) -> Result<T, SyncError> {
    if !response.status().is_success() {
        return Err(refusal(response).await);
    }
    let body = whole(response).await?;
    let success: Success<T> = serde_json::from_slice(&body).map_err(|e| SyncError::Unexpected(e.to_string()))?;
    Ok(success.data)
}

/// What an answer that is no success means.
async fn refusal(response: Response) -> SyncError {
    let status = response.status();
    let wait = response
        .headers()
        .get("retry-after")
        .and_then(|w| w.to_str().ok())
        .and_then(|w| w.parse().ok());
    let body = match whole(response).await {
        Ok(body) => body,
        Err(error) => return error,
    };
    let told = serde_json::from_slice::<Failure>(&body).map(|f| format!("{} {}", f.error.code, f.error.message));
    let message = told.unwrap_or_else(|_| format!("HTTP {status}"));
    match status {
        StatusCode::UNAUTHORIZED => SyncError::SignedOut(message),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => SyncError::Busy { message, wait },
        status if status.is_server_error() => SyncError::Busy { message, wait },
        _ => SyncError::Refused(message),
    }
}

impl Transport for HttpTransport {
    async fn state(&self, client: &str) -> Result<SyncState, SyncError> {
        self.ask(Method::GET, &format!("/api/sync/state?client={client}"), None::<&()>)
            .await
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        self.ask(Method::POST, "/api/sync/push", Some(push)).await
    }

    async fn pull(&self, client: &str, after: u64, limit: u16) -> Result<PullAnswer, SyncError> {
        let path = format!("/api/sync/pull?client={client}&after={after}&limit={limit}");
        self.ask(Method::GET, &path, None::<&()>).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        self.ask(Method::POST, "/api/sync/lease", Some(request)).await
    }
}

impl BlobTransport for HttpTransport {
    async fn blob_state(&self, hash: &str) -> Result<BlobState, SyncError> {
        self.ask::<_, ()>(Method::GET, &format!("/api/blobs/{hash}/state"), None)
            .await
    }

    async fn send_piece(
        &self,
        hash: &str,
        kind: BlobKind,
        offset: u64,
        total: u64,
        piece: Vec<u8>,
    ) -> Result<BlobState, SyncError> {
        let path = format!("/api/blobs/{hash}?offset={offset}&total={total}&kind={}", kind.name());
        let url = self.server.route(&path)?;
        let response = self
            .sent(|token| {
                let request = self.client.post(url.clone()).bearer_auth(token);
                request
                    .header("content-type", "application/octet-stream")
                    .body(piece.clone())
            })
            .await?;
        enveloped(response).await
    }

    async fn fetch_piece(&self, hash: &str, offset: u64) -> Result<FetchedPiece, SyncError> {
        let url = self.server.route(&format!("/api/blobs/{hash}"))?;
        let last = offset.saturating_add(u64::try_from(PIECE).unwrap_or(u64::MAX)) - 1;
        let range = format!("bytes={offset}-{last}");
        let response = self
            .sent(|token| {
                let request = self.client.get(url.clone()).bearer_auth(token);
                request.header("range", range.as_str())
            })
            .await?;
        // What is asked for begins where the file ends: everything is here already.
        let ended = response.status() == StatusCode::RANGE_NOT_SATISFIABLE;
        if !response.status().is_success() && !ended {
            return Err(refusal(response).await);
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        // bytes 0-99/1234
        let total = header("content-range").and_then(|range| range.rsplit('/').next()?.parse().ok());
        let kind = header(BLOB_KIND).and_then(BlobKind::parse);
        let (Some(total), Some(kind)) = (total, kind) else {
            return Err(SyncError::Unexpected(format!("a piece of {hash} does not say of what")));
        };
        let bytes = if ended { Vec::new() } else { whole(response).await? };
        Ok(FetchedPiece { kind, total, bytes })
    }
}
