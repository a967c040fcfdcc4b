-- What people look at and work with: live pages, chat, accounts, the audit log.

-- +goose Up

-- What live pages have to draw again; kept for ten minutes. seq is
-- milliseconds << 20 | node << 12 | n, so it says when as well.
CREATE TABLE changes(
	seq BIGINT PRIMARY KEY,
	topic TEXT NOT NULL,
	ref TEXT NOT NULL
);

CREATE INDEX incidents_service ON incidents(service_id, triggered_at, id);

-- How the chat stands beside an incident: what was posted where.
CREATE TABLE chats(
	incident_id TEXT PRIMARY KEY,
	channel_id TEXT,
	state TEXT NOT NULL,
	claimed_by TEXT,
	claimed_until BIGINT,
	version BIGINT NOT NULL
);
CREATE INDEX chats_channel ON chats(channel_id);

-- Who may log in. The name is that of a user where there is one.
CREATE TABLE accounts(
	name TEXT PRIMARY KEY,
	password TEXT NOT NULL,
	role TEXT NOT NULL,
	language TEXT NOT NULL,
	theme TEXT NOT NULL,
	zone TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT
);
CREATE TABLE sessions(
	hash TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	address TEXT NOT NULL,
	agent TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions(account);

-- One-time links that make an account or set a new password.
CREATE TABLE invites(
	hash TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	role TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT
);

-- Tokens of the API, by their hash.
CREATE TABLE tokens(
	hash TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	account TEXT NOT NULL,
	role TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	used_at BIGINT,
	revoked_at BIGINT
);
CREATE INDEX tokens_account ON tokens(account);

-- Every change of what is not an incident: who, what, before, after. Incidents
-- have their timelines.
CREATE TABLE audit(
	id TEXT PRIMARY KEY,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	via TEXT NOT NULL,
	action TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	before TEXT,
	after TEXT
);

CREATE INDEX audit_kind ON audit(kind, id);
CREATE INDEX audit_actor ON audit(actor, id);

-- Browsers and telephones that take push messages.
CREATE TABLE subscriptions(
	id TEXT PRIMARY KEY,
	user_id TEXT NOT NULL,
	endpoint TEXT NOT NULL,
	p256dh TEXT NOT NULL,
	auth TEXT NOT NULL,
	agent TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT
);
CREATE INDEX subscriptions_user ON subscriptions(user_id);

-- Answers to requests with an idempotency key, kept for a day.
CREATE TABLE replies(
	key TEXT PRIMARY KEY,
	request TEXT NOT NULL,
	status BIGINT NOT NULL,
	body TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX replies_created ON replies(created_at);
