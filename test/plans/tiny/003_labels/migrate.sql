CREATE TABLE label (note_id int NOT NULL REFERENCES note (id), label text NOT NULL, PRIMARY KEY (note_id, label));
CREATE FUNCTION labels_of(wanted int) RETURNS SETOF text LANGUAGE sql STABLE
  AS 'SELECT label FROM label WHERE note_id = wanted';
GRANT SELECT, INSERT, DELETE ON label TO notes_app;
