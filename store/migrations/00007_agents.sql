-- Agents ask from elsewhere. With several nodes one of them hears an agent and
-- another one may watch the monitor.

-- +goose Up

-- What agents said, on its way to the node that watches; it takes and deletes it
-- within a quarter of a second. body is a list of results.
CREATE TABLE agent_results(
	id TEXT PRIMARY KEY,
	node TEXT NOT NULL,
	location TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX agent_results_node ON agent_results(node, id);

-- Which agents were there, when each asked for its list last, and what it can't
-- ask.
CREATE TABLE agents(
	location TEXT NOT NULL,
	id TEXT NOT NULL,
	version TEXT NOT NULL,
	polled_at BIGINT NOT NULL,
	problems TEXT NOT NULL,
	PRIMARY KEY(location, id)
);
