-- Deliveries whose sender signs an id of its own: the same id with another body is refused. Kept longer than a
-- signature is believed, forgotten with the facts.
CREATE TABLE delivery (
	delivery_key TEXT NOT NULL PRIMARY KEY CHECK (length(delivery_key) BETWEEN 3 AND 300),
	digest       TEXT NOT NULL CHECK (length(digest) BETWEEN 1 AND 64),
	at_ms        BIGINT NOT NULL
);
CREATE INDEX delivery_age ON delivery (at_ms);

-- Pages that no vendor has confirmed, the oldest first: /readyz asks.
CREATE INDEX outgoing_page ON outgoing (created_ms, id) WHERE kind = 4 AND state = 0 AND shown < wanted;
