DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'account'::regclass AND attname = 'handle') THEN
    ALTER TABLE account RENAME COLUMN handle TO nickname;
  END IF;
END $$;
