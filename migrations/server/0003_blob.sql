-- Files of forms that laptops send in pieces. The bytes stand in the store of files; here stands how far each has come.
CREATE TABLE blob (
    sha256 text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('file', 'pages')),
    total bigint NOT NULL CHECK (total > 0),
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes <= total),
    whole boolean NOT NULL DEFAULT false,
    account uuid NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX blob_partial ON blob (touched_at) WHERE NOT whole;

-- Page files that the list of a form names.
CREATE TABLE blob_page (
    form text NOT NULL REFERENCES blob (sha256),
    page text NOT NULL,
    PRIMARY KEY (form, page)
);
CREATE INDEX blob_page_named ON blob_page (page);
