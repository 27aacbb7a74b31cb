DO $$ BEGIN
  IF to_regclass('account_as_typed') IS NOT NULL THEN
    UPDATE account SET email = kept.email FROM account_as_typed kept WHERE kept.id = account.id;
    DROP TABLE account_as_typed;
  END IF;
END $$;
