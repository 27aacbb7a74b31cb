-- sluice: check "labels can be read back" as notes_app
INSERT INTO label VALUES (1, 'old'), (1, 'short');
SELECT count(*) = 2 AS passed, '2' AS expected, count(*)::text AS seen FROM labels_of(1);
