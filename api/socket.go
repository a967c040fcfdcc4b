package api

import (
	"context"
	"net"
	"net/http"
)

// Over carries requests to the API at a socket, whatever host they name.
func Over(socket string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
}
