package remotewrite

import "context"

// SendOne sends one batch.
func SendOne(ctx context.Context, s *Sender) { s.send(ctx) }
