-- Results by contest and place. They follow from the forms' rows, a moment behind them: `result_state.upto` says up to
-- which place of the order.
ALTER TABLE form
    -- Votes by row of the ballot, null where a cell is not known; null for a form that counts for nothing.
    ADD COLUMN votes jsonb,
    ADD COLUMN copy_rank smallint NOT NULL DEFAULT 3,
    ADD COLUMN consistent boolean NOT NULL DEFAULT false;
-- Rows are written anew with every push: room for that beside the old ones.
ALTER TABLE form SET (fillfactor = 70);

-- The form that counts for a table and contest: legal rank, then validated, then consistent, then the latest.
CREATE FUNCTION counting_form(text, text, text, text, text, text) RETURNS SETOF form LANGUAGE sql STABLE AS $$
    SELECT * FROM form f
    WHERE f.departamento = $2 AND f.municipio = $3 AND f.zona = $4 AND f.puesto = $5 AND f.mesa = $6 AND f.corporacion = $1
        AND f.votes IS NOT NULL AND NOT f.demo
    ORDER BY f.copy_rank, f.state = 'COMPLETED' DESC, f.consistent DESC, f.version DESC LIMIT 1
$$;

-- What of each table is in the sums now.
CREATE TABLE result_table (
    corporacion text NOT NULL,
    departamento text NOT NULL,
    municipio text NOT NULL,
    zona text NOT NULL,
    puesto text NOT NULL,
    mesa text NOT NULL,
    form text NOT NULL,
    validated boolean NOT NULL,
    votes jsonb NOT NULL,
    PRIMARY KEY (corporacion, departamento, municipio, zona, puesto, mesa)
);
CREATE INDEX result_table_of_form ON result_table (form);

-- Sums at each level, 0 the country to 4 the polling place; codes below a level are empty.
CREATE TABLE result (
    corporacion text NOT NULL,
    level smallint NOT NULL,
    departamento text NOT NULL,
    municipio text NOT NULL,
    zona text NOT NULL,
    puesto text NOT NULL,
    path text NOT NULL,
    votes bigint NOT NULL,
    validated bigint NOT NULL,
    tables bigint NOT NULL,
    unread bigint NOT NULL,
    PRIMARY KEY (corporacion, level, departamento, municipio, zona, puesto, path)
);
CREATE TABLE result_place (
    corporacion text NOT NULL,
    level smallint NOT NULL,
    departamento text NOT NULL,
    municipio text NOT NULL,
    zona text NOT NULL,
    puesto text NOT NULL,
    tables bigint NOT NULL,
    validated bigint NOT NULL,
    PRIMARY KEY (corporacion, level, departamento, municipio, zona, puesto)
);
CREATE TABLE result_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto bigint NOT NULL
);
INSERT INTO result_state (upto) VALUES (0);
