-- sluice: check "Accounts have no status"
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::text AS seen FROM pg_attribute WHERE attrelid IN (to_regclass('account'), to_regclass('member')) AND attname = 'status' AND NOT attisdropped;
