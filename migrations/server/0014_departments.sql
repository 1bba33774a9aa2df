-- What is asked of a whole department stands beside each file and each job: thousands of them are looked at for one answer.
ALTER TABLE stored_file ADD COLUMN model text;
COMMENT ON COLUMN stored_file.model IS 'The model that a job was queued for last.';
ALTER TABLE job ADD COLUMN departamento text;
COMMENT ON COLUMN job.departamento IS 'That of the file, once it is known.';

-- Files that laptops sent whole are noted as they arrive: these came before.
INSERT INTO stored_file (sha256, bytes, name, source, account)
SELECT b.sha256, b.total, o.name, 'MANUAL_ENTRY', b.account FROM blob b JOIN form o ON o.id = b.sha256
WHERE b.whole AND b.kind = 'file' ON CONFLICT DO NOTHING;

UPDATE stored_file f SET departamento = o.departamento, municipio = o.municipio, zona = o.zona, puesto = o.puesto, mesa = o.mesa
FROM form o WHERE o.id = f.sha256 AND f.departamento IS NULL AND o.departamento IS NOT NULL AND o.municipio IS NOT NULL
    AND o.zona IS NOT NULL AND o.puesto IS NOT NULL AND o.mesa IS NOT NULL;
UPDATE job j SET departamento = f.departamento FROM stored_file f WHERE f.sha256 = j.sha256 AND f.departamento IS NOT NULL;
UPDATE stored_file f SET model = j.model
FROM (SELECT DISTINCT ON (sha256) sha256, model FROM job ORDER BY sha256, id DESC) j WHERE j.sha256 = f.sha256;

CREATE INDEX job_of_department ON job (departamento, id);
