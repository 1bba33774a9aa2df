-- What a person wrote beside an event that came without a laptop, written together with it. Laptops do not get it.
CREATE TABLE event_note (
    event uuid PRIMARY KEY,
    note text NOT NULL
);
CREATE TRIGGER event_note_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event_note
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_only_added_to();
