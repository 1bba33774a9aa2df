//! Access tokens: EdDSA and nothing else, by keys that have names.

use crate::config::{Config, Secret, Service};
use crate::error::{ApiError, ErrorCode};
use crate::role::Role;
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
    known: RwLock<Known>,
    /// When the core was asked last, and whether it answered. Held while it is asked: others wait for the answer.
    asked: tokio::sync::Mutex<Option<(Instant, bool)>>,
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
}

impl Keys {
    /// The shared secret's key; else the key file; else, in the core, one made in the data folder; else those that the
    /// core publishes. `jwt-previous.pem` in the data folder verifies tokens made before a change of keys.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn new(config: &Config, client: &reqwest::Client) -> Result<Self, KeyError> {
        let made = config.data.join("keys").join("jwt.pem");
        let signing = match (&config.jwt_secret, &config.jwt_key_file) {
            (Some(secret), _) => Some(derived(secret)?),
            (None, Some(file)) => Some(read(file)?),
            (None, None) if config.runs(Service::Core) => Some(read_or_make(&made)?),
            (None, None) => None,
        };
        let previous = config.data.join("keys").join("jwt-previous.pem");
        let previous = if previous.exists() {
            Some(read(&previous)?)
        } else {
            None
        };
        let mut known = Known::default();
        for key in signing.iter().chain(&previous) {
            known.add(public(key)?)?;
        }
        let signing = signing.as_ref().map(Signing::new).transpose()?;
        let url = format!("{}/api/auth/jwks", config.discovery.core);
        let core = signing.is_none().then(|| Core {
            url,
            client: client.clone(),
        });
        Ok(Self {
            signing,
            known: RwLock::new(known),
            asked: tokio::sync::Mutex::default(),
            core,
        })
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
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        JwkSet {
            keys: known.keys.values().map(|(jwk, _)| jwk.clone()).collect(),
        }
    }

    fn key(&self, name: &str) -> Option<DecodingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(name).map(|(_, key)| key.clone())
    }

    async fn ask_core(&self) -> Result<(), ApiError> {
        let Some(core) = &self.core else { return Ok(()) };
        let silent = || {
            ApiError::new(
                ErrorCode::UpstreamUnavailable,
                "the core service does not answer; try again shortly",
            )
        };
        let mut asked = self.asked.lock().await;
        if let Some((at, answered)) = *asked {
            let again = if answered { ASK_AGAIN } else { ASK_SILENT_AGAIN };
            if at.elapsed() < again {
                return if answered { Ok(()) } else { Err(silent()) };
            }
        }
        let fetched = fetch(core).await;
        *asked = Some((Instant::now(), fetched.is_ok()));
        let fetched = fetched.map_err(|error| {
            tracing::warn!(%error, url = core.url, "the core does not give its keys");
            silent()
        })?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for jwk in fetched.keys {
            if let Err(error) = known.add(jwk) {
                tracing::warn!(%error, "a key of the core cannot be used");
            }
        }
        Ok(())
    }
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
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn make(error: impl std::fmt::Display) -> KeyError {
    KeyError::Make(error.to_string())
}

fn now() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default()
}
