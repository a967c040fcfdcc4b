-- Other senders' metrics: the last points of each, how monitors judge them, and
-- what is still to be passed on.

-- +goose Up

-- id is service/name.
CREATE TABLE service_metrics(
	id TEXT PRIMARY KEY,
	service TEXT NOT NULL,
	name TEXT NOT NULL,
	points TEXT NOT NULL,
	newest_at BIGINT NOT NULL
);
CREATE INDEX service_metrics_newest ON service_metrics(newest_at);

-- id is monitor/name. voice is what is still to be said of it to the alert
-- stage; speaker says it, until then.
CREATE TABLE metric_states(
	id TEXT PRIMARY KEY,
	monitor_id TEXT NOT NULL,
	name TEXT NOT NULL,
	level TEXT NOT NULL,
	state TEXT NOT NULL,
	next_at BIGINT,
	voice TEXT NOT NULL,
	speaker TEXT,
	speaks_until BIGINT,
	version BIGINT NOT NULL
);

-- One for each service of which points wait to be passed on: one node sends at a
-- time, until then. last is the number of what was put in last.
CREATE TABLE metric_lanes(
	service TEXT PRIMARY KEY,
	last BIGINT NOT NULL,
	waiting BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	sender TEXT,
	sends_until BIGINT
);

-- What was posted together.
CREATE TABLE metric_forwards(
	service TEXT NOT NULL,
	n BIGINT NOT NULL,
	points TEXT NOT NULL,
	taken_at BIGINT NOT NULL,
	PRIMARY KEY(service, n)
);
