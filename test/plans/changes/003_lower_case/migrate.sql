CREATE TABLE account_as_typed AS SELECT id, email FROM account;
UPDATE account SET email = lower(email);
