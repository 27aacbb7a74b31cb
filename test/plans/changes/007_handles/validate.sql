-- sluice: check "Nicknames are handles"
SELECT count(*) = 1 AS passed, '1' AS expected, count(*)::text AS seen FROM pg_attribute WHERE attrelid IN (to_regclass('account'), to_regclass('member')) AND attname = 'handle';
