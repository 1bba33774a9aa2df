-- The event log. Rows are only ever added; each hash covers the one before it.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    form TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX event_of_form ON event (form, seq);
CREATE INDEX event_of_person ON event (by, at);

CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event BEGIN
    SELECT RAISE(ABORT, 'the log is only ever added to');
END;
CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event BEGIN
    SELECT RAISE(ABORT, 'the log is only ever added to');
END;

-- Events that a server has not taken yet.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY REFERENCES event (seq)
) STRICT;

-- What the queue needs of each form: rebuilt from the log at any time.
CREATE TABLE form (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    demo INTEGER NOT NULL,
    state TEXT NOT NULL,
    waits INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    departamento TEXT,
    municipio TEXT,
    zona TEXT,
    puesto TEXT,
    mesa TEXT,
    place TEXT NOT NULL,
    corporacion TEXT,
    copia TEXT,
    doubtful INTEGER NOT NULL,
    finding TEXT,
    confidence REAL NOT NULL,
    impact INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX form_by_priority ON form (waits DESC, priority, imported_at, id);
CREATE INDEX form_by_confidence ON form (waits DESC, confidence, id);
CREATE INDEX form_by_impact ON form (waits DESC, impact DESC, id);
CREATE INDEX form_by_table ON form (departamento, municipio, zona, puesto, mesa, corporacion, copia);

-- Files given to the import, in the order given.
CREATE TABLE import (
    seq INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    sha256 TEXT,
    state TEXT NOT NULL,
    code TEXT,
    message TEXT,
    demo INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX import_waiting ON import (state, seq);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
