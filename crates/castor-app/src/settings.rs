//! Settings of this laptop.

use crate::folders::choose_data_folder;
use crate::view::{SamplingSettings, SecretsView, Settings};
use crate::{AppError, Desk};
use castor_domain::review::{MACHINE, Sampling};
use std::path::Path;
use std::sync::Arc;

/// Name under which the settings are kept.
const NAME: &str = "desk";

/// What holds before anything was set.
fn usual() -> Settings {
    Settings {
        language: "es-CO".to_owned(),
        person: std::env::var("USER")
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "revisor".to_owned()),
        theme: "system".to_owned(),
        blind: false,
        keys: std::collections::BTreeMap::new(),
        sampling: SamplingSettings::default(),
        threshold: None,
    }
}

impl Desk {
    /// The settings.
    pub(crate) async fn settings(&self) -> Result<Settings, AppError> {
        let kept = self.store.setting(NAME).await?;
        // Settings of another version that no longer fit give way to the usual ones.
        Ok(kept
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(usual))
    }

    /// Changes the settings.
    pub(crate) async fn save_settings(&self, settings: Settings) -> Result<Settings, AppError> {
        let person = settings.person.trim().to_owned();
        if person.is_empty() || person.chars().count() > 80 {
            return Err(AppError::Asked("a name of 1 to 80 characters is needed".to_owned()));
        }
        if person == MACHINE {
            return Err(AppError::Asked(format!("\"{MACHINE}\" is the machine's own name")));
        }
        let sampling = &settings.sampling;
        if sampling.second_percent > 100 || sampling.known_percent > 100 {
            return Err(AppError::Asked("a share is of 0 to 100 %".to_owned()));
        }
        // The model's threshold is chosen on held-out forms for a stated error: it may be raised, never lowered.
        let floor = self.reader.threshold();
        if let Some(threshold) = settings.threshold
            && !(floor..=1.0).contains(&threshold)
        {
            return Err(AppError::Asked(format!(
                "the threshold lies between the model's own, {floor}, and 1"
            )));
        }
        let settings = Settings { person, ..settings };
        let text = serde_json::to_string(&settings).map_err(|e| AppError::Asked(e.to_string()))?;
        self.store.set_setting(NAME, &text).await?;
        Ok(settings)
    }

    /// Gives a person who has not chosen a name theirs: what stands beside corrections belongs to one account alone.
    pub(crate) async fn named_by_account(&self, name: &str) -> Result<(), AppError> {
        let settings = self.settings().await?;
        let name: String = name.chars().take(80).collect();
        if settings.person == usual().person && !name.is_empty() {
            let person = name;
            self.save_settings(Settings { person, ..settings }).await?;
        }
        Ok(())
    }

    /// Which secrets are set, and where they are kept.
    pub(crate) async fn secrets(self: &Arc<Self>) -> Result<SecretsView, AppError> {
        let desk = Arc::clone(self);
        let view = tokio::task::spawn_blocking(move || desk.secrets.view()).await;
        view.map_err(|e| AppError::Cut(e.to_string()))?
    }

    /// Sets a secret, or forgets it.
    pub(crate) async fn save_secret(
        self: &Arc<Self>,
        name: String,
        value: Option<String>,
    ) -> Result<SecretsView, AppError> {
        let desk = Arc::clone(self);
        let set = tokio::task::spawn_blocking(move || desk.secrets.set(&name, value.as_deref())).await;
        set.map_err(|e| AppError::Cut(e.to_string()))??;
        self.secrets().await
    }

    /// Chooses the data folder from the next start on.
    pub(crate) fn choose_data_folder(&self, folder: &Path) -> Result<(), AppError> {
        choose_data_folder(&self.settings_folder, folder)
    }
}

impl SamplingSettings {
    /// Which forms are read a second time.
    pub(crate) fn second(&self) -> Sampling {
        Sampling {
            seed: self.seed.clone(),
            rate: f64::from(self.second_percent) / 100.0,
        }
    }

    /// When a cell with a settled answer comes before the next form.
    pub(crate) fn known(&self) -> Sampling {
        Sampling {
            seed: self.seed.clone(),
            rate: f64::from(self.known_percent) / 100.0,
        }
    }
}
