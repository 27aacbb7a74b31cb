-- sluice: check "Visits in partitions"
SELECT count(*) = 2 AS passed, '2' AS expected, count(*)::text AS seen FROM pg_inherits WHERE inhparent = 'visit'::regclass;
