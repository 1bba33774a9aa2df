-- Who read a form (all, and those who may not do its present reading), as JSON lists of names, and how many of its
-- cells have a settled answer. Rebuilt from the log like the rest of the row.
ALTER TABLE form ADD COLUMN readers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE form ADD COLUMN barred TEXT NOT NULL DEFAULT '[]';
ALTER TABLE form ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
CREATE INDEX form_with_known ON form (id) WHERE known > 0;

-- Cells with a settled answer that were given to a person, under a name of their own. Of this desk alone: only the
-- answers are in the log.
CREATE TABLE probe (
    id TEXT PRIMARY KEY,
    form TEXT NOT NULL,
    cell TEXT NOT NULL,
    person TEXT NOT NULL,
    open INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_of_person ON probe (person, open);
