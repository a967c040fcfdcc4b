package testserver

import (
	"crypto/tls"
	"io"
	"net/http"
	"testing"
)

func TestNginxAnswersByHTTPAndHTTPS(t *testing.T) {
	t.Parallel()
	const inside = `location / { return 200 "here\n"; }`
	secure, trusted := NginxTLS(t, inside)
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}
	client := &http.Client{Transport: transport}
	for _, base := range []string{Nginx(t, inside), secure} {
		res, err := client.Get(base + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if got, want := string(body), "here\n"; err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", base, got, err, want)
		}
	}
}
