-- sluice: step "give notes an author"
ALTER TABLE note ADD COLUMN author text NOT NULL DEFAULT 'unknown';

-- sluice: step "index authors" outside transaction
CREATE INDEX CONCURRENTLY note_author_idx ON note (author);
