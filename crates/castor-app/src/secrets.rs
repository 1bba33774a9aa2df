//! Secrets of this laptop: in the operating system's keyring; where there is none, in an encrypted file, and said so.
//!
//! The file stands in the data folder and its key in the settings folder, readable by its owner alone: a copied data
//! folder or a backup gives no secret away. Whoever can read both folders can read the secrets.

use crate::AppError;
use crate::folders::{replace, write_once};
use crate::view::{SecretView, SecretsPlace, SecretsView};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Nonce};
use keyring_core::api::CredentialStore;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the program in the keyring.
const SERVICE: &str = "castor";

/// Longest secret, in bytes.
const LONGEST: usize = 8192;

/// What is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// The long-lived token by which the server knows this laptop.
    ServerToken,
    /// The key of Anthropic's API.
    Anthropic,
    /// The key of OpenAI's API.
    OpenAi,
    /// The token of X's API.
    X,
}

impl Secret {
    /// Every secret that a person enters; the server's token comes and goes with the sign-in.
    pub const ENTERED: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::X];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServerToken => "server_token",
            Self::Anthropic => "anthropic_api_key",
            Self::OpenAi => "openai_api_key",
            Self::X => "x_bearer_token",
        }
    }

    fn of(name: &str) -> Result<Self, AppError> {
        Self::ENTERED
            .into_iter()
            .find(|secret| secret.name() == name)
            .ok_or_else(|| AppError::Asked(format!("there is no secret \"{name}\"")))
    }
}

/// Where secrets are kept.
enum Keeper {
    Keyring(Arc<CredentialStore>),
    File {
        file: SecretFile,
        /// Why not the keyring.
        because: String,
        /// One change of the file at a time.
        changing: Mutex<()>,
    },
}

/// The secrets of a desk. Calls block: on the keyring's service or on the disk.
pub(crate) struct Secrets {
    keeper: Mutex<Option<Arc<Keeper>>>,
    file: SecretFile,
    /// Name of the server's token in the keyring, which all data folders of a person share.
    token_name: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// The secrets that belong to a data folder, with the file's key in a settings folder.
    pub(crate) fn of(data: &Path, settings: &Path) -> Self {
        Self {
            keeper: Mutex::new(None),
            file: SecretFile {
                file: data.join("secrets.enc"),
                key: settings.join("secrets.key"),
            },
            token_name: format!("{} {}", Secret::ServerToken.name(), data.display()),
        }
    }

    /// The keyring, looked for once; secrets already in the file stay there.
    fn keeper(&self) -> Arc<Keeper> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keeper.get_or_insert_with(|| {
            Arc::new(match keyring() {
                Ok(store) => Keeper::Keyring(store),
                Err(because) => Keeper::File {
                    file: self.file.clone(),
                    because,
                    changing: Mutex::default(),
                },
            })
        }))
    }

    /// Which secrets are set, never what they are.
    pub(crate) fn view(&self) -> Result<SecretsView, AppError> {
        let keeper = self.keeper();
        let place = match &*keeper {
            Keeper::Keyring(_) => SecretsPlace::Keyring,
            Keeper::File { file, because, .. } => SecretsPlace::File {
                path: file.file.display().to_string(),
                because: because.clone(),
            },
        };
        let secrets = Secret::ENTERED.into_iter().map(|secret| {
            let set = keeper.get(secret.name())?.is_some();
            let name = secret.name().to_owned();
            Ok(SecretView { name, set })
        });
        Ok(SecretsView {
            place,
            secrets: secrets.collect::<Result<_, AppError>>()?,
        })
    }

    /// The token by which the server knows this data folder's desk.
    pub(crate) fn server_token(&self) -> Result<Option<String>, AppError> {
        self.keeper().get(&self.token_name)
    }

    /// Keeps that token, or forgets it.
    pub(crate) fn set_server_token(&self, token: Option<&str>) -> Result<(), AppError> {
        self.keeper().set(&self.token_name, token)
    }

    /// Sets a secret, or forgets it.
    pub(crate) fn set(&self, name: &str, value: Option<&str>) -> Result<(), AppError> {
        let secret = Secret::of(name)?;
        let value = value.map(str::trim).filter(|v| !v.is_empty());
        if value.is_some_and(|v| v.len() > LONGEST) {
            return Err(AppError::Asked(format!("a secret has at most {LONGEST} bytes")));
        }
        self.keeper().set(secret.name(), value)
    }
}

