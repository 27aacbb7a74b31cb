DO $$ BEGIN
  IF to_regclass('visit_first') IS NOT NULL THEN
    IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'visit_first'::regclass) THEN
      ALTER TABLE visit DETACH PARTITION visit_first;
    END IF;
    DROP TABLE IF EXISTS visit;
    ALTER TABLE visit_first RENAME TO visit;
  END IF;
END $$;
