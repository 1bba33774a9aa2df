//! The interface's types are those of the desk.

use castor_app::view::{
    AccountView, Alternative, AuditQuery, AuditRow, CellAction, CellReading, CellState, CellView, ChainReport,
    CheckView, CopiesItem, CopiesPage, CopiesView, CopyCell, CopyCellName, CopyRow, CopyView, Decision, DeskStatus,
    ExportFormat, ExportProgress, ExportResult, Failure, FieldProblem, FormAction, FormView, HeaderItem, HistoryView,
    ImportItem, ImportStatus, KappaView, MovedVotes, PageView, PersonQuality, PriorityName, QueueItem, QueueOrder,
    QueuePage, QueueQuery, ReasonName, Rect, RefusedChange, SamplingSettings, SecretView, SecretsPlace, SecretsView,
    ServerState, ServerView, Settings, ShareView, SightName, SourceView, StateCount, StateName,
};
use std::fmt::Write;
use std::path::Path;
use ts_rs::{Config, TS};

macro_rules! declarations {
    ($config:expr, $($kind:ty),* $(,)?) => {{
        let mut out = String::from("// Generated from crates/castor-app/src/view.rs. Do not edit.\n\n");
        $( let _ = writeln!(out, "export {}", <$kind>::decl($config)); )*
        out
    }};
}

/// `CASTOR_WRITE_TYPES=1 cargo test -p castor-app types` writes the file afresh.
#[test]
fn the_interface_has_the_desks_types() {
    let config = Config::new().with_large_int("number");
    let due = declarations!(
        &config,
        StateName,
        PriorityName,
        ReasonName,
        QueueOrder,
        QueueQuery,
        QueueItem,
        QueuePage,
        Rect,
        CellState,
        CellReading,
        Decision,
        SightName,
        CellView,
        Alternative,
        CheckView,
        PageView,
        HistoryView,
        FormView,
        HeaderItem,
        CellAction,
        FormAction,
        ImportStatus,
        ImportItem,
        ServerState,
        AccountView,
        ServerView,
        RefusedChange,
        SourceView,
        DeskStatus,
        StateCount,
        CopyView,
        CopyCellName,
        CopyCell,
        CopyRow,
        MovedVotes,
        CopiesView,
        CopiesItem,
        CopiesPage,
        ExportResult,
        ExportFormat,
        ExportProgress,
        AuditQuery,
        AuditRow,
        ChainReport,
        SamplingSettings,
        Settings,
        SecretView,
        SecretsPlace,
        SecretsView,
        ShareView,
        KappaView,
        PersonQuality,
        FieldProblem,
        Failure,
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/backend/types.ts");
    if std::env::var_os("CASTOR_WRITE_TYPES").is_some() {
        std::fs::write(&file, &due).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        there, due,
        "types.ts is behind view.rs; run this test with CASTOR_WRITE_TYPES=1"
    );
}
