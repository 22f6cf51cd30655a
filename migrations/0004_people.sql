-- Whose questions are open: asked when Slack's directory says that somebody has left.
CREATE INDEX inquiry_person ON inquiry (person, id) WHERE state = 0;
