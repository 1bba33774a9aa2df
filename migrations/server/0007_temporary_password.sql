-- A password that an administrator gave. Until this time it opens nothing but its own change; afterwards nothing at all.
ALTER TABLE users ADD COLUMN password_until timestamptz;

-- Sessions of everybody, the newest first.
CREATE INDEX session_standing ON session (id) WHERE revoked_at IS NULL;

-- What the console filters the log by.
CREATE INDEX audit_of_action ON audit (action, id);
CREATE INDEX audit_of_subject ON audit (subject, id);

-- Texts as people search them: small letters without accents, whatever the database's locale knows of letters.
CREATE FUNCTION plain_text(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(lower(said),
        'áàäâéèëêíìïîóòöôúùüûñçÁÀÄÂÉÈËÊÍÌÏÎÓÒÖÔÚÙÜÛÑÇ',
        'aaaaeeeeiiiioooouuuuncaaaaeeeeiiiioooouuuunc')
$$;
