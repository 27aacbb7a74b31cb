CREATE ROLE notes_app NOLOGIN;
CREATE TABLE versions (version int PRIMARY KEY, name text NOT NULL);
INSERT INTO versions VALUES (1, 'first');
CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
INSERT INTO note (body) SELECT CASE n WHEN 1 THEN 'first' ELSE 'note ' || n END FROM generate_series(1, 1000) AS n;
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO notes_app;
