//! Access tokens: EdDSA and nothing else, by keys that have names.

use crate::config::{Config, Secret, Service};
use crate::error::{ApiError, ErrorCode};
use crate::role::Role;
use crate::secret::private_file;
use argon2::Argon2;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

const ISSUER: &str = "castor";
/// Between two questions to the core for keys that are not known.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// The same, when it did not answer.
const ASK_SILENT_AGAIN: Duration = Duration::from_secs(1);
/// Between two fetches of the core's keys, so that one which it no longer has is soon worth nothing here.
pub(crate) const FETCH_AGAIN: Duration = Duration::from_secs(120);

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// The account.
    pub sub: Uuid,
    /// The sign-in.
    pub sid: Uuid,
    /// The role when it was made.
    pub role: Role,
    /// Always `access`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Made at, seconds since 1970.
    pub iat: u64,
    /// Ends at, seconds since 1970.
    pub exp: u64,
    /// Its own id.
    pub jti: Uuid,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Keys cannot be derived or made.
    #[error("the signing key cannot be made: {0}")]
    Make(String),
}

/// The keys of tokens.
pub struct Keys {
    signing: Option<Signing>,
    /// Those of the configuration and the data folder.
    own: Known,
    /// Where to ask for keys, in a service that runs without the core and without the shared secret.
    core: Option<Core>,
}

struct Signing {
    name: String,
    key: EncodingKey,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, (Jwk, DecodingKey)>,
}

struct Core {
    url: String,
    client: reqwest::Client,
    /// When it was asked last, and whether it answered. Held while it is asked: others wait for the answer.
    asked: tokio::sync::Mutex<Option<(Instant, bool)>>,
    fetched: RwLock<Option<Fetched>>,
    /// How long its keys are good without another fetch: as long as a token that it signed before it went away can live.
    good_for: Duration,
}

/// The keys that the core published, all of them.
struct Fetched {
    known: Known,
    at: Instant,
}

impl Keys {
    /// The shared secret's key; else the key file; else, in the core, one made in the data folder; else those that the
    /// core publishes. `jwt-previous.pem` in the data folder verifies tokens made before a change of keys.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn new(config: &Config, client: &reqwest::Client) -> Result<Self, KeyError> {
        let made = Self::made_in(&config.data);
        let signing = match (&config.jwt_secret, &config.jwt_key_file) {
            (Some(secret), _) => Some(derived(secret)?),
            (None, Some(file)) => Some(read(file)?),
            (None, None) if config.runs(Service::Core) => Some(read_or_make(&made)?),
            (None, None) => None,
        };
        let previous = config.data.join("keys").join("jwt-previous.pem");
        // Who has no key asks the core, which publishes its previous one too: a folder shared with others adds nothing to that.
        let previous = if signing.is_some() && previous.exists() {
            Some(read(&previous)?)
        } else {
            None
        };
        let mut own = Known::default();
        for key in signing.iter().chain(&previous) {
            own.add(public(key)?)?;
        }
        let signing = signing.as_ref().map(Signing::new).transpose()?;
        let url = format!("{}/api/auth/jwks", config.discovery.core);
        let core = signing.is_none().then(|| Core {
            url,
            client: client.clone(),
            asked: tokio::sync::Mutex::default(),
            fetched: RwLock::default(),
            good_for: config.access_ttl,
        });
        Ok(Self { signing, own, core })
    }

    /// Where the core keeps the key that it made itself.
    pub(crate) fn made_in(data: &Path) -> PathBuf {
        data.join("keys").join("jwt.pem")
    }

    /// Makes an access token.
    ///
    /// # Errors
    /// `INTERNAL` in a service that has no signing key.
    pub fn access(&self, user: Uuid, session: Uuid, role: Role, life: Duration) -> Result<String, ApiError> {
        let signing = self.signing.as_ref().ok_or_else(ApiError::internal)?;
        let now = now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user,
            sid: session,
            role,
            kind: "access".to_owned(),
            iat: now,
            exp: now + life.as_secs(),
            jti: Uuid::new_v4(),
        };
        let header = Header {
            kid: Some(signing.name.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        encode(&header, &claims, &signing.key).map_err(|error| {
            tracing::error!(%error, "a token cannot be signed");
            ApiError::internal()
        })
    }

    /// What the token says, when it is one of ours, for access, and has not ended.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; `UPSTREAM_UNAVAILABLE` when the keys are the core's and it does not answer.
    pub async fn verify_access(&self, token: &str) -> Result<Claims, ApiError> {
        let header = decode_header(token).map_err(|_| ApiError::unauthenticated())?;
        let name = header.kid.ok_or_else(ApiError::unauthenticated)?;
        let key = match self.key(&name) {
            Some(key) => key,
            None => {
                self.ask_core().await?;
                self.key(&name).ok_or_else(ApiError::unauthenticated)?
            }
        };
        // The algorithm is ours to choose, never the token's.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|_| ApiError::unauthenticated())?
            .claims;
        if claims.kind == "access" {
            Ok(claims)
        } else {
            Err(ApiError::unauthenticated())
        }
    }

    /// The public keys, for other services.
    #[must_use]
    pub fn published(&self) -> JwkSet {
        JwkSet {
            keys: self.own.keys.values().map(|(jwk, _)| jwk.clone()).collect(),
        }
    }

    /// Whether tokens are verified here by the keys that the core publishes.
    pub(crate) fn are_the_cores(&self) -> bool {
        self.core.is_some()
    }

    /// Fetches the core's keys again and again, for ever. While it is away, those that it gave last are good for as long as
    /// its tokens can live.
    pub(crate) async fn keep_fresh(&self, every: Duration) {
        let Some(core) = &self.core else { return };
        loop {
            tokio::time::sleep(every).await;
            let mut asked = core.asked.lock().await;
            // Told in the log; who needs a key that is not there asks at once.
            let _ = core.fetch_now(&mut asked).await;
        }
    }

    fn key(&self, name: &str) -> Option<DecodingKey> {
        let own = self.own.get(name);
        own.or_else(|| self.core.as_ref()?.key(name))
    }

    async fn ask_core(&self) -> Result<(), ApiError> {
        match &self.core {
            Some(core) => core.ask().await,
            None => Ok(()),
        }
    }
}

