-- How monitors stood, finer than days: for the figure of the last 24 hours.

-- +goose Up

-- Hours since 1970-01-01T00:00Z, of monitors as a whole, kept for some days.
CREATE TABLE monitor_hours(
	monitor_id TEXT NOT NULL,
	hour BIGINT NOT NULL,
	up_ms BIGINT NOT NULL,
	down_ms BIGINT NOT NULL,
	unknown_ms BIGINT NOT NULL,
	PRIMARY KEY(monitor_id, hour)
);
CREATE INDEX monitor_hours_hour ON monitor_hours(hour);
