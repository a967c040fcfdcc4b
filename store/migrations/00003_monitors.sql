-- What toban sees by itself: how monitors stand, how they stood, and why they failed.

-- +goose Up

-- One row for each location that a monitor is asked from, and one with the
-- location '' for the monitor as a whole. version lets only one node write.
CREATE TABLE monitor_states(
	monitor_id TEXT NOT NULL,
	location TEXT NOT NULL,
	status TEXT NOT NULL,
	since BIGINT NOT NULL,
	state TEXT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY(monitor_id, location)
);

-- The last failures with what came back.
CREATE TABLE monitor_failures(
	monitor_id TEXT NOT NULL,
	id TEXT NOT NULL,
	location TEXT NOT NULL,
	at BIGINT NOT NULL,
	reason TEXT NOT NULL,
	message TEXT NOT NULL,
	evidence TEXT NOT NULL,
	PRIMARY KEY(monitor_id, id)
);

-- Days since 1970-01-01, of the installation's calendar. What of a day is in none
-- of the three was not watched.
CREATE TABLE monitor_days(
	monitor_id TEXT NOT NULL,
	day BIGINT NOT NULL,
	location TEXT NOT NULL,
	up_ms BIGINT NOT NULL,
	down_ms BIGINT NOT NULL,
	unknown_ms BIGINT NOT NULL,
	checks BIGINT NOT NULL,
	failures BIGINT NOT NULL,
	PRIMARY KEY(monitor_id, day, location)
);
CREATE INDEX monitor_days_day ON monitor_days(day);
