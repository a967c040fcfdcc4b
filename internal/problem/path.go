package problem

import "context"

type pathKey struct{}

// WithPath says below which path a request has reached toban: "/toban", or "" at
// the root. The addresses in documents begin with it.
func WithPath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, pathKey{}, path)
}

// Path is what WithPath has said.
func Path(ctx context.Context) string {
	path, _ := ctx.Value(pathKey{}).(string)
	return path
}
