UPDATE account SET nickname = NULL WHERE nickname = 'user ' || id;
