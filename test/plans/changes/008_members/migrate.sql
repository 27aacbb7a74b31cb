ALTER TABLE account RENAME TO member;
