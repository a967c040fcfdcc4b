package intake

import (
	"time"

	"toban/oncall"
)

// PostedAt reads what a Prometheus posts at a time.
func PostedAt(body []byte, now time.Time) ([]oncall.Signal, error) { return postedAt(body, now) }
