package testserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Nginx starts an nginx with one server, of which inside is the text between its
// braces without `listen`, and returns its base URL.
func Nginx(t T, inside string) string {
	t.Helper()
	return nginx(t, "http", folder(t), inside, http.DefaultTransport.(*http.Transport).Clone())
}

// NginxTLS is Nginx by https, with a certificate that the pool trusts and nobody
// else.
func NginxTLS(t T, inside string) (base string, trusted *x509.CertPool) {
	t.Helper()
	dir := folder(t)
	certificate, key, err := ownCertificate()
	if err != nil {
		t.Fatalf("nginx: %v", err)
	}
	write(t, filepath.Join(dir, "certificate.pem"), string(certificate))
	write(t, filepath.Join(dir, "key.pem"), string(key))
	trusted = x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificate)
	inside = "ssl_certificate certificate.pem;\nssl_certificate_key key.pem;\n" + inside
	return nginx(t, "https", dir, inside, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}), trusted
}

// aloneNginx is nginx as a single process that writes into its own folder and
// nowhere else.
const aloneNginx = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen %s;
    location = /-/ready { return 200 "ready\n"; }
%s
  }
}
`

func nginx(t T, scheme, dir, inside string, transport *http.Transport) string {
	t.Helper()
	path, err := find("nginx")
	if err != nil {
		t.Fatalf("%v", err)
	}
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport, Timeout: 2 * time.Second}
	configFile := filepath.Join(dir, "nginx.conf")
	p := program{
		path: path, dir: dir, logFile: filepath.Join(dir, "server.log"), farewell: syscall.SIGKILL,
		args: []string{"-p", dir, "-c", configFile, "-e", "stderr"},
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for range 3 {
		port, err := freePort()
		if err != nil {
			t.Fatalf("nginx: %v", err)
		}
		listen := fmt.Sprintf("127.0.0.1:%d", port)
		base := scheme + "://" + listen
		if scheme == "https" {
			listen += " ssl"
		}
		write(t, configFile, fmt.Sprintf(aloneNginx, listen, inside))
		run, err := p.start()
		if err != nil {
			t.Fatalf("nginx: %v", err)
		}
		err = run.wait(ctx, func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/-/ready", http.NoBody)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		})
		if err == nil {
			t.Cleanup(func() { finish(t, "nginx", run, p.logFile) })
			return base
		}
		said := tail(p.logFile, 0)
		_ = run.end(syscall.SIGKILL, time.Second) // what it said is the failure to tell
		if !strings.Contains(said, "Address already in use") {
			t.Fatalf("nginx: %v\n%s", err, said)
		}
	}
	t.Fatalf("nginx: found no port that stayed free")
	return ""
}

// ownCertificate makes a certificate of 127.0.0.1 that signs itself, and its
// key, both as PEM.
func ownCertificate() (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}
