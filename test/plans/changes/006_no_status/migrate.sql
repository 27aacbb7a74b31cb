CREATE TABLE account_status AS SELECT id, status FROM account;
ALTER TABLE account DROP COLUMN status;
