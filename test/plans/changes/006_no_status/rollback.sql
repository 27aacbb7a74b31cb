DO $$ BEGIN
  IF to_regclass('account_status') IS NOT NULL THEN
    ALTER TABLE account ADD COLUMN IF NOT EXISTS status text;
    UPDATE account SET status = kept.status FROM account_status kept WHERE kept.id = account.id;
    DROP TABLE account_status;
  END IF;
END $$;
