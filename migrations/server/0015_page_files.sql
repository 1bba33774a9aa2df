-- Files of forms that can be read here: whole, and where a form's pages are files of their own, each of them too.
CREATE VIEW readable AS
SELECT b.sha256, b.account, b.touched_at, CASE WHEN b.kind = 'file' THEN b.total ELSE p.bytes END AS bytes
FROM blob b
    LEFT JOIN LATERAL (
        SELECT sum(f.total)::bigint AS bytes, coalesce(bool_and(coalesce(f.whole, false)), false) AS whole
        FROM blob_page n LEFT JOIN blob f ON f.sha256 = n.page
        WHERE n.form = b.sha256
    ) p ON b.kind = 'pages'
WHERE b.whole AND (b.kind = 'file' OR p.whole);

-- Forms whose page files are all here.
INSERT INTO stored_file (sha256, bytes, name, source, account)
SELECT b.sha256, b.bytes, o.name, 'MANUAL_ENTRY', b.account FROM readable b JOIN form o ON o.id = b.sha256
ON CONFLICT DO NOTHING;
