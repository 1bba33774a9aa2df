//! Embeds tauri.conf.json, the capabilities and the interface; the window may call the one command of the desk.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&["desk"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))
        .unwrap_or_else(|error| panic!("tauri.conf.json, capabilities/ or ui/dist (scripts/ui.sh): {error:#}"));
}
