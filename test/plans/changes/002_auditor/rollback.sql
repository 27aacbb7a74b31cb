DELETE FROM role_kind WHERE id = 4;
