INSERT INTO role_kind VALUES (4, 'auditor');