impl Core {
    fn key(&self, name: &str) -> Option<DecodingKey> {
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        let good = fetched.as_ref().filter(|fetched| fetched.at.elapsed() < self.good_for);
        good?.known.get(name)
    }

    async fn ask(&self) -> Result<(), ApiError> {
        let mut asked = self.asked.lock().await;
        if let Some((at, answered)) = *asked {
            let again = if answered { ASK_AGAIN } else { ASK_SILENT_AGAIN };
            if at.elapsed() < again {
                return if answered { Ok(()) } else { Err(silent()) };
            }
        }
        self.fetch_now(&mut asked).await
    }

    /// What it publishes takes the place of what it published before.
    async fn fetch_now(&self, asked: &mut Option<(Instant, bool)>) -> Result<(), ApiError> {
        let fetched = fetch(self).await;
        *asked = Some((Instant::now(), fetched.is_ok()));
        let fetched = fetched.map_err(|error| {
            tracing::warn!(%error, url = self.url, "the core does not give its keys");
            silent()
        })?;
        let mut known = Known::default();
        for jwk in fetched.keys {
            if let Err(error) = known.add(jwk) {
                tracing::warn!(%error, "a key of the core cannot be used");
            }
        }
        let at = Instant::now();
        *self.fetched.write().unwrap_or_else(PoisonError::into_inner) = Some(Fetched { known, at });
        Ok(())
    }
}

fn silent() -> ApiError {
    ApiError::new(
        ErrorCode::UpstreamUnavailable,
        "the core service does not answer; try again shortly",
    )
}

async fn fetch(core: &Core) -> Result<JwkSet, reqwest::Error> {
    core.client
        .get(&core.url)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await
}

impl Known {
    fn add(&mut self, jwk: Jwk) -> Result<(), KeyError> {
        let key = DecodingKey::from_jwk(&jwk).map_err(make)?;
        let name = jwk.thumbprint(ThumbprintHash::SHA256).map_err(make)?;
        self.keys.insert(name, (jwk, key));
        Ok(())
    }

    fn get(&self, name: &str) -> Option<DecodingKey> {
        self.keys.get(name).map(|(_, key)| key.clone())
    }
}

impl Signing {
    fn new(key: &SigningKey) -> Result<Self, KeyError> {
        let name = public(key)?.common.key_id.unwrap_or_default();
        let der = key.to_pkcs8_der().map_err(make)?;
        Ok(Self {
            name,
            key: EncodingKey::from_ed_der(der.as_bytes()),
        })
    }
}

