-- sluice: check "Visits of years ago go"
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::text AS seen FROM visit WHERE at < '2020-01-01';
