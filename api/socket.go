package api

import (
	"context"
	"net"
	"net/http"
	"os/user"

	"toban/access"
	"toban/oncall"
)

// Over carries requests to the API at a socket, whatever host they name.
func Over(socket string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
}

// operator is who asks at the socket: only who this process runs as may open it.
func (a *API) operator(r *http.Request) (access.Principal, error) {
	p := access.Principal{Account: a.o.Account, Role: access.Admin, Via: access.ViaCLI}
	if p.Account == "" {
		p.Account = "local"
		if me, err := user.Current(); err == nil && me.Username != "" {
			p.Account = me.Username
		}
	}
	dir, err := a.directory(r.Context())
	if err != nil {
		return p, err
	}
	if dir.Users[oncall.UserID(p.Account)] != nil {
		p.User = oncall.UserID(p.Account)
	}
	return p, nil
}
