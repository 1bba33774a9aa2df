-- Readings are long texts that every laptop fetches: LZ4 takes them apart in a fraction of the time, where PostgreSQL was built
-- with it. What is there already stays as it was written.
DO $$
BEGIN
    ALTER TABLE event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN NULL;
END
$$;
