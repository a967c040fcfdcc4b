package remotewrite

import "context"

// Encode is what a request has for a sample.
func Encode(b []byte, s Sample) []byte { return appendSample(b, s) }

// SendOne sends one batch.
func SendOne(ctx context.Context, s *Sender) { s.send(ctx) }
