//! The server over HTTPS.

use crate::{SyncError, Transport};
use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Mutex;

/// Time for one answer, large pushes over slow lines included.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if here => Ok(Self(url)),
            _ => Err(SyncError::Refused(
                "the server's address begins with https://".to_owned(),
            )),
        }
    }

    fn route(&self, path: &str) -> Result<Url, SyncError> {
        self.0.join(path).map_err(|e| SyncError::Refused(e.to_string()))
    }
}

/// What signs a person in.
#[derive(Debug, Serialize)]
pub struct SignIn<'a> {
    /// E-mail address.
    pub email: &'a str,
    /// Password.
    pub password: &'a str,
}

/// Tokens of a sign-in.
#[derive(Clone, Deserialize)]
pub struct Tokens {
    /// For requests.
    access_token: String,
    /// For the next tokens, once.
    refresh_token: String,
}

impl Tokens {
    /// Tokens of an earlier run, of which only the long-lived one was kept.
    #[must_use]
    pub fn kept(refresh_token: String) -> Self {
        Self {
            access_token: String::new(),
            refresh_token,
        }
    }

    /// The token to keep for the next run.
    #[must_use]
    pub fn to_keep(&self) -> &str {
        &self.refresh_token
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
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

/// Keeps a token that replaces the one before, before it is used.
pub type Keep = Box<dyn Fn(&Tokens) -> Result<(), String> + Send + Sync>;

/// The server over HTTP, with tokens that renew themselves.
pub struct HttpTransport {
    client: Client,
    server: ServerUrl,
    tokens: Mutex<Tokens>,
    keep: Keep,
}

fn client() -> Result<Client, SyncError> {
    // Another part of the program may have chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|e| SyncError::Unreachable(e.to_string()))
}

impl HttpTransport {
    /// Signs in with a password, which is not kept.
    ///
    /// # Errors
    /// [`SyncError`]; a wrong password is [`SyncError::SignedOut`].
    pub async fn sign_in(server: ServerUrl, sign_in: &SignIn<'_>, keep: Keep) -> Result<Self, SyncError> {
        let client = client()?;
        let request = client.post(server.route("/api/auth/login")?).json(sign_in);
        let tokens: Tokens = answered(request).await?;
        keep(&tokens).map_err(SyncError::Store)?;
        Ok(Self {
            client,
            server,
            tokens: Mutex::new(tokens),
            keep,
        })
    }

    /// Goes on with the token of an earlier run.
    ///
    /// # Errors
    /// [`SyncError`] when no HTTP client can be made.
    pub fn resume(server: ServerUrl, tokens: Tokens, keep: Keep) -> Result<Self, SyncError> {
        Ok(Self {
            client: client()?,
            server,
            tokens: Mutex::new(tokens),
            keep,
        })
    }

    /// Asks with the token, renewed once when it has ended.
    async fn ask<T: DeserializeOwned, B: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, SyncError> {
        let url = self.server.route(path)?;
        let request = |token: &str| {
            let request = self.client.request(method.clone(), url.clone()).bearer_auth(token);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let token = self.tokens.lock().await.access_token.clone();
        if !token.is_empty() {
            match answered(request(&token)).await {
                Err(SyncError::SignedOut(_)) => {}
                other => return other,
            }
        }
        let token = self.renewed(&token).await?;
        answered(request(&token)).await
    }

    /// A new access token, unless another request has renewed it meanwhile.
    async fn renewed(&self, former: &str) -> Result<String, SyncError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.access_token != former {
            return Ok(tokens.access_token.clone());
        }
        let body = serde_json::json!({ "refresh_token": tokens.refresh_token });
        let fresh: Tokens = answered(self.client.post(self.server.route("/api/auth/refresh")?).json(&body)).await?;
        // A refresh token is good once: it is kept before it is needed.
        (self.keep)(&fresh).map_err(SyncError::Store)?;
        *tokens = fresh;
        Ok(tokens.access_token.clone())
    }
}

/// Sends a request and reads the answer's envelope.
async fn answered<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, SyncError> {
    let response = request
        .send()
        .await
        .map_err(|e| SyncError::Unreachable(e.without_url().to_string()))?;
    let status = response.status();
    let wait = response
        .headers()
        .get("retry-after")
        .and_then(|w| w.to_str().ok())
        .and_then(|w| w.parse().ok());
    let body = response
        .bytes()
        .await
        .map_err(|e| SyncError::Unreachable(e.without_url().to_string()))?;
    if status.is_success() {
        let success: Success<T> = serde_json::from_slice(&body).map_err(|e| SyncError::Unexpected(e.to_string()))?;
        return Ok(success.data);
    }
    let told = serde_json::from_slice::<Failure>(&body).map(|f| format!("{} {}", f.error.code, f.error.message));
    let message = told.unwrap_or_else(|_| format!("HTTP {status}"));
    Err(match status {
        StatusCode::UNAUTHORIZED => SyncError::SignedOut(message),
        StatusCode::TOO_MANY_REQUESTS => SyncError::Busy { message, wait },
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            SyncError::Busy { message, wait }
        }
        _ => SyncError::Refused(message),
    })
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
