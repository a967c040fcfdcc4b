-- Valid on SQLite and PostgreSQL. Times are Unix milliseconds computed by the
-- program; documents are JSON that no statement looks into. The hot tables have
-- no foreign keys: every row is written in the transaction that needs it.

-- +goose Up

CREATE TABLE signals(
	id TEXT PRIMARY KEY,
	integration_id TEXT NOT NULL,
	sender_key TEXT,
	service_id TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	action TEXT NOT NULL,
	severity TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	incident_id TEXT,
	body TEXT NOT NULL
);
CREATE UNIQUE INDEX signals_once ON signals(integration_id, sender_key) WHERE sender_key IS NOT NULL;
CREATE INDEX signals_incident ON signals(incident_id);

-- edge is the signal that changed the state last, logged the one that was
-- written down last: an upsert that returns the signal it proposed has made the
-- change.
CREATE TABLE alerts(
	service_id TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	id TEXT NOT NULL,
	state TEXT NOT NULL,
	severity TEXT NOT NULL,
	group_key TEXT NOT NULL,
	incident_id TEXT,
	starts_at BIGINT NOT NULL,
	ends_at BIGINT,
	last_at BIGINT NOT NULL,
	count BIGINT NOT NULL,
	labels TEXT NOT NULL,
	annotations TEXT NOT NULL,
	edge TEXT NOT NULL,
	logged TEXT NOT NULL,
	logged_at BIGINT NOT NULL,
	PRIMARY KEY(service_id, fingerprint)
);
CREATE INDEX alerts_incident ON alerts(incident_id);

-- repeated is, in the same way, the proposal that wrote the last 'repeated' line.
CREATE TABLE incidents(
	id TEXT PRIMARY KEY,
	number BIGINT NOT NULL UNIQUE,
	service_id TEXT NOT NULL,
	group_key TEXT NOT NULL,
	state TEXT NOT NULL,
	severity TEXT NOT NULL,
	urgency TEXT NOT NULL,
	title TEXT NOT NULL,
	stage TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	count BIGINT NOT NULL,
	triggered_at BIGINT NOT NULL,
	acknowledged_at BIGINT,
	acknowledged_by TEXT,
	resolved_at BIGINT,
	merged_into TEXT,
	entries BIGINT NOT NULL,
	version BIGINT NOT NULL,
	repeated TEXT NOT NULL,
	repeated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX incidents_open ON incidents(service_id, group_key) WHERE resolved_at IS NULL;
CREATE INDEX incidents_list ON incidents(triggered_at, id);
CREATE INDEX incidents_live ON incidents(triggered_at, id) WHERE resolved_at IS NULL;

-- Resolved less than 15 minutes ago: reopened, not opened.
CREATE TABLE recent(
	service_id TEXT NOT NULL,
	group_key TEXT NOT NULL,
	incident_id TEXT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY(service_id, group_key)
);
CREATE INDEX recent_until ON recent(until);

CREATE TABLE timeline(
	incident_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	kind TEXT NOT NULL,
	actor TEXT,
	data TEXT NOT NULL,
	PRIMARY KEY(incident_id, seq)
);

CREATE TABLE responses(
	incident_id TEXT PRIMARY KEY,
	epoch BIGINT NOT NULL,
	policy_hash TEXT NOT NULL,
	phase TEXT NOT NULL,
	state TEXT NOT NULL,
	next_at BIGINT,
	next_why TEXT,
	version BIGINT NOT NULL
);

-- Everything that waits. The key begins with the ref: there are few kinds, and an
-- engine without statistics takes any equality for selective.
CREATE TABLE timers(
	kind TEXT NOT NULL,
	ref TEXT NOT NULL,
	due_at BIGINT NOT NULL,
	owner TEXT NOT NULL,
	PRIMARY KEY(ref, kind)
);
CREATE INDEX timers_due ON timers(owner, due_at);

-- Whatever leaves the process.
CREATE TABLE outbox(
	id TEXT PRIMARY KEY,
	incident_id TEXT,
	epoch BIGINT NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL,
	owner TEXT NOT NULL,
	due_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	claimed_at BIGINT,
	address_hash TEXT,
	payload TEXT NOT NULL,
	last_error TEXT
);
CREATE INDEX outbox_due ON outbox(owner, due_at) WHERE state = 'due';
CREATE INDEX outbox_claimed ON outbox(owner) WHERE state = 'claimed';
CREATE INDEX outbox_incident ON outbox(incident_id);
CREATE INDEX outbox_address ON outbox(address_hash) WHERE state = 'due';

CREATE TABLE deliveries(
	id TEXT PRIMARY KEY,
	outbox_id TEXT NOT NULL,
	attempt BIGINT NOT NULL,
	user_id TEXT,
	channel TEXT NOT NULL,
	address_hash TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_id TEXT,
	state TEXT NOT NULL,
	claimed_at BIGINT NOT NULL,
	sent_at BIGINT,
	give_up_at BIGINT,
	ended_at BIGINT,
	outcome TEXT,
	cancel_at BIGINT,
	cost_micros BIGINT NOT NULL,
	UNIQUE(outbox_id, attempt)
);
CREATE UNIQUE INDEX deliveries_one_call ON deliveries(address_hash) WHERE channel = 'call' AND ended_at IS NULL;
CREATE UNIQUE INDEX deliveries_provider ON deliveries(provider, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX deliveries_spent ON deliveries(claimed_at, cost_micros);

-- One call may tell of several incidents.
CREATE TABLE delivery_incidents(
	delivery_id TEXT NOT NULL,
	incident_id TEXT NOT NULL,
	attempt_id TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	PRIMARY KEY(incident_id, delivery_id)
);
CREATE INDEX delivery_incidents_delivery ON delivery_incidents(delivery_id);

CREATE TABLE keys(
	hash TEXT PRIMARY KEY,
	integration_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	revoked_at BIGINT
);

-- Configuration. source is 'file' or 'data': what a file says is not changed at
-- run time.
CREATE TABLE objects(
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	ord BIGINT NOT NULL,
	hash TEXT NOT NULL,
	body TEXT NOT NULL,
	source TEXT NOT NULL,
	file TEXT,
	line BIGINT,
	version BIGINT NOT NULL,
	PRIMARY KEY(kind, name)
);
CREATE TABLE directory(id BIGINT PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO directory(id, version) VALUES (1, 0);

-- Policies and other snapshots, stored once by content.
CREATE TABLE revisions(
	hash TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE counters(name TEXT PRIMARY KEY, next BIGINT NOT NULL);
CREATE TABLE nodes(
	id TEXT PRIMARY KEY,
	lease_until BIGINT NOT NULL,
	started_at BIGINT NOT NULL,
	address TEXT NOT NULL,
	binary_version TEXT NOT NULL
);
