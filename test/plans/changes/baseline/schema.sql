CREATE ROLE people_app NOLOGIN;
CREATE TABLE versions (version int PRIMARY KEY, name text NOT NULL);
INSERT INTO versions VALUES (1, 'first');
CREATE TABLE role_kind (id int PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO role_kind VALUES (1, 'reader'), (2, 'writer'), (3, 'owner');
CREATE TABLE account (id int PRIMARY KEY, email text NOT NULL, nickname text, status text);
INSERT INTO account
  SELECT n, 'Somebody.' || n || '@Example.org', CASE n % 3 WHEN 0 THEN 'nick ' || n END, CASE n % 2 WHEN 0 THEN 'on' ELSE 'off' END
  FROM generate_series(1, 3000) AS n;
CREATE TABLE visit (id int NOT NULL PRIMARY KEY, account int NOT NULL, at date NOT NULL);
INSERT INTO visit SELECT n, n % 3000 + 1, DATE '2019-01-01' + n FROM generate_series(1, 2000) AS n;
-- What nothing in this plan touches.
CREATE TABLE audit (id int PRIMARY KEY, what text NOT NULL);
INSERT INTO audit SELECT n, 'what ' || n FROM generate_series(1, 500) AS n;
GRANT SELECT, INSERT, UPDATE, DELETE ON role_kind, account, visit, audit TO people_app;
