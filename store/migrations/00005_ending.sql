-- Alerts that their senders have to say again: until when they hold. Few rows
-- have such a time, and those of others cost nothing here.

-- +goose Up

CREATE INDEX alerts_ending ON alerts(ends_at) WHERE state = 'firing' AND ends_at IS NOT NULL;
