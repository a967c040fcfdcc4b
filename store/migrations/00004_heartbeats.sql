-- Jobs that report by themselves: how each stands, and its last pings.

-- +goose Up

-- voice is what is still to be said of it to the alert stage; speaker says it,
-- until then.
CREATE TABLE heartbeats(
	monitor_id TEXT PRIMARY KEY,
	state TEXT NOT NULL,
	status TEXT NOT NULL,
	next_at BIGINT,
	voice TEXT NOT NULL,
	speaker TEXT,
	speaks_until BIGINT,
	version BIGINT NOT NULL
);

-- A ring for each: the n-th ping takes the place of the one a hundred before.
CREATE TABLE pings(
	monitor_id TEXT NOT NULL,
	slot BIGINT NOT NULL,
	n BIGINT NOT NULL,
	at BIGINT NOT NULL,
	kind TEXT NOT NULL,
	run TEXT,
	exit_status BIGINT,
	duration_ms BIGINT,
	method TEXT NOT NULL,
	address TEXT NOT NULL,
	agent TEXT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY(monitor_id, slot)
);
