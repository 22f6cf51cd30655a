-- Drills (a question to oneself, by /securitybot test): labelled everywhere, counted nowhere. And what the commands list.
ALTER TABLE casefile ADD COLUMN drill SMALLINT NOT NULL DEFAULT 0 CHECK (drill IN (0, 1));
CREATE INDEX casefile_drills ON casefile (subject, id) WHERE drill = 1;
CREATE INDEX casefile_open ON casefile (opened_ms, id) WHERE state = 0 AND drill = 0;
CREATE INDEX inquiry_newest ON inquiry (person, id) WHERE person <> '';
CREATE INDEX audit_object ON audit (object, seq);
