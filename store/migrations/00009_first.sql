-- Since when a monitor is watched: nothing that comes later moves it.

-- +goose Up

-- The first moment of the day at which it was watched; 0 = not known.
ALTER TABLE monitor_days ADD COLUMN first_at BIGINT NOT NULL DEFAULT 0;
