// Package probe asks one target once and says what came back: HTTP, ICMP, TCP,
// DNS, TLS certificates and gRPC health, one checker a file. It knows nothing of
// monitors, alerts or time tables. Modules are those of blackbox-exporter's file,
// and so are the names of the metrics.
package probe

import (
	"context"
	"time"
)

// Checker asks a target once.
type Checker interface {
	// Check returns what it found before ctx's deadline, which has to be set.
	// Whatever goes wrong is in the Result; it never panics and never returns nil.
	Check(ctx context.Context, target string) *Result
}

// Result is what one probe found.
type Result struct {
	Up       bool
	Reason   Reason // "" when Up
	Message  string // what came back and what was wanted, in a sentence; "" when Up
	Start    time.Time
	Duration time.Duration
	Phases   []Phase  // in the order in which they happened
	Samples  []Sample // what the kind measures besides success and duration
	// Certificate is that of the target, nil without TLS.
	Certificate *Certificate
	// Evidence is what was tried and what came back; nil when Up, unless the
	// context asks for it (WithEvidence).
	Evidence *Evidence
}

// Reason is why a target is not up, as a word that does not change.
type Reason string

// The reasons. A page and an alert say them in the reader's language.
const (
	ReasonTarget     Reason = "target"     // it can't be understood
	ReasonForbidden  Reason = "forbidden"  // an address that may not be probed
	ReasonResolve    Reason = "resolve"    // its name has no address
	ReasonRefused    Reason = "refused"    // nobody listens
	ReasonUnreached  Reason = "unreached"  // no way to the host
	ReasonReset      Reason = "reset"      // the connection was cut
	ReasonTimeout    Reason = "timeout"    // nothing came in time
	ReasonTLS        Reason = "tls"        // no agreement on TLS
	ReasonExpired    Reason = "expired"    // the certificate's time is over, or has not come
	ReasonName       Reason = "name"       // the certificate is another's
	ReasonChain      Reason = "chain"      // nobody known vouches for the certificate
	ReasonStatus     Reason = "status"     // the status is not one of those wanted
	ReasonProtocol   Reason = "protocol"   // what came is not the protocol, or not the version wanted
	ReasonBody       Reason = "body"       // the body is not as wanted
	ReasonHeader     Reason = "header"     // a header is not as wanted
	ReasonAnswer     Reason = "answer"     // DNS: RCODE or answers; TCP: what was expected did not come; gRPC: not serving
	ReasonRedirect   Reason = "redirect"   // too many, or to a place that is not allowed
	ReasonPermission Reason = "permission" // the system does not let toban ask this way, or gives it no socket
	ReasonInternal   Reason = "internal"   // the check failed in itself: a fault of toban's
)

// OwnTrouble reports whether a reason says nothing of the target: it was not
// asked, because toban could not, or may not. Such a target is not known.
func (r Reason) OwnTrouble() bool {
	switch r {
	case ReasonPermission, ReasonForbidden, ReasonInternal:
		return true
	}
	return false
}

// Phase is a part of a probe, in blackbox-exporter's word: resolve, connect,
// tls, processing (until the first byte), transfer; ICMP: resolve, setup, rtt;
// DNS: resolve, connect, request; gRPC: resolve, connect, tls, check.
type Phase struct {
	Name     string
	Duration time.Duration
}

// Sample is one further metric, under blackbox-exporter's name.
type Sample struct {
	Name   string
	Help   string
	Labels []Label // sorted by name
	Value  float64
}

// Label is a pair of a sample.
type Label struct{ Name, Value string }

// Certificate is what a TLS target showed.
type Certificate struct {
	Names     []string // of the leaf
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time // of the leaf
	Earliest  time.Time // the first end among what the target sent
	ChainEnds time.Time // the last moment at which a verified chain holds; zero when none was verified
	SHA256    string    // of the leaf, hex
	Version   string    // TLS 1.3
	Cipher    string
}

// Limits of the evidence that is kept, in bytes and lines.
const (
	MaxBodySample = 2 << 10
	MaxHeaders    = 40
	MaxValue      = 512 // of a header or a line
)

// Evidence is what was tried and what came back, for people. Secrets of the
// request (credentials, cookies, what a module marks as such) are not in it.
type Evidence struct {
	Tried    []string `json:"tried"`              // each address, redirect and query in turn, with what became of it
	Status   string   `json:"status,omitempty"`   // HTTP/1.1 503 Service Unavailable; RCODE; gRPC status
	Headers  []string `json:"headers,omitempty"`  // Name: value
	Body     string   `json:"body,omitempty"`     // its beginning, made safe to show
	BodySize int64    `json:"bodySize,omitempty"` // as far as it was read
	Chain    []string `json:"chain,omitempty"`    // subject, issuer and end of each certificate
}
