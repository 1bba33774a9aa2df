//! ONNX Runtime, loaded once per process, and the sessions that share it.

use ort::environment::Environment;
use ort::session::Session;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What can go wrong before a model answers.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The native library is not where the installation puts it.
    #[error("RUNTIME_MISSING: {path} cannot be loaded ({reason}); run ./run or scripts/install.sh", path = path.display())]
    Library {
        /// Where it was looked for.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// A model file is absent, damaged or of another kind.
    #[error("MODEL_UNUSABLE: {path}: {reason}", path = path.display())]
    Model {
        /// The model file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model failed on an input.
    #[error("MODEL_FAILED: {0}")]
    Run(String),
}

/// Folder of the installed native libraries and models: `CASTOR_HOME`, else `~/.cache/castor`.
#[must_use]
pub fn home() -> PathBuf {
    std::env::var_os("CASTOR_HOME").map_or_else(
        || {
            std::env::var_os("HOME")
                .map_or_else(|| PathBuf::from("."), PathBuf::from)
                .join(".cache/castor")
        },
        PathBuf::from,
    )
}

/// Where the ONNX Runtime library is installed.
#[must_use]
pub fn library_path() -> PathBuf {
    home().join("lib").join(if cfg!(target_os = "windows") {
        "onnxruntime.dll"
    } else if cfg!(target_os = "macos") {
        "libonnxruntime.dylib"
    } else {
        "libonnxruntime.so"
    })
}

/// The environment of this process: only one may exist, so every session goes through here.
///
/// # Errors
/// [`RuntimeError::Library`] when the native library is missing or does not fit.
pub fn environment() -> Result<&'static Environment, RuntimeError> {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    static OPENING: Mutex<()> = Mutex::new(());
    if let Some(environment) = ENVIRONMENT.get() {
        return Ok(environment);
    }
    let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = ENVIRONMENT.get() {
        return Ok(environment);
    }
    let path = library_path();
    let refuse = |reason: String| RuntimeError::Library {
        path: path.clone(),
        reason,
    };
    if !path.exists() {
        return Err(refuse("no such file".into()));
    }
    let environment = ort::init_from(&path)
        .map_err(|e| refuse(e.to_string()))?
        .with_name("castor")
        .with_telemetry(false)
        .build()
        .map_err(|e| refuse(e.to_string()))?;
    Ok(ENVIRONMENT.get_or_init(|| environment))
}

/// Sessions of one model, one for each thread that runs it at the same time.
///
/// A session computes on the calling thread alone: pages run in parallel, operators do not.
#[derive(Debug)]
pub struct SessionPool {
    path: PathBuf,
    model: Vec<u8>,
    idle: Mutex<Vec<Session>>,
}

impl SessionPool {
    /// Reads a model file and opens its first session.
    ///
    /// # Errors
    /// [`RuntimeError::Library`] without ONNX Runtime, [`RuntimeError::Model`] when the file is no usable model.
    pub fn open(path: &Path) -> Result<Self, RuntimeError> {
        let model = std::fs::read(path).map_err(|e| RuntimeError::Model {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        Self::of_bytes(path, model)
    }

    /// The same from bytes already in memory; `path` only names the model in messages.
    ///
    /// # Errors
    /// As [`SessionPool::open`].
    pub fn of_bytes(path: &Path, model: Vec<u8>) -> Result<Self, RuntimeError> {
        let pool = Self {
            path: path.to_owned(),
            model,
            idle: Mutex::new(Vec::new()),
        };
        let first = pool.session()?;
        pool.give_back(first);
        Ok(pool)
    }

    /// Value of a metadata key of the model.
    ///
    /// # Errors
    /// [`RuntimeError::Model`] when the metadata cannot be read.
    pub fn metadata(&self, key: &str) -> Result<Option<String>, RuntimeError> {
        let session = self.take()?;
        let value = session.metadata().map(|m| m.custom(key));
        let value = value.map_err(|e| self.unusable(&e.to_string()));
        self.give_back(session);
        value
    }

    /// Runs `work` with a session that no other thread uses meanwhile.
    ///
    /// # Errors
    /// What `work` returns, or [`RuntimeError`] when a further session cannot be opened.
    pub fn run<T>(&self, work: impl FnOnce(&mut Session) -> ort::Result<T>) -> Result<T, RuntimeError> {
        let mut session = self.take()?;
        let done = work(&mut session).map_err(|e| RuntimeError::Run(e.to_string()));
        self.give_back(session);
        done
    }

    fn take(&self) -> Result<Session, RuntimeError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.session(), Ok)
    }

    fn give_back(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    fn session(&self) -> Result<Session, RuntimeError> {
        let environment = environment()?;
        let open = || -> ort::Result<Session> {
            Session::builder(environment)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                // Lines have any width: what ONNX Runtime plans and keeps for one is of no use to the next, and would
                // grow with every form.
                .with_memory_pattern(false)?
                .with_execution_providers([ort::ep::CPU::default().with_arena_allocator(false).build()])?
                .commit_from_memory(&self.model)
        };
        open().map_err(|e| self.unusable(&e.to_string()))
    }

    fn unusable(&self, reason: &str) -> RuntimeError {
        RuntimeError::Model {
            path: self.path.clone(),
            reason: reason.to_owned(),
        }
    }
}
