-- Rows of the original's SQLite databases as they were, until the service that they belong to takes them over. Accounts and
-- leads are not here: they became rows of their own tables.
CREATE TABLE former_row (
    -- Of table and content, so that the same row is there once however often it is brought in.
    hash bytea PRIMARY KEY,
    table_name text NOT NULL,
    content jsonb NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX former_row_of_table ON former_row (table_name);
