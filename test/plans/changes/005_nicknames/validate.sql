-- sluice: check "there are accounts"
SELECT to_regclass('account') IS NOT NULL OR to_regclass('member') IS NOT NULL AS passed, 'yes' AS expected, 'no' AS seen;
