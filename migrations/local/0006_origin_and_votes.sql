-- Where a file comes from in people's words: an archive and the path in it, or the path in a folder that a browser
-- sent. Without it the source says it. Archives are rows of their own: they are unpacked in their turn.
ALTER TABLE import ADD COLUMN origin TEXT;
CREATE INDEX import_of_form ON import (sha256, seq);

-- What all rows of a form say together, as a hash: copies of a table with one value are the same, those with several are
-- looked at row by row.
ALTER TABLE form ADD COLUMN votes TEXT;
