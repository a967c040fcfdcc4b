package mackerel

import "context"

// Follow takes over the monitors of service metrics in the store's configuration,
// if that has changed. Run does so by itself; who has just changed something, and
// who is about to serve the Handler, asks for it at once. Of a monitor that can't
// be judged by the error says so, once.
func (m *Metrics) Follow(ctx context.Context) error { return m.follower.Follow(ctx) }
