-- sluice: check "Accounts are members"
SELECT to_regclass('member') IS NOT NULL AS passed, 'member' AS expected, to_regclass('member')::text AS seen;