/// The public half, named by its thumbprint (RFC 7638).
fn public(key: &SigningKey) -> Result<Jwk, KeyError> {
    let decoding = DecodingKey::from_ed_der(key.verifying_key().as_bytes());
    let mut jwk = Jwk::from_decoding_key(&decoding, Some(Algorithm::EdDSA)).map_err(make)?;
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(make)?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

/// Every service with the same secret has the same key. Argon2id makes guessing the secret from tokens slow.
fn derived(secret: &Secret) -> Result<SigningKey, KeyError> {
    let mut seed = [0; 32];
    Argon2::default()
        .hash_password_into(secret.reveal().as_bytes(), b"castor jwt ed25519", &mut seed)
        .map_err(make)?;
    Ok(SigningKey::from_bytes(&seed))
}

fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |reason: String| KeyError::File {
        path: path.to_path_buf(),
        reason,
    };
    let pem = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|error| failed(format!("is not an Ed25519 key in PKCS#8 PEM: {error}")))
}

fn read_or_make(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |reason: String| KeyError::File {
        path: path.to_path_buf(),
        reason,
    };
    if path.exists() {
        return read(path);
    }
    let key = SigningKey::from_bytes(&rand::random());
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(make)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    }
    match write_private(path, pem.as_bytes()) {
        Ok(()) => Ok(key),
        // Another process of this server was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use io::Write;
    let mut file = private_file().open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn make(error: impl std::fmt::Display) -> KeyError {
    KeyError::Make(error.to_string())
}

fn now() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Keys, now};
    use crate::config::{Config, Service};
    use crate::error::ErrorCode;
    use crate::role::Role;
    use axum::routing::get;
    use axum::{Json, Router};
    use jsonwebtoken::jwk::JwkSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use uuid::Uuid;

    fn keys(service: Service, variables: &[(&str, String)]) -> Keys {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::from_variables([service].into(), variable).unwrap();
        Keys::new(&config, &client).unwrap()
    }

    fn core(secret: &str) -> Keys {
        keys(Service::Core, &[("JWT_SECRET_KEY", secret.repeat(32))])
    }

    fn token(keys: &Keys) -> String {
        let life = Duration::from_secs(600);
        keys.access(Uuid::new_v4(), Uuid::new_v4(), Role::Viewer, life).unwrap()
    }

    /// A core whose published keys can be changed, and that can be sent away.
    struct Published {
        keys: Arc<Mutex<JwkSet>>,
        url: String,
        served: tokio::task::JoinHandle<()>,
    }

    impl Published {
        async fn start(keys: JwkSet) -> Self {
            let keys = Arc::new(Mutex::new(keys));
            let shown = Arc::clone(&keys);
            let answer = move || async move { Json(shown.lock().unwrap().clone()) };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let app = Router::new().route("/api/auth/jwks", get(answer));
            let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
            Self { keys, url, served }
        }

        fn seen_from_elsewhere(&self, good_for: u64) -> Arc<Keys> {
            let variables = [
                ("CORE_SERVICE_URL", self.url.clone()),
                ("JWT_ACCESS_TOKEN_EXPIRES", good_for.to_string()),
                ("CASTOR_DATA", "/nowhere".to_owned()),
            ];
            Arc::new(keys(Service::E14, &variables))
        }
    }

    #[tokio::test]
    async fn a_key_that_the_core_no_longer_publishes_is_soon_refused() {
        let (former, present) = (core("a"), core("b"));
        let mut both = former.published();
        both.keys.extend(present.published().keys);
        let published = Published::start(both).await;
        let alone = published.seen_from_elsewhere(3_600);
        for keys in [&former, &present] {
            alone.verify_access(&token(keys)).await.unwrap();
        }
        let fresh = Arc::clone(&alone);
        let task = tokio::spawn(async move { fresh.keep_fresh(Duration::from_millis(20)).await });
        *published.keys.lock().unwrap() = present.published();
        let began = now();
        while alone.verify_access(&token(&former)).await.is_ok() {
            assert!(now() - began < 10, "the key is still good");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        alone.verify_access(&token(&present)).await.unwrap();
        task.abort();
    }

    #[tokio::test]
    async fn while_the_core_is_away_its_last_keys_are_good_for_a_time() {
        let present = core("b");
        let published = Published::start(present.published()).await;
        let alone = published.seen_from_elsewhere(10);
        alone.verify_access(&token(&present)).await.unwrap();
        published.served.abort();
        let fresh = Arc::clone(&alone);
        let task = tokio::spawn(async move { fresh.keep_fresh(Duration::from_millis(20)).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        alone.verify_access(&token(&present)).await.unwrap();
        let mut refused = alone.verify_access(&token(&present)).await;
        for _ in 0..600 {
            if refused.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            refused = alone.verify_access(&token(&present)).await;
        }
        let error = refused.unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamUnavailable);
        task.abort();
    }
}
