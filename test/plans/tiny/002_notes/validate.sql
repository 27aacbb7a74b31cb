-- sluice: check "every note has an author"
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::text AS seen FROM note WHERE author IS NULL;

-- sluice: check "the application writes notes" as each application role
INSERT INTO note (body) VALUES ('probe');
SELECT count(*) = 1 AS passed, '1' AS expected, count(*)::text AS seen FROM note WHERE body = 'probe';
