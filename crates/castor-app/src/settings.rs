//! Settings of this laptop.

use crate::view::Settings;
use crate::{AppError, Desk};

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
        let settings = Settings { person, ..settings };
        let text = serde_json::to_string(&settings).map_err(|e| AppError::Asked(e.to_string()))?;
        self.store.set_setting(NAME, &text).await?;
        Ok(settings)
    }
}
