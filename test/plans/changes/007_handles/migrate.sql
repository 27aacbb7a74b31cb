ALTER TABLE account RENAME COLUMN nickname TO handle;
