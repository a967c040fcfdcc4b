package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxNames is how many names of a certificate are kept.
const maxNames = 100

// certificateOf is what a target showed in a handshake that went well, and the
// samples that blackbox-exporter makes of it; nil when it showed no certificate.
func certificateOf(state tls.ConnectionState) (*Certificate, []Sample) {
	if len(state.PeerCertificates) == 0 {
		return nil, nil
	}
	c := certificateFrom(state.PeerCertificates)
	c.ChainEnds = chainEnds(state.VerifiedChains)
	c.Version, c.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	leaf := state.PeerCertificates[0]
	return c, []Sample{
		{Name: "probe_ssl_earliest_cert_expiry", Help: "Returns last SSL chain expiry in unixtime", Value: float64(c.Earliest.Unix())},
		{Name: "probe_ssl_last_chain_expiry_timestamp_seconds", Help: "Returns last SSL chain expiry in timestamp", Value: float64(c.ChainEnds.Unix())},
		{
			Name: "probe_ssl_last_chain_info", Help: "Contains SSL leaf certificate information", Value: 1,
			Labels: []Label{
				{"fingerprint_sha256", c.SHA256},
				{"issuer", labelValue(leaf.Issuer.String())},
				{"serialnumber", hex.EncodeToString(leaf.SerialNumber.Bytes())},
				{"subject", labelValue(leaf.Subject.String())},
				{"subjectalternative", labelValue(strings.Join(leaf.DNSNames, ","))},
			},
		},
		{Name: "probe_tls_cipher_info", Help: "Returns the TLS cipher negotiated during handshake", Value: 1, Labels: []Label{{"cipher", c.Cipher}}},
		{Name: "probe_tls_version_info", Help: "Returns the TLS version used or NaN when unknown", Value: 1, Labels: []Label{{"version", c.Version}}},
	}
}

// labelValue makes a text of a certificate fit for a label.
func labelValue(text string) string {
	const most = 8 << 10
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

// certificateFrom is what the certificates that a target sent say, its own
// first.
func certificateFrom(sent []*x509.Certificate) *Certificate {
	leaf := sent[0]
	sum := sha256.Sum256(leaf.Raw)
	c := &Certificate{
		Issuer:    safeText([]byte(leaf.Issuer.String()), MaxValue),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Earliest: earliest(sent),
		SHA256: hex.EncodeToString(sum[:]),
	}
	for _, name := range leaf.DNSNames {
		c.Names = append(c.Names, safeText([]byte(name), 255))
	}
	for _, ip := range leaf.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	if len(c.Names) == 0 && leaf.Subject.CommonName != "" {
		c.Names = []string{safeText([]byte(leaf.Subject.CommonName), 255)}
	}
	c.Names = c.Names[:min(len(c.Names), maxNames)]
	return c
}

func earliest(certificates []*x509.Certificate) (first time.Time) {
	for _, c := range certificates {
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// chainEnds is the end of the chain that holds longest.
func chainEnds(chains [][]*x509.Certificate) (last time.Time) {
	for _, chain := range chains {
		if end := earliest(chain); end.After(last) {
			last = end
		}
	}
	return last
}

// unverified are the certificates behind an error of a handshake that failed
// because of them.
func unverified(err error) []*x509.Certificate {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e.UnverifiedCertificates
	}
	return nil
}

// chainFault says what is missing where nobody known vouches for the
// certificates that a target sent; "" when it is not that.
func chainFault(err error, sent []*x509.Certificate) string {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown || len(sent) == 0 {
		return ""
	}
	leaf, top := sent[0], sent[0]
	for again := 0; again < min(len(sent), maxChain); again++ { // they may come in any order
		for _, next := range sent {
			if next != top && string(next.RawSubject) == string(top.RawIssuer) {
				top = next
				break
			}
		}
	}
	count := "1 certificate"
	if len(sent) > 1 {
		count = fmt.Sprintf("%d certificates", len(sent))
	}
	issuer := safeText([]byte(top.Issuer.String()), 200)
	switch {
	case string(leaf.RawSubject) == string(leaf.RawIssuer):
		return "the certificate is signed by itself and is not among those that are trusted"
	case string(top.RawSubject) == string(top.RawIssuer):
		return "the chain ends at " + issuer + ", which is not among those that are trusted"
	}
	return "the chain is not complete: the target sent " + count + ", and that of " + issuer + ", which issued the last of them, is neither among them nor trusted"
}