impl Keeper {
    fn get(&self, name: &str) -> Result<Option<String>, AppError> {
        match self {
            Self::Keyring(store) => {
                let entry = store.build(SERVICE, name, None).map_err(unkept)?;
                match entry.get_password() {
                    Ok(value) => Ok(Some(value)),
                    Err(keyring_core::Error::NoEntry) => Ok(None),
                    Err(error) => Err(unkept(error)),
                }
            }
            Self::File { file, .. } => Ok(file.load()?.remove(name)),
        }
    }

    fn set(&self, name: &str, value: Option<&str>) -> Result<(), AppError> {
        match self {
            Self::Keyring(store) => {
                let entry = store.build(SERVICE, name, None).map_err(unkept)?;
                match value {
                    Some(value) => entry.set_password(value).map_err(unkept),
                    None => match entry.delete_credential() {
                        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
                        Err(error) => Err(unkept(error)),
                    },
                }
            }
            Self::File { file, changing, .. } => {
                let _alone = changing.lock().unwrap_or_else(PoisonError::into_inner);
                let mut secrets = file.load()?;
                match value {
                    Some(value) => secrets.insert(name.to_owned(), value.to_owned()),
                    None => secrets.remove(name),
                };
                file.save(&secrets)
            }
        }
    }
}

/// The keyring of the session, when there is one that opens; else why not.
#[cfg(target_os = "linux")]
fn keyring() -> Result<Arc<CredentialStore>, String> {
    let store: Arc<CredentialStore> =
        zbus_secret_service_keyring_store::Store::new().map_err(|error| error.to_string())?;
    // A service that answers may still be locked: asking tells.
    let entry = store.build(SERVICE, "probe", None).map_err(|error| error.to_string())?;
    match entry.get_password() {
        Ok(_) | Err(keyring_core::Error::NoEntry) => Ok(store),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(not(target_os = "linux"))]
fn keyring() -> Result<Arc<CredentialStore>, String> {
    Err("this system's keyring is not supported yet".to_owned())
}

fn unkept(error: keyring_core::Error) -> AppError {
    AppError::Keyring(error.to_string())
}

/// Secrets in a file, with the key in another.
#[derive(Debug, Clone)]
struct SecretFile {
    file: PathBuf,
    key: PathBuf,
}

impl SecretFile {
    fn load(&self) -> Result<BTreeMap<String, String>, AppError> {
        let sealed = match std::fs::read(&self.file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(AppError::file(&self.file, &error)),
        };
        let unreadable = || {
            AppError::file(
                &self.file,
                &"it does not open with this laptop's key; delete it and enter the secrets again",
            )
        };
        let (nonce, sealed) = sealed.split_at_checked(24).ok_or_else(unreadable)?;
        let nonce = Nonce::<XChaCha20Poly1305>::try_from(nonce).map_err(|_| unreadable())?;
        let open = self.cipher()?.decrypt(&nonce, sealed).map_err(|_| unreadable())?;
        serde_json::from_slice(&open).map_err(|_| unreadable())
    }

    fn save(&self, secrets: &BTreeMap<String, String>) -> Result<(), AppError> {
        let fails = |error: &dyn fmt::Display| AppError::file(&self.file, &error.to_string());
        let open = serde_json::to_vec(secrets).map_err(|e| fails(&e))?;
        let nonce = Nonce::<XChaCha20Poly1305>::generate();
        let sealed = self.cipher()?.encrypt(&nonce, &*open).map_err(|e| fails(&e))?;
        replace(&self.file, &[&nonce, &sealed]).map_err(|e| fails(&e))
    }

    /// The cipher of this laptop's key, which is drawn where there is none.
    fn cipher(&self) -> Result<XChaCha20Poly1305, AppError> {
        let fails = |error: &dyn fmt::Display| AppError::file(&self.key, &error.to_string());
        if !self.key.exists() {
            if let Some(folder) = self.key.parent() {
                std::fs::create_dir_all(folder).map_err(|e| fails(&e))?;
            }
            // Another desk with the same settings may draw one at the same time: the first stays.
            write_once(&self.key, &[&Key::<XChaCha20Poly1305>::generate()]).map_err(|e| fails(&e))?;
        }
        let key = std::fs::read(&self.key).map_err(|e| fails(&e))?;
        let key = Key::<XChaCha20Poly1305>::try_from(&*key).map_err(|e| fails(&e))?;
        Ok(XChaCha20Poly1305::new(&key))
    }
}
