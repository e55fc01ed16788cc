//! What a build is made with, besides its code: settings that change what its rows mean.

use super::Build;
use crate::error::RunError;
use crate::projection::Definition;
use crate::views::Settings;
use std::collections::BTreeMap;

/// What changes a view's meaning, by name.
pub(crate) type BuildSettings = BTreeMap<String, String>;

/// The settings that a build of this view is made with.
pub(crate) fn settings_of(definition: &Definition, settings: &Settings) -> BuildSettings {
    let mut kept = BuildSettings::new();
    if definition.uses_time_zone {
        kept.insert("time_zone".to_owned(), settings.time_zone.name().to_owned());
    }
    kept
}

/// The command line that makes a view anew with these settings. All of them stand in it: whoever runs it may have
/// others configured than the process that advises it.
pub(crate) fn rebuild_command(name: &str, settings: &BuildSettings) -> String {
    let options = settings.iter().map(|(name, value)| format!(" --{} {value}", name.replace('_', "-")));
    format!("orders projections rebuild {name}{}", options.collect::<String>())
}

/// Settings as people read them.
pub(crate) fn settings_text(settings: &BuildSettings) -> String {
    let texts: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if texts.is_empty() { "no setting".to_owned() } else { texts.join(", ") }
}

/// Refuses a build that was made with other settings than this process has.
pub(crate) fn check_settings(build: &Build, definition: &Definition, settings: &Settings) -> Result<(), RunError> {
    let (name, configured) = (definition.name, settings_of(definition, settings));
    if build.settings == configured {
        return Ok(());
    }
    let rebuild = rebuild_command(name, &configured);
    let (built, configured) = (settings_text(&build.settings), settings_text(&configured));
    Err(RunError::SettingsChanged { name, built, configured, rebuild })
}
