-- sluice: check "A role for auditors"
SELECT count(*) = 1 AS passed, '1' AS expected, count(*)::text AS seen FROM role_kind WHERE name = 'auditor';
