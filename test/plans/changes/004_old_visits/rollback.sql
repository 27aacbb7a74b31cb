DO $$ BEGIN
  IF to_regclass('old_visit') IS NOT NULL THEN
    INSERT INTO visit SELECT * FROM old_visit ON CONFLICT DO NOTHING;
    DROP TABLE old_visit;
  END IF;
END $$;
