-- sluice: check "addresses are as they were typed, in lower case"
SELECT count(*) = 3000 AS passed, '3000' AS expected, count(*)::text AS seen FROM account_as_typed WHERE email <> lower(email);
