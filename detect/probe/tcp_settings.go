package probe

import (
	"crypto/tls"
	"errors"
	"regexp"
)

// TCPSettings are the tcp part of a module, in blackbox-exporter's words, with
// StartTLS and SendBytes as ours. What is not set is as in DefaultTCP.
type TCPSettings struct {
	IPProtocol         string          `yaml:"preferred_ip_protocol"` // ip4 or ip6
	IPProtocolFallback bool            `yaml:"ip_protocol_fallback"`
	SourceIPAddress    string          `yaml:"source_ip_address"`
	QueryResponse      []QueryResponse `yaml:"query_response"`
	TLS                bool            `yaml:"tls"`        // from the first byte
	TLSConfig          *tls.Config     `yaml:"tls_config"` // ready for use; nil: the system's roots. Without ServerName it is the target's host
	// StartTLS is the protocol in which TLS is begun before the steps of
	// QueryResponse: smtp, imap, pop3, ftp or postgres; "" is none.
	StartTLS string `yaml:"starttls"`
}

// QueryResponse is one step of a conversation: what is waited for, then what is
// sent, then whether TLS begins.
type QueryResponse struct {
	Expect      *regexp.Regexp `yaml:"expect"`       // a line that matches is waited for; nil: none
	ExpectBytes string         `yaml:"expect_bytes"` // these very bytes come next; not together with Expect
	Labels      []Label        `yaml:"labels"`       // of probe_expect_info; ${1} in a value is the first group of Expect
	Send        string         `yaml:"send"`         // a line, without its end; ${1} is the first group of Expect
	SendBytes   string         `yaml:"send_bytes"`   // these very bytes, after Send
	StartTLS    bool           `yaml:"starttls"`

	refuse *regexp.Regexp // a line by which the target says no; nil: none is known
}

// DefaultTCP are the settings of a module that says nothing.
func DefaultTCP() TCPSettings { return TCPSettings{IPProtocolFallback: true} }

// Limits of a conversation.
const (
	maxSteps = 100
	maxBytes = 64 << 10 // of what a step sends, or expects as it is
	maxLine  = 64 << 10 // the longest line that is waited for, as in blackbox-exporter
	maxHeard = 1 << 20  // the most that is read in all
)

// Validate says what is wrong with the settings, nil if nothing is.
func (s TCPSettings) Validate() error {
	if err := validateAddress(s.IPProtocol, s.SourceIPAddress); err != nil {
		return err
	}
	if s.StartTLS != "" && s.TLS {
		return errors.New("starttls and tls exclude each other")
	}
	if s.StartTLS != "" && startTLS(s.StartTLS) == nil {
		return errors.New("starttls: smtp, imap, pop3, ftp or postgres")
	}
	if len(s.QueryResponse) > maxSteps {
		return errors.New("query_response: at most 100 steps")
	}
	for _, step := range s.QueryResponse {
		switch {
		case step.Expect != nil && step.ExpectBytes != "":
			return errors.New("query_response: expect and expect_bytes exclude each other")
		case len(step.ExpectBytes) > maxBytes || len(step.SendBytes) > maxBytes || len(step.Send) > maxBytes:
			return errors.New("query_response: expect_bytes, send and send_bytes have at most 64 KiB each")
		case len(step.Labels) > 0 && step.Expect == nil:
			return errors.New("query_response: labels need an expect whose groups they show")
		}
		for _, l := range step.Labels {
			if !labelName(l.Name) {
				return errors.New("query_response: " + safeText([]byte(l.Name), 100) + " can't be the name of a label")
			}
		}
	}
	return nil
}

// labelName reports whether a metric may have a label of that name.
func labelName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && !(len(name) > 1 && name[:2] == "__")
}
