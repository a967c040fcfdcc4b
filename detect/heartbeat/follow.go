package heartbeat

import "context"

// Follow takes over the heartbeats of the configuration in the store, if that has
// changed. Run does so by itself; who has just changed something, and who is
// about to serve the Handler, asks for it at once. Of a heartbeat whose calendar
// can't be read the error says so, once.
func (l *Listener) Follow(ctx context.Context) error { return l.follower.Follow(ctx) }
